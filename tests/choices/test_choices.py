"""The choice model beside plain twins: EASE as published, and models trained without somebody."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import penchant as pc
from penchant.choices import Choices, Liking, train
from penchant.choices.train import fit
from penchant.errors import DataError
from penchant.solvers.by_row import by_both
from penchant.threads import Threads

STRENGTH = 5.0


@pytest.fixture(scope="module")
def ratings():
    """60 users and 40 items of two tastes; the last two users and the last item have no ratings."""
    made = pc.synthetic(n_users=60, n_items=40, n_ratings=700, factors=2, noise=0.4, seed=3)
    kept = (made.user_rows < 59) & (made.item_rows < 40)
    return made.take(np.flatnonzero(kept))


@pytest.fixture(scope="module")
def patterns(ratings):
    (users, _), (items, _) = by_both(ratings, ratings.values)
    return users, items


@pytest.fixture
def whole(monkeypatch):
    """All directions and one λ: then the model is EASE itself."""
    monkeypatch.setattr(train, "STRENGTHS", (STRENGTH,))
    monkeypatch.setattr(train, "WIDTHS", (512, 512))


@pytest.fixture(scope="module")
def made(ratings):
    with Threads(2) as threads:
        return fit(ratings, threads)


def table(patterns):
    """X, (M, N) float64, of the pattern by user."""
    users, items = patterns
    X = np.zeros((len(users.indptr) - 1, len(items.indptr) - 1))
    for row in range(len(X)):
        X[row, users.indices[users.indptr[row] : users.indptr[row + 1]]] = 1
    return X


def penalty(X):
    """λ, and the weights of the rows."""
    n = X.sum(axis=1)
    weights = 1 / np.sqrt(np.maximum(n, 1))
    rank = min((n > 0).sum(), (X.sum(axis=0) > 0).sum())
    return STRENGTH * (weights * n).sum() / rank, weights


def ease(X, weights, lam):
    """B, (N, N), as in Steck's program, with weighed rows."""
    P = np.linalg.inv(X.T @ (X * weights[:, None]) + lam * np.eye(X.shape[1]))
    B = P / -np.diag(P)
    np.fill_diagonal(B, 0)
    return B


def ridge(X, y, weights, lam):
    return np.linalg.solve(
        X.T @ (X * weights[:, None]) + lam * np.eye(X.shape[1]), X.T @ (weights * y)
    )


def picked(pattern, row):
    return pattern.indices[pattern.indptr[row] : pattern.indptr[row + 1]]


def test_with_all_directions_it_is_ease(ratings, patterns, whole):
    X = table(patterns)
    lam, weights = penalty(X)
    with Threads(1) as threads:
        made = fit(ratings, threads)
    scores, expected = made.users @ made.items.T, X @ ease(X, weights, lam)
    np.testing.assert_allclose(scores[X == 0], expected[X == 0], atol=2e-4)
    for user, item in [(1, 1), (7, 12), (30, 25)]:  # picked or not, an item adds nothing to itself
        told = made.terms(item, picked(patterns[0], user)).sum()
        assert told == pytest.approx(expected[user, item], abs=2e-4)


def test_who_is_left_out_is_left_out(patterns, whole):
    """The closed form beside models trained again without the user and without the item."""
    X = table(patterns)
    lam, weights = penalty(X)
    judged = np.array([3, 17, 30])
    with Threads(1) as threads:
        V, squares = train._directions(patterns, np.sqrt(weights), 512, threads)
    left = train._LeftOut.of(patterns[0], judged, weights, V)
    scores = left.scores(squares, lam)
    for line, user in enumerate(judged):
        others = np.arange(len(X)) != user
        for item in (1, 5, 22, 38):
            rest = np.arange(X.shape[1]) != item
            A = X[:, rest]
            b = ridge(A[others], X[others, item], weights[others], lam)
            assert scores[line, item] == pytest.approx(A[user] @ b, abs=2e-4)


def test_an_item_never_speaks_for_itself(made, patterns):
    row = 7
    mine = picked(patterns[0], row)
    for item in mine[:3]:
        others = mine[mine != item]
        alone = made.row_of(others) @ made.items[item]
        assert made.terms(int(item), mine).sum() == pytest.approx(alone, abs=1e-5)


def test_a_user_is_a_sum_with_the_same_bits_alone_and_in_the_bulk(made, patterns):
    for row in range(len(made.users)):
        np.testing.assert_array_equal(made.users[row], made.row_of(picked(patterns[0], row)))


def test_threads_change_no_bit(made, ratings):
    with Threads(1) as threads:
        alone = fit(ratings, threads)
    for name, array in made.arrays().items():
        np.testing.assert_array_equal(array, alone.arrays()[name], err_msg=name)


@pytest.mark.parametrize("pairs", [[(1, 1)], [(1, 1), (1, 2)], [(1, 1), (2, 1)]])
def test_the_smallest_tables_can_be_trained_on(pairs):
    frame = pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=3)
    table = pc.load(frame, quiet=True)
    with Threads(1) as threads:
        made = fit(table, threads)
    likely = made.of_user(1, np.full(table.item_ids.size, 0.5, np.float32))
    assert ((likely >= 0) & (likely <= 1)).all()


def test_two_tastes_are_told_apart():
    """Users of the first half pick items of the first half, and so on: lists must follow."""
    rng = np.random.default_rng(0)
    pairs = [(u, i) for u in range(80) for i in range(40) if u % 2 == i % 2 and rng.random() < 0.5]
    users, items = map(list, zip(*pairs, strict=True))
    frame = {"user": users, "item": items, "rating": rng.integers(1, 6, len(pairs))}
    table = pc.load(pd.DataFrame(frame), quiet=True)
    with Threads(1) as threads:
        made = fit(table, threads)
    by_user = by_both(table, table.values)[0][0]
    shares = np.full(41, 0.25, np.float32)
    side = np.array([i % 2 for i in table.item_ids.array.to_pylist()])
    for row in (1, 2, 30):
        mine = picked(by_user, row)
        likely = made.of_user(row, shares)[1:]
        taste = table.user_ids.array[row - 1].as_py() % 2
        new = ~np.isin(np.arange(1, 41), mine)
        assert likely[new & (side == taste)].min() > 2 * likely[new & (side != taste)].max()


def test_probabilities_are_probabilities(made):
    shares = np.linspace(0, 1, len(made.items)).astype(np.float32)
    for row in range(1, 20):
        likely = made.of_user(row, shares)
        assert likely.dtype == np.float32
        assert (likely <= 1).all()
        assert (likely >= 0.01 * shares - 1e-7).all()
    np.testing.assert_array_equal(made.of_user(0, shares), shares)
    users, items = np.array([0, 3, 9], np.int32), np.array([[1, 2], [3, 4], [0, 5]], np.int32)
    whole = np.stack([made.of_user(row, shares) for row in users])
    pairs = made.of_pairs(users, items, shares)
    np.testing.assert_allclose(pairs, np.take_along_axis(whole, items, 1), rtol=1e-5)


def test_new_rows_stand_for_nothing_and_go_without_a_trace(made):
    M, N = len(made.users), len(made.items)
    grown = made.with_users({M: made.row_of(np.array([1, 2], np.int32))}, M + 1, N + 2)
    assert not grown.items[N:].any()
    assert grown.users[M].any()
    back = grown.without_rows([M], [N, N + 1])
    for name, array in back.arrays().items():
        np.testing.assert_array_equal(array, made.arrays()[name], err_msg=name)


def test_arrays_there_and_back(made):
    back = Choices.from_arrays(made.arrays())
    for name, array in back.arrays().items():
        np.testing.assert_array_equal(array, made.arrays()[name])
    assert Choices.from_arrays({}) is None


@pytest.mark.parametrize("name", ["user_choices", "item_choices", "choice_gain"])
def test_damaged_arrays_are_told(made, name):
    arrays = made.arrays()
    with pytest.raises(DataError, match="damaged"):
        Choices.from_arrays({n: a for n, a in arrays.items() if n != name})
    with pytest.raises(DataError, match=r"choices"):
        Choices.from_arrays(arrays | {name: arrays[name].astype(np.float16)})
    with pytest.raises(DataError, match=r"choices"):
        Choices.from_arrays(arrays | {name: arrays[name] * np.nan})


class TestLiking:
    def test_the_threshold_lies_between_the_levels(self):
        stars = Liking(np.arange(1.0, 6.0), 1.0)
        assert stars.threshold(4) == stars.threshold(3.2) == 3.5
        assert stars.threshold(0.5) == 0.5  # everything is liked, and
        assert stars.threshold(7) == 7  # nothing is
        assert Liking(np.zeros(0), 1.0).threshold(4.2) == 4.2

    def test_the_spread_is_what_biases_leave(self, ratings):
        liking = Liking.of(ratings)
        biases = pc.MatrixFactorization(solver="bias").fit(ratings, progress=False)
        left = ratings.values - biases.trained.predict(ratings.user_rows, ratings.item_rows)
        assert liking.spread == pytest.approx(left.std(), rel=0.1)

    def test_ratings_that_are_all_equal_have_a_spread(self, ratings):
        same = dataclasses.replace(ratings, values=np.full(len(ratings), 3, np.float32))
        assert Liking.of(same).spread > 0

    @pytest.mark.parametrize(
        ("levels", "spread"), [([2.0, 1.0], 1.0), ([1.0, np.nan], 1.0), ([], 0.0), ([], np.inf)]
    )
    def test_nonsense_is_refused(self, levels, spread):
        with pytest.raises(DataError, match="rising levels"):
            Liking(np.array(levels), spread)
