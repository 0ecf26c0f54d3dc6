"""Weights of stacked predictions: by hand, by construction, and by what must hold for any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.errors import DataError
from penchant.ratings import Scale
from penchant.recommender.blending.stacking import Part, Weights, non_negative

SCALE = Scale(1, 5)
RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(1, 5, 400)


def noisy(*deviations):
    return np.column_stack([TRUTH + RNG.normal(0, d, len(TRUTH)) for d in deviations])


def learned(predictions, truth=TRUTH):
    names = [f"m{k}" for k in range(predictions.shape[1])]
    return Weights.of(names, predictions, truth.astype(np.float32), SCALE)


def test_the_truth_takes_all_the_weight():
    weights, constant = non_negative(np.column_stack([TRUTH, RNG.uniform(1, 5, 400)]), TRUTH)
    np.testing.assert_allclose(weights, [1, 0], atol=1e-3)
    assert constant == pytest.approx(0, abs=1e-3)


def test_a_scale_and_a_shift_are_undone():
    weights, constant = non_negative((TRUTH[:, None] - 1) / 2, TRUTH)
    assert weights[0] == pytest.approx(2, rel=1e-4)
    assert constant == pytest.approx(1, rel=1e-3)


def test_no_weight_is_negative_where_plain_least_squares_has_one():
    base = RNG.normal(0, 1, 400)
    predictions = np.column_stack([TRUTH + base, base + RNG.normal(0, 0.3, 400)])
    centred = predictions - predictions.mean(axis=0)
    plain = np.linalg.lstsq(centred, TRUTH - TRUTH.mean(), rcond=None)[0]
    assert plain[1] < -0.5
    assert non_negative(predictions, TRUTH)[0].min() == 0


def test_independent_errors_are_weighed_by_their_precision():
    weights, _ = non_negative(noisy(0.3, 0.6), TRUTH)
    assert weights[0] / weights[1] == pytest.approx(4, rel=0.35)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(6, 60))
def test_nothing_near_the_weights_is_better(seed, members, n):
    rng = np.random.default_rng(seed)
    truth = rng.normal(3, 1, n)
    predictions = truth[:, None] * rng.uniform(0, 1, members) + rng.normal(0, 1, (n, members))
    weights, constant = non_negative(predictions, truth)

    def loss(w, c):
        return np.mean((truth - c - predictions @ w) ** 2)

    best = loss(weights, constant)
    assert (weights >= 0).all()
    for _ in range(20):
        near = np.maximum(weights + rng.normal(0, 0.05, members), 0)
        assert loss(near, constant + rng.normal(0, 0.05)) >= best - 1e-6
    assert best <= np.var(truth) + 1e-9  # the mean alone is one of the choices


def test_two_equal_members_share_the_weight():
    twice = np.repeat(noisy(0.5), 2, axis=1)
    weights, _ = non_negative(twice, TRUTH)
    alone, _ = non_negative(twice[:, :1], TRUTH)
    assert weights.sum() == pytest.approx(alone[0], rel=1e-3)


def test_members_that_say_nothing_leave_the_mean():
    weights, constant = non_negative(np.full((400, 2), 3.0), TRUTH)
    assert constant + 3 * weights.sum() == pytest.approx(TRUTH.mean())


def test_the_table_tells_what_each_adds():
    found = learned(noisy(0.5, 0.5, 3.0))
    alone = np.array([part.rmse for part in found])
    assert alone[0] == pytest.approx(0.5, abs=0.06)
    assert found.rmse < alone.min()
    assert found[0].adds > 0.05
    assert found[1].adds > 0.05
    assert 0 <= found[2].adds < 0.01
    left = learned(noisy(0.5)).rmse  # another draw of the same size
    assert found.rmse + found[0].adds == pytest.approx(left, abs=0.06)
    assert [line.split()[0] for line in str(found).splitlines()] == [
        "part", "m0", "m1", "m2", "constant", "together",
    ]  # fmt: skip


def test_what_is_judged_is_clipped():
    far = np.where(TRUTH > 3, 50.0, -50.0)[:, None]
    truth = np.where(TRUTH > 3, 5.0, 1.0)
    assert Weights.of(["far"], far, truth.astype(np.float32), SCALE)[0].rmse == 0


def test_combining_asks_only_members_with_weight():
    made = Weights((Part("a", 0.5, 1, 0), Part("b", 0.0, 1, 0)), 1.0, 1.0)
    asked = []

    def predicted(place):
        asked.append(place)
        return np.array([2.0, 4.0], np.float32)

    assert made.combine((2,), predicted).tolist() == [2.0, 3.0]
    assert asked == [0]
    none = Weights((Part("a", 0.0, 1, 0),), 3.5, 1.0)
    assert none.combine((3,), predicted).tolist() == [3.5] * 3
    assert none.shares().tolist() == [1.0]


def test_a_card_gives_the_same_weights():
    found = learned(noisy(0.5, 1.0))
    assert Weights.from_card(found.card()) == found


@pytest.mark.parametrize(
    "spoil",
    [
        lambda card: card.pop("parts"),
        lambda card: card.pop("constant"),
        lambda card: card.update(parts=[]),
        lambda card: card.update(parts=[3]),
        lambda card: card.update(constant="1"),
        lambda card: card.update(rmse=float("inf")),
        lambda card: card["parts"][0].update(weight=-0.1),
        lambda card: card["parts"][0].update(weight=True),
        lambda card: card["parts"][0].update(name=""),
        lambda card: card["parts"][0].update(name=3),
        lambda card: card["parts"][0].update(more=3),
        lambda card: card["parts"][0].pop("adds"),
    ],
)
def test_a_card_of_nonsense_is_refused(spoil):
    card = learned(noisy(0.5)).card()
    spoil(card)
    with pytest.raises(DataError, match=r"The weights of a blend are damaged: "):
        Weights.from_card(card)


@pytest.mark.parametrize("card", [None, 3, [], "x"])
def test_no_card_is_refused(card):
    with pytest.raises(DataError, match=r"The weights of a blend are damaged: "):
        Weights.from_card(card)
