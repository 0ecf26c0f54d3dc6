"""Factors: a trained dot-and-bias network as named arrays, the fast path of all that follows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Mask, Rows
from penchant.errors import DataError

_PAIRS = 4_096  # pairs looked up at once, so that a long column needs bounded memory


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Factors:
    """The numbers of ``r̂(u, i) = mean + b_u + b_i + p_u · q_i``, and what follows from them.

    Attributes:
        mean: the mean of the training ratings.
        user_bias: (M,) float32, b; row 0 is the stranger's.
        item_bias: (N,) float32, b.
        user_factors: (M, K) float32, p.
        item_factors: (N, K) float32, q.

    Raises:
        DataError: shapes or types don't fit together, or a number is not finite.

    >>> f = np.float32
    >>> made = Factors(3.0, np.array([0, 1], f), np.array([0, 2], f), np.ones((2, 4), f),
    ...                np.ones((2, 4), f))
    >>> made.predict(np.array([0, 1], np.int32), np.array([0, 1], np.int32)).tolist()
    [7.0, 10.0]
    """

    mean: float
    user_bias: F32
    item_bias: F32
    user_factors: F32
    item_factors: F32

    def __post_init__(self) -> None:
        M, N, K = len(self.user_bias), len(self.item_bias), self.user_factors.shape[-1]
        shapes = {
            "user_bias": (M,),
            "item_bias": (N,),
            "user_factors": (M, K),
            "item_factors": (N, K),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise DataError(
                    f"{name} must be float32 of shape {shape}; received {array.dtype} of shape "
                    f"{array.shape}."
                )
            if not np.isfinite(array).all():
                raise DataError(f"{name} holds numbers that are not finite.")
        if not np.isfinite(self.mean):
            raise DataError(f"mean must be a finite number, not {self.mean!r}.")

    @property
    def n_factors(self) -> int:
        """K, the width of the embeddings."""
        return int(self.user_factors.shape[1])

    @property
    def n_parameters(self) -> int:
        """How many trained numbers the network has: (M + N)(K + 1)."""
        return sum(a.size for a in self.arrays().values()) - 1

    def __repr__(self) -> str:
        return (
            f"Factors({len(self.user_bias):,} × {len(self.item_bias):,}, "
            f"{self.n_factors} factors, {self.n_parameters:,} parameters)"
        )

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the numbers by name, as a bundle stores them; `mean` is a () float64."""
        return {
            "mean": np.asarray(self.mean, dtype=np.float64),
            "user_bias": self.user_bias,
            "item_bias": self.item_bias,
            "user_factors": self.user_factors,
            "item_factors": self.item_factors,
        }

    def scaled(self, unit: float) -> Factors:
        """Return the factors whose every prediction is `unit` times as large."""
        root = np.float32(np.sqrt(unit))
        return Factors(
            self.mean * unit,
            self.user_bias * np.float32(unit),
            self.item_bias * np.float32(unit),
            self.user_factors * root,
            self.item_factors * root,
        )

    def predict(self, user_rows: Rows, item_rows: Rows) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32."""
        out = np.empty(len(user_rows), dtype=np.float32)
        for start in range(0, len(out), _PAIRS):
            u, i = user_rows[start : start + _PAIRS], item_rows[start : start + _PAIRS]
            dots = np.einsum("nk,nk->n", self.user_factors[u], self.item_factors[i])
            out[start : start + _PAIRS] = dots + self.user_bias[u] + self.item_bias[i]
        return out + np.float32(self.mean)

    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of one user for every item row, (N,) float32."""
        dots = self.item_factors @ self.user_factors[user_row]
        return dots + self.item_bias + np.float32(self.mean + self.user_bias[user_row])  # type: ignore[no-any-return]

    def correlations(self, side: str, row: int, trained: Mask) -> F32:
        """Return how the deviations ``p_u · q_i`` of one row correlate with those of each row.

        For two items the correlation runs over the trained users, for two users over the
        trained items: ``q_iᵀ C q_j / √(q_iᵀ C q_i · q_jᵀ C q_j)`` with C the covariance of the
        other side's factors. No rotation or scaling of the basis changes it.

        Args:
            side: "item" or "user".
            row: the row to compare with.
            trained: the mask of the other side's rows to count, (M,) or (N,).

        Returns:
            (N,) or (M,) float32 in −1 … 1; 0 where a row does not vary.
        """
        mine = self.item_factors if side == "item" else self.user_factors
        covariance, spread = self._shape(side, trained)
        towards = mine @ (covariance @ mine[row])
        scale = spread * spread[row]
        varies = scale > 0
        out: F32 = np.divide(towards, scale, out=np.zeros_like(scale), where=varies)
        return out.clip(-1, 1)

    def _shape(self, side: str, trained: Mask) -> tuple[F32, F32]:
        """Return C, (K, K), and √(q_iᵀ C q_i) of each row; found once for each side.

        They cost a hundred times what the correlations of one row do then.
        """
        kept: dict[str, tuple[Any, F32, F32]] = self.__dict__.setdefault("_shapes", {})
        found = kept.get(side)
        if found is None or not np.array_equal(found[0], trained):
            mine, others = self.item_factors, self.user_factors
            if side == "user":
                mine, others = others, mine
            counted = others[trained]
            centred = counted - counted.mean(axis=0, dtype=np.float64).astype(np.float32)
            covariance = centred.T @ centred / np.float32(len(centred))  # (K, K)
            spread = np.sqrt(np.einsum("nk,nk->n", mine @ covariance, mine))
            found = kept[side] = (trained.copy(), covariance, spread)
        return found[1], found[2]
