"""penchant fit --likelihood, penchant predict --distribution."""

import json

import pytest

import penchant as pc
from penchant.cli.models import model_of
from penchant.errors import SettingsError


@pytest.fixture
def penchant(penchant, monkeypatch, tmp_path):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return penchant


def test_an_ordinal_model_tells_how_probable_each_star_is(penchant, tmp_path):
    world = pc.synthetic(n_users=30, n_items=20, n_ratings=400, factors=2, noise=0.5, seed=1)
    solver = pc.Gibbs(rank=2, sweeps=6, burn_in=2, heads=2, likelihood="ordinal")
    pc.MatrixFactorization(factors=3, solver=solver).fit(world, progress=False).save("a.penchant")
    told = pc.open("a.penchant").predict([1], [3], distribution=True)
    code, out, err = penchant("predict", "a.penchant", 1, 3, "--distribution", "--json")
    assert code == 0, err
    found = json.loads(out)["distribution"]
    assert list(found) == ["1", "2", "3", "4", "5"]
    assert found == told.to_json()[0]
    code, out, err = penchant("predict", "a.penchant", 1, 3, "--distribution")
    assert code == 0, err
    assert str(told) in out
    assert out.startswith("User 1 would rate item 3")


def test_other_models_say_what_to_do(penchant):
    world = pc.synthetic(n_users=30, n_items=20, n_ratings=400, factors=2, noise=0.5, seed=1)
    pc.MatrixFactorization(solver="bias").fit(world, progress=False).save("b.penchant")
    code, out, err = penchant("predict", "b.penchant", 1, 3, "--distribution")
    assert code == 1
    assert out == ""
    assert "likelihood='ordinal'" in err


def test_fit_takes_the_likelihood():
    assert model_of("mf", None, None, 1, likelihood="ordinal").solver.likelihood == "ordinal"
    made = model_of("mf", "keras", 7, 1, likelihood="ordinal")
    assert (made.solver.name, made.solver.likelihood, made.factors) == ("keras", "ordinal", 7)
    assert model_of("mf", "gibbs", None, 1).solver == "gibbs"


def test_fit_refuses_what_does_not_go_together(penchant):
    with pytest.raises(SettingsError, match="--likelihood goes with --solver gibbs or keras, not "):
        model_of("mf", "sgd", None, 1, likelihood="ordinal")
    with pytest.raises(SettingsError, match="--likelihood goes with --model mf alone; received "):
        model_of("deep", None, None, 1, likelihood="ordinal")
    with pytest.raises(SettingsError, match="likelihood must be"):
        model_of("mf", "gibbs", None, 1, likelihood="poisson")
    code, _, err = penchant("fit", "nothing.csv", "--likelihood", "ordinal", "--chapter")
    assert code == 2
    assert "--likelihood goes with --model mf alone" in err
