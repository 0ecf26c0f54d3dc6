"""Ratings whose Parquet footer tells nonsense: Arrow would end the process if it were asked."""

import numpy as np

import penchant as pc
from penchant.storage.bundle import columns
from penchant.storage.bundle.contents import Columns, Unfit


def test_footers_of_any_bytes_are_read_or_refused(tmp_path):
    films = pc.synthetic(n_users=60, n_items=40, n_ratings=300, factors=2, seed=1)
    path = tmp_path / "ratings.parquet"
    columns.write(path, Columns(films.user_rows, films.item_rows, films.values), 61, 41)
    raw, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    size = int.from_bytes(raw[-8:-4], "little")
    for _ in range(600):
        changed = bytearray(raw)
        for back in rng.integers(9, 9 + size, rng.integers(1, 4)):
            changed[-back] = rng.integers(0, 256)
        try:
            columns.read(bytes(changed), 300, 61, 41)
        except Unfit:
            refused += 1
    assert refused > 100
