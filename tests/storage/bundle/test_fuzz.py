"""Bundles that were damaged, or changed by somebody who makes the digests right again.

Each mutation is drawn from a seed. What was damaged by accident is read as it was or refused. What
an attacker sealed again may also be another bundle that keeps all rules: nobody can tell then.
`pytest -s` prints the counts.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from penchant.errors import BundleError
from penchant.storage import bundle

FILES = (
    "card.json",
    "weights.safetensors",
    "posterior.safetensors",
    "users.arrow",
    "items.arrow",
    "ratings.parquet",
)
DATA = FILES[1:]
SEED = int(os.environ.get("PENCHANT_FUZZ_SEED", "0"))
TIMES = int(os.environ.get("PENCHANT_FUZZ_TIMES", "1"))

Mutation = Callable[[Path, random.Random], object]


def rewrite(path: Path, change: Callable[[bytearray], object]) -> None:
    raw = bytearray(path.read_bytes())
    changed = change(raw)
    path.write_bytes(changed if isinstance(changed, (bytes, bytearray)) else raw)


def flip_a_bit(folder: Path, rng: random.Random, files=FILES) -> None:
    def flip(raw: bytearray) -> None:
        at = rng.randrange(8 * len(raw))
        raw[at // 8] ^= 1 << at % 8

    rewrite(folder / rng.choice(files), flip)


def cut(folder: Path, rng: random.Random, files=FILES) -> None:
    rewrite(folder / rng.choice(files), lambda raw: raw[: rng.randrange(len(raw))])


def lengthen(folder: Path, rng: random.Random, files=FILES) -> None:
    rewrite(folder / rng.choice(files), lambda raw: raw + rng.randbytes(rng.randrange(1, 200)))


def blank_a_stretch(folder: Path, rng: random.Random, files=FILES) -> None:
    def blank(raw: bytearray) -> None:
        start = rng.randrange(len(raw))
        for at in range(start, min(len(raw), start + 64)):
            raw[at] = 0

    rewrite(folder / rng.choice(files), blank)


def overwrite_a_word(folder: Path, rng: random.Random, files=FILES) -> None:
    """Set four bytes to a number that sizes and offsets are sensitive to."""
    number = rng.choice([0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(2**32)])

    def put(raw: bytearray) -> None:
        at = rng.randrange(max(1, len(raw) - 4)) // 4 * 4
        raw[at : at + 4] = number.to_bytes(4, "little")

    rewrite(folder / rng.choice(files), put)


def swap_files(folder: Path, rng: random.Random, files=FILES) -> None:
    one, other = rng.sample(files, 2)
    first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
    (folder / one).write_bytes(second)
    (folder / other).write_bytes(first)


def lose_a_file(folder: Path, rng: random.Random) -> None:
    (folder / rng.choice(FILES)).unlink()


def empty_a_file(folder: Path, rng: random.Random) -> None:
    (folder / rng.choice(FILES)).write_bytes(b"")


def add_a_file(folder: Path, rng: random.Random) -> None:
    name = rng.choice(["model.pkl", "config.json", ".DS_Store", "Thumbs.db", "weights.h5", "…"])
    (folder / name).write_bytes(rng.randbytes(50))


def link_a_file(folder: Path, rng: random.Random) -> None:
    name = rng.choice(FILES)
    kept = folder.parent / f"kept {name}"
    (folder / name).rename(kept)
    (folder / name).symlink_to(rng.choice([kept, Path("/dev/zero"), Path("nowhere"), Path(name)]))


def a_folder_for_a_file(folder: Path, rng: random.Random) -> None:
    name = rng.choice(FILES)
    (folder / name).unlink()
    (folder / name).mkdir()


def edit_a_digit(folder: Path, rng: random.Random) -> None:
    def edit(raw: bytearray) -> None:
        places = [at for at, byte in enumerate(raw) if chr(byte).isdigit()]
        raw[rng.choice(places)] = ord(rng.choice("0123456789"))

    rewrite(folder / "card.json", edit)


ACCIDENTS: dict[Mutation, int] = {
    flip_a_bit: 60,
    cut: 30,
    lengthen: 15,
    blank_a_stretch: 20,
    overwrite_a_word: 20,
    swap_files: 15,
    lose_a_file: 12,
    empty_a_file: 12,
    add_a_file: 12,
    link_a_file: 18,
    a_folder_for_a_file: 6,
    edit_a_digit: 30,
}


def places(value, path=()) -> list[tuple]:
    """The path to each value within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, child in inner:
        found.append((*path, key))
        if isinstance(child, (dict, list)):
            found += places(child, (*path, key))
    return found


def edit_the_card(forge, rng: random.Random) -> None:
    odd = [0, -1, 1, 7, 2**31, 2**63, 2**70, 1e300, 0.5, True, None, "", "float64", "F32", "0" * 64,
           [], {}, [8], [2**40, 2**40], [-1], [[8]], "../../etc/passwd", "\x00"]  # fmt: skip

    def edit(card: dict) -> None:
        *above, last = rng.choice([p for p in places(card) if p != ("sha256",)])
        holder = card
        for key in above:
            holder = holder[key]
        if rng.random() < 0.2 and isinstance(holder, dict):
            holder[str(rng.choice(odd))] = holder.pop(last)
        else:
            holder[last] = rng.choice(odd)

    forge.card(edit)


def nest_the_card(forge, rng: random.Random) -> None:
    depth = rng.choice([3, 40, 400, 5000, 200_000])
    forge.text("0.875", rng.choice(["[", '{"a":']) * depth)


def put_no_number_into_the_card(forge, rng: random.Random) -> None:
    forge.text(
        "0.875", rng.choice(["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "0x1", "+1"])
    )


def lengthen_the_header(forge, rng: random.Random) -> None:
    size = rng.choice([0, 1, 7, 2**20, 2**31, 2**32, 2**63, 2**64 - 1, rng.randrange(10_000)])
    name = rng.choice(DATA[:2])
    forge.bytes(name, lambda raw: size.to_bytes(8, "little") + raw[8:])


def spoil_an_array(forge, rng: random.Random) -> None:
    part = rng.choice(["weights", "posterior"])
    arrays = {name: array.copy() for name, array in getattr(forge.original, part).items()}
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    spoilt = [
        np.full(array.shape, rng.choice([np.nan, np.inf, -np.inf]), np.float32),
        array.astype(rng.choice([np.float64, np.float16, np.int32, np.uint8, np.int16, bool])),
        array[..., None],
        np.concatenate([array.ravel(), array.ravel()]),
        array.ravel()[:-1],
    ]
    arrays[name] = np.asarray(rng.choice(spoilt))
    forge.arrays(f"{part}.safetensors", arrays, tell=rng.random() < 0.7)


def spoil_the_ids(forge, rng: random.Random) -> None:
    good = [None, 11, 7, -3, 2**40, 5, 6, 1]
    at, other = rng.randrange(8), rng.randrange(1, 8)
    ids = [*good[:at], rng.choice([good[other], None, 0, 2**50]), *good[at + 1 :]]
    ids = rng.choice([ids, ids[:-1], [*ids, 99], good])
    kind = rng.choice([pa.int64(), pa.int64(), pa.float64(), pa.string()])
    column = pa.array([str(i) if kind == pa.string() and i is not None else i for i in ids], kind)
    options = {"compression": "zstd"} if rng.random() < 0.2 else {}
    forge.table("users.arrow", pa.table({"id": column}), **options)


def spoil_the_ratings(forge, rng: random.Random) -> None:
    columns = {
        name: column.copy()
        for name, column in zip(
            ("user_row", "item_row", "rating", "timestamp"), forge.original.ratings, strict=True
        )
    }
    name = rng.choice(list(columns))
    odd = [0, -1, 6, 8, 2**31 - 1, -(2**31)] if name.endswith("row") else [np.nan, np.inf, 1e30]
    if name != "timestamp":
        columns[name][rng.randrange(20)] = rng.choice(odd)
    fields = [pa.field(n, pa.from_numpy_dtype(c.dtype), nullable=rng.random() < 0.1)
              for n, c in columns.items()]  # fmt: skip
    options = rng.choice(
        [{}, {}, {}, {"compression": "zstd"}, {"use_dictionary": True}, {"row_group_size": 3}]
    )
    forge.parquet(pa.table(columns, schema=pa.schema(fields)), **options)


def sealed(mutation: Mutation) -> Callable:
    """The same mutation of a data file by somebody who seals the bundle again."""

    def mutate(forge, rng: random.Random) -> None:
        mutation(forge.folder, rng, DATA)
        forge.seal()

    mutate.__name__ = f"{mutation.__name__}, sealed"
    return mutate


ATTACKS: dict[Callable, int] = {
    sealed(flip_a_bit): 120,
    sealed(cut): 40,
    sealed(lengthen): 20,
    sealed(blank_a_stretch): 40,
    sealed(overwrite_a_word): 80,
    sealed(swap_files): 15,
    edit_the_card: 120,
    nest_the_card: 10,
    put_no_number_into_the_card: 10,
    lengthen_the_header: 20,
    spoil_an_array: 40,
    spoil_the_ids: 40,
    spoil_the_ratings: 40,
}


def outcome(folder: Path, original, differ) -> str:
    try:
        made = bundle.read(folder)
        different = differ(made, original)
    except BundleError as error:
        told = str(error)
    else:
        told = ""
    if told:
        assert folder.name in told or "Upgrade" in told
        return "refused"
    if different:
        require_rules(made)
    return "another bundle" if different else "read as it was"


def require_rules(made: bundle.Bundle) -> None:
    """What the readers of a bundle rely on."""
    for arrays in (made.weights, made.posterior or {}):
        for array in arrays.values():
            assert array.dtype.kind in "fiu"
            assert np.isfinite(array).all()
    for name, array in made.weights.items():
        if name.startswith(("user_", "item_")):
            assert len(array) == (made.users if name[0] == "u" else made.items).size
    for ids, table in ((made.users, made.user_table), (made.items, made.item_table)):
        assert len(set(ids.array.to_pylist())) == len(ids)
        assert table is None or table.num_rows == ids.size
        if table is not None:
            table.to_pylist()  # every value can be shown
    if made.ratings is not None:
        users, items, values, stamps = made.ratings
        assert len(users) == len(items) == len(values)
        assert stamps is None or len(stamps) == len(values)
        assert np.isfinite(values).all()
        assert users.size == 0 or (users.min() >= 1 and users.max() < made.users.size)
        assert items.size == 0 or (items.min() >= 1 and items.max() < made.items.size)
    json.dumps(made.card, allow_nan=False)


def run(mutations, apply, saved: Path, original, differ) -> dict[str, Counter]:
    counts: dict[str, Counter] = {}
    for mutation, times in mutations.items():
        rng = random.Random(f"{SEED} {mutation.__name__}")
        counts[mutation.__name__] = Counter()
        for number in range(times * TIMES):
            folder = saved.parent / f"{mutation.__name__} {number}" / saved.name
            shutil.copytree(saved, folder)
            apply(mutation, folder, rng)
            counts[mutation.__name__][outcome(folder, original, differ)] += 1
            shutil.rmtree(folder.parent)
    show(counts)
    return counts


def show(counts: dict[str, Counter]) -> None:
    kinds = ("read as it was", "refused", "another bundle")
    total = sum(counts.values(), Counter())
    for name, count in [*counts.items(), ("all together", total)]:
        told = ", ".join(f"{count[kind]} {kind}" for kind in kinds if count[kind])
        print(f"\n{name}: {told}", end="")  # noqa: T201


def test_accidents_are_found(saved, sample, differ):
    counts = run(ACCIDENTS, lambda mutate, folder, rng: mutate(folder, rng), saved, sample, differ)
    total = sum(counts.values(), Counter())
    assert total["another bundle"] == 0
    assert total["refused"] > 200
    for mutation in (flip_a_bit, cut, lengthen, lose_a_file, empty_a_file, swap_files):
        assert counts[mutation.__name__].keys() == {"refused"}


def test_attacks_end_in_an_error_or_in_a_bundle_that_keeps_the_rules(saved, sample, differ, forger):
    def apply(mutate, folder, rng) -> None:
        forge = forger(folder)
        forge.original = sample
        mutate(forge, rng)

    counts = run(ATTACKS, apply, saved, sample, differ)
    total = sum(counts.values(), Counter())
    assert total["refused"] > 300
    assert counts["nest_the_card"].keys() <= {"refused"}
    assert counts["put_no_number_into_the_card"].keys() == {"refused"}


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(bundle.Contents)])
def test_the_comparison_sees_a_change_of_each_field(saved, sample, differ, field):
    """`read as it was` means something."""
    value = getattr(sample, field)
    changes = {
        "kind": "other",
        "card": {**sample.card, "mean": 3.5},
        "users": sample.items,
        "items": sample.users,
        "user_table": None,
        "item_table": sample.item_table.slice(1),
    }
    if isinstance(value, dict) and field != "card":
        name = next(reversed(value))
        changes[field] = {**value, name: value[name] + 1}
    if field == "ratings":
        changes[field] = value._replace(values=value.values + 1)
    other = dataclasses.replace(sample, **{field: changes[field]})
    assert differ(bundle.read(saved), other) == [field]
