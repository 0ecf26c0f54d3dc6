import numpy as np
import pytest

from penchant.kernels.centred import deviations, unexplained


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    factors, bias = random.normal(size=(7, 8)).astype("f4"), random.normal(size=7).astype("f4")
    active = np.array([False, True, True, False, True, True, True])
    return factors, bias, active, np.column_stack([factors[:, :5], bias]), random


def test_deviations_are_of_active_rows(rows):
    factors, bias, active, whole, random = rows
    mean, out = random.normal(size=6).astype("f4"), np.full((7, 6), 9, "f4")
    deviations(factors, bias, mean, active, out)
    np.testing.assert_array_equal(out, (whole - mean) * active[:, None])


def test_what_is_left_is_centred(rows):
    factors, bias, active, whole, random = rows
    explained = random.normal(size=(7, 6)).astype("f4")
    mean, out = np.empty(6), np.empty((5, 6))
    unexplained(factors, bias, explained, active, mean, out)
    left = (whole - explained)[active].astype(float)
    np.testing.assert_allclose(mean, left.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(out, left - left.mean(axis=0), rtol=1e-12, atol=1e-12)


def test_no_active_row_leaves_nothing():
    mean, out = np.ones(3), np.empty((0, 3))
    none = np.zeros((2, 3), "f4")
    unexplained(np.zeros((2, 8), "f4"), np.zeros(2, "f4"), none, np.zeros(2, bool), mean, out)
    assert mean.tolist() == [0, 0, 0]
