"""What `fuzz_sources.py` does to good files: a change takes a generator and bytes, gives bytes."""

import random
import struct

FIELDS = [
    "", " ", "nan", "inf", "-inf", "1e400", "9" * 40, "-1e38", "3.4e38", "1e-320", "0x10", "1_000",
    "5,0", "+5", "--5", "٣", "५", "NULL", "None", "true", "2024-02-30", "-1", "0", "00", "007",
    "9223372036854775808", "-9223372036854775809", "1e5", "\u202e5", "é", "a" * 5000, "'", '"',
    '""', "\\", "{}", "=1+1", "1.0000000000000001", "4.", ".5", "1e", "\x1b[2J", "\ufeff5",
]  # fmt: skip


def _line(rng: random.Random, text: bytes) -> tuple[list[bytes], int]:
    lines = text.split(b"\n")
    return lines, rng.randrange(max(1, len(lines) - 1))


def flip(rng, text):
    changed = bytearray(text)
    for _ in range(rng.choice((1, 1, 2, 5))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replace_bytes(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + rng.randbytes(rng.randint(1, 4)) + text[at + rng.randint(0, 4) :]


def truncate(rng, text):
    return text[: rng.randrange(len(text))]


def cut_out(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + text[at + rng.randint(1, 60) :]


def repeat(rng, text):
    at = rng.randrange(len(text))
    piece = text[at : at + rng.randint(1, 200)]
    return text[:at] + piece * rng.choice((2, 3, 50)) + text[at:]


def exchange(rng, text):
    a, b, c = sorted(rng.randrange(len(text)) for _ in range(3))
    return text[:a] + text[b:c] + text[a:b] + text[c:]


def zeros(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + bytes(rng.choice((1, 2, 4096))) + text[at:]


def field(rng, text):
    """Put something odd in the place of one field."""
    lines, at = _line(rng, text)
    mark = next((m for m in (b"::", b"\t", b";", b",") if m in lines[at]), b",")
    fields = lines[at].split(mark)
    fields[rng.randrange(len(fields))] = rng.choice(FIELDS).encode()
    lines[at] = mark.join(fields)
    return b"\n".join(lines)


def separator_of_a_line(rng, text):
    lines, at = _line(rng, text)
    mark = next((m for m in (b"::", b"\t", b";", b",") if m in lines[at]), b",")
    lines[at] = lines[at].replace(mark, rng.choice((b",", b";", b"\t", b"|", b" ", b"::", b"")))
    return b"\n".join(lines)


def header(rng, text):
    """Change the first line: lost, twice, renamed, in capitals."""
    first, _, rest = text.partition(b"\n")
    words = [b"", first + b"\n" + first, first.upper(), first + b",extra", b"a,b,c,d", b"#" + first]
    return rng.choice(words) + b"\n" + rest


def ends(rng, text):
    """Other ends of lines, a byte-order mark, UTF-16, blank lines: the same rows."""
    ways = [
        text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text, text[:-1], b"\n\n" + text,
        text + b"\n\n\n", text.decode().encode("utf-16"), text.replace(b"\n", b"\n\n"),
    ]  # fmt: skip
    return rng.choice(ways)


def several(rng, content, ways):
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if content:
            content = rng.choice(ways)(rng, content)
    return content


ANYWHERE = (flip, replace_bytes, truncate, cut_out, repeat, exchange, zeros)
IN_TEXT = (*ANYWHERE, field, field, separator_of_a_line, header)


def archive_field(rng, content):
    """Put an odd number in one field of a header of an archive."""
    marks = {b"PK\x03\x04": 30, b"PK\x01\x02": 46, b"PK\x05\x06": 22}
    mark = rng.choice(list(marks))
    changed = bytearray(content)
    at = content.index(mark) + 2 * rng.randrange(2, marks[mark] // 2)
    value = rng.choice((0, 1, 8, 99, 255, 0x800, 0x7FFF, 0xFFFF, rng.randrange(65536)))
    struct.pack_into("<H", changed, at, value)
    return bytes(changed)
