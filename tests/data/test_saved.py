"""Saved recommenders where ratings are expected are refused: their tables hold rows, no ids."""

import os
import shutil

import numpy as np
import pytest

import penchant as pc
from penchant.blocks.write import build
from penchant.errors import SourceError

BUNDLE = "films.penchant"
ROWS = [(f"u{u}", f"i{i}", (u * i) % 5 + 1) for u in range(1, 9) for i in range(1, 7)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    lines = [",".join(map(str, row)) for row in ROWS]
    (tmp_path / "in/plain.csv").write_text("\n".join(["user,item,rating", *lines]))
    ratings = pc.load("in/plain.csv", quiet=True)
    pc.MatrixFactorization(solver="bias").fit(ratings, progress=False).save(BUNDLE)
    return tmp_path


@pytest.mark.parametrize("inner", ["", "/ratings.parquet", "/*.parquet", "/users.arrow"])
def test_a_bundle_is_no_source(here, inner):
    for read in (
        lambda: pc.load(f"{BUNDLE}{inner}"),
        lambda: pc.load(here / f"{BUNDLE}{inner}"),
        lambda: build(f"{BUNDLE}{inner}", "new.blocks", quiet=True),
    ):
        with pytest.raises(SourceError, match=r"is a saved recommender, or a part of one"):
            read()
    assert not os.path.exists("new.blocks")


def test_an_archive_of_one_is_none(here):
    shutil.make_archive("films", "zip", ".", BUNDLE)
    with pytest.raises(SourceError, match=r"saved recommender|no file of ratings"):
        pc.load("films.zip")


def test_one_beside_the_parts_is_no_part(here):
    shutil.move(BUNDLE, f"in/{BUNDLE}")
    ratings = pc.load("in", quiet=True)
    assert len(ratings) == len(ROWS)
    np.testing.assert_array_equal(ratings.user_ids.ids([1]), ["u1"])
