"""Bundles that keep every rule of the format, and say nonsense of their recommender."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save

import penchant as pc
from penchant.errors import BundleError

RATINGS = pc.synthetic(n_users=9, n_items=8, n_ratings=40, factors=2, seed=1)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "films.penchant"
    pc.MatrixFactorization(3, pc.SGD(epochs=2)).fit(RATINGS, progress=False).save(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "films.penchant")


def edit(folder, change):
    """Change the card, and seal it again as a clever attacker does."""
    card = json.loads((folder / "card.json").read_bytes())
    change(card)
    card["sha256"] = "0" * 64
    raw = json.dumps(card, indent=1, ensure_ascii=False).encode()
    digest = hashlib.sha256(raw).hexdigest().encode()
    (folder / "card.json").write_bytes(raw.replace(b"0" * 64, digest, 1))


def reweigh(folder, **arrays):
    """Put other arrays among the weights; None takes one out."""
    file = folder / "weights.safetensors"
    kept = {k: v for k, v in {**load_file(file), **arrays}.items() if v is not None}
    file.write_bytes(save(kept))

    def change(card):
        told = {k: {"dtype": str(v.dtype), "shape": list(v.shape)} for k, v in kept.items()}
        raw = file.read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        card["files"][file.name] = {"bytes": len(raw), "sha256": digest, "arrays": told}

    edit(folder, change)


def test_a_bundle_that_is_sealed_again_unchanged_opens(folder):
    before = pc.open(folder).predict([1, 2], [3, 4])
    reweigh(folder)
    np.testing.assert_array_equal(pc.open(folder).predict([1, 2], [3, 4]), before)


def put(*path, value):
    def change(card):
        at = card
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value

    change.__name__ = f"{'.'.join(path)} = {str(value)[:30]}"
    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("kind", value="magic"), "holds a recommender of kind 'magic'; this version knows"),
        (put("mean", value=None), "mean should be a finite number, and is None"),
        (put("mean", value=True), "mean should be a finite number, and is True"),
        (put("mean", value="3"), "mean should be a finite number, and is '3'"),
        (put("mean", value=10**400), "mean should be a finite number"),
        (put("settings", value=[]), r"settings should be a dict, and is \[\]"),
        (put("settings", value={}), r"settings are \[\]"),
        (put("settings", "factors", value=2.5), "factors and seed must be whole numbers"),
        (put("settings", "seed", value=True), "factors and seed must be whole numbers"),
        (put("settings", "solver", value="sgd"), "solver must have a name and settings"),
        (put("settings", "solver", "name", value="magic"), "solver must be one of .*not 'magic'"),
        (put("settings", "solver", "name", value=["sgd"]), "solver must be one of"),
        (put("settings", "solver", "settings", value=3), "solver must have a name and settings"),
        (put("settings", "side_information", value=[3]), r"side_information is \[3\]"),
        (put("history", value=None), "history should be a dict, and is None"),
        (put("history", "records", value=3), "history should be records of numbers"),
        (put("history", "records", value=[{"epoch": "1"}]), "history should be records of numbers"),
        (put("history", "best", value=1.5), "history should be records of numbers"),
        (put("history", "best", value=7), "history should be records of numbers"),
        (put("reads_time", value=1), "reads_time should be a bool, and is 1"),
        (put("reads_time", value=True), "reads_time should be false without a posterior"),
        (put("data", value=None), "data should be a dict, and is None"),
        (put("data", "scale", value=[1]), r"data.scale should be two numbers, and is \[1\]"),
        (put("data", "scale", value=[5, 1]), "data.scale should be two finite numbers"),
        (put("data", "scale", value=["a", 1]), "data.scale should be two finite numbers"),
        (put("data", "scale", value=[1, 10**400]), "data.scale should be two finite numbers"),
        (put("data", "name", value=3), "data should be a name and a fingerprint"),
        (put("data", "fingerprint", value=None), "data should be a name and a fingerprint"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_card_of_nonsense_is_refused(folder, change, message):
    edit(folder, change)
    with pytest.raises(BundleError, match=message):
        pc.open(folder)


ZEROS = np.zeros((10, 3), np.float32)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"item_bias": None}, "weights should be user_bias, item_bias"),
        ({"user_counts": None}, "user_counts should be one int32 of at least 0 for each row"),
        ({"item_counts": np.full(9, -1, np.int32)}, "item_counts should be one int32"),
        ({"user_counts": np.zeros(10, np.int64)}, "user_counts should be one int32"),
        ({"user_counts": np.zeros(9, np.int32)}, "user_counts is of shape .* 10 rows of ids"),
        ({"user_factors": ZEROS.astype(np.float64)}, "user_factors must be float32"),
        ({"user_factors": ZEROS[:, :2].copy()}, "item_factors must be float32 of shape"),
        ({"user_factors": ZEROS[:4].copy()}, "user_factors is of shape .* 10 rows of ids"),
        (
            {"user_factors": ZEROS[:4].copy(), "user_bias": np.zeros(4, np.float32)},
            "user_bias is of shape .* 10 rows of ids",
        ),
        (
            {"item_factors": ZEROS.copy(), "item_bias": np.zeros(10, np.float32)},
            "item_bias is of shape .* 9 rows of ids",
        ),
        ({"user_factors": np.zeros((), np.float32)}, "weights"),
        ({"user_bias": np.zeros((), np.float32)}, "weights"),
        ({"item_bias": np.full(9, np.nan, np.float32)}, "finite"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_weights_of_nonsense_are_refused(folder, arrays, message):
    reweigh(folder, **arrays)
    with pytest.raises(BundleError, match=message):
        pc.open(folder)


def test_settings_that_the_solver_does_not_know_are_told_when_it_trains(folder):
    edit(folder, put("settings", "solver", "settings", "magic", value=1))
    opened = pc.open(folder)
    assert opened.predict(1, 1).shape == (1,)
    with pytest.raises(pc.PenchantError, match="SGD has no setting 'magic'"):
        opened.fit(RATINGS, progress=False)
