import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penchant.errors import DataError, SettingsError
from penchant.stars import Stars, interval, truncated_means

f = np.float32


def five(spread=0.8):
    stars = Stars.of(np.repeat(np.arange(1, 6, dtype=f), [6, 11, 27, 35, 21]))
    return dataclasses.replace(stars, spread=spread)


def test_the_first_thresholds_cut_a_standard_normal_as_the_ratings_are_shared():
    stars = five()
    np.testing.assert_allclose(stats.norm.cdf(stars.thresholds), [0.06, 0.17, 0.44, 0.79])
    random = np.random.default_rng(0).normal(size=200_000)
    place = np.searchsorted(stars.thresholds, random)
    means = [random[place == s].mean() for s in range(5)]
    np.testing.assert_allclose(stars.scores, means, atol=0.02)


def test_probabilities_by_hand():
    stars = Stars(np.array([1, 2], f), np.array([-1, 1], f), np.array([0.5]), 2.0)
    above = stats.norm.cdf((1.5 - 0.5) / 2)
    np.testing.assert_allclose(stars.probabilities(np.array([1.5])), [[1 - above, above]], 1e-6)
    np.testing.assert_allclose(stars.expected(np.array([1.5])), [1 + above], 1e-6)


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=30), st.floats(0.1, 5))
def test_expected_ratings_are_those_of_the_probabilities_and_rise(latent, spread):
    stars, latent = five(spread), np.sort(np.array(latent))
    shares = stars.probabilities(latent)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert (shares >= 0).all()
    expected = stars.expected(latent)
    np.testing.assert_allclose(shares @ stars.values, expected, atol=1e-5)
    assert (np.diff(expected) >= 0).all()
    assert (expected >= 1).all()
    assert (expected <= 5).all()


def test_deviations_are_those_of_the_probabilities():
    stars, latent = five(), np.array([-2.0, 0.0, 1.5])
    for spread in (0.5, 1.7):
        shares = dataclasses.replace(stars, spread=spread).probabilities(latent).astype(float)
        mean = shares @ stars.values
        wanted = np.sqrt(shares @ stars.values.astype(float) ** 2 - mean**2)
        found = stars.deviations(latent, np.full(3, spread))
        np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_a_rating_between_stars_is_the_nearest_and_scores_lead_back():
    stars = five()
    given_ = np.array([0.0, 1.0, 2.4, 2.5, 2.6, 9.0])
    assert stars.places(given_).tolist() == [0, 0, 1, 1, 2, 4]
    assert stars.places_of(stars.scored(given_)).tolist() == [0, 0, 1, 1, 2, 4]


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_calibration_finds_the_spread(true):
    random = np.random.default_rng(1)
    latent = random.normal(size=40_000)
    stars = five()
    place = np.searchsorted(stars.thresholds, latent + true * random.normal(size=len(latent)))
    found = stars.calibrated(latent, stars.values[place])
    assert found.spread == pytest.approx(true, rel=0.03)
    few = stars.calibrated(latent[:20], stars.values[place[:20]])
    assert abs(np.log(few.spread / 0.8)) < abs(np.log(true / 0.8))  # few rows move it little


def test_arrays_lead_back():
    stars = five()
    again = Stars.from_arrays(stars.arrays())
    for name, array in stars.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    assert Stars.from_arrays({}) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stars.values": None}, "not whole"),
        ({"stars.spread": np.array(1.0)}, "not whole"),
        ({"stars.spread": np.array([1.0, 2.0])}, "one spread, not 2"),
        ({"stars.spread": np.array([0.0])}, "above 0; received 0.0"),
        ({"stars.spread": np.array([np.nan])}, "above 0; received nan"),
        ({"stars.thresholds": np.array([0.0, 0.0, 1.0, 2.0])}, "thresholds must be float64"),
        ({"stars.thresholds": np.array([0.0, 1.0])}, "shape \\(4,\\)"),
        ({"stars.scores": np.arange(5.0)}, "scores must be float32"),
        ({"stars.values": np.array([1, 2, 3, 4, np.inf], f)}, "values must be float32"),
    ],
)
def test_nonsense_is_refused(changed, message):
    named = {k: v for k, v in (five().arrays() | changed).items() if v is not None}
    with pytest.raises(DataError, match=message):
        Stars.from_arrays(named)


def test_one_star_is_none():
    one = np.ones(1, f)
    with pytest.raises(DataError, match="2 to 20 stars, not 1"):
        Stars(one, one, np.zeros(0))


def test_too_few_or_too_many_distinct_ratings():
    with pytest.raises(DataError, match="at least two distinct ratings"):
        Stars.of(np.full(5, 3, f))
    assert len(Stars.of(np.arange(20, dtype=f))) == 20
    with pytest.raises(SettingsError, match="at most 20 distinct values, and these have 21"):
        Stars.of(np.arange(21, dtype=f))


def test_truncated_means_in_the_middle_and_in_the_tails():
    a = np.array([-np.inf, -1.0, 0.3, 6.0, -9.0, 50.0])
    b = np.array([0.2, 1.5, np.inf, 6.5, -8.0, 51.0])
    wanted = stats.truncnorm.mean(a[:5], b[:5])
    np.testing.assert_allclose(truncated_means(a, b)[:5], wanted, rtol=1e-6)
    np.testing.assert_allclose(
        interval(a[:5], b[:5]), stats.norm.cdf(b[:5]) - stats.norm.cdf(a[:5]), rtol=1e-5
    )
    assert np.isfinite(truncated_means(a, b)).all()
