"""What strangers do to a server with a key, and what another client notices of it."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
from attacker import KINDS
from serving import saved, served

EVERY = 0.02  # seconds between two requests of the client


def run(folder: Path, seconds: float) -> None:
    """Print for each attack how long the client's answers took, and how many it was refused."""
    bundle = saved(folder)
    print("| attack | asked | refused | p50 ms | p99 ms | log kB/s |", flush=True)
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for kind in ("none", *KINDS):
        with served(bundle) as (url, key, _):
            before = bundle.with_name("log").stat().st_size
            took, refused = _beside(kind, url, key, seconds)
            log = (bundle.with_name("log").stat().st_size - before) / 1e3 / seconds
        p50, p99 = np.percentile(took, [50, 99]) * 1e3
        print(
            f"| {kind} | {len(took)} | {refused} | {p50:.1f} | {p99:.1f} | {log:.1f} |", flush=True
        )


def _beside(kind: str, url: str, key: dict[str, str], seconds: float) -> tuple[list[float], int]:
    port, took, refused = url.rpartition(":")[2], [], 0
    attacker = None
    with httpx.Client(base_url=url, headers=key, timeout=30) as client:
        client.post("/v1/recommend", json={"user": 1})
        if kind != "none":
            program = str(Path(__file__).with_name("attacker.py"))
            attacker = subprocess.Popen(
                [sys.executable, program, kind, port], stderr=subprocess.DEVNULL
            )
        try:
            time.sleep(2)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                begun = time.perf_counter()
                try:
                    answer = client.post("/v1/recommend", json={"user": len(took) % 200 + 1})
                    refused += answer.status_code != 200
                except httpx.TransportError:
                    refused += 1
                took.append(time.perf_counter() - begun)
                time.sleep(EVERY)
        finally:
            if attacker is not None:
                attacker.kill()
                attacker.wait()
    return took, refused
