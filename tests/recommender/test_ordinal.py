import dataclasses

import numpy as np
import pytest
from safetensors.numpy import load_file

import penchant as pc
from penchant.errors import BundleError, SettingsError, UnsupportedError
from penchant.predict.distribution import Distribution

WORLD = pc.synthetic(n_users=80, n_items=50, n_ratings=2500, factors=2, noise=0.7, seed=1)
TRAIN, TEST = pc.split(WORLD, test=0.2, seed=1)
SOLVER = pc.Gibbs(rank=3, sweeps=24, burn_in=8, heads=10, likelihood="ordinal")
USERS, ITEMS = (grid.ravel().tolist() for grid in np.mgrid[1:81, 1:51])


def made(train=TRAIN, **more):
    model = pc.MatrixFactorization(factors=12, solver=SOLVER, seed=1)
    return model.fit(train, progress=False, **more)


@pytest.fixture(scope="session")
def shared():
    """A fitted one: ask it, don't change it."""
    return made()


@pytest.fixture
def model(shared, tmp_path):
    shared.save(tmp_path / "own.penchant")
    return pc.open(tmp_path / "own.penchant")


def test_predictions_are_the_means_of_the_distributions(shared):
    told = shared.predict(USERS, ITEMS, distribution=True)
    assert told.ratings.tolist() == [1, 2, 3, 4, 5]
    assert told.probability.dtype == np.float32
    assert told.probability.shape == (len(told), 5) == (4000, 5)
    np.testing.assert_allclose(told.probability.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(told.expected, shared.predict(USERS, ITEMS), atol=1e-5)
    np.testing.assert_allclose(told.at_least(4), told.probability[:, 3:].sum(axis=1), atol=1e-6)
    one = shared.predict(1, [2], distribution=True)
    np.testing.assert_allclose(one.probability[0], told.probability[1], atol=1e-6)


def test_a_distribution_as_text_and_json():
    one = Distribution(np.array([0.5, 1], np.float32), np.array([[0.25, 0.75]], np.float32))
    assert "0.5          25%" in str(one)
    assert one.to_json() == [{"0.5": 0.25, "1": 0.75}]
    assert str(Distribution(one.ratings, np.zeros((3, 2), np.float32))).startswith("3 distrib")


def test_better_than_the_mean_and_the_trained_numbers_alone(shared):
    assert shared.evaluate(TEST)["rmse"] < 0.9 * TEST.values.std()
    latent = shared.trained.predict(*shared.knowledge.rows_in(TEST))
    assert abs(latent.mean()) < 1  # no ratings


def test_the_network_predicts_what_the_recommender_does(shared):
    rows = np.stack([shared.knowledge.user_ids.rows(USERS), shared.knowledge.item_ids.rows(ITEMS)])
    found = shared.network.predict([rows[0][:, None], rows[1][:, None]], verbose=0)
    np.testing.assert_allclose(found[:, 0], shared.predictor.predict(*rows, None), atol=1e-5)
    assert found.shape == (4000, 1)
    assert shared.network.count_params() == shared.n_parameters == (81 + 51) * 13
    wide = dataclasses.replace(shared.stars, spread=9.0)
    assert not np.allclose(found[:, 0], wide.expected(shared.trained.predict(*rows)), atol=0.1)


def test_recommendations_are_ordered_by_expected_ratings(shared):
    best = shared.recommend(3, 5, by="rating")
    predicted = shared.predict([3] * 50, list(range(1, 51)))
    unrated = [i for i in range(1, 51) if i not in set(ids_of(shared, 3))]
    wanted = sorted(unrated, key=lambda i: -predicted[i - 1])[:5]
    assert [one.item for one in best] == wanted
    np.testing.assert_allclose([one.rating for one in best], predicted[np.array(wanted) - 1], 1e-5)
    table = shared.recommend_all(5, users=[3], by="rating", progress=False).to_pydict()
    assert table["item"] == wanted
    np.testing.assert_allclose(table["rating"], [one.rating for one in best], rtol=1e-5)


def ids_of(model, user):
    known = model.knowledge
    return known.item_ids.ids(known.rated(int(known.user_ids.rows([user])[0])))


def test_adding_and_removing_leaves_the_same_bits(model):
    before, told = model.trained.arrays(), model.predict(USERS, ITEMS)
    item = next(i for i in range(1, 51) if i not in ids_of(model, 4))
    model.add_ratings([4, 900], [item, 2], [5, 1])
    assert not np.array_equal(model.predict(USERS, ITEMS), told)
    model.add_ratings([4], [901], [3])
    model.remove_ratings([4, 900, 4], [item, 2, 901])
    for name, array in before.items():
        np.testing.assert_array_equal(model.trained.arrays()[name], array, err_msg=name)
    np.testing.assert_array_equal(model.predict(USERS, ITEMS), told)


def test_a_newcomer_is_what_training_would_have_made_of_the_ratings(model):
    known = model.knowledge
    items = ids_of(model, 6)
    row = int(known.user_ids.rows([6])[0])
    kept = known.ratings
    mine = kept.take(np.flatnonzero(kept.user_rows == row))
    values = dict(zip(mine.item_rows.tolist(), mine.values.tolist(), strict=True))
    ratings = [float(values[int(r)]) for r in known.item_ids.rows(items)]
    model.add_ratings([700] * len(items), items, ratings)
    new = int(model.knowledge.user_ids.rows([700])[0])
    own = model.posterior.row(known.item_ids.rows(items), ratings)  # no side columns
    np.testing.assert_allclose(model.trained.user_factors[new], own.factors, atol=2e-4)
    # EM goes on to where z is the mean given the row, and not to the scores alone
    stars = model.stars
    scored = dataclasses.replace(model.posterior, stars=None, mean=0.0)
    naive = scored.row(known.item_ids.rows(items), stars.scored(np.array(ratings)))
    assert np.abs(naive.factors - own.factors).max() > 1e-3


def test_ratings_pull_the_way_they_should(model):
    free = [i for i in range(1, 51) if i not in ids_of(model, 7)][:6]
    before = model.predict([7] * 50, list(range(1, 51))).mean()
    model.add_ratings([7] * 6, free, [1] * 6)
    low = model.predict([7] * 50, list(range(1, 51))).mean()
    model.add_ratings([7] * 6, free, [5] * 6)
    assert low < before < model.predict([7] * 50, list(range(1, 51))).mean()


def test_an_item_that_is_new_learns_from_its_ratings(model):
    raters = list(range(1, 31))
    model.add_ratings(raters, [777] * 30, [5] * 30)
    good = model.predict(raters, [777] * 30).mean()
    model.add_ratings(raters, [777] * 30, [1] * 30)
    assert good > 4
    assert model.predict(raters, [777] * 30).mean() < 2.5


def test_forgetting_and_refreshing(model):
    before, scored = model.predict(USERS, ITEMS), model.evaluate(TEST)["rmse"]
    receipt = model.forget(9)
    assert receipt.ratings > 0
    assert receipt.items > 0
    others = [u for u in range(len(USERS)) if USERS[u] != 9]
    after = model.predict(USERS, ITEMS)
    moved = np.sqrt(np.mean((after[others] - before[others]) ** 2))
    assert 0 < moved < 0.15
    model.add_ratings([1, 2], [50, 50], [5, 5])
    model.refresh(2, threads=1)
    assert abs(model.evaluate(TEST)["rmse"] - scored) < 0.03
    assert model.posterior.stars is model.stars
    told = model.predict([1], [50], distribution=True)
    assert told.expected[0] == pytest.approx(model.predict([1], [50])[0], abs=1e-5)


def test_forgetting_takes_nothing_else_out(model):
    """Solving items again without no one's ratings gives their draws back."""
    from penchant.posterior import without_user
    from penchant.threads import Threads

    posterior, known = model.posterior, model.knowledge
    item = 5
    mine = known.ratings.item_rows == item
    rows = known.ratings.user_rows[mine]
    side = np.zeros(posterior.items.encoder.width, np.float32)
    scores = posterior.deviations(known.ratings.values[mine])
    for gone in (np.zeros(len(rows), bool), rows == rows[0]):
        given = without_user.Ratings(rows, scores, gone, side)
        with Threads(1) as pool:
            after, _ = without_user.without_ratings(
                posterior, model.trained.item_factors, {item: given}, (None, None), pool
            )
        moved = np.abs(after.items.draws[:, item] - posterior.items.draws[:, item]).max()
        assert (moved > 1e-3) == gone.any()


def test_an_explanation_sums_on_the_latent_scale_and_says_so(shared):
    told = shared.explain(2, 3)
    rows = np.array([2], np.int32), np.array([3], np.int32)
    assert told.total == pytest.approx(told.latent, abs=1e-4)
    assert told.latent == pytest.approx(float(shared.trained.predict(*rows)[0]), abs=1e-6)
    assert told.prediction == pytest.approx(float(shared.predict([2], [3])[0]), abs=1e-5)
    assert "mean" not in [term.kind for term in told.terms]
    text = str(told)
    assert "together, on the latent scale" in text
    assert "which is an expected rating of" in text
    assert "latent scale of an ordinal model" in text
    assert told.to_json()["latent"] == told.latent
    first = told.reasons[0]
    same = told.would_be(first.item, first.rating)
    assert same == pytest.approx(told.prediction, abs=2e-3)
    assert told.would_be(first.item, 5) >= told.would_be(first.item, 1) or first.share < 0


def test_intervals_hold_what_they_say():
    fitted = made(validation=0.15)
    rating, low, high = fitted.predict(TEST.users, TEST.items, interval=0.8)
    inside = ((low <= TEST.values) & (TEST.values <= high)).mean()
    assert 0.7 < inside < 0.93
    assert (low <= rating).all()
    assert (rating <= high).all()
    _, low, high = made().predict(TEST.users, TEST.items, interval=0.8)
    assert 0.7 < ((low <= TEST.values) & (TEST.values <= high)).mean() < 0.95


def test_validation_calibrates_the_spread(shared):
    fitted = made(validation=0.2)
    assert fitted.stars.spread != shared.stars.spread
    assert fitted.posterior.stars is fitted.stars
    own = fitted.stars
    _, held_out = pc.split(TRAIN, test=0.2, seed=1)
    latent = fitted.trained.predict(*fitted.knowledge.rows_in(held_out))
    place = own.places(held_out.values)

    def likely(stars):
        shares = stars.probabilities(latent).astype(float)
        return np.log(shares[np.arange(len(place)), place]).sum()

    assert likely(own) > likely(dataclasses.replace(own, spread=own.spread * 1.3))


def test_an_interview_speaks_in_ratings(shared):
    talk = shared.interview(n=2)
    talk = talk.rate(talk[0].item, 5).rate(talk[1].item, 1)
    for advice in talk.recommend(4):
        assert 1 <= advice.low <= advice.rating <= advice.high <= 5
        assert advice.rating == pytest.approx(float(talk.predict(advice.item)[0]), abs=1e-5)
    assert talk.predict([1, 2, 3]).mean() > 1.5  # no latent values


def test_a_bundle_keeps_all_bits(model, shared, tmp_path):
    np.testing.assert_array_equal(model.predict(USERS, ITEMS), shared.predict(USERS, ITEMS))
    told = shared.predict(USERS, ITEMS, distribution=True).probability
    np.testing.assert_array_equal(model.predict(USERS, ITEMS, distribution=True).probability, told)
    assert model.get_params()["solver"].settings["likelihood"] == "ordinal"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("stars.spread", np.array([-1.0]), "spread must be above 0"),
        ("stars.thresholds", np.array([0.0, 2.0, 1.0, 3.0]), "rising"),
        ("stars.scores", None, "not whole"),
    ],
)
def test_damaged_stars_are_refused(shared, tmp_path, name, value, message):
    from penchant.storage import storage
    from penchant.storage.bundle import reader  # the hashes are checked before: go around them

    shared.save(tmp_path / "own.penchant")
    opened = reader.read(tmp_path / "own.penchant")
    weights = load_file(tmp_path / "own.penchant" / "weights.safetensors")
    weights = {k: v for k, v in (weights | {name: value}).items() if v is not None}
    opened = dataclasses.replace(opened, weights=weights)
    with pytest.raises(BundleError, match=message):
        pc.MatrixFactorization.from_bundle(storage.stored(opened))


def test_other_models_know_no_distribution(shared):
    plain = pc.MatrixFactorization(factors=2, solver="bias").fit(TRAIN, progress=False)
    with pytest.raises(UnsupportedError, match=r"Train one that does: .*likelihood='ordinal'"):
        plain.predict([1], [1], distribution=True)
    with pytest.raises(SettingsError, match=r"interval=0\.9 and distribution=True. Ask twice"):
        shared.predict([1], [1], interval=0.9, distribution=True)


def test_a_bundle_answers_one_user_without_the_compiler(shared, tmp_path):
    import subprocess
    import sys

    shared.save(tmp_path / "own.penchant")
    code = (
        "import sys, penchant as pc\n"
        f"model = pc.open({str(tmp_path / 'own.penchant')!r})\n"
        "model.predict([1], [2], distribution=True); model.recommend(1, by='low'); "
        "model.explain(1, 2)\n"
        "print([name for name in ('numba', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
