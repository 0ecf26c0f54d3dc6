"""Saving a recommender: the same for every kind, whatever its numbers are."""

from __future__ import annotations

import dataclasses
import os
from abc import abstractmethod
from typing import ClassVar

from penchant.recommender import storage
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.provenance import Provenance
from penchant.recommender.uncertain import Uncertain


class Saving(Uncertain):
    """What every recommender does to be saved; each kind tells its own numbers."""

    kind: ClassVar[str] = ""
    _knowledge: Knowledge | None = None

    @abstractmethod
    def _saved(self, ratings: bool) -> storage.Saved:
        """Return what the model is to be made of again; without what `ratings` alone can read.

        Raises `NotFittedError` before `fit`.
        """

    @property
    def provenance(self) -> Provenance | None:
        """Source, split, date and versions, where `penchant fit` made the model; else None."""
        return self.knowledge.provenance

    def note(self, provenance: Provenance) -> None:
        """Keep with the model where it comes from; `save` writes it into the card.

        Raises `NotFittedError` before `fit`.
        """
        self._knowledge = dataclasses.replace(self.knowledge, provenance=provenance)

    def save(
        self, path: str | os.PathLike[str], *, ratings: bool = True, overwrite: bool = False
    ) -> None:
        """Save the recommender as a bundle: a folder of arrays, ids and a card.

        Args:
            path: the folder to make, such as "films.penchant".
            ratings: whether to save the training ratings too; `recommend` needs them to leave
                out what was rated.
            overwrite: whether to replace a bundle that is there.

        Raises:
            NotFittedError: before `fit`.
            BundleError: the folder cannot be written; nothing is left half written.
        """
        saved = self._saved(ratings)
        storage.save(path, self.kind, self.knowledge, saved, ratings=ratings, overwrite=overwrite)
