"""penchant fit on a block store."""

import json

import pytest

import penchant as pc
from penchant.blocks.write import write_blocks
from penchant.recommender.settings_file import save_settings

WORLD = pc.synthetic(n_users=80, n_items=30, n_ratings=1200, factors=2, noise=0.5, seed=1)
SETTINGS = ("--solver", "als", "--factors", "4")


@pytest.fixture
def penchant(penchant, monkeypatch, tmp_path):
    """Run a command in an empty folder; returns exit code, standard output and standard error."""

    monkeypatch.chdir(tmp_path)
    write_blocks(WORLD, tmp_path / "films", blocks=3, test=0.1, seed=1)
    return penchant


def test_a_store_is_trained_on_and_its_held_out_ratings_are_scored(penchant, tmp_path):
    more = ("--engine", "threads", "--resume", "state")
    code, out, _ = penchant("fit", "films", *SETTINGS, *more, "--json")
    assert code == 0
    said = json.loads(out)
    assert said["protocol"] == "the held-out ratings of the block store"
    assert said["scores"]["n"] > 50
    assert (tmp_path / "state" / "state.safetensors").exists()
    assert (tmp_path / "films.curves.png").exists()
    again = json.loads(penchant("fit", "films", *SETTINGS, *more, "--json")[1])
    assert again["scores"] == said["scores"]
    assert pc.open("films.penchant").knowledge.ratings is not None


def test_by_count_from_a_file_of_settings(penchant):
    solver = pc.ALS(rank=4, sweeps=5, scaling="count", l2=0.2, l2_bias=0.1)
    save_settings(pc.MatrixFactorization(4, solver), "als.settings.json")
    code, out, _ = penchant("fit", "films", "--settings", "als.settings.json", "--json")
    assert code == 0
    said = json.loads(out)
    opened = pc.open("films.penchant")
    assert opened.solver.settings["scaling"] == "count"
    assert opened.posterior is None
    assert said["history"]["records"][-1]["network_watch_rmse"] == pytest.approx(
        said["scores"]["rmse"]
    )


def test_it_says_what_comes_next(penchant):
    code, out, err = penchant("fit", "films", *SETTINGS, "--no-ratings", "--out", "small.penchant")
    assert code == 0
    assert "RMSE" in out
    assert "GiB" in err
    command = out.splitlines()[-1].removeprefix("Next: penchant ")
    assert command.endswith("--include-rated")
    assert penchant(*command.split())[0] == 0


def test_without_held_out_ratings_nothing_is_scored(penchant, tmp_path):
    write_blocks(WORLD, tmp_path / "whole", blocks=2)
    said = json.loads(penchant("fit", "whole", *SETTINGS, "--json")[1])
    assert said["scores"] is None
    assert said["protocol"] == "no test ratings"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("films", "--model", "deep"), "A block store is trained on by --model mf, not by deep"),
        (("films", "--validation", "0.1"), "--validation can't be cut off a block store"),
        (("films", "--address", "auto"), "takes no address"),
        (("table.csv", "--engine", "ray"), "--engine is for block stores, and table.csv is none"),
        (("table.csv", "--resume", "state"), "--resume is for block stores"),
    ],
)
def test_what_does_not_go_together(penchant, tmp_path, arguments, message):
    (tmp_path / "table.csv").write_text("user,item,rating\n1,1,3\n1,2,4\n2,1,5\n")
    code, _, err = penchant("fit", *arguments)
    assert code == 2
    assert message in err


def test_lists_for_all_users_from_blocks(penchant, tmp_path):
    assert penchant("fit", "films", *SETTINGS, "--json")[0] == 0
    lists = ("recommend", "films.penchant", "--all-users", "-n", "3", "--out", "lists")
    code, out, _ = penchant(*lists, "--blocks", "films", "--engine", "threads", "--json")
    assert code == 0
    assert json.loads(out) == {"folder": "lists", "files": 3, "users": 80, "n": 3}
    assert len(list((tmp_path / "lists").glob("part-*.parquet"))) == 3
    code, _, err = penchant(*lists, "--engine", "ray")
    assert code == 2
    assert "go with --blocks DIR" in err
    code, _, err = penchant("recommend", "films.penchant", "1", "--blocks", "films")
    assert code == 2
    assert "--all-users" in err
