import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.kernels import plain, residuals


def problem(seed, M, N, K):
    random = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(random.integers(0, 20, M))]).astype(np.int64)
    n = int(indptr[-1])

    def floats(*shape):
        return random.normal(size=shape).astype(np.float32)

    indices = random.integers(0, N, n).astype(np.int32)
    weights = random.uniform(0.5, 2, N).astype(np.float32)
    return indptr, indices, floats(n), floats(M, K), floats(M), floats(N, K), floats(N), weights


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([8, 16, 24]))
def test_errors_and_their_sums_agree_with_the_twin(seed, M, K):
    arguments = problem(seed, M, 9, K)
    n = len(arguments[1])
    fast, slow = [(np.zeros(n, np.float32), np.zeros(M)) for _ in range(2)]
    residuals.row_errors(0, M, *arguments, *fast)
    plain.row_errors(0, M, *arguments, *slow)
    np.testing.assert_allclose(fast[0], slow[0], atol=1e-4)
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-4, atol=1e-4)


def test_squares_can_be_summed_in_the_other_order():
    indptr, indices, values, *_, weights = problem(1, 8, 9, 8)
    rows = np.repeat(np.arange(8), np.diff(indptr)).astype(np.int32)
    order = np.argsort(indices, kind="stable")
    item_indptr = np.searchsorted(indices[order], np.arange(10)).astype(np.int64)
    sums = np.zeros(9)
    residuals.weighted_squares(
        0, 9, item_indptr, rows[order], order, values, weights[:8].copy(), sums
    )
    expected = np.bincount(indices, weights[rows] * values.astype(float) ** 2, minlength=9)
    np.testing.assert_allclose(sums, expected, rtol=1e-5)


def test_predictions_of_pairs_agree_with_the_twin():
    _, _, _, P, bu, Q, bi, _ = problem(2, 8, 9, 16)
    random = np.random.default_rng(0)
    u, i = (random.integers(0, m, 50).astype(np.int32) for m in (8, 9))
    fast, slow = np.zeros(50, np.float32), np.zeros(50, np.float32)
    residuals.predict_pairs(0, 50, u, i, P, bu, Q, bi, fast)
    plain.predict_pairs(0, 50, u, i, P, bu, Q, bi, slow)
    np.testing.assert_allclose(fast, slow, atol=1e-5)
