"""Asking a newcomer the right questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from penchant.errors import UnsupportedError
from penchant.ids import Id
from penchant.recommender.asker import Asker
from penchant.recommender.explain import Explaining
from penchant.recommender.interview import Interview, Wanted, begin
from penchant.recommender.knowledge import listed
from penchant.recommender.own import fresh_counts


class Asking(Explaining):
    """What a matrix factorisation can find out about someone new."""

    def interview(
        self,
        n: int = 5,
        *,
        answers: Mapping[Id, float] | None = None,
        unknown: Iterable[Id] = (),
        among: Iterable[Id] | None = None,
        sure: bool = False,
        columns: Mapping[str, Any] | None = None,
    ) -> Interview:
        """Return the n items that a newcomer should rate next, best first; see `Interview`.

        A question is worth the chance that the newcomer knows the item times the expected drop of
        the variance of all the newcomer's ratings (`penchant.posterior.questions`). An answer to a
        question is weighed as that, and not as an item that someone chose to rate.

        Args:
            n: how many questions to give at once.
            answers: ratings that were given already, by item.
            unknown: items that the newcomer was asked about and doesn't know.
            among: ask only about these items; unknown ids are left out.
            sure: the newcomer knows all of `among`, so that the drop alone counts.
            columns: the newcomer's side columns, such as ``{"age": 31}``.

        Raises:
            UnsupportedError: the solver keeps no posterior.
            UnknownIdError: an answer about an item that the model doesn't know.
            DataError: a rating off the scale.
        """
        rows = None if among is None else self.knowledge.item_ids.rows(listed(among))
        return begin(self._asker(columns), answers or {}, unknown, Wanted(n, rows, sure))

    def _asker(self, columns: Mapping[str, Any] | None) -> Asker:
        known, calibration = self.knowledge, self.calibration
        if not self._has_deviations() or calibration is None:
            raise UnsupportedError(
                "An interview needs a posterior, which this model's solver keeps none of. Train "
                "one with solver='gibbs' or solver='als'."
            )
        posterior = self.posterior
        side = posterior.users.encoder.row(columns) if columns else None
        state = self._state_of()
        every = np.arange(known.item_ids.size, dtype=np.int32)
        return Asker(posterior, self.trained, known, calibration, side, fresh_counts(state, every))
