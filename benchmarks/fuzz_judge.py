"""What `fuzz_sources.py` asks of each input: read rightly, or refused by an error of ours."""

import dataclasses
import resource
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
from fuzz_inputs import Input, make

import penchant as pc


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of one input: "read", "refused", or what is wrong with it.

    `grown` is by how many bytes the peak memory of the process rose, `seconds` how long it took.
    """

    outcome: str
    told: str
    seconds: float
    grown: int


def judge(kind: str, number: int, folder: Path) -> Verdict:
    """Read one input in an empty folder, which is empty again afterwards."""
    given = make(kind, number)
    before, start = _peak(), time.monotonic()
    place, temporary = folder / "in", folder / "tmp"
    place.mkdir()
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    files = {given.name: given.content, **given.beside}
    for name, content in files.items():
        (place / name).write_bytes(content)
    outcome, told = _read(given, place)
    left = {path.name: path.read_bytes() for path in place.iterdir()}
    if left != files or list(temporary.iterdir()):
        outcome, told = "files left or changed", f"{sorted(left)}, {list(temporary.iterdir())}"
    for path in (*place.iterdir(), place, temporary):
        path.rmdir() if path.is_dir() else path.unlink()
    return Verdict(outcome, told, time.monotonic() - start, max(0, _peak() - before))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read(given: Input, place: Path) -> tuple[str, str]:
    source = place / given.name
    options = {}
    if given.items:
        source, options = place / "ratings.csv", {"items": source}
    elif given.beside:
        source = place
    try:
        ratings = pc.load(source, quiet=True, **options)
    except pc.PenchantError as error:
        return ("refused", str(error)) if str(error) else ("an empty message", repr(error))
    except BaseException:  # whatever it is: it is not ours
        return "another's error", traceback.format_exc()
    wrong = _broken(ratings) or _changed(ratings, given)
    return ("wrong", wrong) if wrong else ("read", "")


def _broken(ratings: pc.Ratings) -> str | None:
    """Say what does not hold of the ratings that must hold of all."""
    n = len(ratings)
    pairs = set(zip(ratings.user_rows.tolist(), ratings.item_rows.tolist(), strict=True))
    times = ratings.timestamps
    checks = {
        "some": n > 0,
        "finite": bool(np.isfinite(ratings.values).all()),
        "on the scale": bool(
            (np.float32(ratings.scale.low) <= ratings.values).all()
            and (ratings.values <= np.float32(ratings.scale.high)).all()
        ),
        "types": (ratings.values.dtype, ratings.user_rows.dtype) == (np.float32, np.int32),
        "rows of users": 1 <= ratings.user_rows.min() <= ratings.user_rows.max()
        < ratings.user_ids.size,
        "rows of items": 1 <= ratings.item_rows.min() <= ratings.item_rows.max()
        < ratings.item_ids.size,
        "pairs once": len(pairs) == n == len(ratings.item_rows) == len(ratings.user_rows),
        "times": times is None or (times.dtype == np.int64 and len(times) == n),
        "side tables": all(
            table is None or len(table) == ids.size
            for table, ids in (
                (ratings.user_table, ratings.user_ids),
                (ratings.item_table, ratings.item_ids),
            )
        ),
    }  # fmt: skip
    for ids in (ratings.user_ids, ratings.item_ids):
        listed = ids.array.to_pylist()
        checks[f"{ids.what} ids distinct"] = len(set(listed)) == len(listed)
        checks[f"{ids.what} ids of one type"] = len({type(value) for value in listed}) == 1
    return ", ".join(name for name, holds in checks.items() if not holds) or None


def _changed(ratings: pc.Ratings, given: Input) -> str | None:
    """Say which lines that nobody touched were read as something else."""
    if given.rows is None:
        return None
    users, items = map(str, ratings.users), map(str, ratings.items)
    found = dict(zip(zip(users, items, strict=True), ratings.values.tolist(), strict=True))
    lost = [pair for pair, value in given.rows.items() if found.get(pair) != value]
    if len(lost) <= given.touched:
        return None
    shown = [(pair, given.rows[pair], found.get(pair)) for pair in lost[:3]]
    return f"{len(lost)} changed, {given.touched} lines touched: {shown}; {ratings.notices[:1]}"
