"""penchant compare, through the command itself."""

import json
import subprocess
import sys

import numpy as np
import pytest

from penchant.data.synthetic import synthetic

MADE = synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.4, seed=2)
QUICK = ["--factors", "4", "--solver", "sgd"]


@pytest.fixture
def source(tmp_path, write_csv):
    return str(write_csv(tmp_path / "ratings.csv", MADE))


def test_it_prints_tables_and_what_may_be_said(penchant, source):
    code, out, err = penchant("compare", source, *QUICK)
    assert code == 0
    assert out.startswith("Test ratings: random split, test=0.2, seed=2021\n")
    assert "Trained on 720 ratings, tested on 180 of" in out
    assert "RMSE against bias: " in out
    assert sum(line.startswith("sgd ") for line in out.splitlines()) == 5
    assert err.splitlines()[-2:] == ["bias: training", "sgd: training"]
    assert max(map(len, out.splitlines())) <= 80


def test_json_is_one_object_and_agrees_with_evaluate(penchant, source):
    import penchant as pc

    code, out, _ = penchant("compare", source, *QUICK, "--json", "--seed", "7", "--test", "0.3")
    assert code == 0
    said = json.loads(out)
    assert said["source"] == source
    assert said["protocol"]["ratings"] == "random split, test=0.3, seed=7"
    train, test = pc.split(pc.load(source), test=0.3, seed=7)
    model = pc.MatrixFactorization(factors=4, solver="sgd", seed=7).fit(train, progress=False)
    by_name = {entry["name"]: entry for entry in said["models"]}
    assert list(by_name) == ["bias", "sgd"]
    assert by_name["sgd"]["rmse"] == pytest.approx(model.evaluate(test).rmse)


def test_folds_take_the_place_of_the_test_share(penchant, source):
    code, out, err = penchant("compare", source, *QUICK, "--folds", "3", "-n", "4", "--json")
    assert code == 0
    said = json.loads(out)
    assert (said["folds"], said["test_ratings"], said["protocol"]["n"]) == (3, 900, 4)
    assert said["protocol"]["ratings"] == "3 random folds, seed=2021"
    assert "sgd: training, fold 3 of 3" in err


def test_without_solvers_it_compares_all(penchant, source, monkeypatch):
    from penchant.solvers import registry

    few = {name: registry.SOLVERS[name] for name in ("bias", "sgd")}
    monkeypatch.setattr(registry, "SOLVERS", few)
    code, out, _ = penchant("compare", source, "--factors", "4", "--json")
    assert code == 0
    assert [entry["name"] for entry in json.loads(out)["models"]] == ["bias", "sgd"]


def test_a_solver_named_twice_is_compared_once(penchant, source):
    code, out, _ = penchant("compare", source, *QUICK, "--solver", "sgd", "--json")
    assert code == 0
    assert len(json.loads(out)["models"]) == 2


def test_validation_rows_are_cut_off(penchant, source):
    code, out, _ = penchant("compare", source, *QUICK, "--validation", "0.1", "--json")
    assert code == 0
    assert json.loads(out)["train_ratings"] == 720 - int(np.ceil(72))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "3", "--test", "0.2"], "--folds tests each rating once"),
        (["--test", "1.5"], "--test is a share between 0 and 1, not 1.5"),
        (["--test", "0"], "--test is a share between 0 and 1, not 0"),
        (["--solver", "magic"], "solver must be one of"),
        (["--folds", "1"], "'--folds': Input should be greater than or equal to 2"),
        (["--validation", "3"], "validation must be a share between 0 and 1, not 3.0"),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(penchant, source, arguments, message):
    code, out, err = penchant("compare", source, *arguments)
    assert code == 2
    assert not out
    assert message in err
    assert "Traceback" not in err


def test_mistakes_are_json_where_json_is_asked_for(penchant, source):
    code, out, _ = penchant("compare", source, "--test", "2", "--json")
    assert code == 2
    assert json.loads(out)["error"]["kind"] == "SettingsError"


def test_it_runs_as_a_program_of_its_own(source):
    done = subprocess.run(
        [sys.executable, "-c", "from penchant.cli import main; main()", "compare", source, *QUICK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Differences of RMSE (lower is better)" in done.stdout
