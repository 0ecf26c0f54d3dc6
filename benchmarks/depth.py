"""What depth buys: shallow and deep models side by side, and a blend of them.

    python benchmarks/depth.py [--folds] [--only NAME ...] [--fresh]

On S1, and with `--folds` on five random folds of all rows, each model of `depth_models.py` is
trained once (members of the blend five times more, on folds of the training rows), and its
predictions of the test rows are kept in the user's cache, so that a run that was stopped goes on
where it was. No model reads timestamps, and none chooses anything on test rows.

Each difference to the sampler has a 95 % interval: the same users are drawn with replacement for
both models, 10,000 times. Writes its tables into docs/depth.md, between marks, and its pictures
into docs/images.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from depth_models import ENTRIES, SAMPLER, Entry
from depth_report import Line, report
from platformdirs import user_cache_path

import penchant as pc
from penchant.ratings import Ratings
from penchant.recommender.blending.out_of_fold import predicted
from penchant.recommender.blending.stacking import Weights
from penchant.split import fold_rows

FOLDS = 5


class Kept(NamedTuple):
    """One trained model on one set: its predictions of the test rows, and what it cost."""

    predicted: Any
    cpu: float
    parameters: int
    history: str


class Test(NamedTuple):
    """One set: training and test rows."""

    name: str
    train: Ratings
    test: Ratings


def cache() -> Path:
    path: Path = user_cache_path("penchant") / "depth"
    path.mkdir(parents=True, exist_ok=True)
    return path


def trained(entry: Entry, train: Ratings, test: Ratings, file: Path, *, watch: bool) -> Kept:
    """Train a model and predict the test rows; what a file holds already is read."""
    if not file.exists():
        model, began = entry.make(), time.process_time()
        model.fit(train, watch=test if watch else None, progress=False)
        cpu = time.process_time() - began
        made = predicted(model, test).astype(np.float32)
        history = json.dumps(model.history.to_json())
        told = np.array([cpu, model.n_parameters])
        np.savez(file.with_suffix(".part.npz"), predicted=made, told=told, history=history)
        file.with_suffix(".part.npz").rename(file)
    kept = np.load(file)
    cpu, parameters = kept["told"].tolist()
    return Kept(kept["predicted"], cpu, int(parameters), str(kept["history"]))


def out_of_fold(entry: Entry, one: Test, stem: Path) -> tuple[Any, float]:
    """Return the predictions of the training rows by models that did not see them; CPU seconds.

    The folds are those of `pc.Blend` with its default folds and seed.
    """
    out, seconds = np.empty(len(one.train)), 0.0
    for number, fold in enumerate(fold_rows(len(one.train), FOLDS, 0)):
        file = stem.with_name(f"{stem.name}.fold{number}.npz")
        rest, part = one.train.take(fold.train), one.train.take(fold.test)
        kept = trained(entry, rest, part, file, watch=False)
        out[fold.test] = kept.predicted
        seconds += kept.cpu
    return out, seconds


def lines_of(one: Test, entries: list[Entry]) -> list[Line]:
    """Return a line for each model on a set, the blend and the blends without one member last."""
    lines, members = [], []
    for entry in entries:
        stem = cache() / f"{one.name}.{_key(entry)}"
        kept = trained(entry, one.train, one.test, stem.with_name(f"{stem.name}.npz"), watch=True)
        line = Line(entry.name, entry.hidden, *kept[:3], json.loads(kept.history))
        lines.append(line)
        if entry.member:
            members.append((line, *out_of_fold(entry, one, stem)))
        print(f"{one.name}: {line.name} {line.rmse(one.test):.4f}", file=sys.stderr, flush=True)
    if len(members) > 1:
        lines += blends(one, members)
    return lines


def blends(one: Test, members: list[tuple[Line, Any, float]]) -> Iterator[Line]:
    """Yield the blend of all members, and those without one of them."""
    everyone = list(range(len(members)))
    for left_out in (None, *everyone):
        chosen = [members[m] for m in everyone if m != left_out]
        weights = Weights.of(
            [line.name for line, _, _ in chosen],
            np.column_stack([made for _, made, _ in chosen]),
            one.train.values,
            one.train.scale,
        )
        columns = [line.predicted for line, _, _ in chosen]
        blended = weights.combine((len(one.test),), columns.__getitem__)
        yield Line(
            "blend" if left_out is None else f"blend without {members[left_out][0].name}",
            "those of its members",
            blended,
            sum(line.cpu + cpu for line, _, cpu in chosen),
            sum(line.parameters for line, _, _ in chosen) + len(chosen) + 1,
            {"weights": weights.card()},
        )


def sets(*, folds: bool) -> Iterator[Test]:
    ratings = pc.load("ml-100k", quiet=True)
    yield Test("S1", *pc.split(ratings, test=0.2, seed=2021))
    if folds:
        for number, (train, test) in enumerate(pc.folds(ratings, k=FOLDS, seed=0)):
            yield Test(f"fold{number}", train, test)


def _key(entry: Entry) -> str:
    digest = hashlib.sha256(repr(entry.make()).encode()).hexdigest()[:12]
    return f"{entry.name.replace(' ', '-').replace(',', '')}.{digest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", action="store_true", help="five random folds too")
    parser.add_argument("--only", nargs="+", help="names of models, beside the sampler")
    parser.add_argument("--fresh", action="store_true", help="train again what the cache holds")
    args = parser.parse_args()
    if args.fresh:
        for file in cache().glob("*.npz"):
            file.unlink()
    entries = [e for e in ENTRIES if not args.only or e.name in (SAMPLER, *args.only)]
    found = [(one.name, one.test, lines_of(one, entries)) for one in sets(folds=args.folds)]
    report(found, SAMPLER, write=not args.only)


if __name__ == "__main__":
    main()
