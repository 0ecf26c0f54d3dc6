"""One key reads what takes the most memory, from a server of 20,000 items."""

import itertools
import re
import time
from pathlib import Path

import httpx
from serving import saved, served


def run(folder: Path, seconds: float) -> None:
    """Print the memory of the server's process at the start, each half minute and at the most."""
    bundle = saved(folder, n_users=5_000, n_items=20_000, n_ratings=200_000)
    with (
        served(bundle) as (url, key, process),
        httpx.Client(base_url=url, headers=key, timeout=60) as client,
    ):
        client.get("/v1/map", params={"most": 20_000})
        most = first = memory(process)
        print(f"memory at the start: {first:.0f} MB", flush=True)
        begun, shown, asked = time.monotonic(), 0, 0
        for n in itertools.count():
            client.get("/v1/map", params={"most": 20_000 - n % 19_999})
            client.get("/v1/items", params={"page": n % 20 + 1, "size": 1_000})
            client.post("/v1/recommend", json={"user": 1, "n": 1_000, "min_ratings": n % 1_000})
            client.post("/v1/recommend", json={"user": 1, "among": [None] * 100_000})
            asked += 4
            most = max(most, memory(process))
            spent = time.monotonic() - begun
            if spent // 30 > shown:
                shown = spent // 30
                print(f"after {spent:.0f} s: {memory(process):.0f} MB", flush=True)
            if spent > seconds:
                break
        print(f"{asked} requests; memory at the most: {most:.0f} MB", flush=True)


def memory(process: int) -> float:
    """Return the resident memory of a process in MB."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024 / 1e6
