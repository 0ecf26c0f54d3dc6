"""Measures of predicted ratings: pure functions on arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64
from penchant.errors import DataError
from penchant.settings import require, require_number

Numbers = npt.NDArray[np.floating]


class Interval(NamedTuple):
    """The lower and the upper end of a confidence interval."""

    low: float
    high: float


def rmse(truth: Numbers, predicted: Numbers) -> float:
    """Return the root of the mean squared error over all rows, in rating units.

    ``sqrt(mean((r - r̂)²))``, summed in float64. It is not the mean of the RMSEs of batches, which
    Keras' metric of that name gives and which reads lower.

    >>> rmse(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))
    1.7320508075688772
    """
    return float(np.sqrt(_squares(truth, predicted).mean()))


def mae(truth: Numbers, predicted: Numbers) -> float:
    """Return the mean absolute error over all rows, in rating units.

    >>> mae(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))
    1.0
    """
    return float(np.sqrt(_squares(truth, predicted)).mean())


def rmse_interval(truth: Numbers, predicted: Numbers, level: float = 0.95) -> Interval:
    """Return a confidence interval of the RMSE, rows taken as independent.

    The squared errors' mean is normal by the central limit theorem; the interval of the mean,
    ``m ± z s / √n``, is carried through the square root.

    >>> low, high = rmse_interval(np.zeros(4), np.array([1.0, -1.0, 1.0, -1.0]))
    >>> low, high
    (1.0, 1.0)
    """
    from statistics import NormalDist

    require_number("level", level, 0, 1, open_low=True)
    require(level < 1, f"level must be below 1, not {level!r}.")
    squares = _squares(truth, predicted)
    mean = float(squares.mean())
    spread = float(squares.std(ddof=1)) if squares.size > 1 else 0.0
    half = NormalDist().inv_cdf(0.5 + level / 2) * spread / np.sqrt(squares.size)
    return Interval(float(np.sqrt(max(0.0, mean - half))), float(np.sqrt(mean + half)))


def _squares(truth: Numbers, predicted: Numbers) -> F64:
    if truth.shape != predicted.shape or truth.ndim != 1 or not truth.size:
        raise DataError(
            f"Truth and prediction must be two columns of one length above 0; received shapes "
            f"{truth.shape} and {predicted.shape}."
        )
    return (truth.astype(np.float64) - predicted.astype(np.float64)) ** 2
