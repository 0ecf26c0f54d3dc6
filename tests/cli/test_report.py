"""penchant report, and what penchant fit notes for it, through the commands themselves."""

import json
import shlex

import pytest

import penchant as pc

WORLD = pc.synthetic(n_users=40, n_items=30, n_ratings=600, factors=2, noise=0.5, seed=1)


@pytest.fixture
def penchant(penchant, monkeypatch, tmp_path, write_csv):
    """Run a command in a folder with films.csv; returns exit code, standard output and error."""
    write_csv(tmp_path / "films.csv", WORLD)
    monkeypatch.chdir(tmp_path)
    return penchant


FIT = ("fit", "films.csv", "--solver", "als", "--factors", 3, "--seed", 5)


def test_fit_notes_what_a_report_needs(penchant, tmp_path):
    code, out, err = penchant(*FIT, "--validation", 0.1, "--json")
    assert code == 0, err
    told = json.loads(out)
    noted = pc.open("films.penchant").provenance
    assert (noted.source, noted.test, noted.seed, noted.validation) == ("films.csv", 0.2, 5, 0.1)
    assert (noted.tested, noted.rmse) == (told["scores"]["n"], told["scores"]["rmse"])
    assert noted.protocol == told["protocol"]
    assert noted.versions["penchant"] == pc.__version__


def test_fit_notes_no_folder(penchant, tmp_path):
    assert (
        penchant("fit", tmp_path / "films.csv", *FIT[2:], "--test", 0, "--out", "a.penchant")[0]
        == 0
    )
    noted = pc.open("a.penchant").provenance
    assert (noted.source, noted.tested, noted.rmse) == ("films.csv", 0, None)
    assert str(tmp_path) not in (tmp_path / "a.penchant/card.json").read_text()


def test_fit_notes_no_password():
    from penchant.cli.source import Source

    assert Source("postgresql://ann:secret@host/base").public == "a database"
    assert Source("/home/ann/films.csv").public == "films.csv"
    assert Source("ml-100k").public == "ml-100k"
    assert Source("..").public == ".."
    assert Source("/").public == "ratings"


def test_it_writes_a_page_with_the_test_figures(penchant, tmp_path):
    assert penchant(*FIT)[0] == 0
    code, out, err = penchant("report", "films.penchant", "films.csv")
    assert code == 0, err
    rmse = pc.open("films.penchant").provenance.rmse
    assert out.startswith(
        f"Test RMSE {rmse:.4f} (random split, test=0.2, seed=5: 120 test ratings of films.csv).\n"
    )
    assert "Wrote films.html, 0." in out
    shown = (tmp_path / "films.html").read_text(encoding="utf-8")
    assert f"{rmse:.4f}" in shown
    assert "penchant fit films.csv --solver als --factors 3 --test 0.2 --seed 5" in shown
    assert "penchant report films.penchant films.csv" in shown


def test_its_command_trains_the_same_model_again(penchant, tmp_path, monkeypatch):
    rows = "".join(f"{user},{20 + user % 5}\n" for user in range(1, 41))
    (tmp_path / "people.csv").write_text(f"user,age\n{rows}")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    sides = ("--users", tmp_path / "people.csv", "--duplicates", "mean")
    code, _, err = penchant("fit", tmp_path / "films.csv", *FIT[2:], *sides, "--out", "a.penchant")
    assert code == 0, err
    told = pc.report(pc.open("a.penchant"), bundle="b.penchant").numbers["settings"]
    assert "without folders" in told["where"]
    before = pc.open("a.penchant")
    assert str(tmp_path) not in str(before.provenance)
    monkeypatch.chdir(tmp_path)
    code, _, err = penchant(*shlex.split(told["fit"])[1:])
    assert code == 0, err
    again = pc.open("b.penchant")
    assert again.knowledge.fingerprint == before.knowledge.fingerprint
    assert again.predict([1, 2], [3, 4]).tolist() == before.predict([1, 2], [3, 4]).tolist()
    assert again.provenance.options == ("--duplicates", "mean", "--users", "people.csv")


def test_a_database_has_no_command(penchant, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "films.db") as base:
        base.execute("create table seen (user int, item int, rating real)")
        seen = zip(WORLD.users, WORLD.items, WORLD.values.tolist(), strict=True)
        base.executemany("insert into seen values (?, ?, ?)", seen)
    base.close()
    query = ("--query", "select user, item, rating from seen", "--out", "a.penchant")
    code, _, err = penchant("fit", f"sqlite:///{tmp_path}/films.db", *FIT[2:], *query)
    assert code == 0, err
    told = pc.report(pc.open("a.penchant")).numbers["settings"]
    assert "no address" in told["fit"]["left_out"]


def test_json_has_the_same_numbers(penchant, tmp_path):
    assert penchant(*FIT)[0] == 0
    code, out, _ = penchant(
        "report", "films.penchant", "films.csv", "--json", "--out", "a.html", "--user", 3
    )
    assert code == 0
    assert out.count("\n") == 1
    told = json.loads(out)
    assert told.pop("file") == "a.html"
    wanted = pc.report(
        pc.open("films.penchant"),
        source=pc.load("films.csv", quiet=True),
        users=[3],
        bundle="films.penchant",
    )
    assert told == json.loads(json.dumps(wanted.to_json()))
    assert (tmp_path / "a.html").is_file()


def test_without_the_source_it_says_what_is_missing(penchant, tmp_path):
    assert penchant(*FIT)[0] == 0
    code, out, err = penchant("report", "films.penchant")
    assert code == 0, err
    assert out.startswith("No test figures: The test ratings were random split, test=0.2, seed=5")
    assert "not measured again here" in (tmp_path / "films.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("no.penchant",), "There is no saved recommender no.penchant"),
        (("films.penchant", "no.csv"), "There is no file or folder"),
        (("films.penchant", "--out", "no/a.html"), "--out: "),
        (("films.penchant", "--out", "films.penchant"), "--out: "),
        (("films.penchant", "--out", "a.pdf"), "its path ends in .html"),
        (("films.penchant", "--user", "ann"), "user ids of this model are whole numbers"),
    ],
)
def test_mistakes(penchant, tmp_path, arguments, wanted):
    assert penchant(*FIT)[0] == 0
    code, out, err = penchant("report", *arguments)
    assert (code, out) == (2, "")
    assert wanted in err
    assert not list(tmp_path.glob("*.html"))


def test_a_folder_that_cannot_be_written_is_told_before_the_work(penchant, monkeypatch):
    import os

    assert penchant(*FIT)[0] == 0
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    code, _, err = penchant("report", "films.penchant")
    assert code == 2
    assert "can't be written to. Choose another folder." in err
