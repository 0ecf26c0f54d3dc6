"""A model that lives: ratings that come and go after the training, answered at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from penchant.engine.threads import Threads
from penchant.errors import UnsupportedError
from penchant.factors import Factors
from penchant.ids import Id, Rows
from penchant.recommender import forgetting, refreshing
from penchant.recommender.base import Recommender
from penchant.recommender.changing import (
    Added,
    Columns,
    Touched,
    with_ratings,
    without_ratings,
)
from penchant.recommender.everyone import Floats, Mask
from penchant.recommender.forgetting import Receipt
from penchant.recommender.ledger import Ledger, Table
from penchant.recommender.life import Life, State
from penchant.settings import require_count
from penchant.stars import Stars


class Living(Recommender):
    """What a matrix factorisation can do with ratings that come after the training."""

    _fitted: Any
    _made_by: dict[str, Any]
    _life: Life | None = None
    _ledger: Ledger | None = None

    @property
    @abstractmethod
    def trained(self) -> Factors:
        """The trained numbers."""

    @property
    @abstractmethod
    def posterior(self) -> Any:
        """What the solver kept beside the factors, or None."""

    @property
    @abstractmethod
    def stars(self) -> Stars | None:
        """The stars of an ordinal model, or None."""

    def _as_ratings(self, predicted: Floats) -> Floats:
        """Return the ratings that follow from what the trained numbers give."""
        return predicted if self.stars is None else self.stars.expected(predicted)

    def add_ratings(
        self,
        users: Any,
        items: Any,
        values: Any,
        timestamps: Any = None,
        *,
        user_columns: Columns | None = None,
        item_columns: Columns | None = None,
    ) -> Added:
        """Take in ratings, of known or new users and items, and answer with them at once.

        A rating of a pair that has one replaces it. The rows of the users are solved again from
        all their ratings, and so are items that are newer than the training. Items that training
        knew keep their rows; `refresh` moves those. Adding ratings and removing them again leaves
        the same bits. See docs/living.md for what solves the rows.

        Args:
            users: (n,) ids.
            items: (n,) ids.
            values: (n,) ratings on the model's scale.
            timestamps: (n,) seconds, where the training ratings have them; the newest known time
                if None.
            user_columns: side columns of new users, such as ``{"zoe": {"age": 31}}``.
            item_columns: side columns of new items.

        Returns:
            How many ratings are new or changed, and how many users and items are new.

        Raises:
            DataError: columns of different lengths, values off the scale, ids of another type,
                side columns that the model doesn't have. Nothing has changed then.
            UnsupportedError: the bundle was saved without ratings.
        """
        state = self._state()
        columns = (users, items, values, timestamps)
        return self._solve(with_ratings(state, columns, user_columns, item_columns))

    @property
    def newest_time(self) -> int | None:
        """The time of new ratings that come without one; None where ratings have no times."""
        table = self._state().ledger.table
        return None if table.ratings.timestamps is None else table.newest

    def remove_ratings(self, users: Any, items: Any) -> Added:
        """Take ratings out; the model is then as if they had not been added.

        Users and items that came after the training are gone with their last rating. Those of the
        training stay, without ratings as cold rows; to take out a user wholly, see `forget`.

        Args:
            users: (n,) ids.
            items: (n,) ids.

        Raises:
            UnknownIdError: a pair has no rating. Nothing has changed then.
            UnsupportedError: the bundle was saved without ratings.
        """
        return self._solve(without_ratings(self._state(), users, items))

    def refresh(self, n: int = 2, *, threads: int | None = None) -> Self:
        """Learn from the ratings that came or went since the training, in n sweeps; return self.

        For a model of the Gibbs solver. In each head the sampler goes on for n sweeps over the
        users and items whose ratings have changed, and over the priors of all; then the network
        and all users' rows are made anew, and what has changed counts as trained. Where nothing
        has changed, nothing happens. The same seed gives the same bits. See docs/living.md for
        what it gains and costs.

        Args:
            n: how many sweeps.
            threads: how many to use; all that the process may use if None.

        Raises:
            UnsupportedError: another solver made the model, or the bundle was saved without
                ratings.
        """
        require_count("n", n)
        state = self._state()
        name = self._made_by["solver"]["name"]
        if name != "gibbs":
            raise UnsupportedError(
                f"refresh goes on with the Gibbs sampler, and solver={name!r} made this model. "
                f"Train it again with fit on model.knowledge.ratings."
            )
        if state.life.seen:
            self._take(refreshing.refreshed(state, self._made_by, n, threads))
        return self

    def forget(self, user: Id) -> Receipt:
        """Take a user out of the model: ratings, row, side columns and id.

        The items' draws that saw the user's ratings are solved again without them, with the noise
        that they were drawn with; the user's columns leave the bags of who rated what; the rows of
        all who rated those items are solved again. Later rows move up. Afterwards the id is a
        stranger's. Without a posterior (`sgd`, `keras`, `bias`) the items' rows stay as they were
        trained, and the receipt says so. A bundle that was saved before holds the user still:
        save the model over it.

        Args:
            user: an id.

        Returns:
            A receipt to keep or to hand over, without the id.

        Raises:
            UnknownIdError: an unknown id.
            UnsupportedError: it is the only user, or the bundle was saved without ratings.
        """
        row, before = self.knowledge.user_ids.row(user), self._state()
        gone = forgetting.without_user(before, row)
        after = self._folding()(gone.state, gone.users, gone.items)
        told = forgetting.receipt(forgetting.digests(before), after, gone)
        self._take(after)
        return told

    def _best(
        self, user_rows: Rows, n: int, exclude_rated: bool, choice: Mask, threads: int | None
    ) -> tuple[Rows, Floats]:
        from penchant.topn import Lists, top_n

        known, exclude = self.knowledge, None
        if exclude_rated:
            exclude = Lists.of(
                known.ratings.user_rows, known.ratings.item_rows, known.user_ids.size
            )
        among = np.flatnonzero(choice).astype(np.int32)
        best = top_n(self.trained, user_rows, n, exclude=exclude, among=among, threads=threads)
        return best.items, self._as_ratings(best.ratings)

    def _state(self) -> State:
        known = self.knowledge
        if self._ledger is None:
            self._ledger = Ledger(Table(known.ratings))
        return State(self.trained, self.posterior, known, self._ledger, self._life_of())

    def _life_of(self) -> Life:
        known = self.knowledge
        return self._life or Life((known.user_ids.size, known.item_ids.size))

    def _solve(self, touched: Touched) -> Added:
        """Solve the touched rows, then take the new state over, all at once."""
        state, users, items, record = touched
        self._take(self._folding()(state, users, items))
        return record

    def _folding(self) -> Callable[[State, set[int], set[int]], State]:
        if self.posterior is not None:
            from penchant.recommender.folding import folded

            return folded
        from penchant.recommender import ridge

        ratings = self._state().ledger.table.ratings
        unit = float(ratings.values.std(dtype="float64")) or 1.0
        history = self._fitted.history
        penalties = {
            side: ridge.Penalty.of(self._made_by["solver"], history, unit, side, self.stars)
            for side in ("user", "item")
        }

        def by_ridge(state: State, users: set[int], items: set[int]) -> State:
            with Threads(1):  # one thread of BLAS always: the same bits each time
                return ridge.folded(state, users, items, penalties)

        return by_ridge

    def _take(self, state: State) -> None:
        self.__dict__.pop("network", None)
        self._fitted = self._fitted._replace(factors=state.factors, posterior=state.posterior)
        self._knowledge, self._ledger, self._life = state.known, state.ledger, state.life
