import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penchant.features import CountScale, Noise
from penchant.features.who_rated import PRIOR_NOISE, weight


def ratings(seed, M=6, N=5, n=40):
    random = np.random.default_rng(seed)
    pairs = random.permutation(M * N)[: min(n, M * N)]
    return pairs // N, pairs % N, random.normal(size=len(pairs)).astype(np.float32)


@given(st.integers(0, 1000))
def test_a_row_is_weighed_alike_in_training_and_alone(seed):
    users, items, r = ratings(seed, n=20)
    noise = Noise.learn(users, items, r, 6, 5)
    for u in range(6):
        own = users == u
        if own.any():
            np.testing.assert_allclose(
                noise.of_user(items[own], r[own]), noise.user_weights[u], rtol=1e-4
            )
    for i in range(5):
        own = items == i
        if own.any():
            np.testing.assert_allclose(
                noise.of_item(users[own], r[own]), noise.item_weights[i], rtol=1e-4
            )


def test_noisier_rows_weigh_less_and_unknown_ones_as_much_as_the_average():
    random = np.random.default_rng(0)
    users, items = np.divmod(np.arange(3 * 200), 200)
    r = random.normal(size=600) * np.array([0.3, 1.0, 2.0])[users]
    noise = Noise.learn(users, items, r.astype(np.float32), 4, 200)
    quiet, middle, loud, absent = noise.user_weights
    assert quiet > 1.5 > middle > 0.7 > loud
    assert absent == 1


def test_ratings_without_noise_weigh_alike():
    noise = Noise.learn(np.array([1, 1]), np.array([1, 2]), np.zeros(2, np.float32), 3, 3)
    assert noise.variance == 0
    assert noise.user_weights.tolist() == [1, 1, 1]
    assert noise.of_user(np.array([1]), np.zeros(1)) == 1


def test_the_weight_by_hand():
    assert weight(40, 200.0, 2.0) == (PRIOR_NOISE + 40) / (PRIOR_NOISE + 100)


def test_counts_of_equal_size_have_no_scale():
    scale = CountScale.learn(np.array([0, 3, 3]))
    assert scale.encode(np.array([0, 3])).tolist() == [0, 0]
    assert CountScale.learn(np.zeros(3, int)) == CountScale(0.0, 1.0)
