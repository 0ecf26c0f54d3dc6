import json
import re

import pytest

import penchant as pc
from penchant.errors import BundleError, DataError, NotFittedError
from penchant.model.provenance import Provenance, today, versions

WORLD = pc.synthetic(n_users=20, n_items=15, n_ratings=150, factors=2, noise=0.5, seed=1)
NOTED = Provenance("films.csv", 0.2, 7, 0.1, 30, 0.91, "2026-11-24", {"penchant": "0.1.0"},
                   ("--users", "users.csv"))  # fmt: skip


@pytest.fixture
def model():
    return pc.MatrixFactorization(1, "bias").fit(WORLD, progress=False)


def test_it_is_saved_and_opened(model, tmp_path):
    assert model.provenance is None
    model.note(NOTED)
    model.save(tmp_path / "a.penchant")
    opened = pc.open(tmp_path / "a.penchant")
    assert opened.provenance == NOTED
    assert opened.provenance.protocol == "random split, test=0.2, seed=7"
    opened.save(tmp_path / "b.penchant")
    assert pc.open(tmp_path / "b.penchant").provenance == NOTED


def test_a_bundle_without_it_opens(model, tmp_path):
    model.save(tmp_path / "a.penchant")
    assert "provenance" not in json.loads((tmp_path / "a.penchant/card.json").read_text())
    assert pc.open(tmp_path / "a.penchant").provenance is None


def test_an_unfitted_model_has_none():
    with pytest.raises(NotFittedError, match="has not been trained"):
        pc.MatrixFactorization(1, "bias").note(NOTED)


WRONG = [
    {"source": 3},
    {"source": "x" * 301},
    {"test": 1.0},
    {"test": True},
    {"seed": -1},
    {"validation": "0.1"},
    {"tested": 1.5},
    {"rmse": float("inf")},
    {"rmse": "0.9"},
    {"date": None},
    {"versions": ["penchant"]},
    {"versions": {"penchant": 1}},
    {"options": "--users"},
    {"options": [3]},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_nonsense_is_refused(changes):
    with pytest.raises(DataError, match="make no sense"):
        Provenance.from_card({**NOTED.card(), **changes})


@pytest.mark.parametrize("said", [None, [], {}, {**NOTED.card(), "more": 1}], ids=str)
def test_other_names_are_refused(said):
    with pytest.raises(DataError, match="should hold source, test"):
        Provenance.from_card(said)


def test_a_note_from_before_there_were_options_is_read():
    said = NOTED.card()
    del said["options"]
    assert Provenance.from_card(said).options == ()


def test_a_bundle_with_nonsense_is_refused(model, tmp_path):
    model.note(Provenance("x", 0.2, 7, None, 30, 0.91, "2026-11-24", {"a": "b" * 400}))
    model.save(tmp_path / "a.penchant")
    with pytest.raises(BundleError, match=r"card\.json, provenance: Its values make no sense"):
        pc.open(tmp_path / "a.penchant")


def test_date_and_versions():
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", today())
    assert versions()["penchant"] == pc.__version__
    assert "numpy" in versions()
    assert Provenance("x", 0, 1, None, 0, None, "", {}).protocol == "no test ratings"
