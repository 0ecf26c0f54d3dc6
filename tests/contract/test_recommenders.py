"""What every recommender keeps to: each kind, found by reflection, with each of its solvers.

A new kind is found as soon as its module lies in `penchant.recommender`, a new solver as soon as
it stands in `SOLVERS`; where its defaults are slow, give it quick settings in `quick`. A kind whose
constructor takes something else than a width has its line in `QUICK_KINDS` and `SIZES`.
"""

import dataclasses
import importlib
import inspect
import json
import pkgutil

import numpy as np
import pytest

import penchant as pc
import penchant.recommender
from penchant.errors import (
    DataError,
    NotFittedError,
    SettingsError,
    UnknownIdError,
    UnsupportedError,
)
from penchant.ids import IdMap
from penchant.metrics import mae, rmse
from penchant.recommender.base import Recommender
from penchant.solvers.registry import SOLVERS, solver_of, solver_record

WORLD = pc.synthetic(n_users=40, n_items=30, n_ratings=640, factors=2, noise=0.3, seed=1)
ROWS = np.random.default_rng(0).permutation(640)
TEST = WORLD.take(ROWS[:120])
_KEPT = ROWS[120:]
COLD_USER, COLD_ITEM = 7, 9  # known, and without training ratings
TRAIN = WORLD.take(
    _KEPT[(WORLD.user_rows[_KEPT] != COLD_USER) & (WORLD.item_rows[_KEPT] != COLD_ITEM)]
)
OTHER = WORLD.take(ROWS[:300])
USERS, ITEMS = (grid.ravel().tolist() for grid in np.mgrid[1:41, 1:31])
QUICK = {"epochs": 3, "sweeps": 6, "burn_in": 2, "heads": 2, "rank": 2}


def small_network(n_users, n_items):
    """A network for `NeuralRating`."""
    from penchant.networks.backend import load_keras

    keras = load_keras()
    start = keras.initializers.RandomUniform(seed=1)
    rows = [keras.Input((1,), dtype="int32", name=name) for name in ("user", "item")]
    sizes = zip(rows, (n_users, n_items), "pq", strict=True)
    both = [keras.layers.Embedding(n, 3, start, name=name)(row) for row, n, name in sizes]
    flat = keras.layers.Flatten(name="flat")(keras.layers.Concatenate(name="both")(both))
    last = keras.layers.Dense(1, kernel_initializer=start, name="last", bias_initializer="ones")
    rating = keras.layers.Rescaling(1.0, offset=2.0, name="rating")(last(flat))
    return keras.Model(rows, rating)


SMALL_DEEP = {"factors": 3, "layers": (4,), "members": 2, "dropout": 0.1, "side_factors": 2}
FEW_STEPS = {"epochs": 3, "batch_size": 200}
SMALL_AUTO = {"layers": (4,), "members": 2, "batch_size": 8}
QUICK_KINDS = {
    "autorec": lambda: {**SMALL_AUTO, "learning_rate": 0.02, "epochs": 3},
    "deep": lambda: {**SMALL_DEEP, "learning_rate": 0.02, **FEW_STEPS},
    "neural": lambda: {"network": small_network, "learning_rate": 0.02, **FEW_STEPS},
    "blend": lambda: {"members": [part("gibbs"), part("als")], "folds": 3},
}
"""What a kind's constructor takes beside a seed, so small that it trains in no time."""
SIZES = {"autorec": "epochs", "blend": "folds", "neural": "epochs"}
"""The whole number among a kind's settings that its tests change; 3 there, `factors` elsewhere."""
LEAST = {"epochs": 1, "factors": 1, "folds": 2}
ORDINAL = {"gibbs, ordinal": "gibbs", "keras, ordinal": "keras"}
"""Solvers that are tested with likelihood="ordinal" too."""
CONSTANT = {"bias"}  # solvers without factors and chance: neither width nor seed can matter


def quick(name):
    """A solver by name, so small that it trains in no time."""
    if name in ORDINAL:
        return dataclasses.replace(quick(ORDINAL[name]), likelihood="ordinal")
    solver = solver_of(name)
    fields = {field.name for field in dataclasses.fields(solver)}
    return dataclasses.replace(solver, **{k: v for k, v in QUICK.items() if k in fields})


def part(name):
    return pc.MatrixFactorization(3, quick(name), seed=5)


def kinds(base=Recommender):
    for module in pkgutil.iter_modules(penchant.recommender.__path__):
        importlib.import_module(f"penchant.recommender.{module.name}")
    for cls in base.__subclasses__():
        ours = cls.__module__.startswith("penchant.")  # other tests make kinds of their own
        yield from [cls] if cls.kind and ours else []
        yield from kinds(cls)


def has_solver(cls):
    return "solver" in inspect.signature(cls).parameters


CASES = [
    (cls, name)
    for cls in kinds()
    for name in ([*sorted(SOLVERS), *ORDINAL] if has_solver(cls) else [None])
]


def make(case, **settings):
    cls, solver = case
    given = QUICK_KINDS.get(cls.kind, lambda: {"factors": 3, "solver": quick(solver)})()
    return cls(**{"seed": 5, **given, **settings})


def size_of(case):
    """The name of the setting that the tests change, and the least that it may be."""
    name = SIZES.get(case[0].kind, "factors")
    return name, LEAST[name]


def plain(params):
    """Settings as values that can be compared: solvers and members by what they say."""
    told = dict(params)
    if "solver" in told:
        told["solver"] = solver_record(told["solver"])
    if isinstance(told.get("members"), list):
        told["members"] = [plain(member.get_params()) for member in told["members"]]
    return told


def reopened(path):
    """Open a bundle, with the network of those that hold numbers alone."""
    kind = json.loads((path / "card.json").read_text(encoding="utf-8"))["kind"]
    return pc.open(path, network=small_network) if kind == "neural" else pc.open(path)


def takes(case, argument):
    return argument in inspect.signature(case[0].fit).parameters


def fit(case, ratings=TRAIN, **settings):
    return make(case, **settings).fit(ratings, progress=False)


def as_parameter(case):
    """A parameter for a case: quick where no network is compiled."""
    cls, solver = case
    compiled = "keras" in solver if solver else cls.kind != "blend"
    return pytest.param(case, marks=() if compiled else pytest.mark.quick)


@pytest.fixture(
    params=[as_parameter(case) for case in CASES],
    ids=lambda case: f"{case[0].kind}-{case[1]}",
    scope="session",
)
def case(request):
    return request.param


_models = {}


@pytest.fixture
def model(case):
    """A fitted one, shared: ask it, don't change it."""
    if case not in _models:
        _models[case] = fit(case)
    return _models[case]


def all_pairs(model):
    return model.predict(USERS, ITEMS)


def assert_same_answers(one, other):
    np.testing.assert_array_equal(all_pairs(one), all_pairs(other))
    for user in (1, 2, COLD_USER, 99):
        assert one.recommend(user) == other.recommend(user)
    assert one.similar_items(3) == other.similar_items(3)
    assert one.similar_users(3) == other.similar_users(3)
    assert one.evaluate(TEST) == other.evaluate(TEST)


def test_each_kind_is_found_and_can_be_opened():
    from penchant.recommender.opening import KINDS, kind_class

    assert {cls.kind: cls for cls, _ in CASES} == {kind: kind_class(kind) for kind in KINDS}
    assert {solver.partition(",")[0] for _, solver in CASES if solver} == set(SOLVERS)


class TestSettings:
    def test_the_constructor_stores_and_get_params_reads(self, case):
        size, _ = size_of(case)
        made = make(case, seed=9, **{size: 7})
        params = made.get_params()
        assert params[size] == 7
        assert params["seed"] == 9
        assert params.keys() == set(inspect.signature(type(made)).parameters)
        assert type(made)(**params).get_params() == params
        assert repr(made).startswith(f"{type(made).__name__}({next(iter(params))}=")
        assert f"{size}=7" in repr(made)

    def test_set_params_changes_them_and_returns_the_model(self, case):
        made, (size, _) = make(case), size_of(case)
        assert made.set_params(**{size: 9}) is made
        assert getattr(made, size) == 9

    def test_an_unknown_one_is_refused(self, case):
        with pytest.raises(SettingsError, match=r"has no setting 'size'; it has: \w+, "):
            make(case).set_params(size=9)

    def test_clone_of_scikit_learn(self, case, model):
        from sklearn.base import clone

        twin = clone(model)
        assert not twin.is_fitted
        assert plain(twin.get_params()) == plain(model.get_params())

    @pytest.mark.parametrize("wrong", [0, "8"])
    def test_a_size_that_makes_no_sense_is_told_by_fit(self, case, wrong):
        size, least = size_of(case)
        made = make(case, **{size: wrong})
        message = f"{size} must be a whole number of at least {least}, not {wrong!r}"
        with pytest.raises(SettingsError, match=message):
            made.fit(TRAIN, progress=False)
        assert not made.is_fitted

    def test_a_seed_that_makes_no_sense_is_told_by_fit(self, case):
        made = make(case, seed=-1)
        message = "seed must be a whole number of at least 0, not -1"
        with pytest.raises(SettingsError, match=message):
            made.fit(TRAIN, progress=False)
        assert not made.is_fitted

    @pytest.mark.parametrize("solver", ["sdg", None, 3, pc.Ratings])
    def test_no_solver_is_told_by_fit(self, case, solver):
        if has_solver(case[0]):
            with pytest.raises(SettingsError, match="solver must be one of 'als', "):
                fit(case, solver=solver)

    @pytest.mark.parametrize("setting", ["size", "seed"])
    def test_each_matters(self, case, model, setting):
        size, least = size_of(case)
        other = fit(case, **({size: least} if setting == "size" else {"seed": 6}))
        assert (all_pairs(other) != all_pairs(model)).any() or case[1] in CONSTANT
        if hasattr(other, "trained"):
            assert other.trained.n_factors == (1 if setting == "size" else 3)

    def test_changing_one_leaves_the_model_and_its_card_as_they_were(self, case, tmp_path):
        made, (size, _) = fit(case), size_of(case)
        before = all_pairs(made)
        made.set_params(seed=12, **{size: 11}).save(tmp_path / "m")
        np.testing.assert_array_equal(all_pairs(made), before)
        opened = reopened(tmp_path / "m")
        assert (getattr(opened, size), opened.seed) == (3, 5)  # those that made the numbers


class TestFit:
    def test_returns_the_model(self, case):
        made = make(case)
        assert made.fit(TRAIN, progress=False) is made
        assert made.is_fitted

    def test_starts_afresh(self, case, model):
        made = fit(case, OTHER)
        assert_same_answers(made.fit(TRAIN, progress=False), model)

    def test_changes_nothing_that_it_is_given(self, case, model):
        mine = dataclasses.replace(
            TRAIN,
            user_rows=TRAIN.user_rows.copy(),
            item_rows=TRAIN.item_rows.copy(),
            values=TRAIN.values.copy(),
            timestamps=TRAIN.timestamps.copy(),
        )
        for array in (mine.user_rows, mine.item_rows, mine.values, mine.timestamps):
            array.flags.writeable = False
        assert_same_answers(fit(case, mine), model)
        assert mine.fingerprint() == TRAIN.fingerprint()

    def test_watched_ratings_and_callbacks_choose_nothing(self, case, model):
        records = []
        made = make(case).fit(TRAIN, watch=TEST, callbacks=[records.append], progress=False)
        np.testing.assert_array_equal(all_pairs(made), all_pairs(model))
        assert list(made.history) == records
        assert made.history.column("watch_rmse").shape == (len(records),)

    def test_a_share_for_validation_is_cut_off(self, case):
        made = make(case).fit(TRAIN, validation=0.25, progress=False)
        counted = int(made.knowledge.user_counts.sum())
        assert counted == len(TRAIN) - -(-len(TRAIN) // 4)
        assert np.isfinite(made.history.column("validation_rmse")).all()

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"ratings": [1, 2]}, DataError, "ratings must be Ratings, not list. Make them with"),
            ({"ratings": TRAIN.take([])}, DataError, "There are no ratings in ratings"),
            ({"watch": 0.1}, DataError, "watch must be Ratings, not float"),
            ({"validation": "x"}, DataError, "validation, where it is no share, must be Ratings"),
            ({"validation": 1.0}, SettingsError, "validation must leave ratings to train on"),
            ({"validation": 0}, SettingsError, "validation must be a number above 0"),
            ({"callbacks": print}, SettingsError, "callbacks must be a list of callbacks"),
            ({"callbacks": [3]}, SettingsError, "A callback is a function of a record.*not 3"),
            ({"resume": 3}, SettingsError, "resume must be a folder or a penchant.Checkpoint"),
        ],
        ids=str,
    )
    def test_mistakes_are_told(self, case, arguments, error, message):
        if not all(takes(case, argument) for argument in arguments):
            pytest.skip("this kind's fit takes no such argument")
        made = make(case)
        with pytest.raises(error, match=message):
            made.fit(**{"ratings": TRAIN, "progress": False, **arguments})
        assert not made.is_fitted

    def test_ids_of_any_kind_give_the_same_numbers(self, case, model):
        people = [f"사람 {number}" for number in range(1, 41)]
        films = [f"영화-{number}" for number in range(1, 31)]
        named = dataclasses.replace(
            TRAIN, user_ids=IdMap.of(people, "user"), item_ids=IdMap.of(films, "item")
        )
        made = fit(case, named)
        users, items = (
            [names[k - 1] for k in ids] for names, ids in ((people, USERS), (films, ITEMS))
        )
        np.testing.assert_array_equal(made.predict(users, items), all_pairs(model))
        assert [films.index(r.item) + 1 for r in made.recommend("사람 1")] == [
            r.item for r in model.recommend(1)
        ]
        with pytest.raises(DataError, match="item ids are of type str, but 1 is of type int"):
            made.predict("사람 1", 1)


QUESTIONS = {
    "predict": lambda m: m.predict(1, 1),
    "interval": lambda m: m.predict(1, 1, interval=0.9),
    "calibration": lambda m: m.calibration,
    "explain": lambda m: m.explain(1, 1),
    "evaluate": lambda m: m.evaluate(TEST),
    "recommend": lambda m: m.recommend(1),
    "recommend_group": lambda m: m.recommend_group([1, 2]),
    "similar_items": lambda m: m.similar_items(1),
    "similar_users": lambda m: m.similar_users(1),
    "save": lambda m: m.save("never"),
    "knowledge": lambda m: m.knowledge,
    "history": lambda m: m.history,
    "trained": lambda m: m.trained,
    "network": lambda m: m.network,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_before_fit_every_question_says_so(case, question):
    if question not in ("interval", "save") and not hasattr(case[0], question):
        pytest.skip("this kind is not asked that")
    with pytest.raises(NotFittedError, match=r"has not been trained\. Call fit\(ratings\) first"):
        QUESTIONS[question](make(case))


class TestPredict:
    def test_one_by_one_is_as_all_at_once(self, model):
        together = all_pairs(model)
        assert together.dtype == np.float32
        assert together.shape == (1200,)
        alone = [model.predict([u], [i])[0] for u, i in zip(USERS[::50], ITEMS[::50], strict=True)]
        np.testing.assert_array_equal(together[::50], alone)
        np.testing.assert_array_equal(model.predict(USERS[::-1], ITEMS[::-1]), together[::-1])

    def test_of_none(self, model):
        for none in ([], (), np.array([], dtype=np.int64)):
            assert model.predict(none, none).shape == (0,)
            assert model.predict(none, 1).dtype == np.float32

    def test_one_user_for_many_items(self, model):
        np.testing.assert_array_equal(
            model.predict(3, ITEMS[:30]), model.predict([3] * 30, ITEMS[:30])
        )
        np.testing.assert_array_equal(
            model.predict(USERS[::30], 4), model.predict(USERS[::30], [4] * 40)
        )

    def test_stays_on_the_scale(self, case):
        narrow = dataclasses.replace(
            TRAIN, values=np.where(TRAIN.values > 3, 5, 1).astype(np.float32)
        )
        predicted = all_pairs(fit(case, narrow))
        assert predicted.min() >= 1
        assert predicted.max() <= 5

    def test_strangers_are_answered(self, model):
        stranger = model.predict([99, 1, 99], [1, 99, 99])
        assert np.isfinite(stranger).all()
        assert ((stranger >= 1) & (stranger <= 5)).all()
        assert model.predict(98, 1) == model.predict(99, 1)
        assert abs(stranger[2] - TRAIN.mean) < 1

    def test_columns_of_different_lengths_are_told(self, model):
        with pytest.raises(DataError, match=r"needs as many users as items.*3 users and 2 items"):
            model.predict([1, 2, 3], [1, 2])

    @pytest.mark.parametrize("wrong", ["1", ["1"], 1.5, None, True, [1, "1"], b"1", 2**70, [[1]]])
    def test_ids_of_a_wrong_type_are_told(self, model, wrong):
        with pytest.raises(DataError, match=r"user ids?\b"):
            model.predict(wrong, 1)
        with pytest.raises(DataError, match=r"item ids?\b"):
            model.predict(1, wrong)

    def test_the_network_answers_alike(self, model):
        if not hasattr(model, "network"):
            pytest.skip("a kind without a network of its own")
        users, items = np.asarray(USERS, np.int32)[:, None], np.asarray(ITEMS, np.int32)[:, None]
        raw = np.asarray(model.network.predict([users, items], verbose=0, batch_size=2000))[:, 0]
        np.testing.assert_allclose(np.clip(raw, 1, 5), all_pairs(model), atol=1e-5)


class TestEvaluate:
    def test_scores_are_those_of_the_predictions(self, model):
        scores = model.evaluate(TEST)
        predicted = model.predict(TEST.users, TEST.items)
        assert scores.rmse == pytest.approx(rmse(TEST.values, predicted), rel=1e-6)
        assert scores.mae == pytest.approx(mae(TEST.values, predicted), rel=1e-6)
        assert scores["n"] == len(TEST) == 120
        assert scores.interval.low < scores.rmse < scores.interval.high

    def test_counts_strangers_and_cold(self, model):
        test = pc.Ratings.from_columns(
            [1, 99, COLD_USER, 1, 99], [1, 1, 2, COLD_ITEM, COLD_ITEM], [3] * 5
        )
        scores = model.evaluate(test)
        assert (scores.strangers, scores.cold) == (2, 2)
        warm = pc.Ratings.from_columns([1], [1], [3], scale=(1, 5))
        assert scores.warm_rmse == pytest.approx(model.evaluate(warm).rmse)
        assert model.evaluate(warm).unseen_rmse is None

    def test_what_is_no_ratings_is_told(self, model):
        with pytest.raises(DataError, match="test must be Ratings, not tuple"):
            model.evaluate((1, 1, 3))
        with pytest.raises(DataError, match="There are no ratings in test"):
            model.evaluate(TEST.take([]))


class TestRecommend:
    def test_the_best_of_what_was_not_rated(self, model):
        rated = {i for u, i in zip(TRAIN.users, TRAIN.items, strict=True) if u == 2}
        left = [item for item in range(1, 31) if item not in rated]
        predicted = dict(zip(left, model.predict(2, left).tolist(), strict=True))
        answer = model.recommend(2, n=5, by="rating")
        assert len(answer) == 5
        assert not rated & {entry.item for entry in answer}
        shown = [entry.rating for entry in answer]
        assert shown == sorted(shown, reverse=True)
        assert shown == pytest.approx(sorted(predicted.values(), reverse=True)[:5], abs=1e-5)
        assert shown == pytest.approx([predicted[entry.item] for entry in answer], abs=1e-5)
        assert [entry.title for entry in answer] == [f"Film {entry.item}" for entry in answer]

    def test_likely_picks_that_are_liked_come_first(self, model):
        likely = model.predictor.picks(model.knowledge.user_ids.rows([2]))[0]
        liking = model.knowledge.choices.liking
        worth = {}
        for entry in (answer := model.recommend(2, n=30)):
            row = model.knowledge.item_ids.row(entry.item)
            unclipped = model.predictor.scores(model.knowledge.user_ids.row(2))[row : row + 1]
            worth[entry.item] = likely[row] * liking.probabilities(unclipped, 4.0)[0]
            assert entry.probability == pytest.approx(worth[entry.item], abs=1e-6)
        assert list(worth.values()) == sorted(worth.values(), reverse=True)
        assert answer == model.recommend(2, n=30, by="liking", liked=4)
        picks = [entry.item for entry in model.recommend(2, n=30, by="choice")]
        assert picks != [entry.item for entry in answer]
        assert sorted(picks) == sorted(worth)

    def test_without_picks_ratings_rank(self, case):
        if "choices" not in inspect.signature(type(case[0])).parameters:
            pytest.skip("a blend learns what its first member learns")
        model = fit((case[0].set_params(choices=False), *case[1:]))
        assert model.recommend(2, n=5) == model.recommend(2, n=5, by="rating")
        assert not hasattr(model.recommend(2, n=1)[0], "probability")
        assert "choices=True" in model.predictor.can()["choices"]
        with pytest.raises(UnsupportedError, match="choices=True"):
            model.recommend(2, by="choice")

    def test_all_of_them(self, model):
        everything = model.recommend(2, n=1000, exclude_rated=False)
        assert sorted(entry.item for entry in everything) == list(range(1, 31))
        assert list(model.recommend(2, n=4, exclude_rated=False)) == list(everything[:4])

    def test_among(self, model):
        among = [5, 3, 99, 4]
        answer = model.recommend(99, among=among)
        assert sorted(entry.item for entry in answer) == [3, 4, 5]
        assert model.recommend(99, among=iter(among)) == answer
        assert [entry.item for entry in model.recommend(99, among=4)] == [4]
        assert list(model.recommend(99, among=[99])) == []
        with pytest.raises(
            DataError, match="item ids are of type int, but 'Film 4' is of type str"
        ):
            model.recommend(99, among="Film 4")

    def test_a_stranger_gets_something(self, model):
        assert len(model.recommend(99)) == 10
        assert model.recommend(99) == model.recommend(98)

    def test_a_group_is_answered_from_its_members_ratings(self, model):
        alone = model.recommend(2, n=5)
        shared = model.recommend_group([2], n=5)
        assert [entry.item for entry in shared] == [entry.item for entry in alone]
        for entry in model.recommend_group([2, 1, 99], n=5, how="least misery"):
            theirs = model.predict([2, 1, 99], entry.item)
            assert entry.score == entry.lowest == pytest.approx(theirs.min(), abs=1e-5)
            assert entry.highest == pytest.approx(theirs.max(), abs=1e-5)

    @pytest.mark.parametrize("n", [0, -1, 2.0, "3", None])
    def test_how_many_must_be_a_count(self, model, n):
        for ask in (model.recommend, model.similar_items, model.similar_users):
            with pytest.raises(SettingsError, match="n must be a whole number of at least 1, not"):
                ask(1, n)

    def test_equal_ones_stand_in_the_order_of_their_rows(self, case):
        if not hasattr(case[0], "trained"):
            pytest.skip("its numbers can't be set by hand")
        flat = dataclasses.replace(TRAIN, values=np.full(len(TRAIN), 4, np.float32))
        made = fit(case, TRAIN if case[1] in ORDINAL else flat)
        zero = {name: np.zeros_like(a) for name, a in made.trained.arrays().items()}
        factors = dataclasses.replace(made.trained, **{**zero, "mean": 4.0})
        made._predictor = dataclasses.replace(made.predictor, factors=factors)
        items = [entry.item for entry in made.recommend(99, n=4, by="rating")]
        assert items == made.knowledge.item_ids.ids([1, 2, 3, 4])


class TestExplain:
    @pytest.fixture(autouse=True)
    def able(self, case):
        if not hasattr(case[0], "explain"):
            pytest.skip("this kind can't explain")

    def test_terms_sum_to_the_prediction(self, model):
        pairs = [(1, 1), (2, 30), (COLD_USER, 3), (4, COLD_ITEM), (99, 5), (6, 99), (99, 99)]
        for user, item in pairs:
            explanation = model.explain(user, item)
            ordinal = explanation.latent is not None
            summed = explanation.latent if ordinal else explanation.prediction
            assert explanation.total == pytest.approx(summed, abs=1e-5)
            assert np.float32(explanation.rating) == model.predict([user], [item])[0]
            assert f"{explanation.rating:.2f}" in str(explanation).splitlines()[0]

    def test_whoever_keeps_no_posterior_says_so(self, model):
        explanation = model.explain(1, 1)
        learned = [term for term in explanation.terms if term.kind == "learned"]
        assert (
            bool(learned)
            == (not model.predictor.has_posterior)
            == any("keeps no account" in note for note in explanation.notes)
        )


class TestIntervals:
    def test_hold_the_rating_inside_the_scale_and_grow_with_the_level(self, case):
        made = make(case).fit(TRAIN, validation=0.25, progress=False)
        assert made.calibration.method == "conformal"
        users, items = [1, 2, COLD_USER, 4, 99], [1, 2, 3, COLD_ITEM, 99]
        small, large = (made.predict(users, items, interval=level) for level in (0.5, 0.9))
        np.testing.assert_array_equal(small.rating, made.predict(users, items))
        assert (large.low >= 1).all()
        assert (large.low <= small.low).all()
        assert (small.low <= small.rating).all()
        assert (small.rating <= small.high).all()
        assert (small.high <= large.high).all()
        assert (large.high <= 5).all()
        assert len(made.recommend(1, 3, by="low")) == 3

    def test_without_validation_rows_they_are_the_posteriors_or_none(self, model):
        if not model.predictor.has_posterior:
            with pytest.raises(UnsupportedError, match="This model knows no intervals"):
                model.predict(1, 1, interval=0.9)
        else:
            assert model.calibration.method == "posterior"
            assert model.predict(1, 1, interval=0.9).low < model.predict(1, 1)


class TestSimilar:
    def test_neighbours_are_others_in_falling_order(self, model):
        for ask, size in ((model.similar_items, 30), (model.similar_users, 40)):
            answer = ask(3, n=100)
            assert sorted(entry.id for entry in answer) == [k for k in range(1, size + 1) if k != 3]
            values = [entry.correlation for entry in answer]
            assert values == sorted(values, reverse=True)
            assert max(map(abs, values)) <= 1

    def test_it_is_mutual(self, model):
        there = {entry.id: entry.correlation for entry in model.similar_items(3, n=100)}
        for other in (1, 12, 30):
            back = {entry.id: entry.correlation for entry in model.similar_items(other, n=100)}
            assert back[3] == pytest.approx(there[other], abs=1e-4)

    def test_an_unknown_id_is_told(self, model):
        with pytest.raises(UnknownIdError, match=r"knows no item 99; it knows 30 items, such as"):
            model.similar_items(99)
        with pytest.raises(UnknownIdError, match=r"knows no user 99; it knows 40 users, such as"):
            model.similar_users(99)


class TestBundle:
    @pytest.fixture
    def opened(self, model, tmp_path):
        model.save(tmp_path / "films.penchant")
        return reopened(tmp_path / "films.penchant")

    def test_changes_nothing(self, model, opened):
        assert type(opened) is type(model)
        assert_same_answers(opened, model)
        assert opened.history.to_json() == model.history.to_json()
        for name, array in model._saved(ratings=True).weights.items():
            np.testing.assert_array_equal(opened._saved(ratings=True).weights[name], array)
        assert opened.n_parameters == model.n_parameters
        known, before = opened.knowledge, model.knowledge
        assert known.scale == before.scale
        assert known.fingerprint == before.fingerprint
        np.testing.assert_array_equal(known.user_counts, before.user_counts)

    def test_keeps_the_settings(self, model, opened):
        assert plain(opened.get_params()) == plain(model.get_params())

    def test_an_opened_one_can_be_trained_again(self, model, opened):
        opened.fit(TRAIN, progress=False)
        np.testing.assert_array_equal(all_pairs(opened), all_pairs(model))

    def test_an_opened_one_can_be_saved_again(self, model, opened, tmp_path):
        opened.save(tmp_path / "again")
        twice = reopened(tmp_path / "again")
        assert_same_answers(twice, model)
        first, second = (
            (tmp_path / n / "card.json").read_bytes() for n in ("films.penchant", "again")
        )
        assert first == second

    def test_without_ratings(self, model, tmp_path):
        model.save(tmp_path / "m", ratings=False)
        opened = reopened(tmp_path / "m")
        np.testing.assert_array_equal(all_pairs(opened), all_pairs(model))
        with pytest.raises(
            UnsupportedError, match=r"saved without them\. Save it with ratings=True"
        ):
            opened.recommend(1)
        free = {"n": 30, "exclude_rated": False}
        assert opened.recommend(1, **free) == model.recommend(1, **free)
        assert opened.recommend(99) == model.recommend(99)  # a stranger rated nothing
