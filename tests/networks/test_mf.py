"""The chapter's network: its graph, its numbers, its identity with Factors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.errors import DataError
from penchant.factors import Factors
from penchant.networks.backend import load_keras
from penchant.networks.mf import TABLES, factors_from, factors_of, matrix_factorization, network_of

M, N, K = 7, 9, 3
LAYERS = [
    ("user", "InputLayer"),
    ("item", "InputLayer"),
    ("user_factors", "Embedding"),
    ("item_factors", "Embedding"),
    ("dot", "Dot"),
    ("user_bias", "Embedding"),
    ("item_bias", "Embedding"),
    ("add", "Add"),
    ("flatten", "Flatten"),
    ("rating", "Rescaling"),
]


def random_factors(seed, m=M, n=N, k=K):
    rng = np.random.default_rng(seed)
    shapes = ((m,), (n,), (m, k), (n, k))
    return Factors(3.5, *(rng.normal(size=shape).astype(np.float32) for shape in shapes))


def ask(network, users, items):
    columns = [np.asarray(rows, np.int32)[:, None] for rows in (users, items)]
    return np.asarray(load_keras().ops.convert_to_numpy(network(columns)))


def table(network, name):
    return np.asarray(network.get_layer(name).weights[0].value)


@pytest.fixture(scope="module")
def network():
    return network_of(random_factors(0))


@pytest.fixture(scope="module")
def chapter():
    return matrix_factorization(944, 1683, 200, mean=3.53, l2=0.01, l2_bias=0.01, l2_on="table")


class TestTheChapter:
    def test_has_528027_parameters_and_all_are_trained(self, chapter):
        assert chapter.count_params() == (944 + 1683) * 201 == 528_027
        assert sum(int(np.prod(v.shape)) for v in chapter.trainable_variables) == 528_027

    def test_has_ten_layers_in_its_order(self, chapter):
        assert [(layer.name, type(layer).__name__) for layer in chapter.layers] == LAYERS

    def test_maps_two_columns_of_rows_to_one_of_ratings(self, chapter):
        assert chapter.output_shape == (None, 1)
        assert [tuple(column.shape) for column in chapter.inputs] == [(None, 1), (None, 1)]
        assert [column.dtype for column in chapter.inputs] == ["int32", "int32"]

    def test_shapes_of_the_tables(self, chapter):
        shapes = {name: table(chapter, name).shape for name in TABLES}
        assert shapes == {
            "user_factors": (944, 200),
            "item_factors": (1683, 200),
            "user_bias": (944, 1),
            "item_bias": (1683, 1),
        }

    def test_starts_uniform_within_a_twentieth(self, chapter):
        for name in TABLES:
            start = table(chapter, name)
            assert np.abs(start).max() <= 0.05
            assert start.std() == pytest.approx(0.05 / np.sqrt(3), rel=0.1)


def test_a_one_hot_vector_times_the_table_is_its_row(network):
    P, Q = table(network, "user_factors"), table(network, "item_factors")
    users, items = np.arange(M), np.arange(M) + 1
    keras = load_keras()
    one_hot = np.asarray(keras.ops.convert_to_numpy(keras.ops.one_hot(users, M)))  # (M, M)
    np.testing.assert_array_equal(one_hot @ P, np.asarray(network.get_layer("user_factors")(users)))
    by_hand = (one_hot @ P * Q[items]).sum(1)
    by_hand += table(network, "user_bias")[users, 0] + table(network, "item_bias")[items, 0] + 3.5
    np.testing.assert_allclose(ask(network, users, items)[:, 0], by_hand, rtol=1e-5)


def test_a_prediction_does_not_depend_on_its_batch_mates(network):
    rng = np.random.default_rng(1)
    users, items = rng.integers(M, size=50), rng.integers(N, size=50)
    together = ask(network, users, items)
    assert together.shape == (50, 1)
    alone = [ask(network, users[[k]], items[[k]])[0, 0] for k in range(50)]
    np.testing.assert_allclose(together[:, 0], alone, rtol=1e-6)
    order = rng.permutation(50)
    shuffled = ask(network, users[order], items[order])
    np.testing.assert_allclose(shuffled[:, 0], together[order, 0], rtol=1e-6)
    twins = ask(network, np.repeat(users[:1], 9), np.repeat(items[:1], 9))
    np.testing.assert_allclose(twins[:, 0], together[0, 0], rtol=1e-6)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(1, 6),
    n=st.integers(1, 6),
    k=st.integers(1, 5),
)
def test_the_identity(seed, m, n, k):
    """network(u, i) == mean + user_bias[u] + item_bias[i] + user_factors[u] · item_factors[i]."""
    factors = random_factors(seed, m, n, k)
    users, items = np.divmod(np.arange(m * n, dtype=np.int32), np.int32(n))
    by_hand = [
        factors.mean
        + float(factors.user_bias[u])
        + float(factors.item_bias[i])
        + float(factors.user_factors[u].astype(np.float64) @ factors.item_factors[i])
        for u, i in zip(users, items, strict=True)
    ]
    network = network_of(factors)
    np.testing.assert_allclose(ask(network, users, items)[:, 0], by_hand, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(factors.predict(users, items), by_hand, rtol=1e-5, atol=1e-5)
    assert network.count_params() == factors.n_parameters == (m + n) * (k + 1)


def test_factors_go_into_a_network_and_come_back(network):
    factors = random_factors(0)
    back = factors_of(network)
    for name, array in factors.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array, err_msg=name)


def test_factors_read_from_a_network_are_a_copy():
    made = network_of(random_factors(2))
    before = factors_of(made)
    kept = before.user_factors.copy()
    made.get_layer("user_factors").set_weights([np.zeros((M, K), np.float32)])
    np.testing.assert_array_equal(before.user_factors, kept)


class TestThePenalty:
    """By hand, for tables of known numbers: λ on factors 0.1, λ_b on biases 0.01."""

    P = np.arange(M * K, dtype=np.float32).reshape(M, K) / 10
    Q = np.arange(N * K, dtype=np.float32).reshape(N, K) / 20
    b, c = np.arange(M, dtype=np.float32)[:, None], np.arange(N, dtype=np.float32)[:, None] / 2
    users, items = np.array([1, 1, 6], np.int32), np.array([2, 8, 2], np.int32)

    def penalty(self, l2_on, l2=0.1, l2_bias=0.01):
        network = matrix_factorization(M, N, K, 3.0, l2=l2, l2_bias=l2_bias, l2_on=l2_on)
        for name, values in zip(TABLES, (self.P, self.Q, self.b, self.c), strict=True):
            network.get_layer(name).set_weights([values])
        columns = [self.users[:, None], self.items[:, None]]
        groups = (network.trainable_variables, network.non_trainable_variables)
        state = ([v.value for v in group] for group in groups)
        _, _, stateless = network.stateless_call(*state, columns, return_losses=True)
        network(columns)
        assert float(sum(network.losses)) == pytest.approx(float(sum(stateless)), rel=1e-6)
        return float(sum(stateless))

    def test_on_the_table_is_the_whole_table_whatever_the_batch(self):
        by_hand = 0.1 * ((self.P**2).sum() + (self.Q**2).sum())
        by_hand += 0.01 * ((self.b**2).sum() + (self.c**2).sum())
        assert self.penalty("table") == pytest.approx(float(by_hand), rel=1e-5)

    def test_on_rows_is_the_mean_over_the_batch_of_the_rows_that_it_looks_up(self):
        rows = [
            0.1 * ((self.P[u] ** 2).sum() + (self.Q[i] ** 2).sum())
            + 0.01 * (self.b[u, 0] ** 2 + self.c[i, 0] ** 2)
            for u, i in zip(self.users, self.items, strict=True)
        ]
        assert self.penalty("rows") == pytest.approx(float(np.mean(rows)), rel=1e-5)

    @pytest.mark.parametrize("l2_on", ["rows", "table"])
    def test_without_lambda_there_is_none(self, l2_on):
        network = matrix_factorization(M, N, K, 3.0, l2_on=l2_on)
        network([self.users[:, None], self.items[:, None]])
        assert network.losses == []
        half = self.penalty(l2_on, l2=0.0)
        assert 0 < half < self.penalty(l2_on)


class TestTheSeed:
    def test_fixes_the_start(self):
        one, same = (matrix_factorization(M, N, K, 3.0, seed=5) for _ in range(2))
        for name in TABLES:
            np.testing.assert_array_equal(table(one, name), table(same, name))

    def test_another_seed_is_another_start(self):
        one, other = (matrix_factorization(M, N, K, 3.0, seed=seed) for seed in (5, 6))
        for name in TABLES:
            assert (table(one, name) != table(other, name)).any()

    def test_no_two_tables_start_alike(self):
        square = matrix_factorization(M, M, K, 3.0, seed=5)
        assert (table(square, "user_factors") != table(square, "item_factors")).any()
        assert (table(square, "user_bias") != table(square, "item_bias")).any()

    def test_the_global_generators_are_left_alone(self):
        np.random.seed(3)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        matrix_factorization(M, N, K, 3.0, seed=5)
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


ARRAYS = {name: a for name, a in random_factors(0).arrays().items() if name in TABLES}


class TestFactorsFrom:
    def test_biases_may_be_columns(self):
        columns = {n: a if a.ndim == 2 else a[:, None] for n, a in ARRAYS.items()}
        made = factors_from(columns, 3.5)
        np.testing.assert_array_equal(made.user_bias, ARRAYS["user_bias"])

    def test_a_missing_table_is_told(self):
        short = {n: a for n, a in ARRAYS.items() if n != "item_bias"}
        with pytest.raises(DataError, match="The tables item_bias are missing; received"):
            factors_from(short, 3.5)

    def test_numbers_that_are_not_finite_are_refused(self):
        broken = ARRAYS["user_bias"].copy()
        broken[2] = np.nan
        with pytest.raises(DataError, match="user_bias holds numbers that are not finite"):
            factors_from({**ARRAYS, "user_bias": broken}, 3.5)
