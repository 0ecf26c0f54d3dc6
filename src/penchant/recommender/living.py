"""What a matrix factorisation can do beyond rating and recommending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar, cast

from penchant.answers.explain import explain
from penchant.answers.explanation import Explanation
from penchant.answers.interview.questions import Interview, interview
from penchant.fold_in.change import Added, Columns
from penchant.fold_in.forget import Receipt
from penchant.ids import Id
from penchant.predict.by_factors import FactorPredictor
from penchant.recommender import edits
from penchant.recommender.base import Recommender

T = TypeVar("T")


class Living(Recommender):
    """Ratings that come and go after the training, reasons, and questions to a newcomer."""

    @property
    def _model(self) -> FactorPredictor:
        """The fitted model; raises `NotFittedError` before `fit`."""
        return cast("FactorPredictor", self.predictor)

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
        columns = (users, items, values, timestamps)
        return self._take(*edits.add_ratings(self._model, columns, user_columns, item_columns))

    @property
    def newest_time(self) -> int | None:
        """The time of new ratings that come without one; None where ratings have no times."""
        return edits.newest_time(self._model)

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
        return self._take(*edits.remove_ratings(self._model, users, items))

    def refresh(self, n: int = 2, *, threads: int | None = None) -> Self:
        """Learn from the ratings that came or went since the training, in n sweeps; return self.

        For a model of the Gibbs solver. In each head the sampler goes on for n sweeps over the
        users and items whose ratings have changed, and over the priors of all; then the network
        and all users' rows are made anew, and what has changed counts as trained. Where nothing
        has changed, nothing happens. See docs/living.md for what it gains and costs.

        Args:
            n: how many sweeps.
            threads: how many to use; all that the process may use if None.

        Raises:
            UnsupportedError: another solver made the model, or the bundle was saved without
                ratings.
        """
        return self._take(edits.refresh(self._model, n, threads), self)

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
        return self._take(*edits.forget(self._model, user))

    def _take(self, predictor: FactorPredictor, answer: T) -> T:
        """Go on with another predictor, all at once, and return an answer."""
        self.__dict__.pop("network", None)
        self._predictor = predictor
        return answer

    def explain(self, user: Id, item: Id, *, timestamp: Any = None) -> Explanation:
        """Take the prediction for a user and an item apart.

        With a posterior the terms are the mean, the user's severity, the item's quality, what each
        of the user's ratings adds and that it was rated at all, the number of ratings, the user's
        side columns, and the prior, which stands for every user; see `penchant.posterior.shares`.
        Without one (SGD, Keras, bias) what is not mean, severity or quality was learned in
        training, and nobody can say from what. Strangers and unknown items are explained too.

        The terms of an ordinal model sum to its latent value, and a line more maps that to the
        expected rating.

        Args:
            user: an id.
            item: an id.
            timestamp: seconds since 1970, for a model that reads the time.

        Raises:
            DataError: an id of the wrong type.
            UnsupportedError: the bundle was saved without ratings and the user has some, or a
                timestamp for a model that doesn't read it.
        """
        return explain(self._model, user, item, timestamp)

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
        the variance of all the newcomer's ratings (`penchant.posterior.informative`). An answer to
        a question is weighed as that, and not as an item that someone chose to rate.

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
        return interview(
            self._model, n,
            answers=answers, unknown=unknown, among=among, sure=sure, columns=columns,
        )  # fmt: skip
