"""The command tune, and fit with a file of settings."""

import json

import pytest

import penchant as pc


@pytest.fixture
def penchant(penchant, monkeypatch, tmp_path, write_csv):
    """Run a command in a folder with films.csv."""
    monkeypatch.chdir(tmp_path)
    made = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    write_csv(tmp_path / "films.csv", made)
    return penchant


def test_tune_writes_settings_that_fit_takes(penchant, tmp_path):
    code, out, _ = penchant("tune", "films.csv", "--solver", "als", "--trials", 3, "--factors", 8)
    assert code == 0
    assert "3 tries (random validation share of 0.1, seed=2021)" in out
    assert "Next: penchant fit films.csv --settings films.settings.json" in out
    assert (tmp_path / "films.settings.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = penchant("fit", "films.csv", "--settings", "films.settings.json", "--json")
    assert code == 0
    assert json.loads(out)["parameters"] == 61 * 9 + 41 * 9
    said = json.loads((tmp_path / "films.settings.json").read_text())
    assert pc.open(tmp_path / "films.penchant").get_params()["solver"].name == "als"
    assert said["settings"]["factors"] == 8


def test_json_is_one_object(penchant):
    code, out, err = penchant(
        "tune", "films.csv", "--solver", "sgd", "--trials", 2, "--json", "--out", "s.json"
    )
    assert code == 0
    assert "Tuning" not in err
    assert len(json.loads(out)["trials"]) == 2


def test_settings_go_alone(penchant):
    code, _, err = penchant("fit", "films.csv", "--settings", "s.json", "--solver", "als")
    assert code == 2
    assert "--settings says what to train: leave --model, --solver" in err


@pytest.mark.parametrize("command", ["fit", "tune", "compare", "evaluate", "data"])
def test_what_means_no_rating_is_said_to_every_command_that_reads(penchant, tmp_path, command):
    rows = (tmp_path / "films.csv").read_text().splitlines()
    zeros = [f"{row.rpartition(',')[0]},0" for row in rows[1:] if row.endswith(",3")]
    others = [row for row in rows if not row.endswith(",3") and not row.endswith(",2")]
    (tmp_path / "films.csv").write_text("\n".join([*others, *zeros]) + "\n")
    more = {"fit": ["--solver", "bias"], "compare": ["--solver", "bias"],
            "tune": ["--solver", "sgd", "--trials", "1"], "data": []}  # fmt: skip
    if command == "evaluate":
        made = pc.load("films.csv", unrated=0, quiet=True)
        pc.MatrixFactorization(2, "bias").fit(made, progress=False).save("m.penchant")
        given = ["evaluate", "m.penchant", "films.csv", "--all"]
    else:
        given = [command, "films.csv", *more[command]]
    code, _, err = penchant(*given)
    assert code == 2
    assert "say unrated=0 (--unrated=0)" in err
    code, _, _ = penchant(*given, "--unrated=0")
    assert code == 0
