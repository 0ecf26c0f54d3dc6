"""Ratings that come and go: the same bits, the same rows, the errors, the accuracy."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.errors import BundleError, DataError, SettingsError, UnknownIdError, UnsupportedError
from penchant.fold_in import change
from penchant.fold_in.by_ridge import Penalty, solved
from penchant.fold_in.change import Added
from penchant.history import History
from penchant.model.ledger import Rated
from penchant.storage import bundle, storage

GIBBS = pc.Gibbs(rank=3, sweeps=30, burn_in=10, heads=8)
SOLVERS = {
    "gibbs": GIBBS,
    "days": dataclasses.replace(GIBBS, contexts=("day",)),
    "als": pc.ALS(rank=3, sweeps=4),
    "als by count": pc.ALS(rank=3, sweeps=4, scaling="count"),
    "sgd": pc.SGD(epochs=8),
    "bias": pc.Bias(),
}
COLD_USER, COLD_ITEM = 4, 6  # rows that have no ratings in the training


def made(seed=1, users=60, items=40, n=1100):
    """Ratings with times, side columns, one cold user and one cold item."""
    table = pc.synthetic(n_users=users, n_items=items, n_ratings=n, factors=2, noise=0.4, seed=seed)
    kept = (table.user_rows != COLD_USER) & (table.item_rows != COLD_ITEM)
    table = table.take(np.flatnonzero(kept))
    ages = [None, *np.random.default_rng(seed).integers(1, 6, users).tolist()]
    titles = [None, *(f"film {row}" for row in range(1, items + 1))]
    times = np.arange(len(table), dtype=np.int64) * 40_000
    return dataclasses.replace(
        table,
        timestamps=times,
        user_table=pa.table({"age": pa.array(ages, pa.int64())}),
        item_table=pa.table({"title": titles, "genre": [None, *(["a", "b"] * (items // 2))]}),
    )


RATINGS = made()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A saved model of each solver."""
    folder = tmp_path_factory.mktemp("bundles")
    for name, solver in SOLVERS.items():
        model = pc.MatrixFactorization(factors=5, solver=solver, seed=0)
        model.fit(RATINGS, progress=False).save(folder / name)
    return folder


def files(model, folder):
    """What a model saves: all bytes of all files."""
    model.save(folder / "saved", overwrite=True)
    return {file.name: file.read_bytes() for file in sorted((folder / "saved").iterdir())}


def ids(rows, side="user"):
    return getattr(RATINGS, f"{side}_ids").ids(rows)


def unrated(user_row):
    """An item row that a user has not rated, with ratings of others."""
    rated = set(RATINGS.item_rows[RATINGS.user_rows == user_row].tolist())
    return next(i for i in range(1, 41) if i not in rated and i != COLD_ITEM)


def some(user_row=1):
    """Ratings of known, cold and new users and items, as columns of ids and values."""
    known, cold_user = ids([user_row])[0], ids([COLD_USER])[0]
    fresh, cold_item = ids([unrated(user_row)], "item")[0], ids([COLD_ITEM], "item")[0]
    other = ids([9], "item")[0]
    pairs = [(known, fresh), (known, cold_item), (cold_user, cold_item), (cold_user, other)]
    pairs += [(7001, other), (7001, 9001), (7002, 9001), (known, 9001)]
    users, items = (list(column) for column in zip(*pairs, strict=True))
    values = np.linspace(RATINGS.scale.low, RATINGS.scale.high, len(pairs)).astype(np.float32)
    return users, items, values


@pytest.mark.parametrize("name", SOLVERS)
class TestSameBits:
    def test_adding_and_removing(self, bundles, tmp_path, name):
        model = pc.open(bundles / name)
        before = files(model, tmp_path)
        users, items, values = some()
        model.add_ratings(users, items, values)
        assert files(model, tmp_path)["weights.safetensors"] != before["weights.safetensors"]
        model.remove_ratings(users[::-1], items[::-1])
        assert files(model, tmp_path) == before

    def test_also_by_way_of_a_bundle(self, bundles, tmp_path, name):
        model = pc.open(bundles / name)
        before = files(model, tmp_path)
        users, items, values = some()
        model.add_ratings(users, items, values)
        model.save(tmp_path / "between")
        again = pc.open(tmp_path / "between")
        np.testing.assert_array_equal(again.predict(users, items), model.predict(users, items))
        again.remove_ratings(users, items)
        after = files(again, tmp_path)
        for file in ("weights.safetensors", "posterior.safetensors", "users.arrow", "items.arrow"):
            assert after.get(file) == before.get(file)

    def test_changing_and_changing_back(self, bundles, tmp_path, name):
        model = pc.open(bundles / name)
        before = files(model, tmp_path)
        users, items = RATINGS.users[:3], RATINGS.items[:3]
        times, other = RATINGS.timestamps[:3], RATINGS.scale.high - 0.01
        told = model.add_ratings(users, items, [other] * 3, times)
        assert told == Added(changed=3)
        assert files(model, tmp_path) != before
        model.add_ratings(users, items, RATINGS.values[:3], times)
        assert files(model, tmp_path) == before

    def test_removing_and_adding_again(self, bundles, tmp_path, name):
        model = pc.open(bundles / name)
        before = files(model, tmp_path)
        model.remove_ratings(RATINGS.users[:2], RATINGS.items[:2])
        assert len(model.knowledge.ratings) == len(RATINGS) - 2
        assert files(model, tmp_path)["weights.safetensors"] != before["weights.safetensors"]
        model.add_ratings(
            RATINGS.users[:2], RATINGS.items[:2], RATINGS.values[:2], RATINGS.timestamps[:2]
        )
        assert files(model, tmp_path) == before

    def test_at_once_or_one_by_one(self, bundles, tmp_path, name):
        whole, single = pc.open(bundles / name), pc.open(bundles / name)
        users, items, values = some()
        whole.add_ratings(users, items, values)
        for one in zip(users, items, values, strict=True):
            single.add_ratings(*([entry] for entry in one))
        assert (
            files(single, tmp_path)["weights.safetensors"]
            == (files(whole, tmp_path)["weights.safetensors"])
        )


@pytest.mark.parametrize("name", SOLVERS)
def test_new_ids_grow_the_tables(bundles, name):
    model = pc.open(bundles / name)
    assert model.network.count_params() == model.trained.n_parameters
    users, items, values = some()
    told = model.add_ratings(users, items, values)
    assert told == Added(added=8, users=2, items=1)
    known, factors = model.knowledge, model.trained
    assert len(factors.user_bias) == known.user_ids.size == 63
    assert len(factors.item_bias) == known.item_ids.size == 42
    assert known.user_counts[known.user_ids.row(7001)] == 2
    assert known.item_counts[known.item_ids.row(9001)] == 3
    assert len(known.ratings) == len(RATINGS) + 8
    assert known.ratings.user_table.num_rows == 63
    assert known.titles(known.item_ids.rows([9001])) == [None]
    assert model.evaluate(known.ratings).strangers == 0
    best = model.recommend(7001, n=41)
    assert not {entry.item for entry in best} & {9001, ids([9], "item")[0]}
    assert len(best) == 39
    assert model.network.count_params() == factors.n_parameters


def test_a_users_row_is_the_posteriors(bundles):
    model = pc.open(bundles / "gibbs")
    user = ids([3])[0]
    item = ids([unrated(3)], "item")[0]
    model.add_ratings([user], [item], [RATINGS.scale.high])
    rated = model.predictor.state.ledger.of_user(3)
    side = model.posterior.users.encoder.row({"age": RATINGS.user_table["age"][3].as_py()})
    solved = model.posterior.row(rated.rows, rated.values, side)
    np.testing.assert_allclose(model.trained.user_factors[3], solved.factors, atol=1e-4)
    assert unrated(3) in rated.rows


def test_only_the_rows_concerned_move(bundles):
    model = pc.open(bundles / "gibbs")
    before = model.trained
    model.add_ratings([ids([3])[0]], [ids([unrated(3)], "item")[0]], [RATINGS.scale.high])
    moved = (model.trained.user_factors != before.user_factors).any(axis=1)
    assert np.flatnonzero(moved).tolist() == [3]
    assert model.trained.item_factors is before.item_factors


def test_the_ratings_it_was_given_stay_as_they_were():
    ratings = made(seed=2)
    copies = [c.copy() for c in (ratings.user_rows, ratings.item_rows, ratings.values)]
    model = pc.MatrixFactorization(factors=3, solver=pc.Bias()).fit(ratings, progress=False)
    model.add_ratings(ratings.users[:5], ratings.items[:5], [RATINGS.scale.low] * 5)
    model.remove_ratings(ratings.users[5:7], ratings.items[5:7])
    for copy, column in zip(
        copies, (ratings.user_rows, ratings.item_rows, ratings.values), strict=True
    ):
        np.testing.assert_array_equal(copy, column)
    assert ratings.user_ids.size == 61


def test_times_are_the_newest_known_unless_given(bundles):
    model = pc.open(bundles / "gibbs")
    model.add_ratings([7001], [ids([1], "item")[0]], [3.0])
    model.add_ratings([7001], [ids([2], "item")[0]], [3.0], [5])
    found = model.predictor.state.ledger.of_user(model.knowledge.user_ids.row(7001))
    assert found.seconds.tolist() == [RATINGS.timestamps.max(), 5]


def test_side_columns_of_a_newcomer_are_read(bundles):
    plain, told = pc.open(bundles / "gibbs"), pc.open(bundles / "gibbs")
    item = ids([2], "item")[0]
    plain.add_ratings(["7001"] if plain.knowledge.user_ids.kind == "str" else [7001], [item], [3.0])
    told.add_ratings([7001], [item], [3.0], user_columns={7001: {"age": 5}})
    assert told.knowledge.user_table["age"].to_pylist()[-1] == 5
    assert plain.knowledge.user_table["age"].to_pylist()[-1] is None
    rows = [m.trained.user_factors[-1] for m in (plain, told)]
    assert np.abs(rows[0] - rows[1]).max() > 0
    told.add_ratings([7001], [9001], [3.0], item_columns={9001: {"title": "new", "genre": "b"}})
    assert told.recommend(1, n=1, among=[9001])[0].title == "new"


MISTAKES = [
    ((([1, 2], [1], [3.0]), {}), DataError, "2 users, 1 items, 1 values"),
    ((([1], [1], [99.0]), {}), DataError, "outside the scale"),
    ((([1], [1], [np.nan]), {}), DataError, "no finite number"),
    (((["a"], [1], [3.0]), {}), DataError, "of type int, but 'a' is of type str"),
    ((([], [], []), {}), DataError, "There are no ratings"),
    ((([1], [1], [3.0]), {"user_columns": {1: {"age": 3}}}), DataError, "user 1, which is not new"),
    ((([77], [1], [3.0]), {"user_columns": {77: {"sex": 3}}}), DataError, "no user column 'sex'"),
    (
        (([77], [1], [3.0]), {"user_columns": {77: {"age": "old"}}}),
        DataError,
        "user_columns don't fit the user table",
    ),
]


@pytest.mark.parametrize(("given", "error", "message"), MISTAKES)
@pytest.mark.parametrize("name", ["gibbs", "sgd"])
def test_a_mistake_changes_nothing(bundles, tmp_path, name, given, error, message):
    model = pc.open(bundles / name)
    before = files(model, tmp_path)
    with pytest.raises(error, match=message):
        model.add_ratings(*given[0], **given[1])
    assert files(model, tmp_path) == before


@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        (([1, 1], [1]), DataError, "3 users and 2 items"),
        (([1], [999]), UnknownIdError, "User 1 has no rating of item 999, at position 0"),
        (([999], [1]), UnknownIdError, "User 999 has no rating"),
    ],
)
def test_what_is_not_there_cannot_be_removed(bundles, tmp_path, pair, error, message):
    model = pc.open(bundles / "gibbs")
    before = files(model, tmp_path)
    users, items = RATINGS.users[:1], RATINGS.items[:1]
    with pytest.raises(error, match=message.replace("position 0", r"position \d")):
        model.remove_ratings([*users, *pair[0]], [*items, *pair[1]])
    assert files(model, tmp_path) == before


def test_times_where_the_model_knows_none(bundles):
    plain = dataclasses.replace(RATINGS, timestamps=None)
    model = pc.MatrixFactorization(factors=2, solver=pc.Bias()).fit(plain, progress=False)
    with pytest.raises(DataError, match="have no timestamps"):
        model.add_ratings([1], [1], [3.0], [5])


def test_without_ratings_nothing_can_be_added(bundles, tmp_path):
    pc.open(bundles / "gibbs").save(tmp_path / "bare", ratings=False)
    bare = pc.open(tmp_path / "bare")
    for call in (
        lambda: bare.add_ratings([1], [1], [3.0]),
        lambda: bare.remove_ratings([1], [1]),
        lambda: bare.refresh(1),
        lambda: bare.forget(1),
    ):
        with pytest.raises(UnsupportedError, match="saved without them"):
            call()


def test_many_changes_are_put_into_one_table(bundles, monkeypatch):
    plain, merged = pc.open(bundles / "gibbs"), pc.open(bundles / "gibbs")
    users, items, values = some()
    plain.add_ratings(users, items, values)
    monkeypatch.setattr(change, "MOST_CHANGED", 1)
    merged.add_ratings(users, items, values)
    assert not merged.predictor.ledger.changed
    assert plain.predictor.ledger.changed
    assert merged.knowledge.fingerprint == plain.knowledge.fingerprint
    np.testing.assert_array_equal(merged.predict(users, items), plain.predict(users, items))
    merged.remove_ratings(users, items)
    plain.remove_ratings(users, items)
    np.testing.assert_array_equal(merged.trained.user_factors, plain.trained.user_factors)


def parts(seed=3):
    """Train and test with 12 users and 8 items of which training knows nothing."""
    table = pc.synthetic(n_users=150, n_items=80, n_ratings=4500, factors=2, noise=0.4, seed=seed)
    new_user, new_item = table.user_rows > 138, table.item_rows > 72
    rest = np.random.default_rng(0).random(len(table)) < 0.4
    base, later = ~new_user & ~new_item & ~rest, (new_user | new_item) & ~rest
    return tuple(table.take(np.flatnonzero(mask)) for mask in (base, later, rest)), (
        new_user[rest],
        new_item[rest],
    )


class TestAccuracy:
    @pytest.mark.parametrize(
        ("solver", "loss", "gain"),
        [(pc.Gibbs(rank=3, sweeps=60, heads=16), 0.03, 0.14), (pc.SGD(), 0.06, 0.15)],
        ids=["gibbs", "sgd"],
    )
    def test_newcomers_are_near_a_full_training(self, solver, loss, gain):
        """Gibbs over three tables, three seeds and two kernels of BLAS: strangers are 0.16 to 0.28
        worse than a full training, newcomers within 0.015 of it, refreshed ones within 0.012 (with
        a standard deviation of 0.006): draws differ by that.
        """
        (base, later, test), (new_user, new_item) = parts()
        model = pc.MatrixFactorization(factors=20, solver=solver, seed=0).fit(base, progress=False)
        both = base.take(np.arange(len(base)))
        both = dataclasses.replace(
            both,
            user_rows=np.concatenate([base.user_rows, later.user_rows]),
            item_rows=np.concatenate([base.item_rows, later.item_rows]),
            values=np.concatenate([base.values, later.values]),
            timestamps=None,
        )
        full = pc.MatrixFactorization(factors=20, solver=solver, seed=0).fit(both, progress=False)
        seen = np.flatnonzero(new_user | new_item)
        error = {}
        for name, one in (("stranger", model), ("full", full)):
            error[name] = one.evaluate(test.take(seen)).rmse
        model.add_ratings(later.users, later.items, later.values)
        error["folded"] = model.evaluate(test.take(seen)).rmse
        assert error["folded"] < error["stranger"] - gain
        assert error["folded"] < error["full"] + loss
        if solver.name == "gibbs":
            model.refresh(2)
            assert model.evaluate(test.take(seen)).rmse < error["full"] + loss

    def test_a_new_rating_pulls_towards_it(self, bundles):
        for name in SOLVERS:
            model = pc.open(bundles / name)
            user, item = ids([5])[0], ids([unrated(5)], "item")[0]
            before = model.predict([user], [item])[0]
            model.add_ratings([user], [item], [RATINGS.scale.low])
            assert model.predict([user], [item])[0] < before


class TestRefresh:
    def test_the_same_seed_gives_the_same_bits(self, bundles, tmp_path):
        saved = []
        for _ in range(2):
            model = pc.open(bundles / "gibbs")
            model.add_ratings(*some())
            assert model.refresh(2, threads=1 + len(saved)) is model
            saved.append(files(model, tmp_path))
        assert saved[0] == saved[1]

    def test_what_has_changed_counts_as_trained(self, bundles, tmp_path):
        model = pc.open(bundles / "gibbs")
        model.add_ratings(*some())
        before = model.trained
        model.refresh(1)
        card = json.loads(files(model, tmp_path)["card.json"])
        assert card["trained_rows"] == [63, 42]
        assert not model.predictor.life.seen
        assert (model.trained.item_factors != before.item_factors).any()
        assert model.posterior.users.draws.shape[1] == 63
        model.add_ratings([7001], [ids([3], "item")[0]], [3.0])  # and it lives on

    def test_touched_rows_are_drawn_and_others_stay(self, bundles):
        model = pc.open(bundles / "gibbs")
        before = model.posterior
        item = unrated(3)
        model.add_ratings([ids([3])[0]], [ids([item], "item")[0]], [RATINGS.scale.low])
        model.refresh(1)
        for side, row in (("items", item), ("users", 3)):
            old, new = (getattr(p, side).draws for p in (before, model.posterior))
            moved = np.abs(new - old).max(axis=(0, 2))
            warm = np.flatnonzero(model.knowledge.__dict__[f"{side[:-1]}_counts"])
            assert moved[row] > 0.01
            assert moved[np.setdiff1d(warm, [row])].max() < 1e-4

    def test_each_sweep_matters(self, bundles):
        models = [pc.open(bundles / "gibbs") for _ in range(2)]
        for sweeps, model in enumerate(models, start=1):
            model.add_ratings(*some())
            model.refresh(sweeps)
        assert (models[0].trained.item_factors != models[1].trained.item_factors).any()

    def test_without_changes_nothing_happens(self, bundles, tmp_path):
        model = pc.open(bundles / "gibbs")
        before = files(model, tmp_path)
        model.refresh(3)
        assert files(model, tmp_path) == before

    def test_days_are_kept(self, bundles):
        model = pc.open(bundles / "days")
        keys = model.posterior.days.keys
        model.add_ratings(*some())
        model.refresh(1)
        np.testing.assert_array_equal(model.posterior.days.keys, keys)

    def test_mistakes(self, bundles):
        with pytest.raises(UnsupportedError, match="solver='sgd' made this model"):
            pc.open(bundles / "sgd").refresh(1)
        with pytest.raises(SettingsError, match="n must be a whole number"):
            pc.open(bundles / "gibbs").refresh(0)


class TestBundle:
    def opened(self, bundles, *, card=None, **weights):
        model = pc.open(bundles / "sgd")
        model.add_ratings(*some())
        model.save(bundles / "changed", overwrite=True)
        found = bundle.read(bundles / "changed")
        return storage.Stored(
            dataclasses.replace(
                found, card=found.card | (card or {}), weights=found.weights | weights
            ),
            model.knowledge,
        )

    @pytest.mark.parametrize("said", [[1], "all", [61, 99], [0, 1], [61.0, 41]], ids=str)
    def test_what_training_knew_must_make_sense(self, bundles, said):
        with pytest.raises(BundleError, match="trained_rows should be two numbers of at most"):
            storage.life_of(self.opened(bundles, card={"trained_rows": said}))

    def test_what_has_changed_must_fit_together(self, bundles):
        short = {"living.values": np.zeros(1, np.float32)}
        with pytest.raises(BundleError, match="What has changed since the training is damaged"):
            storage.life_of(self.opened(bundles, **short))
        bad = {"living.rows": np.zeros((99, 2), np.int32)}
        with pytest.raises(BundleError, match="What has changed since the training is damaged"):
            storage.life_of(self.opened(bundles, **bad))
        for name, far in (("pairs", [[1, 99]]), ("rows", [[0, 99]]), ("rows", [[2, 1]])):
            found = dict(self.opened(bundles).bundle.weights)
            array = found[f"living.{name}"].copy()
            array[:1] = far
            with pytest.raises(BundleError, match="it is of no model with 63 users, 42 items"):
                storage.life_of(self.opened(bundles, **{f"living.{name}": array}))
        assert storage.life_of(self.opened(bundles)).originals


@pytest.mark.parametrize(
    ("loss", "error", "l2"), [("mse", 0.5, 0.2), ("rmse", 0.5, 0.2), ("rmse", 1.0, 0.4)]
)
def test_the_penalty_of_keras(loss, error, l2):
    made_by = {"name": "keras", "settings": {"l2": 0.1, "l2_bias": 0.2, "loss": loss}}
    history = History([{"train_rmse": error * 2}])
    penalty = Penalty.of(made_by, history, 2.0, "user")
    assert penalty.l2 == pytest.approx(l2)
    assert penalty.l2_bias == pytest.approx(l2)  # λ_b is twice λ, and has no unit


def test_ridge_of_one_rating_by_hand():
    rated = Rated(np.array([0], np.int32), np.array([5.0], np.float32), None)
    factors, bias = np.array([[2.0]], np.float32), np.array([1.0], np.float32)
    p, b = solved(rated, factors, bias, 3.0, Penalty(l2=1.0, l2_bias=1.0), np.zeros(2, np.float32))
    # (2p + b - 1)² + p² + b² is least at p = 1/3, b = 1/6
    np.testing.assert_allclose([p[0], b], [1 / 3, 1 / 6], rtol=1e-6)


def test_ridge_shrinks_to_the_stranger_where_the_solver_does():
    none = Rated(np.zeros(0, np.int32), np.zeros(0, np.float32), None)
    table = np.zeros((1, 1), np.float32)
    centre = np.array([0.0, 0.7], np.float32)
    penalty = Penalty(plain=1.0, plain_bias=4.0, to_stranger=True)
    assert solved(none, table, table[0], 3.0, penalty, centre)[1] == pytest.approx(0.7)


def test_the_program_of_the_docs_runs(capsys):
    page = (Path(__file__).parents[2] / "docs" / "living.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    exec(compile(program, "docs/living.md", "exec"), {})
    out = capsys.readouterr().out
    assert "2 ratings added; 1 user new; 1 item new" in out
    assert "1 rating removed; 1 item gone" in out
    assert "1 rating, the user's row and id" in out


def test_the_record_is_told():
    assert str(Added(added=2, changed=1, users=1)) == (
        "2 ratings added; 1 rating changed; 1 user new"
    )
    assert str(Added(removed=1, items=2)) == "1 rating removed; 2 items gone"
    assert str(Added()) == "nothing changed"
