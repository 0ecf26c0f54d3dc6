import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penchant.kernels import topn
from penchant.kernels.plain import topn as topn_plain

f = np.float32


def chosen(P, Q, bias, users, n, indptr, items, among):
    """What the kernel chooses out of panels of items, filled up."""
    w = -(-len(among) // topn.ITEMS) * topn.ITEMS
    table, biases, rows = np.zeros((w, P.shape[1]), f), np.full(w, -np.inf, f), np.zeros(w, "i4")
    table[: len(among)], biases[: len(among)], rows[: len(among)] = Q[among], bias[among], among
    panels = table.reshape(-1, topn.ITEMS, P.shape[1]).transpose(0, 2, 1).copy()
    columns = np.full(len(Q), -1, np.int32)
    columns[among] = np.arange(len(among))
    block = np.zeros((-(-len(users) // topn.USERS) * topn.USERS, P.shape[1]), f)
    block[: len(users)] = P[users]
    best, found = np.empty((len(users), n), f), np.empty((len(users), n), np.int32)
    topn.top_n(users, block, panels, biases, rows, columns, indptr, items, best, found)
    return found, best


@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from([10, 150, 2100]))
def test_the_choice_equals_the_twin(seed, n, most):
    rng = np.random.default_rng(seed)
    M, N = 7, int(rng.integers(2, most))
    # Whole numbers: sums are exact in any order, and ties are many.
    P, Q = rng.integers(-2, 3, (M, 3)).astype(f), rng.integers(-2, 3, (N, 3)).astype(f)
    bias, users = rng.integers(-1, 2, N).astype(f), rng.permutation(M).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(rng.integers(0, most // 9, M))])
    items = rng.integers(0, N, indptr[-1], dtype=np.int32)
    among = np.flatnonzero(rng.random(N) < 0.8).astype(np.int32)
    rows, best = chosen(P, Q, bias, users, n, indptr, items, among)
    twin = topn_plain.top_n(P, Q, bias, users, n, indptr=indptr, items=items, among=among)
    np.testing.assert_array_equal(rows, twin[0])
    np.testing.assert_array_equal(best, twin[1])
