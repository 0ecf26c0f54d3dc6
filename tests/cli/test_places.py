"""What is taken for ratings, what for a recommender, and what files are called after it."""

import os
import shutil
import sqlite3

import pytest

import penchant as pc
from penchant.cli.source import Source

ROWS = [(f"u{u}", f"i{i}", (u * i) % 5 + 1) for u in range(1, 9) for i in range(1, 7)]
QUERY = ("--query", "select user, item, rating from reviews")
BUNDLE = "films.penchant"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.execute("create table reviews (user text, item text, rating real)")
        connection.executemany("insert into reviews values (?, ?, ?)", ROWS)
    connection.close()
    (folder / "in").mkdir()
    lines = [",".join(map(str, row)) for row in ROWS]
    (folder / "in/plain.1.csv").write_text("\n".join(["user,item,rating", *lines]))
    ratings = pc.load(folder / "in/plain.1.csv", quiet=True)
    pc.MatrixFactorization(solver="bias").fit(ratings, progress=False).save(folder / BUNDLE)
    return folder


@pytest.fixture
def here(home, tmp_path, monkeypatch):
    folder = shutil.copytree(home, tmp_path / "home")
    monkeypatch.chdir(folder)
    return folder


class TestNames:
    @pytest.mark.parametrize(
        ("source", "stem"),
        [
            ("sqlite:///shop.db", "shop"),
            ("sqlite:////var/data/shop.v2.sqlite", "shop"),
            ("postgresql://ann:hunter2@db:5432/shop?sslmode=require", "shop"),
            ("postgresql://ann@db", "ratings"),
            ("in/plain.*", "plain"),
            ("parts/part-*.csv", "part"),
            ("parts/*.csv", "parts"),
            ("*", "ratings"),
            ("ml-100k", "ml-100k"),
            ("in/plain.1.csv", "plain"),
        ],
    )
    def test_of_sources(self, here, source, stem):
        assert Source(source).stem == stem

    def test_a_database_as_documented(self, here, penchant):
        code, out, err = penchant("fit", "sqlite:///shop.db", *QUERY, "--solver", "bias")
        assert code == 0, err
        assert "Saved shop.penchant and its curves, shop.curves.png." in out
        assert pc.open("shop.penchant").predict(["u1"], ["i1"]).shape == (1,)

    def test_a_pattern(self, here, penchant):
        code, out, err = penchant("fit", "in/plain.*", "--solver", "bias")
        assert code == 0, err
        assert "Saved plain.penchant" in out
        assert sorted(os.listdir("in")) == ["plain.1.csv"]


class TestPlacesAreLookedAtFirst:
    @pytest.mark.parametrize(
        "command",
        [
            ("fit", "in/plain.1.csv", "--out", "no/x.penchant"),
            ("fit", "in/plain.1.csv", "--out", "shop.db"),
            ("fit", "in/plain.1.csv", "--test", "20"),
            ("tune", "in/plain.1.csv", "--out", "no/x.json"),
            ("tune", "in/plain.1.csv", "--test", "20"),
            ("report", BUNDLE, "in/plain.1.csv", "--out", "no/x.html"),
        ],
        ids=" ".join,
    )
    def test_before_anything_is_read(self, here, penchant, monkeypatch, command):
        def read(*_, **__):
            raise AssertionError("it was read")

        monkeypatch.setattr("penchant.data.load.load", read)
        code, _, err = penchant(*command)
        assert code == 2
        assert err.startswith("Error: --")

    def test_lists_for_all_are_parquet_and_called_so(self, here, penchant):
        command = ("recommend", BUNDLE, "--all-users", "--out")
        code, _, err = penchant(*command, "all.csv")
        assert code == 2
        assert "--out: the lists of all users are written as Parquet; received 'all.csv'." in err
        assert "there is no folder no" in penchant(*command, "no/all.parquet")[2]
        assert not os.path.exists("all.csv")
        assert penchant(*command, "all.parquet")[0] == 0

    def test_keys_are_of_bundles_that_are_there(self, here, penchant):
        code, _, err = penchant("keys", "add", "nope.penchant")
        assert code == 2
        assert "There is no saved recommender nope.penchant." in err
        assert not list(here.glob("nope*"))


class TestABundleIsNoSource:
    @pytest.mark.parametrize(
        "command",
        [
            ("data", BUNDLE),
            ("data", BUNDLE, "--check"),
            ("fit", BUNDLE),
            ("tune", BUNDLE),
            ("compare", BUNDLE),
            ("evaluate", BUNDLE, BUNDLE),
            ("report", BUNDLE, BUNDLE),
            ("blocks", BUNDLE, "new.blocks"),
        ],
        ids=" ".join,
    )
    def test_of_commands(self, here, penchant, command):
        code, out, err = penchant(*command)
        assert (code, out) == (2, "")
        assert f"{BUNDLE} is a saved recommender, and no source of ratings." in err
        assert f"penchant report {BUNDLE}" in err


class TestASourceIsNoBundle:
    @pytest.mark.parametrize(
        "command",
        [
            ("evaluate", "{}", "in/plain.1.csv"),
            ("predict", "{}", "1", "2"),
            ("recommend", "{}", "1"),
            ("group", "{}", "1", "2"),
            ("similar", "{}", "1"),
            ("explain", "{}", "1", "2"),
            ("interview", "{}"),
            ("report", "{}"),
            ("serve", "{}"),
            ("compact", "{}"),
            ("keys", "add", "{}"),
        ],
        ids=" ".join,
    )
    def test_of_commands(self, here, penchant, command):
        for given, told in (
            (
                "in/plain.1.csv",
                "no saved recommender, but a file. If it holds ratings, make one of ",
            ),
            ("in", "no saved recommender, but a folder without card.json."),
            ("nope.penchant", "There is no saved recommender nope.penchant."),
        ):
            code, out, err = penchant(*(part.format(given) for part in command))
            assert (code, out) == (2, "")
            assert told in err
        assert sorted(os.listdir()) == [BUNDLE, "in", "shop.db"]
