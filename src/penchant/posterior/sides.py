"""What a posterior is made of: what the heads know of a side, effects of days, a solved row."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Rows
from penchant.features import CountScale, SideEncoder, bag_weights


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """What the heads know of one side's rows; D = k + 1, rows are (factors, bias).

    Attributes:
        draws: (T, N, D) float32, the rows; T = 0 where they were too many to keep.
        mean: (T, D) float32, m.
        precision: (T, D, D) float32, Λ, in rating units.
        weights: (T, F, D) float32, B; F = the other side's rows, the count, the side columns.
        count: how a number of ratings becomes a feature.
        encoder: how side columns become features.
    """

    draws: F32
    mean: F32
    precision: F32
    weights: F32
    count: CountScale
    encoder: SideEncoder

    def prior_means(self, rated: Rows, side: F32 | None) -> F64:
        """Return ``m + Bᵀx`` of one row in each head, (T, D) float64.

        Args:
            rated: (n,) the other side's rows in its ratings.
            side: (S,) float32 of `SideEncoder.row`, or None for unknown.
        """
        n_side = self.encoder.width
        n_other = self.weights.shape[1] - 1 - n_side
        mean = self.mean.astype(np.float64)
        if not self.weights.size:
            return mean
        if len(rated):
            known = rated[rated < n_other]  # what training has not seen counts for the norm alone
            bag = self.weights[:, known].sum(axis=1, dtype=np.float64)
            counts = np.array([len(rated)])
            mean += bag * bag_weights(counts)[0]
            z = self.count.encode(counts)[0]
            mean += z * self.weights[:, n_other].astype(np.float64)
        if side is not None and n_side:
            mean += np.einsum("s,tsd->td", side, self.weights[:, n_other + 1 :])
        return mean


@dataclasses.dataclass(frozen=True, eq=False)
class DayEffects:
    """The mean effect of each user × day of the training, a further bias.

    Attributes:
        keys: (G,) int64, sorted: ``user row · 2³² + day``, days counted from 1970.
        values: (G,) float32, in rating units.
    """

    keys: npt.NDArray[np.int64]
    values: F32

    @staticmethod
    def key(user_rows: Rows, timestamps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the key of each user and time in seconds, (n,) int64."""
        days = np.clip(timestamps // 86_400, 0, 2**31 - 1)
        return (user_rows.astype(np.int64) << 32) | days

    def __call__(self, user_rows: Rows, timestamps: npt.NDArray[np.int64]) -> F32:
        """Return the effect of each user and time, (n,) float32; 0 for a day without ratings."""
        keys = self.key(user_rows, timestamps)
        at = np.minimum(np.searchsorted(self.keys, keys), max(0, len(self.keys) - 1))
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.float32)
        return np.where(self.keys[at] == keys, self.values[at], np.float32(0))


@dataclasses.dataclass(frozen=True, eq=False)
class Solved:
    """A row solved in all heads.

    Attributes:
        factors: (K,) float32, the distilled row.
        bias: float, in rating units.
        rows: (T, D) float64, the mean x̃_s in each head.
        precision: (T, D, D) float64, A_s.
        weighted: (T, n, D) float64, ``a_j f_j``.
        errors: (T, n) float64, ``e_j``: times `weighted`, what a rating adds to the right side.
        prior: (T, D) float64, ``Λ_s (m_s + B_sᵀ x)``.
        noise: (T,) float64, ``α_s w``: the noise precision of a rating of a further average row.
        rated: (n,) the other side's rows.
        side: (S,) float32 or None.
    """

    factors: F32
    bias: float
    rows: F64
    precision: F64
    weighted: F64
    errors: F64
    prior: F64
    noise: F64
    rated: Rows
    side: F32 | None
