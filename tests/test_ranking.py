"""Measures of lists: by hand, and by two other implementations."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from penchant.errors import DataError
from penchant.ranking import (
    coverage,
    gains_at,
    hits_in,
    ndcg,
    novelty,
    places,
    precision,
    recall,
)


def drawn(seed, n_users=9, n_items=15, n=4):
    """Lists without repeats, some short, and relevant pairs; some users have none."""
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(n_items)[:n] + 1 for _ in range(n_users)], dtype=np.int32)
    lists[0, 2:] = 0
    relevant = rng.random((n_users, n_items + 1)) < rng.choice([0.0, 0.1, 0.5], size=(n_users, 1))
    relevant[:, 0] = False
    users, items = np.nonzero(relevant)
    return lists, users, items.astype(np.int32)


@given(st.integers(0, 2**32 - 1))
def test_trec_eval_says_the_same_of_lists(seed):
    lists, users, items = drawn(seed)
    hits, counts = hits_in(lists, users, items), np.bincount(users, minlength=len(lists))
    ideal = (np.arange(lists.shape[1]) < counts[:, None]).astype(float)
    judged = [ir_measures.Qrel(f"{u}", f"{i}", 1) for u, i in zip(users, items, strict=True)]
    run = [
        ir_measures.ScoredDoc(f"{u}", f"{item}", float(-place))
        for u, line in enumerate(lists)
        for place, item in enumerate(line)
        if item
    ]
    if not judged:
        assert np.isnan(recall(hits, counts)).all()
        return
    theirs = {}
    wanted = [ir_measures.nDCG @ 4, ir_measures.P @ 4, ir_measures.R @ 4]
    for metric in ir_measures.iter_calc(wanted, judged, run):
        theirs[str(metric.measure), int(metric.query_id)] = metric.value
    for name, ours in (
        ("nDCG@4", ndcg(hits.astype(float), ideal)),
        ("P@4", precision(hits, counts)),
        ("R@4", recall(hits, counts)),
    ):
        for user, value in enumerate(ours):
            if counts[user]:
                assert value == pytest.approx(theirs[name, user]), (name, user)
            else:
                assert np.isnan(value)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_scikit_learn_says_the_same_of_graded_gains(seed, n):
    rng = np.random.default_rng(seed)
    gains = rng.integers(0, 5, size=(6, 10)).astype(float)
    gains[gains.sum(axis=1) == 0, 0] = 1
    scores = rng.normal(size=(6, 10))
    users = np.repeat(np.arange(6), 10)
    got = gains_at(places(users, scores.ravel(), 6, n), gains.ravel())
    ideal = gains_at(places(users, gains.ravel(), 6, n), gains.ravel())
    assert ndcg(got, ideal).mean() == pytest.approx(ndcg_score(gains, scores, k=n))


def test_ndcg_by_hand():
    gains = np.array([[0.0, 3.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    ideal = np.array([[3.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    second, third = 3 / np.log2(3), 2 / 2
    best = 3 + 2 / np.log2(3)
    np.testing.assert_allclose(ndcg(gains, ideal), [(second + third) / best, 0, np.nan])


def test_precision_counts_empty_places_and_recall_counts_what_is_not_listed():
    lists = np.array([[3, 5], [5, 0], [1, 2]], dtype=np.int32)
    users, items = np.array([0, 0, 0, 1]), np.array([5, 8, 0, 5], np.int32)
    hits, counts = hits_in(lists, users, items), np.array([3, 1, 0])
    assert hits.tolist() == [[False, True], [True, False], [False, False]]
    np.testing.assert_array_equal(precision(hits, counts), [0.5, 0.5, np.nan])
    np.testing.assert_allclose(recall(hits, counts), [1 / 3, 1, np.nan])


def test_a_hit_is_the_users_own():
    lists = np.array([[7], [7]], dtype=np.int32)
    assert hits_in(lists, np.array([1]), np.array([7], np.int32)).tolist() == [[False], [True]]
    assert not hits_in(lists, np.array([0]), np.array([900], np.int32)).any()


def test_an_empty_place_is_no_hit_for_an_item_that_the_model_does_not_know():
    lists = np.array([[7, 0]], dtype=np.int32)
    assert not hits_in(lists, np.array([0]), np.array([0], np.int32)).any()
    assert not hits_in(lists, np.zeros(0, np.int64), np.zeros(0, np.int32)).any()


def test_coverage_counts_items_once_and_empty_places_never():
    assert coverage(np.array([[1, 2], [2, 0], [1, 0]], np.int32), n_items=10) == 0.2
    assert coverage(np.zeros((2, 3), np.int32), n_items=10) == 0


def test_novelty_is_in_bits_and_the_unrated_counts_as_rated_once():
    counts = np.array([0, 16, 4, 1, 0])
    assert novelty(np.array([[1]], np.int32), counts, 16) == 0
    assert novelty(np.array([[2, 0]], np.int32), counts, 16) == 2
    assert novelty(np.array([[3, 4]], np.int32), counts, 16) == 4
    assert np.isnan(novelty(np.zeros((1, 2), np.int32), counts, 16))


def test_places_keep_equal_values_in_the_order_they_came():
    users = np.array([1, 0, 1, 1, 1])
    values = np.array([2.0, 5.0, 3.0, 2.0, 3.0])
    assert places(users, values, 3, 3).tolist() == [[1, -1, -1], [2, 4, 0], [-1, -1, -1]]


def test_gains_of_other_shapes_are_an_error():
    with pytest.raises(DataError, match=r"tables of one shape, .* \(2, 3\) and \(2, 4\)"):
        ndcg(np.zeros((2, 3)), np.zeros((2, 4)))
