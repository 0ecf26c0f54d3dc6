import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from penchant.errors import SettingsError
from penchant.kernels.products import orthonormal, times, transposed_times
from penchant.threads import Threads, available_threads, cut


@given(st.lists(st.integers(0, 100), max_size=60), st.integers(1, 9))
def test_blocks_cover_each_row_once(costs, n):
    blocks = cut(np.array(costs, int), n)
    assert [row for start, stop in blocks for row in range(start, stop)] == list(range(len(costs)))
    assert len(blocks) <= n
    assert all(start < stop for start, stop in blocks)


def test_blocks_cost_about_the_same():
    costs = np.arange(1000)
    sums = [costs[start:stop].sum() for start, stop in cut(costs, 4)]
    assert max(sums) < 1.1 * min(sums)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_each_block_is_done_once(n):
    done, lock = [], threading.Lock()

    def work(start, stop):
        with lock:
            done.extend(range(start, stop))

    with Threads(n) as threads:
        threads.map(work, [(0, 5), (5, 6), (6, 20)])
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("blocks", [[], [(0, 5)], [(0, 5), (5, 9)]])
def test_something_else_is_done_beside_the_blocks(n, blocks):
    done, lock = [], threading.Lock()

    def work(start, stop):
        with lock:
            done.extend(range(start, stop))

    with Threads(n) as threads:
        threads.map(work, blocks, beside=lambda: work(100, 101))
        with pytest.raises(KeyError, match="beside"):
            threads.map(work, blocks, beside=lambda: {}["beside"])
    assert sorted(set(done)) == [*range(blocks[-1][1] if blocks else 0), 100]
    assert done.count(100) == 1


def test_one_thread_beside_others_takes_no_pool():
    out = []
    with Threads(2) as threads:
        alone = threads.alone
        threads.map(
            lambda *block: None, [(0, 1)], lambda: alone.map(lambda *b: out.append(b), [(2, 3)])
        )
    assert (alone.n, out) == (1, [(2, 3)])


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("error", [IndexError, KeyboardInterrupt])
def test_an_error_of_a_block_is_raised(n, error):
    def work(start, stop):
        if start == 4:
            raise error("of the work")

    with Threads(n) as threads:
        with pytest.raises(error, match="of the work"):
            threads.map(work, [(i, i + 1) for i in range(5)])
        threads.map(work, [(0, 1), (1, 2)])  # still usable


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_blas_has_one_thread_inside_and_its_own_number_after():
    before = blas_threads()
    with Threads(2):
        assert set(blas_threads()) == {1}
        with Threads(2):
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_the_number_of_threads_is_checked():
    assert Threads().n == available_threads() >= 1
    with pytest.raises(SettingsError, match="threads must be a whole number of at least 1, not 0"):
        Threads(0)


@given(st.integers(0, 1000), st.integers(0, 3000))
def test_products_are_right_and_alike_on_any_number_of_threads(seed, rows):
    random = np.random.default_rng(seed)
    A = random.normal(size=(rows, 5)).astype(np.float32)
    B, C = (random.normal(size=(r, 3)).astype(np.float32) for r in (5, rows))
    results = []
    for n in (1, 2):
        with Threads(n) as threads:
            results.append((times(threads, A, B), transposed_times(threads, A, C)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_allclose(results[0][0], A @ B, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(results[0][1], A.astype(float).T @ C, rtol=1e-3, atol=1e-2)


@given(st.integers(0, 100), st.integers(1, 3000), st.integers(1, 12))
def test_orthonormal_columns_of_the_same_span(seed, rows, columns):
    random = np.random.default_rng(seed)
    A = (random.normal(size=(rows, columns)) * 10.0 ** -np.arange(columns).clip(0, 3)).astype("f")
    A[:, -1] = A[:, 0]  # one column more than the rank, if there are two
    with Threads(1) as threads:
        Q = orthonormal(threads, A).astype(float)
    rank = np.linalg.matrix_rank(A.astype(float))
    G = Q.T @ Q
    np.testing.assert_allclose(np.sort(np.diag(G))[-rank:], 1, atol=1e-3)
    assert np.abs(G - np.diag(np.diag(G))).max() < 1e-3
    np.testing.assert_allclose(Q @ (Q.T @ A), A, atol=2e-3 * np.abs(A).max())
