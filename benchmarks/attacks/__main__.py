"""The attacks on a server that are tried again and again; at most ten minutes.

    python benchmarks/attacks [--seconds 20] [--reading 120] [--kills 100]

Strangers attack a server with a key for so many seconds each, beside a client whose answers are
timed; one key reads all that it can from a server of 20,000 items, whose memory is watched; and
processes are killed at random moments of writing, compacting, activating and forgetting, after
which nothing may be lost, twice, or left of who was forgotten.
"""

import argparse
import tempfile
from pathlib import Path

import killing
import reading
import strangers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0, help="of each stranger's attack")
    parser.add_argument("--reading", type=float, default=120.0, help="seconds of hostile reading")
    parser.add_argument("--kills", type=int, default=100, help="in each operation")
    wanted = parser.parse_args()
    for attack, amount in (
        (killing.run, wanted.kills),
        (strangers.run, wanted.seconds),
        (reading.run, wanted.reading),
    ):
        if amount:
            with tempfile.TemporaryDirectory() as folder:
                attack(Path(folder), amount)


if __name__ == "__main__":
    main()
