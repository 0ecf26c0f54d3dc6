"""What every recommender can do, whatever its model is."""

from __future__ import annotations

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, overload

import pyarrow as pa

from penchant.answers.group import How, recommend_group
from penchant.answers.lists import Answer, Neighbour, Recommendation, Shared
from penchant.answers.rate import calibrated, evaluate, predict
from penchant.answers.recommend import By, Filter, recommend
from penchant.answers.recommend_all import recommend_all
from penchant.answers.scores import Scores
from penchant.answers.similar import similar
from penchant.arrays import F32
from penchant.errors import DataError, NotFittedError, UnsupportedError
from penchant.history import History
from penchant.ids import Id
from penchant.model.known import Knowledge
from penchant.model.provenance import Provenance
from penchant.predict.distribution import Distribution
from penchant.predict.intervals import Calibration, Prediction
from penchant.predict.predictor import Predictor
from penchant.ratings import Ratings
from penchant.recommender.estimator import Estimator
from penchant.storage import storage


class Recommender(Estimator, ABC):
    """Settings, ids and a trained model; scikit-learn's manners.

    The constructor stores what it is given, `fit` starts afresh and returns the recommender,
    `get_params` and `set_params` read and change the settings. Ids are the user's own, never
    rows. An id that the model has never seen is a stranger: it is answered, with the model's
    answer for someone it knows nothing of, and counted in every score.
    """

    kind: ClassVar[str] = ""
    _predictor: Predictor | None = None

    # What was trained

    @property
    def is_fitted(self) -> bool:
        """Whether there is a trained model to ask."""
        return self._predictor is not None

    @property
    def predictor(self) -> Predictor:
        """The fitted model, a value that never changes; raises `NotFittedError` before `fit`."""
        if self._predictor is None:
            raise not_fitted(self)
        return self._predictor

    @property
    def knowledge(self) -> Knowledge:
        """Ids, scale, side tables and counts of the training data.

        Raises `NotFittedError` before `fit`.
        """
        return self.predictor.known

    @property
    def history(self) -> History:
        """What each round of the training measured; raises `NotFittedError` before `fit`."""
        return self.predictor.history

    @property
    def n_parameters(self) -> int:
        """How many trained numbers there are; raises `NotFittedError` before `fit`."""
        return self.predictor.n_parameters

    @property
    def reads_time(self) -> bool:
        """Whether the time of a rating makes a difference to its prediction."""
        return self._predictor is not None and self._predictor.reads_time

    @property
    def calibration(self) -> Calibration | None:
        """Where the widths of intervals come from; None where the model can give no intervals.

        With validation ratings in `fit` they are calibrated by split conformal prediction. Without,
        a model with a posterior gives its own intervals, and ``calibration.method`` says so. Prints
        as a line. Raises `NotFittedError` before `fit`.
        """
        return self.predictor.calibration

    def _calibrated(self, validation: Ratings | None) -> Self:
        """Learn the widths of intervals from ratings that were kept out of the training."""
        measured = calibrated(self.predictor, validation)
        if measured is not None:
            self._predictor = dataclasses.replace(self.predictor, calibration=measured)
        return self

    # What everyone can do with it

    @overload
    def predict(
        self, users: Any, items: Any, *, timestamps: Any = ..., interval: None = ...
    ) -> F32: ...
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
    ) -> F32 | Prediction | Distribution:
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
        return predict(
            self.predictor, users, items,
            timestamps=timestamps, interval=interval, distribution=distribution,
        )  # fmt: skip

    def evaluate(self, test: Ratings) -> Scores:
        """Predict ratings that are known, and return how well that went; see `Scores`.

        Raises `DataError` where that is no `Ratings`, or has none in it.
        """
        require_ratings("test", test)
        return evaluate(self.predictor, test)

    def recommend(
        self,
        user: Id,
        n: int = 10,
        *,
        exclude_rated: bool = True,
        among: Iterable[Id] | None = None,
        without: Iterable[Id] | None = None,
        min_ratings: int = 0,
        by: By = "liking",
        liked: float | None = None,
        interval: float | None = None,
        diversity: float = 0.0,
        popularity: float = 0.0,
    ) -> Answer[Recommendation]:
        """Return the n best items for a user, best first.

        By "liking" items are ordered by the expected number of liked picks, the probability that
        the user picks an item and then likes it: a model of ratings alone orders all items as if
        each were as likely to be picked, and puts little-known ones on top. Equal ones stand in the
        order of their rows. A stranger gets what people pick and like without knowing the user.
        docs/lists.md says when to order by what.

        Args:
            user: an id.
            n: how many; fewer come back where there are fewer.
            exclude_rated: leave out what the user rated in training.
            among: only these items, ids or one id; unknown ones are left out.
            without: not these items, ids or one id.
            min_ratings: only items with at least so many ratings.
            by: "liking"; "rating" for the highest predictions, whatever people pick; "low" for the
                lower ends of the ratings' intervals, what is surely good; "choice" for what the
                user most probably picks, liked or not. For a model that hasn't learnt who picks
                what (``choices=False``) liking goes by the rating.
            liked: the lowest rating that counts as liking; a quarter below the scale's top if None.
            interval: the level of intervals to give, as for `predict`; 0.9 if None and by="low".
            diversity: from 0, the best alone, to 1, the least alike: gives up some of the predicted
                rating for items that differ from each other (`penchant.answers.knobs.varied`).
            popularity: from −1 to 1: below 0 it brings up what few have rated, above 0 what many
                have; either gives up some of the predicted rating. docs/lists.md has what each
                trades, measured.

        Raises:
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings, or
                "choice" of a model that hasn't learnt who picks what.
        """
        only = Filter(exclude_rated, among, without, min_ratings)
        return recommend(
            self.predictor, user, n, only,
            by=by, liked=liked, interval=interval, diversity=diversity, popularity=popularity,
        )  # fmt: skip

    def recommend_all(
        self,
        n: int = 10,
        *,
        users: Any = None,
        exclude_rated: bool = True,
        among: Any = None,
        without: Any = None,
        min_ratings: int = 0,
        by: By = "liking",
        liked: float | None = None,
        path: str | os.PathLike[str] | None = None,
        progress: bool = True,
        threads: int | None = None,
    ) -> pa.Table | Path:
        """Recommend n items to each of many users, as `recommend` does for one.

        Users are answered in blocks, so beside the model the memory is bounded; with `path` the
        answer is too.

        Args:
            n: how many for each user; fewer where there are fewer.
            users: ids, strangers among them if need be; all users if None.
            exclude_rated: leave out what a user has rated.
            among: only these items, ids or one id.
            without: not these items.
            min_ratings: only items with at least so many ratings.
            by: what to order by.
            liked: the lowest rating that counts as liking.
            path: a Parquet file to write; one that stands there is replaced when all is written.
            progress: whether to show a bar on standard error.
            threads: how many to use; all that the process may use if None.

        Returns:
            An Arrow table of user, item, title (where there are titles), rank from 1, rating and
            the probability of being picked and liked, user after user; with `path` the file's path.

        Raises:
            SourceError: the file can't be written; one that stood there is as it was.
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings.
        """
        only = Filter(exclude_rated, among, without, min_ratings)
        return recommend_all(
            self.predictor, n, only,
            users=users, by=by, liked=liked, path=path, progress=progress, threads=threads,
        )  # fmt: skip

    def recommend_group(
        self,
        users: Any,
        n: int = 10,
        how: How = "average",
        *,
        exclude_rated: bool = True,
        among: Any = None,
        without: Any = None,
        min_ratings: int = 0,
        by: By = "liking",
        liked: float | None = None,
        interval: float | None = None,
    ) -> Answer[Shared]:
        """Return the n items that suit a group of users best, best first.

        A group's score of an item is, over its members' unclipped predicted ratings, ``mean``
        ("average"), ``min`` ("least misery": nobody suffers) or ``max`` ("most pleasure": somebody
        is delighted); Masthoff (2004) compares them with people's own choices. Equal scores stand
        in the order of their rows.

        Args:
            users: the members' ids; a stranger counts as one whom the model knows nothing of.
            n: how many; fewer come back where there are fewer.
            how: the group's score.
            exclude_rated: leave out what any member has rated.
            among: only these items, ids or one id; unknown ones are left out.
            without: not these items, ids or one id.
            min_ratings: only items with at least so many ratings.
            by: what to order by, as for `recommend`: `how` of it over the members.
            liked: the lowest rating that counts as liking.
            interval: the level of intervals of the score of the members' true ratings, such as 0.9.
                Of several ratings the least is likely to be below the least prediction, so with
                "least misery" the interval lies lower than the score, the more so the larger the
                group; with "most pleasure" higher. docs/intervals.md has how often it holds.

        Raises:
            SettingsError: no members, a member who is named twice, or another way.
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings, or an
                interval of a model that knows none.
        """
        only = Filter(exclude_rated, among, without, min_ratings)
        return recommend_group(
            self.predictor, users, n, how, only, by=by, liked=liked, interval=interval
        )

    def similar_items(self, item: Id, n: int = 10) -> Answer[Neighbour]:
        """Return the n items most like one: whom the same users are predicted to like.

        The measure is the correlation, over the trained users, of the predicted deviations
        ``p_u · q_i`` from what the biases alone would say. It does not depend on the basis of
        the factors, as their cosine does.

        Raises `UnknownIdError` for an unknown item.
        """
        return similar(self.predictor, "item", item, n)

    def similar_users(self, user: Id, n: int = 10) -> Answer[Neighbour]:
        """Return the n users most like one, by the correlation of `similar_items` over items.

        Raises `UnknownIdError` for an unknown user.
        """
        return similar(self.predictor, "user", user, n)

    # Bundles

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
        known = dataclasses.replace(self.knowledge, provenance=provenance)
        self._predictor = dataclasses.replace(self.predictor, known=known)

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


def not_fitted(model: Recommender) -> NotFittedError:
    """Return the error of a recommender that is asked before it was trained."""
    return NotFittedError(
        f"This {type(model).__name__} has not been trained. Call fit(ratings) first, or open a "
        f"saved one with penchant.open(path)."
    )


def require_offered(model: Recommender, question: str, words: str) -> None:
    """Raise `UnsupportedError` where a kind of recommender doesn't have a question at all.

    What one model of a kind can't do, `Predictor.can` tells, and the question's own error.
    """
    if not hasattr(model, question):
        raise UnsupportedError(f"A recommender of kind {model.kind!r} {words}")


def require_ratings(name: str, given: object, least: int = 1) -> None:
    """Raise `DataError` unless `given` is `Ratings`, at least so many of them."""
    if not isinstance(given, Ratings):
        raise DataError(
            f"{name} must be Ratings, not {type(given).__name__}. Make them with "
            f"penchant.load(...), which takes files and data frames."
        )
    if len(given) < least:
        raise DataError(f"There are no ratings in {name}. Check the filter or split before it.")
