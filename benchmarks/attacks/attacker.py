"""One attack of a stranger, from another address of this machine, until it is stopped.

python benchmarks/attacks/attacker.py KIND PORT
"""

import asyncio
import contextlib
import sys

SOURCE = ("127.0.0.2", 0)
CONNECTIONS = 1_000  # as many as a worker has
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
KEYLESS = b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n"
WRONG = KEYLESS[:-2] + b"Authorization: Bearer 000000000000." + b"A" * 43 + b"\r\n\r\n"


async def silent(reader, writer):
    await reader.read()


async def unread_body(reader, writer):
    writer.write(LIVE + b"Content-Length: 1000\r\n\r\n")
    await reader.read(1_000)
    writer.write(b"x")
    await reader.read()


async def slow_headers(reader, writer):
    for letter in LIVE * 100:
        writer.write(bytes([letter]))
        await asyncio.sleep(1)


async def positions(reader, writer):
    await asked(reader, writer, LIVE + b"Penchant-Position: 999999999\r\n\r\n")


async def no_key(reader, writer):
    await asked(reader, writer, KEYLESS)


async def wrong_keys(reader, writer):
    await asked(reader, writer, WRONG)


async def pages_unread(reader, writer):
    writer.transport.pause_reading()
    while True:
        writer.write(b"GET /page/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10)
        await asyncio.sleep(1)


async def asked(reader, writer, request):
    while True:
        writer.write(request)
        if not await reader.read(65_536):
            return


KINDS = {
    "silent": (silent, CONNECTIONS),
    "unread_body": (unread_body, CONNECTIONS),
    "slow_headers": (slow_headers, CONNECTIONS),
    "pages_unread": (pages_unread, CONNECTIONS),
    "positions": (positions, 70),
    "no_key": (no_key, 1),
    "wrong_keys": (wrong_keys, 16),
}


async def again(attack, port):
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=SOURCE)
            with contextlib.suppress(OSError):
                await attack(reader, writer)
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def main():
    attack, connections = KINDS[sys.argv[1]]
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(again(attack, int(sys.argv[2])))


if __name__ == "__main__":
    asyncio.run(main())
