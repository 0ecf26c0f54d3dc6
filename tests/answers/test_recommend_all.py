"""Everyone's best items: as one by one, in blocks, into a file, by the command."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import penchant as pc
from penchant.answers import recommend_all
from penchant.cli import main
from penchant.errors import DataError, SettingsError, SourceError, UnsupportedError


@pytest.fixture(scope="module")
def model():
    import dataclasses

    ratings = pc.synthetic(n_users=30, n_items=25, n_ratings=400, factors=2, noise=0.3, seed=1)
    titles = pa.table({"title": [None, *(f"film {n}" for n in range(1, 26))]})
    ratings = dataclasses.replace(ratings, item_table=titles)
    return pc.MatrixFactorization(factors=4, solver=pc.SGD(epochs=5)).fit(ratings, progress=False)


def one_by_one(model, users, n, **how):
    rows = []
    for user in users:
        for rank, entry in enumerate(model.recommend(user, n, **how), start=1):
            rows.append((user, entry.item, entry.title, rank))
    return rows


def entries(table):
    columns = [table[name].to_pylist() for name in ("user", "item", "title", "rank")]
    return list(zip(*columns, strict=True))


def ids(model):
    return model.knowledge.user_ids.array.to_pylist()


class TestAsOneByOne:
    def test_all_users(self, model):
        table = model.recommend_all(4, progress=False)
        assert entries(table) == one_by_one(model, ids(model), 4)
        assert table.column_names == ["user", "item", "title", "rank", "rating", "probability"]
        first = model.recommend(ids(model)[0], 4)
        shown = table["rating"].to_pylist()[:4]
        np.testing.assert_allclose(shown, [entry.rating for entry in first], atol=1e-5)

    def test_blocks_change_nothing(self, model, monkeypatch):
        whole = model.recommend_all(4, progress=False)
        monkeypatch.setattr(recommend_all, "BLOCK", 7)
        assert model.recommend_all(4, progress=False, threads=1).equals(whole)

    @pytest.mark.parametrize(
        "how",
        [
            {"exclude_rated": False},
            {"among": [3, 4, 5, 6, 7, 8, 999]},
            {"among": 3},
            {"without": [3, 4, 999]},
            {"min_ratings": 16},
            {"among": [1, 2, 3, 4], "without": 2, "min_ratings": 1},
        ],
        ids=str,
    )
    def test_the_same_filters(self, model, how):
        expected = one_by_one(model, ids(model), 5, **how)
        assert entries(model.recommend_all(5, progress=False, **how)) == expected

    def test_some_users_and_strangers(self, model):
        users = [5, 777, 2]
        table = model.recommend_all(3, users=users, progress=False)
        assert entries(table) == one_by_one(model, users, 3)

    def test_more_than_there_are(self, model):
        table = model.recommend_all(99, users=[1], progress=False)
        assert len(table) == 25 - len(model.knowledge.rated(1))

    def test_nobody(self, model):
        assert len(model.recommend_all(3, users=[], progress=False)) == 0

    def test_ratings_that_came_later_are_excluded(self, model, tmp_path):
        model.save(tmp_path / "m")
        living = pc.open(tmp_path / "m")
        best = living.recommend(1, 1)[0].item
        living.add_ratings([1], [best], [model.knowledge.scale.high])
        table = living.recommend_all(25, users=[1], progress=False)
        assert best not in table["item"].to_pylist()


def test_filters_of_recommend(model):
    counts = model.knowledge.item_counts
    ids = model.knowledge.item_ids
    found = model.recommend(1, 25, exclude_rated=False, min_ratings=16)
    assert {entry.item for entry in found} == set(ids.ids(np.flatnonzero(counts[1:] >= 16) + 1))
    assert 0 < len(found) < 25
    left = model.recommend(1, 25, exclude_rated=False, without=[3, 4])
    assert {entry.item for entry in left} == set(ids.array.to_pylist()) - {3, 4}
    with pytest.raises(SettingsError, match="min_ratings must be a whole number of at least 0"):
        model.recommend(1, min_ratings=-1)


class TestFile:
    def test_it_holds_the_table(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(recommend_all, "BLOCK", 7)
        path = model.recommend_all(4, path=tmp_path / "best.parquet", progress=False)
        assert pq.read_table(path).equals(model.recommend_all(4, progress=False))

    def test_an_error_leaves_the_old_one(self, model, tmp_path, monkeypatch):
        path = tmp_path / "best.parquet"
        path.write_bytes(b"old")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(SourceError, match=r"best\.parquet can't be written: No space left"):
            model.recommend_all(4, path=path, progress=False)
        assert path.read_bytes() == b"old"
        assert [file.name for file in tmp_path.iterdir()] == ["best.parquet"]

    def test_a_folder_that_is_not_there(self, model, tmp_path):
        with pytest.raises(SourceError, match="Choose a file in a folder that exists"):
            model.recommend_all(4, path=tmp_path / "none" / "best.parquet", progress=False)


def test_progress_is_told_on_standard_error(model, capsys):
    model.recommend_all(2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "recommending" in err
    assert "30/30" in err


def test_mistakes(model, tmp_path):
    with pytest.raises(SettingsError, match="n must be a whole number"):
        model.recommend_all(0, progress=False)
    with pytest.raises(DataError, match="of type int, but 'ann' is of type str"):
        model.recommend_all(1, users=["ann"], progress=False)
    model.save(tmp_path / "bare", ratings=False)
    bare = pc.open(tmp_path / "bare")
    with pytest.raises(UnsupportedError, match="saved without them"):
        bare.recommend_all(1, progress=False)
    assert len(bare.recommend_all(1, exclude_rated=False, progress=False)) == 30


class TestCommand:
    @pytest.fixture
    def penchant(self, monkeypatch, tmp_path, model, capsys):
        model.save(tmp_path / "m.penchant")
        monkeypatch.chdir(tmp_path)

        def run(*words):
            monkeypatch.setattr(sys, "argv", ["penchant", *map(str, words)])
            with pytest.raises(SystemExit) as ended:
                main()
            return ended.value.code or 0, *capsys.readouterr()

        return run

    def test_the_file(self, penchant, model, tmp_path):
        words = ("recommend", "m.penchant", "--all-users", "--out", "best.parquet", "-n", 3)
        code, out, _ = penchant(*words)
        assert code == 0
        assert out == "Wrote 3 items for each of 30 users to best.parquet.\n"
        table = pq.read_table(tmp_path / "best.parquet")
        assert table.equals(model.recommend_all(3, progress=False))
        code, out, _ = penchant(*words, "--include-rated", "--json")
        assert json.loads(out) == {"file": "best.parquet", "users": 30, "n": 3}
        table = pq.read_table(tmp_path / "best.parquet")
        assert table.equals(model.recommend_all(3, exclude_rated=False, progress=False))

    @pytest.mark.parametrize(
        "words",
        [
            ("--all-users",),
            (1, "--all-users", "--out", "best.parquet"),
            ("--out", "best.parquet"),
            (1, "--out", "best.parquet"),
            ("--all-users", "--out", "best.parquet", "--diversity", "0.5"),
        ],
        ids=str,
    )
    def test_wrong_usage(self, penchant, tmp_path, words):
        code, _, err = penchant("recommend", "m.penchant", *words)
        assert code == 2
        assert "--all-users" in err
        assert not (tmp_path / "best.parquet").exists()
