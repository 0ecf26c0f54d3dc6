import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.solvers.distil import Distiller, squeeze
from penchant.threads import Threads


def tables(seed, M, N, w):
    random = np.random.default_rng(seed)
    scale = 2.0 ** -np.arange(w)
    return tuple((random.normal(size=(m, w)) * scale).astype(np.float32) for m in (M, N))


@given(
    st.integers(0, 100),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 30),
    st.integers(1, 50),
)
def test_no_product_of_that_width_is_nearer(seed, M, N, w, K):
    P, Q = tables(seed, M, N, w)
    A, B = squeeze(P, Q, K, Threads(1))
    assert A.shape == (M, K)
    assert B.shape == (N, K)
    R = P.astype(float) @ Q.T
    left = np.linalg.norm(R - A.astype(float) @ B.T)
    best = np.linalg.norm(np.linalg.svd(R, compute_uv=False)[K:])
    assert left <= 1.02 * best + 1e-4 * np.linalg.norm(R)


def test_wide_sums_are_found_by_iteration():
    P, Q = tables(0, 300, 200, 150)
    A, B = squeeze(P, Q, 12, Threads(1))
    R = P.astype(float) @ Q.T
    best = np.linalg.norm(np.linalg.svd(R, compute_uv=False)[12:])
    assert np.linalg.norm(R - A.astype(float) @ B.T) <= 1.01 * best + 1e-4 * np.linalg.norm(R)


def test_columns_of_both_tables_are_orthogonal_and_equally_long():
    P, Q = tables(3, 30, 20, 6)
    A, B = squeeze(P, Q, 6, Threads(1))
    grams = [(X.T @ X).astype(float) for X in (A, B)]
    np.testing.assert_allclose(grams[0], grams[1], atol=1e-3 * grams[0].max())
    assert np.abs(grams[1] - np.diag(np.diag(grams[1]))).max() < 1e-4 * grams[1].max()


@pytest.mark.parametrize("width", [3, 8])
def test_a_stream_is_squeezed_on_its_way_and_loses_little(width):
    parts = [tables(seed, 60, 50, 40) for seed in range(60)]  # 2,400 columns
    with Threads(2) as threads:
        distiller = Distiller(width, threads)
        for P, Q in parts:
            distiller.add(P, Q)
        A, B = distiller.squeezed()
    R = sum(P.astype(float) @ Q.T for P, Q in parts)
    best = np.linalg.norm(np.linalg.svd(R, compute_uv=False)[width:])
    assert np.linalg.norm(R - A.astype(float) @ B.T) <= 1.05 * best


def test_nothing_gives_nothing():
    A, B = squeeze(np.zeros((4, 3), np.float32), np.zeros((5, 3), np.float32), 2, Threads(1))
    assert not A.any()
    assert not B.any()


def test_the_number_of_threads_changes_no_bit():
    P, Q = tables(1, 3000, 1500, 60)
    results = []
    for n in (1, 2):
        with Threads(n) as threads:
            results.append(squeeze(P, Q, 10, threads))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
