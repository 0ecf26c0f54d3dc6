from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant import factors as module
from penchant.errors import DataError
from penchant.factors import Factors

sizes = st.tuples(st.integers(0, 2**32 - 1), *[st.integers(1, 9)] * 3)


def make(drawn) -> Factors:
    seed, M, N, K = drawn
    rng = np.random.default_rng(seed)
    arrays = (rng.normal(size=shape).astype(np.float32) for shape in ((M,), (N,), (M, K), (N, K)))
    return Factors(float(rng.normal()), *arrays)


def table(made: Factors) -> np.ndarray:
    """The rating of each pair by the formula, one after another, in float64."""
    out = np.empty((len(made.user_bias), len(made.item_bias)))
    for u in range(out.shape[0]):
        for i in range(out.shape[1]):
            dot = sum(float(p) * float(q) for p, q in
                      zip(made.user_factors[u], made.item_factors[i], strict=True))  # fmt: skip
            out[u, i] = made.mean + float(made.user_bias[u]) + float(made.item_bias[i]) + dot
    return out


def pairs(made: Factors) -> tuple[np.ndarray, np.ndarray]:
    u, i = np.indices((len(made.user_bias), len(made.item_bias)), dtype=np.int32)
    return u.ravel(), i.ravel()


@given(sizes)
def test_predict_is_the_formula(drawn):
    made = make(drawn)
    predicted = made.predict(*pairs(made))
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, table(made).ravel(), rtol=1e-5, atol=1e-5)


@given(sizes)
def test_scores_are_the_rows_of_the_table(drawn):
    made = make(drawn)
    for row, wanted in enumerate(table(made)):
        scores = made.scores(row)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-5)


def test_a_prediction_does_not_depend_on_those_beside_it(monkeypatch):
    made = make((0, 9, 9, 5))
    users, items = pairs(made)
    together = made.predict(users, items)
    monkeypatch.setattr(module, "_PAIRS", 7)
    assert made.predict(users, items).tolist() == together.tolist()
    alone = [made.predict(users[j : j + 1], items[j : j + 1])[0] for j in range(len(users))]
    assert alone == together.tolist()


def test_no_pairs_no_predictions():
    none = np.zeros(0, dtype=np.int32)
    assert make((0, 2, 2, 2)).predict(none, none).shape == (0,)


@given(sizes)
def test_counts(drawn):
    made = make(drawn)
    _, M, N, K = drawn
    assert made.n_factors == K
    assert made.n_parameters == (M + N) * (K + 1)
    assert repr(made) == f"Factors({M} × {N}, {K} factors, {(M + N) * (K + 1)} parameters)"


@given(sizes)
def test_arrays_make_the_same_factors(drawn):
    made = make(drawn)
    arrays = made.arrays()
    assert (arrays["mean"].dtype, arrays["mean"].shape) == (np.float64, ())
    again = Factors(float(arrays.pop("mean")), **arrays)
    assert again.predict(*pairs(made)).tolist() == made.predict(*pairs(made)).tolist()


@given(sizes, st.floats(0.1, 10))
def test_scaled_scales_each_prediction(drawn, unit):
    made = make(drawn)
    np.testing.assert_allclose(
        made.scaled(unit).predict(*pairs(made)), table(made).ravel() * unit, rtol=1e-4, atol=1e-4
    )


class TestRefuses:
    def arrays(self) -> dict:
        made = make((0, 4, 3, 2))
        return {"mean": made.mean} | {n: a for n, a in made.arrays().items() if n != "mean"}

    @pytest.mark.parametrize("name", ["item_bias", "user_factors", "item_factors"])
    def test_shapes(self, name):
        arrays = self.arrays()
        arrays[name] = arrays[name][:-1]
        with pytest.raises(DataError, match=r"must be float32 of shape \(.*\); received float32"):
            Factors(**arrays)

    @pytest.mark.parametrize("name", ["user_bias", "item_bias", "user_factors", "item_factors"])
    def test_types(self, name):
        arrays = self.arrays()
        arrays[name] = arrays[name].astype(np.float64)
        with pytest.raises(DataError, match=f"{name} must be float32 of shape .* float64"):
            Factors(**arrays)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    @pytest.mark.parametrize("name", ["user_bias", "item_bias", "user_factors", "item_factors"])
    def test_numbers(self, name, value):
        arrays = self.arrays()
        arrays[name].flat[-1] = value
        with pytest.raises(DataError, match=f"{name} holds numbers that are not finite"):
            Factors(**arrays)

    @pytest.mark.parametrize("value", [np.nan, -np.inf])
    def test_the_mean(self, value):
        with pytest.raises(DataError, match="mean must be a finite number, not "):
            Factors(**(self.arrays() | {"mean": value}))


class TestCorrelations:
    def by_hand(self, made: Factors, side: str, row: int, trained: np.ndarray) -> np.ndarray:
        deviations = (made.user_factors @ made.item_factors.T).astype(np.float64)
        columns = deviations[trained].T if side == "item" else deviations[:, trained]
        return np.array([np.corrcoef(columns[row], other)[0, 1] for other in columns])

    @given(st.integers(0, 2**32 - 1), st.sampled_from(["item", "user"]))
    def test_are_those_of_the_predicted_deviations(self, seed, side):
        made = make((seed, 12, 11, 3))
        trained = np.arange(12 if side == "item" else 11) > 0
        found = made.correlations(side, 2, trained)
        np.testing.assert_allclose(found, self.by_hand(made, side, 2, trained), atol=2e-3)
        assert found[2] == pytest.approx(1, abs=1e-5)

    @given(st.integers(0, 2**32 - 1))
    def test_no_rotation_of_the_basis_changes_them(self, seed):
        made = make((seed, 12, 11, 3))
        turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0].astype(np.float32)
        turned = Factors(made.mean, made.user_bias, made.item_bias, made.user_factors @ turn,
                         made.item_factors @ turn)  # fmt: skip
        everyone = np.ones(12, dtype=bool)
        np.testing.assert_allclose(
            turned.correlations("item", 0, everyone), made.correlations("item", 0, everyone),
            atol=2e-3,
        )  # fmt: skip

    def test_a_row_that_does_not_vary_has_none(self):
        made = make((0, 5, 4, 2))
        made.item_factors[3] = 0
        found = made.correlations("item", 0, np.ones(5, dtype=bool))
        assert found[3] == 0
        assert (made.correlations("item", 3, np.ones(5, dtype=bool)) == 0).all()


def test_correlations_that_are_kept_are_those_of_the_mask():
    rng = np.random.default_rng(3)
    made = [rng.normal(size=shape).astype(np.float32) for shape in ((9,), (7,), (9, 3), (7, 3))]
    factors, every = Factors(3.0, *made), np.ones(9, bool)
    some = every.copy()
    some[2:5] = False
    first = factors.correlations("item", 2, every)
    assert np.array_equal(factors.correlations("item", 2, every), first)
    other = factors.correlations("item", 2, some)
    assert not np.array_equal(other, first)
    assert np.array_equal(other, Factors(3.0, *made).correlations("item", 2, some))
    assert np.array_equal(factors.correlations("item", 2, every), first)
    users = factors.correlations("user", 1, np.ones(7, bool))
    assert users.shape == (9,)
