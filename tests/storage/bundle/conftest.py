"""A small synthetic bundle with everything in it, by arithmetic: the golden one holds the same."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save

from penchant.ids import IdMap
from penchant.storage import bundle

M, N, K, T, RATINGS = 8, 6, 3, 2, 20


def numbers(*shape: int, dtype: type = np.float32) -> np.ndarray:
    count = int(np.prod(shape))
    return ((np.arange(count) * 37 % 101 - 50) / 32).astype(dtype).reshape(shape)


def make_sample() -> bundle.Contents:
    users = IdMap.of([11, 7, -3, 2**40, 5, 6, 1], "user")
    items = IdMap.of(["기생충", "Amélie", "B00007L9", "", "63"], "item")
    day = datetime.date
    return bundle.Contents(
        kind="matrix_factorization",
        card={
            "mean": 3.25,
            "scale": [0.5, 5.0],
            "seed": 2021,
            "settings": {"solver": "gibbs", "factors": K, "side_information": True},
            "scores": {"rmse": 0.875, "protocol": "random, 20 % test"},
            "history": {"best": None, "records": [{"sweep": 1, "train_rmse": 1.5}]},
            "title": "영화",
        },
        weights={
            "mean": np.asarray(3.25),
            "user_bias": numbers(M),
            "item_bias": numbers(N),
            "user_factors": numbers(M, K),
            "item_factors": numbers(N, K),
        },
        users=users,
        items=items,
        user_table=pa.table({"age": pa.array([None, 24, 53, 23, 24, 33, 42, 57], pa.int16())}),
        item_table=pa.table(
            {
                "title": pa.array([None, "기생충", "Le fabuleux destin", "x", "", None]),
                "genres": pa.array([None, ["Drama"], ["Drama", "Comedy"], [], None, ["War"]]),
                "country": pa.array([None, "kr", "fr", "us", "us", "kr"]).dictionary_encode(),
                "released": pa.array([None, day(2019, 5, 30), day(2001, 4, 25), None, None, None]),
                "added": pa.array([None, 0, 1, 2, 3, 4], pa.timestamp("s")),
                "colour": pa.array([None, True, True, False, True, False]),
            }
        ),
        ratings=bundle.Columns(
            (np.arange(RATINGS) % (M - 1) + 1).astype(np.int32),
            (np.arange(RATINGS) % (N - 1) + 1).astype(np.int32),
            (np.arange(RATINGS) % 10 * 0.5 + 0.5).astype(np.float32),
            np.arange(RATINGS, dtype=np.int64) * 86_400 + 875_000_000,
        ),
        posterior={
            "item_factors": numbers(T, N, K),
            "precision": numbers(T, K, K, dtype=np.float64),
            "basis": numbers(T, K, K, dtype=np.float16),
            "heads": np.arange(T, dtype=np.int64),
        },
    )


def differences(made: bundle.Bundle, wanted: bundle.Contents) -> list[str]:
    """The names of what differs; ratings and posterior are read for it."""
    found = [n for n in ("kind", "card") if getattr(made, n) != getattr(wanted, n)]
    for name in ("users", "items"):
        if getattr(made, name).array != getattr(wanted, name).array:
            found.append(name)
    for name in ("user_table", "item_table"):
        one, other = getattr(made, name), getattr(wanted, name)
        if (one is None) != (other is None) or (one is not None and not one.equals(other)):
            found.append(name)
    for name in ("weights", "posterior", "ratings"):
        one, other = getattr(made, name), getattr(wanted, name)
        if not same_arrays(one, other):
            found.append(name)
    return found


def same_arrays(one, other) -> bool:
    if one is None or other is None:
        return one is other
    one, other = (a._asdict() if isinstance(a, bundle.Columns) else a for a in (one, other))
    return one.keys() == other.keys() and all(
        (a is None and b is None)
        or (a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b))
        for a, b in ((one[name], other[name]) for name in one)
    )


@pytest.fixture
def sample() -> bundle.Contents:
    return make_sample()


@pytest.fixture
def differ():
    return differences


@pytest.fixture
def saved(tmp_path, sample):
    """The folder of a bundle that holds the sample."""
    bundle.write(tmp_path / "films.penchant", sample)
    return tmp_path / "films.penchant"


def seal(folder: Path) -> None:
    """Make sizes and digests right again, as a clever attacker does."""
    card = json.loads((folder / "card.json").read_bytes())
    for name, said in card["files"].items():
        if (folder / name).is_file():
            raw = (folder / name).read_bytes()
            said |= {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    write_card(folder, card)


def write_card(folder: Path, card: dict) -> None:
    card["sha256"] = "0" * 64
    seal_card(folder, json.dumps(card, indent=1, ensure_ascii=False).encode())


def seal_card(folder: Path, raw: bytes) -> None:
    """Write the bytes of a card, the first 64 zeros in them made its digest."""
    digest = hashlib.sha256(raw).hexdigest().encode()
    (folder / "card.json").write_bytes(raw.replace(b"0" * 64, digest, 1))


@dataclasses.dataclass
class Forger:
    """Edits a bundle and seals it again."""

    folder: Path

    def card(self, change: Callable[[dict], object]) -> None:
        card = json.loads((self.folder / "card.json").read_bytes())
        change(card)
        write_card(self.folder, card)

    def text(self, old: str, new: str) -> None:
        """Replace text in the card that JSON of Python's would not write."""
        raw = (self.folder / "card.json").read_bytes()
        digest = json.loads(raw)["sha256"]
        raw = raw.replace(digest.encode(), b"0" * 64, 1)
        assert old.encode() in raw
        seal_card(self.folder, raw.replace(old.encode(), new.encode(), 1))

    def arrays(self, name: str, arrays: dict[str, np.ndarray], *, tell: bool = True) -> None:
        """Write other arrays, told by the card or not."""
        (self.folder / name).write_bytes(save(arrays))
        seal(self.folder)
        if tell:
            told = {n: {"dtype": a.dtype.name, "shape": list(a.shape)} for n, a in arrays.items()}
            self.card(lambda card: card["files"][name].update(arrays=told))

    def table(self, name: str, table: pa.Table, **options) -> None:
        """Write another Arrow table."""
        with pa.ipc.new_file(
            self.folder / name, table.schema, options=pa.ipc.IpcWriteOptions(**options)
        ) as file:
            file.write_table(table)
        seal(self.folder)
        self.card(lambda card: card["files"][name].update(rows=table.num_rows))

    def parquet(self, table: pa.Table, **options) -> None:
        """Write another table of ratings."""
        plain = {"compression": "none", "use_dictionary": False, "store_schema": False}
        pq.write_table(table, self.folder / "ratings.parquet", **(plain | options))
        seal(self.folder)
        self.card(lambda card: card["files"]["ratings.parquet"].update(rows=table.num_rows))

    def bytes(self, name: str, change: Callable[[bytes], bytes]) -> None:
        raw = (self.folder / name).read_bytes()
        (self.folder / name).write_bytes(change(raw))
        seal(self.folder)

    def seal(self) -> None:
        seal(self.folder)


@pytest.fixture
def forge(saved) -> Forger:
    return Forger(saved)


@pytest.fixture
def forger() -> type[Forger]:
    return Forger


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of a given size; called as often as wanted."""
    mounted = []

    def mount(size: int) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        kind = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        try:
            subprocess.run(kind, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user may not mount a file system")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)
