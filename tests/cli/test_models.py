"""penchant fit --model: kinds are trained, told of and saved, and asked by the other commands."""

import json

import pytest

import penchant as pc
from penchant.cli.models import MODELS, model_of
from penchant.recommender import blend, opening
from penchant.recommender.blending.stacking import Weights

WORLD = pc.synthetic(n_users=40, n_items=30, n_ratings=500, factors=2, noise=0.5, seed=1)


def small_members(seed):
    als = pc.MatrixFactorization(3, pc.ALS(rank=2, sweeps=3), seed=seed)
    return {"als": als, "bias": pc.MatrixFactorization(1, "bias")}


@pytest.fixture
def penchant(penchant, monkeypatch, tmp_path, write_data):
    """Run a command in a folder with u.data; returns exit code, standard output and error."""
    write_data(tmp_path / "u.data", WORLD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blend, "usual_members", small_members)
    return penchant


def test_each_model_is_a_kind():
    for name in MODELS:
        made = model_of(name, None, None, 7)
        kind = "matrix_factorization" if name == "mf" else name
        assert type(made) is opening.kind_class(kind)
        assert made.seed == 7


def test_a_blend_shows_what_each_part_adds(penchant):
    code, out, err = penchant("fit", "u.data", "--model", "blend", "--validation", 0.1)
    assert code == 0, err
    assert "Weights, learned on out-of-fold predictions:" in out
    shown = [line.split()[0] for line in out.split("part ")[1].splitlines()[1:5]]
    assert shown == ["als", "bias", "constant", "together"]
    assert "training members" in err
    assert "12/12" in err
    for asked in (
        ("predict", "u.penchant", 1, 2, "--interval", 0.9),
        ("recommend", "u.penchant", 1),
        ("recommend", "u.penchant", "--all-users", "--out", "all.parquet"),
        ("similar", "u.penchant", 3),
        ("explain", "u.penchant", 1, 2),
        ("evaluate", "u.penchant", "u.data"),
    ):
        assert penchant(*asked)[0] == 0, asked


def test_in_json(penchant):
    code, out, err = penchant("fit", "u.data", "--model", "blend", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["kind"] == "blend"
    opened = pc.open("u.penchant")
    assert Weights.from_card(told["weights"]) == opened.weights
    assert told["parameters"] == opened.n_parameters
    assert [record["member"] for record in told["history"]["records"]] == [1, 2]


@pytest.mark.parametrize("model", [name for name in MODELS if name != "mf"])
@pytest.mark.parametrize("option", ["--solver=als", "--factors=3"])
def test_what_goes_with_mf_alone_is_told(penchant, model, option):
    code, out, err = penchant("fit", "u.data", "--model", model, option)
    assert (code, out) == (2, "")
    name = option.split("=")[0]
    assert f"{name} goes with --model mf alone: " in err
    assert f"Leave {name} out." in err


def test_an_unknown_model_is_told(penchant):
    code, _, err = penchant("fit", "u.data", "--model", "nix")
    assert code == 2
    assert "--model must be one of 'mf', 'deep', 'autorec', 'blend', not 'nix'" in err


def test_whoever_cannot_explain_says_so(penchant):
    pc.AutoRec(layers=(4,), epochs=1).fit(WORLD, progress=False).save("r")
    code, out, err = penchant("explain", "r", 1, 2)
    assert (code, out) == (1, "")
    assert "can't explain its predictions" in err
    code, out, err = penchant("interview", "r")
    assert (code, out) == (1, "")
    assert "A recommender of kind 'autorec' asks no questions" in err
    assert penchant("recommend", "r", 1)[0] == 0
