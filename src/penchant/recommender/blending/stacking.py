"""Stacking: how much each of several predictions of the same ratings should count."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.errors import DataError
from penchant.metrics import rmse
from penchant.ratings import Scale

_RIDGE = 1e-7  # of the predictions' mean variance: two equal columns still have one solution


class Part(NamedTuple):
    """One member of a blend, and what it is worth there.

    Attributes:
        name: what it is called in the blend.
        weight: what its prediction is multiplied by.
        rmse: of its out-of-fold predictions alone.
        adds: by how much the blend's RMSE would rise without it, the others weighed anew.
    """

    name: str
    weight: float
    rmse: float
    adds: float


@dataclasses.dataclass(frozen=True)
class Weights(Sequence[Part]):
    """What a blend makes of its members: ``r̂ = constant + Σ_m w_m r̂_m``; prints as a table.

    Attributes:
        parts: the members, in their order.
        constant: what is added, in rating units.
        rmse: of the blend over the out-of-fold predictions that the weights were learned from.

    >>> print(Weights((Part("gibbs", 0.75, 0.91, 0.02), Part("als", 0.25, 0.92, 0.01)), 0.1, 0.9))
    part      weight  RMSE alone    adds
    gibbs      0.750      0.9100  0.0200
    als        0.250      0.9200  0.0100
    constant   0.100
    together              0.9000
    """

    parts: tuple[Part, ...]
    constant: float
    rmse: float

    @classmethod
    def of(cls, names: Sequence[str], predictions: F64, truth: F32, scale: Scale) -> Self:
        """Learn the weights.

        Args:
            names: (m,) of the members.
            predictions: (n, m) unclipped, each of a rating that its member was not trained on.
            truth: (n,) the ratings.
            scale: the rating scale, to which what is judged is clipped.
        """
        weights, constant = non_negative(predictions, truth)

        def error(columns: list[int]) -> float:
            some, base = non_negative(predictions[:, columns], truth)
            return rmse(truth, scale.clip(base + predictions[:, columns] @ some))

        everyone = list(range(len(names)))
        together = error(everyone)
        parts = [
            Part(
                name,
                float(weights[m]),
                rmse(truth, scale.clip(predictions[:, m])),
                error([k for k in everyone if k != m]) - together,
            )
            for m, name in enumerate(names)
        ]
        return cls(tuple(parts), constant, together)

    def combine(self, shape: tuple[int, ...], predicted: Callable[[int], F32]) -> F32:
        """Return the blend's unclipped ratings, float32 of a shape.

        The members are added one by one, so a rating doesn't depend on those beside it; members
        without weight are not asked.

        Args:
            shape: of the answer.
            predicted: gives the unclipped ratings of the member at a place.
        """
        total = np.full(shape, self.constant)
        for place, part in enumerate(self.parts):
            if part.weight:
                total += part.weight * predicted(place).astype(np.float64)
        return total.astype(np.float32)

    def shares(self) -> F64:
        """Return the weights scaled to sum to 1, (m,); equal ones where all are 0.

        >>> parts = Part("a", 0.3, 1, 0), Part("b", 0.1, 1, 0)
        >>> Weights(parts, 0.0, 1.0).shares().round(2).tolist()
        [0.75, 0.25]
        """
        weights = np.array([part.weight for part in self.parts])
        total = weights.sum()
        return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))

    def __getitem__(self, place: Any) -> Any:
        """Return the part at a place, or those of a slice."""
        return self.parts[place]

    def __len__(self) -> int:
        """Return how many members there are."""
        return len(self.parts)

    def __str__(self) -> str:
        from penchant.tables import text_table

        rows: list[tuple[Any, ...]] = [tuple(part) for part in self.parts]
        rows += [("constant", self.constant, None, None), ("together", None, self.rmse, None)]
        formats = {"weight": ".3f", "RMSE alone": ".4f", "adds": "z.4f"}
        return text_table(("part", "weight", "RMSE alone", "adds"), rows, formats=formats)

    def card(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        parts = [part._asdict() for part in self.parts]
        return {"parts": parts, "constant": self.constant, "rmse": self.rmse}

    @classmethod
    def from_card(cls, said: Any) -> Self:
        """Build it from what `card` gave; raise `DataError` where that makes no sense."""
        try:
            parts = tuple(Part(**part) for part in said["parts"])
            names = [part.name for part in parts]
            numbers = [x for part in parts for x in part[1:]] + [said["constant"], said["rmse"]]
        except (KeyError, TypeError) as error:
            raise DataError(f"The weights of a blend are damaged: {error!r}.") from None
        named = all(isinstance(name, str) and name for name in names)
        finite = all(type(x) in (int, float) and math.isfinite(x) for x in numbers)
        if not (parts and named and finite and all(part.weight >= 0 for part in parts)):
            raise DataError(f"The weights of a blend are damaged: {said!r:.200}.")
        return cls(parts, float(said["constant"]), float(said["rmse"]))


def non_negative(predictions: F64, truth: npt.NDArray[Any]) -> tuple[F64, float]:
    """Return weights w ≥ 0, (m,), and the constant c that minimise ``Σ (r − c − Σ w_m r̂_m)²``.

    Non-negative least squares (Lawson, Hanson 1974) on what is left when the means are taken off;
    that weights of stacked predictions should not be negative is Breiman's finding.

    References:
        Breiman: Stacked Regressions, Machine Learning 24, 1996.

    >>> truth = np.array([1.0, 2.0, 3.0, 4.0])
    >>> weights, constant = non_negative(np.column_stack([2 * truth, -truth]), truth)
    >>> weights.round(3).tolist(), round(constant, 3)
    ([0.5, 0.0], 0.0)
    """
    from scipy.optimize import nnls

    means, mean = predictions.mean(axis=0), float(np.mean(truth, dtype=np.float64))
    n, m = predictions.shape
    if not m:
        return np.zeros(0), mean
    centred = predictions - means
    gram = centred.T @ centred / n
    spread = float(np.trace(gram)) / m
    gram += np.eye(m) * max(_RIDGE * spread, 1e-12)
    lower = np.linalg.cholesky(gram)
    aimed = np.linalg.solve(lower, centred.T @ (truth - mean) / n)
    weights: F64 = nnls(lower.T, aimed)[0]
    return weights, mean - float(means @ weights)
