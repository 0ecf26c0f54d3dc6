"""The noise floor is near the noise that the ratings were made with."""

import numpy as np
import pytest

from penchant.checking.noise import floor
from penchant.checking.row_sums import whole_users
from penchant.data.synthetic import synthetic
from penchant.ratings import Ratings


def test_repeated_ratings_give_the_noise():
    rng = np.random.default_rng(0)
    users, items = np.repeat(np.arange(600), 2), np.zeros(1200, int)
    truth = np.repeat(rng.normal(3, 1, 600), 2)
    values = truth + rng.normal(0, 0.6, 1200)
    finding = floor(Ratings.from_columns(users, items, values), 0)
    assert finding.numbers["from"] == "repeats"
    assert finding.numbers["rmse"] == pytest.approx(0.6, rel=0.07)
    assert "below 0.6" in finding.advice or "below 0.5" in finding.advice


def test_few_repeats_leave_it_to_a_fit_which_is_near_the_truth():
    """Its factors, four times as many as the truth has, take some of the noise for taste.

    So it comes out below 0.7: 0.653 to 0.669 over five tables, four seeds and two kernels of BLAS.
    The train RMSE is 0.63, the noise with the sweeps of the burn-in 0.68, the validation RMSE 0.7.
    """
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((300, 200)) < 0.3)
    tastes, kinds = rng.normal(0, 0.6, (300, 2)), rng.normal(0, 0.6, (200, 2))
    truth = 3 + rng.normal(0, 0.5, 300)[users] + rng.normal(0, 0.5, 200)[items]
    truth += (tastes[users] * kinds[items]).sum(axis=1)
    values = truth + rng.normal(0, 0.7, len(truth))
    anew = truth[:50] + rng.normal(0, 0.7, 50)
    more = Ratings.from_columns(
        np.append(users, users[:50]), np.append(items, items[:50]), np.append(values, anew)
    )
    assert more.repeats is not None
    finding = floor(more, 0)
    assert finding.numbers["from"] == "fit"
    assert finding.numbers["rmse"] == pytest.approx(0.661, abs=0.016)
    assert finding.numbers["rmse"] < finding.numbers["validation_rmse"] < 0.9
    assert finding == floor(more, 0)


def test_too_little_says_so():
    finding = floor(Ratings.from_columns([1, 2], [1, 1], [1, 5]), 0)
    assert finding.numbers == {"from": None}
    assert finding.level == "note"


def test_a_sample_is_of_whole_users():
    made = synthetic(n_users=50, n_items=40, n_ratings=900, factors=2, noise=0.5, seed=0)
    sample = whole_users(made, 300, 4)
    assert 200 < len(sample) <= 300
    before, after = (np.bincount(part.user_rows, minlength=51) for part in (made, sample))
    assert set(np.unique(after[after != before])) == {0}
    assert whole_users(made, 900, 4) is made
