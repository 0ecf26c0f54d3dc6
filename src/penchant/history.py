"""History: what each epoch or sweep measured, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from penchant.arrays import F64

Record = Mapping[str, float]


@dataclasses.dataclass
class History:
    """One record for each epoch or sweep, in order; each a mapping of names to numbers.

    The names in use: `epoch` or `sweep` (from 1), `loss` (the objective, penalty included),
    `train_rmse`, `watch_rmse`, `validation_rmse` (true RMSE over all rows, clipped to the scale),
    `seconds` (wall time since the start of training). Solvers may add names of their own.

    >>> history = History([{"epoch": 1, "train_rmse": 1.2}, {"epoch": 2, "train_rmse": 0.9}])
    >>> history.column("train_rmse").tolist()
    [1.2, 0.9]
    """

    records: list[Record] = dataclasses.field(default_factory=list)
    best: int | None = None
    """The place in `records` of the state that was kept, where validation rows chose one."""
    interrupted: bool = False
    """Whether Ctrl-C ended the training; what stood then is what the model holds."""

    def append(self, record: Record) -> None:
        """Add the record of one more epoch or sweep."""
        self.records.append(record)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @property
    def names(self) -> list[str]:
        """The names that at least one record holds, in order of appearance."""
        return list(dict.fromkeys(name for record in self.records for name in record))

    def column(self, name: str) -> F64:
        """Return one name over all records, (n,) float64; NaN where a record lacks it."""
        return np.array([record.get(name, np.nan) for record in self.records], dtype=np.float64)

    def plot(self, path: str | None = None, title: str | None = None) -> Any:
        """Draw the curves of train, validation and watched RMSE; return the Matplotlib figure.

        Args:
            path: where to write the picture too (PNG, SVG or PDF by its ending).
            title: a line above; any script.
        """
        from penchant.plots import plot_history

        return plot_history(self, path, title)

    def to_json(self) -> dict[str, Any]:
        """Return the history as JSON-able values."""
        return {
            "best": self.best,
            "interrupted": self.interrupted,
            "records": [dict(record) for record in self.records],
        }
