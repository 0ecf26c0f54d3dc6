"""What a solver is asked to do: a training's data and how it is to be made, in one value."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from penchant.errors import DataError
from penchant.history import Record
from penchant.ratings import Ratings
from penchant.settings import require_count
from penchant.store import BlockStore

Callback = Callable[[Record], object]
"""Called after each epoch or sweep with its record; `True` as the answer stops the training."""


class Checkpoint(NamedTuple):
    """Where and how often a solver keeps its state, so that a stopped run can go on.

    A solver that finds its own state in `folder` resumes from it and ends, on a processor of the
    same type, with the bits of an uninterrupted run; the state of other data or settings there is
    an error. The folder is a path or a URL that fsspec knows, such as ``s3://bucket/films``.
    """

    folder: Path | str
    every: int = 10


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """One training to be made.

    Attributes:
        ratings: what to learn from, in memory or as blocks.
        factors: K, the width of the network; 0 where the network's own settings say it.
        validation: rows that may choose when to stop and what to keep, or None.
        watch: rows whose RMSE is measured for the curve alone, or None.
        seed: of all that is random.
        callbacks: `Callback`s, and Keras' own for what Keras trains.
        threads: of our own kernels; None for as many as there are processors.
        checkpoint: where the state is kept, or None.
        began: when, by `time.perf_counter`.

    Raises:
        DataError: there are no ratings.
        SettingsError: the seed makes no sense.
    """

    ratings: Any
    factors: int = 0
    validation: Ratings | None = None
    watch: Ratings | None = None
    seed: int = 0
    callbacks: Iterable[Any] = ()
    threads: int | None = None
    checkpoint: Checkpoint | None = None
    began: float = dataclasses.field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        require_count("seed", self.seed, 0)
        if not len(self.ratings):
            what = f"{self.ratings.folder} has" if self.from_blocks else "There are"
            raise DataError(f"{what} no ratings to train on. Check the filter before it.")
        if self.validation is not None and not len(self.validation):
            object.__setattr__(self, "validation", None)

    @property
    def from_blocks(self) -> bool:
        """Whether the ratings are blocks on disk."""
        return isinstance(self.ratings, BlockStore)
