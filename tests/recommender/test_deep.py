"""DeepRating and NeuralRating: presets, side columns, bundles that lie, networks of one's own."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.errors import BundleError, SettingsError
from penchant.networks.backend import load_keras
from penchant.recommender.deep import DeepRating
from penchant.recommender.neural_rating import NeuralRating
from penchant.solvers.keras.deep import DeepTraining
from penchant.storage import bundle

WORLD = pc.synthetic(n_users=60, n_items=40, n_ratings=1200, factors=2, noise=0.3, seed=1)
JOBS = [None, *(["nurse", "smith", "baker"] * 20)]
RATINGS = dataclasses.replace(WORLD, user_table=pa.table({"occupation": JOBS}), item_table=None)
TRAIN, TEST = pc.split(RATINGS, test=0.2, seed=1)
FEW = {"epochs": 2, "batch_size": 300, "learning_rate": 0.02}
QUICK = {"factors": 3, "layers": (4,), "members": 1, "dropout": 0.0, "side_factors": 0, **FEW}


@pytest.fixture(scope="module")
def model():
    return DeepRating(**{**QUICK, "side_factors": 2}, seed=3).fit(TRAIN, progress=False)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("deep") / "m.penchant"
    model.save(path)
    return path


def build(n_users, n_items, last=1, inputs=2):
    keras = load_keras()
    rows = [keras.Input((1,), dtype="int32", name=name) for name in ("user", "item")][:inputs]
    sizes = zip(rows, (n_users, n_items), strict=False)
    tables = [keras.layers.Embedding(n, 2, name=f"table_{k}")(r) for k, (r, n) in enumerate(sizes)]
    both = keras.layers.Concatenate(name="both")(tables) if inputs > 1 else tables[0]
    flat = keras.layers.Flatten(name="flat")(both)
    start = keras.initializers.Constant(3.0)
    return keras.Model(rows, keras.layers.Dense(last, bias_initializer=start, name="last")(flat))


def test_settings_stand_the_same_in_both_places():
    mine = DeepRating().get_params()
    theirs = {f.name: f.default for f in dataclasses.fields(DeepTraining)}
    assert {k: v for k, v in mine.items() if k not in ("seed", "choices")} == theirs


def test_presets_are_the_chapters():
    deep, occupation = (DeepRating.preset(name) for name in ("deep", "occupation"))
    assert (deep.factors, deep.layers, deep.activation) == (200, (2048, 256), "linear")
    assert not deep.dot
    assert not deep.bags
    assert occupation.side_information == ("occupation",)
    assert occupation.side_factors == 3
    assert DeepRating.preset("deep", epochs=1, seed=4).seed == 4
    with pytest.raises(SettingsError, match="preset must be one of 'deep', 'occupation'"):
        DeepRating.preset("wide")
    with pytest.raises(SettingsError, match="has no setting 'depth'"):
        DeepRating.preset("deep", depth=3)


def test_a_preset_reads_the_occupation_by_its_row():
    small = {"factors": 2, "layers": (3,), "epochs": 1}
    made = DeepRating.preset("occupation", **small).fit(TRAIN, progress=False)
    assert made.network.get_layer("user_side_0_occupation").kernel.shape == (3, 3)
    ones = np.asarray(made.network.get_layer("user_side_0_occupation_ones")(np.c_[:4]))
    np.testing.assert_array_equal(ones, [[0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    text = []
    made.network.summary(print_fn=text.append)
    assert "hidden_1 (Dense)" in "\n".join(text)
    counted = made.network.count_params()
    assert counted == made.n_parameters == 61 * 2 + 41 * 2 + 3 * 3 + (7 * 3 + 3) + 4


def test_it_learns(model):
    better = DeepRating(**{**QUICK, "epochs": 30}, seed=3).fit(TRAIN, progress=False)
    assert better.evaluate(TEST).rmse < 0.8 * float(TEST.values.std())


def test_a_bundle_opens_without_keras(model, saved):
    code = f"import penchant as pc, sys; m = pc.open({str(saved)!r}); print(m.n_parameters, "
    code += "'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(model.n_parameters), "False"]


def changed(saved, folder, change):
    """Write the bundle again with other contents, hashes and sizes right."""
    opened = bundle.read(saved)
    card, weights = json.loads(json.dumps(opened.card)), dict(opened.weights)
    change(card, weights)
    contents = bundle.Contents(
        kind=opened.kind, card=card, weights=weights, users=opened.users, items=opened.items,
        user_table=opened.user_table, item_table=opened.item_table, posterior=None, ratings=None,
    )  # fmt: skip
    bundle.write(folder, contents, overwrite=True)
    return folder


def _settings(**values):
    return lambda card, weights: card["settings"].update(values)


def _network(**values):
    return lambda card, weights: card["network"].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_settings(layers=[10**9]), "layers must be widths"),
        (_settings(layers=[60_000]), r"hidden_1.kernel should be float32 of shape \(8, 60000\)"),
        (_settings(factors=10**12), r"user_factors.embeddings should be float32 of shape \(61, 10"),
        (_settings(activation="lambda"), "activation must be one of"),
        (_settings(members=9), "should be float32 of shape"),
        (_settings(more=1), "DeepRating takes factors, "),
        (_network(mean="3"), "network.mean should be a finite number"),
        (_network(spread=None), "network.spread should be a finite number"),
        (_network(users={"columns": 3}), "This is no side encoder"),
        (_network(users={"columns": []}), "hidden_1.kernel should be float32"),
        (lambda card, weights: card.pop("network"), "network should be a dict"),
        (lambda card, weights: card.pop("settings"), "settings should be a dict"),
        (lambda card, weights: weights.pop("network.deep.bias"), "deep.bias should be .* missing"),
        (
            lambda card, weights: weights.update({"network.x": np.zeros(1, np.float32)}),
            "has no weights network.x",
        ),
    ],
)
def test_bundles_that_lie_are_refused_before_a_network_is_built(saved, tmp_path, change, message):
    with pytest.raises(BundleError, match=message):
        pc.open(changed(saved, tmp_path / "m", change))


def test_comparing_takes_it():
    result = pc.compare([DeepRating(**QUICK)], TRAIN, TEST, progress=False, resamples=100)
    assert [standing.name for standing in result.models] == ["bias", "deep"]


def test_another_optimiser_object_and_loss():
    keras = load_keras()
    given = {"optimizer": keras.optimizers.Adam(0.02), "loss": lambda r, p: abs(r - p)}
    made = DeepRating(**{**QUICK, **given}).fit(TRAIN, progress=False)
    assert made._saved(ratings=False).card["settings"]["optimizer"].startswith("the object Adam(")
    assert np.isfinite(made.predict(1, 1))


@pytest.fixture(scope="module")
def fitted():
    return NeuralRating(network=build, **FEW).fit(TRAIN, progress=False)


class TestNeuralRating:
    def test_its_bundle_asks_for_the_builder(self, fitted, tmp_path):
        fitted.save(tmp_path / "m")
        with pytest.raises(SettingsError, match=r"penchant\.open\(path, network=build\)"):
            pc.open(tmp_path / "m")
        opened = pc.open(tmp_path / "m", network=build)
        np.testing.assert_array_equal(opened.predict([1, 99], 2), fitted.predict([1, 99], 2))
        with pytest.raises(BundleError, match=r"last\.kernel should be"):
            pc.open(tmp_path / "m", network=_deeper)

    def test_nothing_else_takes_a_builder(self, saved):
        with pytest.raises(SettingsError, match="builds its network itself: leave network= out"):
            pc.open(saved, network=build)

    def test_settings_by_name(self, fitted):
        assert fitted.get_params()["network"] is build
        other = NeuralRating(build).set_params(network=_deeper, epochs=3)
        assert (other.get_params()["network"], other.epochs) == (_deeper, 3)
        with pytest.raises(SettingsError, match="has no setting 'layers'"):
            other.set_params(layers=3)

    @pytest.mark.parametrize(
        ("network", "message"),
        [
            (3, "network must be a function build"),
            (lambda n_users, n_items: None, "received None"),
            (lambda n_users, n_items: build(n_users, n_items, last=2), r"to \(None, 2\)"),
            (lambda n_users, n_items: build(n_users, n_items, inputs=1), "of two inputs"),
        ],
    )
    def test_what_builds_no_network_of_rows_is_told(self, network, message):
        with pytest.raises(SettingsError, match=message):
            NeuralRating(network, **FEW).fit(TRAIN, progress=False)


def _deeper(n_users, n_items):
    keras = load_keras()
    rows = [keras.Input((1,), dtype="int32", name=name) for name in ("user", "item")]
    sizes = zip(rows, (n_users, n_items), strict=True)
    tables = [keras.layers.Embedding(n, 2, name=f"table_{k}")(r) for k, (r, n) in enumerate(sizes)]
    flat = keras.layers.Flatten(name="flat")(keras.layers.Concatenate(name="both")([*tables] * 2))
    return keras.Model(rows, keras.layers.Dense(1, name="last")(flat))
