"""Scores: how well a recommender predicted ratings that it was not trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import Mask
from penchant.metrics import Interval, mae, rmse, rmse_interval

LEVEL = 0.95
"""The level of the confidence interval of an RMSE."""


@dataclasses.dataclass(frozen=True)
class Scores(Mapping[str, Any]):
    """Scores on test ratings, as attributes and as a mapping; prints as a table.

    Predictions are clipped to the scale, and no rating is left out.

    Attributes:
        rmse: over all rows.
        interval: a 95 % confidence interval of the RMSE, rows taken as independent.
        mae: over all rows.
        n: the number of rows.
        strangers: rows whose user or item the model has never seen.
        cold: rows whose ids are known, one of them without training ratings.
        warm_rmse: over the rows that are neither; None where there are none.
        unseen_rmse: over the strangers' and the cold rows; None where there are none.

    >>> scores = Scores.of(np.array([1.0, 5.0]), np.array([2.0, 5.0]), np.array([False, True]),
    ...                    np.array([False, False]))
    >>> scores["strangers"], scores.unseen_rmse, scores.warm_rmse
    (1, 0.0, 1.0)
    """

    rmse: float
    interval: Interval
    mae: float
    n: int
    strangers: int
    cold: int
    warm_rmse: float | None
    unseen_rmse: float | None

    @classmethod
    def of(
        cls,
        truth: npt.NDArray[np.floating],
        predicted: npt.NDArray[np.floating],
        stranger: Mask,
        cold: Mask,
    ) -> Scores:
        """Score predictions, (n,) each; the masks mark strangers' and cold rows."""
        unseen = stranger | cold
        return cls(
            rmse=rmse(truth, predicted),
            interval=rmse_interval(truth, predicted, LEVEL),
            mae=mae(truth, predicted),
            n=len(truth),
            strangers=int(stranger.sum()),
            cold=int(cold.sum()),
            warm_rmse=rmse(truth[~unseen], predicted[~unseen]) if not unseen.all() else None,
            unseen_rmse=rmse(truth[unseen], predicted[unseen]) if unseen.any() else None,
        )

    def __getitem__(self, name: str) -> Any:
        """Return one score by name."""
        if name not in self._names():
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._names())

    def __len__(self) -> int:
        """Return the number of scores."""
        return len(self._names())

    def _names(self) -> list[str]:
        return [field.name for field in dataclasses.fields(self)]

    def __str__(self) -> str:
        from penchant.tables import text_table

        low, high = self.interval
        rows: list[tuple[str, str]] = [
            ("RMSE", f"{self.rmse:.4f}"),
            ("95 % interval", f"{low:.4f} to {high:.4f}"),
            ("MAE", f"{self.mae:.4f}"),
            ("ratings", f"{self.n:,}"),
            ("of strangers", f"{self.strangers:,}"),
            ("of cold rows", f"{self.cold:,}"),
        ]
        if self.unseen_rmse is not None:
            rows.append(("RMSE of those", f"{self.unseen_rmse:.4f}"))
            if self.warm_rmse is not None:
                rows.append(("RMSE of the rest", f"{self.warm_rmse:.4f}"))
        return text_table(("score", "value"), rows)
