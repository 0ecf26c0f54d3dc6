"""What every recommender can do, whatever its model is."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt

from penchant.errors import DataError, NotFittedError, SettingsError, UnsupportedError
from penchant.history import History
from penchant.ids import Id, Rows
from penchant.ratings import Ratings, as_seconds
from penchant.recommender.answers import Answer, Bounded, Neighbour, Recommendation
from penchant.recommender.distribution import Distribution
from penchant.recommender.everyone import Everyone
from penchant.recommender.everyone import top_rows as top_rows
from penchant.recommender.groups import Groups
from penchant.recommender.intervals import LEVEL, Prediction
from penchant.recommender.knobs import POOL, by_popularity, varied
from penchant.recommender.knowledge import Knowledge, listed
from penchant.recommender.scores import Scores
from penchant.settings import require, require_choice, require_count, require_number

Floats = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.int64] | None


class Recommender(Everyone, Groups):
    """Settings, ids and a trained model; scikit-learn's manners.

    The constructor stores what it is given, `fit` starts afresh and returns the recommender,
    `get_params` and `set_params` read and change the settings. Ids are the user's own, never
    rows. An id that the model has never seen is a stranger: it is answered, with the model's
    answer for someone it knows nothing of, and counted in every score.
    """

    _knowledge: Knowledge | None = None

    # Settings

    @classmethod
    def _setting_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name; `deep` is there for scikit-learn."""
        return {name: getattr(self, name) for name in self._setting_names()}

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name and return the recommender; it stays fitted as it was.

        Raises `SettingsError` for a name that does not exist.
        """
        known = self._setting_names()
        for name, value in settings.items():
            if name not in known:
                raise SettingsError(
                    f"{type(self).__name__} has no setting {name!r}; it has: {', '.join(known)}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({given})"

    # What a model gives

    @abstractmethod
    def _predict_rows(self, user_rows: Rows, item_rows: Rows, seconds: Seconds) -> Floats:
        """Return the unclipped rating of each pair of rows, (n,) float32.

        `seconds` are the times of the ratings, (n,) int64 since 1970, or None.
        """

    @property
    @abstractmethod
    def history(self) -> History:
        """What each round of the training measured; raises `NotFittedError` before `fit`."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """How many trained numbers there are; raises `NotFittedError` before `fit`."""

    @abstractmethod
    def _correlations(self, side: str, row: int) -> Floats:
        """Return how the predicted deviations of a "user" or "item" row correlate with each."""

    # What everyone can do with it

    @property
    def is_fitted(self) -> bool:
        """Whether there is a trained model to ask."""
        return self._knowledge is not None

    @property
    def knowledge(self) -> Knowledge:
        """Ids, scale, side tables and counts of the training data.

        Raises `NotFittedError` before `fit`.
        """
        if self._knowledge is None:
            raise not_fitted(self)
        return self._knowledge

    @overload
    def predict(
        self, users: Any, items: Any, *, timestamps: Any = ..., interval: None = ...
    ) -> Floats: ...
    @overload
    def predict(
        self, users: Any, items: Any, *, timestamps: Any = ..., interval: float
    ) -> Prediction: ...
    @overload
    def predict(
        self, users: Any, items: Any, *, timestamps: Any = ..., distribution: Literal[True]
    ) -> Distribution: ...
    def predict(
        self,
        users: Any,
        items: Any,
        *,
        timestamps: Any = None,
        interval: float | None = None,
        distribution: bool = False,
    ) -> Floats | Prediction | Distribution:
        """Return the rating of each pair of user and item, (n,) float32, clipped to the scale.

        Args:
            users: (n,) ids, or one id for all items.
            items: (n,) ids, or one id for all users.
            timestamps: (n,) seconds since 1970 or one for all, for a model that reads the time.
            interval: the probability with which a rating is to lie in its interval, such as 0.9;
                then a `Prediction` (rating, low, high) comes back. See `calibration`.
            distribution: whether to give the probability of each star, as a `Distribution`.

        Raises:
            SettingsError: an interval and the distribution at once.
            DataError: columns of different lengths, or ids of the wrong type.
            UnsupportedError: timestamps for a model that doesn't read them, or an interval of one
                that knows none, or whose bundle was saved without the ratings that it takes, or
                the distribution of a model that isn't ordinal.
        """
        require(
            interval is None or not distribution,
            f"predict gives intervals or the distribution; received interval={interval!r} and "
            f"distribution=True. Ask twice.",
        )
        known = self.knowledge
        user_rows = known.user_ids.rows(listed(users))
        item_rows = known.item_ids.rows(listed(items))
        if len(user_rows) != len(item_rows):
            if 1 not in (len(user_rows), len(item_rows)):
                raise DataError(
                    f"predict needs as many users as items, or one of either; received "
                    f"{len(user_rows):,} users and {len(item_rows):,} items."
                )
            user_rows, item_rows = np.broadcast_arrays(user_rows, item_rows)
        seconds = self._seconds(timestamps, len(user_rows))
        if distribution:
            return self._distribution(user_rows, item_rows)
        ratings = _float32(known.scale.clip(self._predict_rows(user_rows, item_rows, seconds)))
        if interval is None:
            return ratings
        return Prediction(ratings, *self._ends(interval, user_rows, item_rows, ratings))

    def _distribution(self, user_rows: Rows, item_rows: Rows) -> Distribution:
        raise UnsupportedError(
            "This model gives a rating, and not how probable each star is. Train one that does: "
            "MatrixFactorization(solver=pc.Gibbs(likelihood='ordinal'))."
        )

    def _seconds(self, timestamps: Any, n: int) -> Seconds:
        if timestamps is None:
            return None
        if not self.reads_time:
            raise UnsupportedError(
                "This model does not read timestamps: leave them out, or train one with "
                "solver=pc.Gibbs(contexts=('day',))."
            )
        stamps = as_seconds(np.atleast_1d(timestamps))
        if len(stamps) not in (1, n):
            raise DataError(f"predict received {len(stamps):,} timestamps for {n:,} pairs.")
        return np.broadcast_to(stamps, n)

    def evaluate(self, test: Ratings) -> Scores:
        """Predict ratings that are known, and return how well that went; see `Scores`.

        Raises `DataError` where that is no `Ratings`, or has none in it.
        """
        known = self.knowledge
        require_ratings("test", test)
        user_rows, item_rows = known.rows_in(test)
        seconds = test.timestamps if self.reads_time else None
        predicted = known.scale.clip(self._predict_rows(user_rows, item_rows, seconds))
        stranger = (user_rows == 0) | (item_rows == 0)
        return Scores.of(test.values, predicted, stranger, known.is_cold(user_rows, item_rows))

    def recommend(
        self,
        user: Id,
        n: int = 10,
        *,
        exclude_rated: bool = True,
        among: Iterable[Id] | None = None,
        without: Iterable[Id] | None = None,
        min_ratings: int = 0,
        by: Literal["rating", "low"] = "rating",
        interval: float | None = None,
        diversity: float = 0.0,
        popularity: float = 0.0,
    ) -> Answer[Recommendation] | Answer[Bounded]:
        """Return the n items with the highest predicted ratings for a user, best first.

        Items are ordered by their unclipped ratings, equal ones by row. A stranger gets what
        the model knows to be good without knowing the user.

        Args:
            user: an id.
            n: how many; fewer come back where there are fewer.
            exclude_rated: leave out what the user rated in training.
            among: only these items, ids or one id; unknown ones are left out.
            without: not these items, ids or one id.
            min_ratings: only items with at least so many ratings.
            by: "low" orders by the lower ends of the ratings' intervals: what is surely good.
            interval: the level of intervals to give, as for `predict`; 0.9 if None and by="low".
            diversity: from 0, the best alone, to 1, the least alike: gives up some of the predicted
                rating for items that differ from each other (`penchant.recommender.knobs.varied`).
            popularity: from −1 to 1: below 0 it brings up what few have rated, above 0 what many
                have; either gives up some of the predicted rating. docs/lists.md has what each
                trades, measured.

        Raises:
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings.
        """
        require_count("n", n)
        require_choice("by", by, ("rating", "low"))
        require_number("diversity", diversity, 0, 1)
        require_number("popularity", popularity, -1, 1)
        level = LEVEL if interval is None and by == "low" else interval
        known = self.knowledge
        row = int(known.user_ids.rows([user])[0])
        allowed = known.choice(among, without, min_ratings)
        if exclude_rated and row:
            allowed[known.rated(row)] = False
        scores = self._score_user(row)
        left, ranks = np.flatnonzero(allowed), scores
        if by == "low" and level is not None:
            ranks = scores.copy()
            ranks[left] = self._floors(level, row, left, _float32(known.scale.clip(scores[left])))
        best = self._picked(ranks, left, n, diversity, popularity)
        shown = _float32(known.scale.clip(scores[best]))
        columns: list[Any] = [known.item_ids.ids(best), known.titles(best), shown.tolist()]
        if level is None:
            return Answer(tuple(Recommendation(*one) for one in zip(*columns, strict=True)))
        columns += [end.tolist() for end in self._ends(level, np.full_like(best, row), best, shown)]
        return Answer(tuple(Bounded(*one) for one in zip(*columns, strict=True)))

    def _picked(
        self, ranks: Floats, left: Any, n: int, diversity: float, popularity: float
    ) -> Rows:
        """Return the rows to show, of those that are left, by what they rank by."""
        if popularity:
            ranks = by_popularity(ranks, left, self.knowledge.item_counts, popularity)
        if not diversity:
            return top_rows(ranks, left, n)
        pool = top_rows(ranks, left, max(POOL, 10 * n))
        return varied(ranks, pool, n, lambda row: self._correlations("item", row), diversity)

    def similar_items(self, item: Id, n: int = 10) -> Answer[Neighbour]:
        """Return the n items most like one: whom the same users are predicted to like.

        The measure is the correlation, over the trained users, of the predicted deviations
        ``p_u · q_i`` from what the biases alone would say. It does not depend on the basis of
        the factors, as their cosine does.

        Raises `UnknownIdError` for an unknown item.
        """
        known = self.knowledge
        row = known.item_ids.row(item)
        best, values = self._nearest("item", row, known.item_ids.size, n)
        found = zip(known.item_ids.ids(best), known.titles(best), values, strict=True)
        return Answer(tuple(Neighbour(*entry) for entry in found))

    def similar_users(self, user: Id, n: int = 10) -> Answer[Neighbour]:
        """Return the n users most like one, by the correlation of `similar_items` over items.

        Raises `UnknownIdError` for an unknown user.
        """
        known = self.knowledge
        row = known.user_ids.row(user)
        best, values = self._nearest("user", row, known.user_ids.size, n)
        pairs = zip(known.user_ids.ids(best), values, strict=True)
        return Answer(tuple(Neighbour(id_, None, value) for id_, value in pairs))

    def _nearest(self, side: str, row: int, size: int, n: int) -> tuple[Rows, list[float]]:
        require_count("n", n)
        correlations = self._correlations(side, row)
        others = np.delete(np.arange(size), [0, row])
        best = top_rows(correlations, others, n)
        return best, correlations[best].tolist()


def not_fitted(model: Recommender) -> NotFittedError:
    """Return the error of a recommender that is asked before it was trained."""
    return NotFittedError(
        f"This {type(model).__name__} has not been trained. Call fit(ratings) first, or open a "
        f"saved one with penchant.open(path)."
    )


def require_ratings(name: str, given: object, least: int = 1) -> None:
    """Raise `DataError` unless `given` is `Ratings`, at least so many of them."""
    if not isinstance(given, Ratings):
        raise DataError(
            f"{name} must be Ratings, not {type(given).__name__}. Make them with "
            f"penchant.load(...), which takes files and data frames."
        )
    if len(given) < least:
        raise DataError(f"There are no ratings in {name}. Check the filter or split before it.")


def _float32(values: npt.NDArray[np.floating]) -> Floats:
    return values.astype(np.float32, copy=False)
