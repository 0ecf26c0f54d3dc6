"""Throw changed files and archives at `penchant.load`: read rightly, or refused by our errors.

    python benchmarks/fuzz_sources.py --inputs 12000

Each input is read in a process of its own kind; one that doesn't end in time, or ends the
process, is a fault too. Prints a table and each fault; ends with 1 if there is any.
"""

import argparse
import collections
import multiprocessing
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz_inputs import KINDS, make
from fuzz_judge import Verdict, judge

from penchant.tables import print_table

FINE = ("read", "refused")
MEMORY = 6 << 30  # bytes of address space of a worker: a fuse
GROWTH = 200 << 20  # bytes that one small input may add to the peak


def work(kind: str, numbers: range, pipe: Connection) -> None:
    """Judge inputs one after the other; runs in a process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            pipe.send(judge(kind, number, Path(folder)))


def run(kind: str, count: int, start: int, seconds: float) -> list[tuple[int, Verdict]]:
    """Judge `count` inputs of a kind; where a process hangs or dies, the next takes over."""
    done: list[tuple[int, Verdict]] = []
    context = multiprocessing.get_context("forkserver")
    while len(done) < count:
        numbers = range(start + len(done), start + count)
        mine, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=work, args=(kind, numbers, theirs), daemon=True)
        worker.start()
        theirs.close()
        ended = _listen(mine, numbers, done, seconds)
        if ended:
            worker.kill()
            number = start + len(done)
            done.append((number, Verdict(ended, f"exit code {worker.exitcode}", seconds, 0)))
        worker.join()
    return done


def _listen(
    pipe: Connection, numbers: range, done: list[tuple[int, Verdict]], seconds: float
) -> str | None:
    """Take verdicts until all are there; say how it ended, if early."""
    patience = seconds + 60  # the first has the imports to wait for
    for number in numbers:
        if not pipe.poll(patience):
            return "no end"
        try:
            verdict = pipe.recv()
        except EOFError:
            return "the process died"
        if verdict.grown > GROWTH and number != numbers[0]:
            verdict = Verdict("memory", f"{verdict.grown:,} bytes", verdict.seconds, verdict.grown)
        done.append((number, verdict))
        patience = seconds
    return None


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=12_000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first of each kind")
    parser.add_argument("--seconds", type=float, default=10, help="for one input")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--keep", type=Path, help="a folder for the inputs at fault")
    options = parser.parse_args()
    each = -(-options.inputs // len(options.kinds))
    rows, faults = [], []
    for kind in options.kinds:
        began = time.monotonic()
        verdicts = run(kind, each, options.start, options.seconds)
        counts = collections.Counter(verdict.outcome for _, verdict in verdicts)
        wrong = [(kind, number, verdict) for number, verdict in verdicts
                 if verdict.outcome not in FINE]  # fmt: skip
        faults += wrong
        slowest = max(verdict.seconds for _, verdict in verdicts)
        most = max(verdict.grown for _, verdict in verdicts[1:])
        took = time.monotonic() - began
        rows.append((kind, each, counts["read"], counts["refused"], len(wrong), slowest,
                     most / 1e6, took))  # fmt: skip
        print(f"{kind}: {dict(counts)}", file=sys.stderr, flush=True)
    columns = ("kind", "inputs", "read", "refused", "faults", "slowest s", "grown MB", "all s")
    formats = {"inputs": ",", "slowest s": ".2f", "grown MB": ".0f", "all s": ".0f"}
    print_table(columns, rows, formats=formats)
    for kind, number, verdict in faults:
        print(f"\n{kind} {number}: {verdict.outcome}: {verdict.told}")
        if options.keep:
            given = make(kind, number)
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{kind}-{number}-{given.name}").write_bytes(given.content)
    print(f"\n{sum(row[1] for row in rows):,} inputs, {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
