"""Blend: recommenders stacked on out-of-fold predictions, itself a recommender."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from penchant.console import Advance, progress
from penchant.errors import BundleError
from penchant.history import History
from penchant.ids import Rows
from penchant.ratings import Ratings
from penchant.recommender import sections, storage
from penchant.recommender.base import Floats, Recommender, Seconds, not_fitted
from penchant.recommender.naming import by_name
from penchant.recommender.out_of_fold import Stack, Stacked
from penchant.recommender.plan import Parts, require_callbacks
from penchant.recommender.stacking import Weights
from penchant.recommender.together import Together
from penchant.recommender.usual import usual_members
from penchant.settings import require_count

FOLDS = 5


class Blend(Together):
    """A weighted sum of recommenders, its weights learned on ratings that they had not seen.

    Prediction: ``r̂ = constant + Σ_m w_m r̂_m(u, i)``, w ≥ 0, clipped to the scale. The training
    ratings are cut into k random folds; each member is trained k times on all folds but one and
    predicts that one; weights and constant are the least squares of the ratings on those
    predictions (`penchant.recommender.stacking`). Then each member is trained once more, on all
    ratings, so a blend costs k + 1 trainings of each. Members that err differently add most.

    Members are settings, not trained models: they are copied, and yours stay as they are. All see
    the `validation` ratings of `fit`, if there are any. Strangers are answered by the members' own
    answers. Neighbours are by the weighted mean of the members' correlations, and the posterior's
    deviation behind intervals by the weighted mean of those members' that have one.

    Args:
        members: recommenders, in a mapping by the names that `weights` is to show; none of them a
            blend. A sequence gives them names of their own. None for those that did best on the
            validation rows of MovieLens 100K (`penchant.recommender.usual`), with the blend's seed.
        folds: k.
        seed: of the folds; members have seeds of their own.

    References:
        Wolpert: Stacked Generalization, Neural Networks 5(2), 1992. Breiman: Stacked Regressions,
        Machine Learning 24, 1996.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> parts = [pc.MatrixFactorization(4, solver="als"), pc.MatrixFactorization(1, solver="bias")]
    >>> model = pc.Blend(parts, folds=2).fit(ratings, progress=False)
    >>> [part.name for part in model.weights], model.predict([1, 1], [2, 3]).shape
    (['als', 'bias'], (2,))
    """

    kind: ClassVar[str] = "blend"
    needs_builder: ClassVar[bool] = True
    """Whether `penchant.open` may be given a network: for members that are a `NeuralRating`."""
    _stacked: Stacked | None = None
    _made_by: dict[str, Any]

    def __init__(
        self,
        members: Sequence[Recommender] | Mapping[str, Recommender] | None = None,
        folds: int = FOLDS,
        seed: int = 0,
    ) -> None:
        self.members = members
        self.folds = folds
        self.seed = seed

    def fit(
        self,
        ratings: Ratings,
        *,
        validation: float | Ratings | None = None,
        watch: Ratings | None = None,
        callbacks: Iterable[Any] = (),
        progress: bool = True,
        threads: int | None = None,
    ) -> Self:
        """Train all members, from a fresh start, weigh them, and return the blend.

        Args:
            ratings: what to learn from.
            validation: a share of `ratings` to cut off at random, or ratings of their own. Members
                use them as they do alone, and they calibrate the intervals of `predict`; the
                weights come from the training ratings.
            watch: ratings whose RMSE is measured after each member, for the curve alone.
            callbacks: functions that get a record after each member, of the blend of those that
                there are; `True` as their answer stops.
            progress: whether to show a bar on standard error.
            threads: how many a member may use; all that the process may use if None.

        Raises:
            DataError: what is given as ratings is none, or empty.
            SettingsError: a setting or an argument makes no sense.
            DivergedError: the numbers of a member left the finite ones.
        """
        require_count("folds", self.folds, 2)
        require_count("seed", self.seed, 0)
        given = usual_members(self.seed) if self.members is None else self.members
        members = by_name(given)
        parts = Parts.of(ratings, validation=validation, watch=watch, seed=self.seed)
        require_callbacks(callbacks)
        with _shown(len(members) * (self.folds + 1), progress) as advance:
            stack = Stack(parts, self.folds, self.seed, threads, advance)
            stacked = stack.train(members, callbacks)
        self._accept(stacked, {"folds": self.folds, "seed": self.seed})
        self._calibrate(parts.validation)
        return self

    def _accept(self, stacked: Stacked, made_by: dict[str, Any]) -> None:
        self._stacked, self._made_by, self._calibration = stacked, made_by, None
        self._knowledge = stacked.members[0].knowledge

    def _known_fit(self) -> Stacked:
        if self._stacked is None:
            raise not_fitted(self)
        return self._stacked

    @property
    def parts(self) -> tuple[Recommender, ...]:
        """The trained members, in their order; raises `NotFittedError` before `fit`."""
        return self._known_fit().members

    @property
    def weights(self) -> Weights:
        """What each member counts, and what it adds; raises `NotFittedError` before `fit`."""
        return self._known_fit().weights

    @property
    def history(self) -> History:
        """What was measured after each member; raises `NotFittedError` before `fit`."""
        return self._known_fit().history

    @property
    def n_parameters(self) -> int:
        """How many trained numbers there are; raises `NotFittedError` before `fit`."""
        return sum(member.n_parameters for member in self.parts) + len(self.weights) + 1

    @property
    def reads_time(self) -> bool:
        """Whether a member reads the times of ratings."""
        return any(member.reads_time for member in self.parts)

    def _predict_rows(self, user_rows: Rows, item_rows: Rows, seconds: Seconds) -> Floats:
        def of(place: int) -> Floats:
            member = self.parts[place]
            return member._predict_rows(
                user_rows, item_rows, seconds if member.reads_time else None
            )

        return self.weights.combine(user_rows.shape, of)

    def _score_user(self, user_row: int) -> Floats:
        shape = (self.knowledge.item_ids.size,)
        return self.weights.combine(shape, lambda m: self.parts[m]._score_user(user_row))

    def _correlations(self, side: str, row: int) -> Floats:
        shares = self.weights.shares().tolist()
        total = np.zeros(getattr(self.knowledge, f"{side}_ids").size)
        for share, member in zip(shares, self.parts, strict=True):
            if share:
                total += share * member._correlations(side, row).astype(np.float64)
        return total.clip(-1, 1).astype(np.float32)

    def _sure(self) -> list[tuple[float, Recommender]]:
        """Return the members with a posterior, and their shares of the blend's deviation."""
        if self._stacked is None:
            return []
        having = [place for place, member in enumerate(self.parts) if member._has_deviations()]
        weights = np.array([self.weights[place].weight for place in having])
        total = weights.sum()
        shares = weights / total if total > 0 else np.full(len(having), 1 / max(len(having), 1))
        return [(s, self.parts[m]) for s, m in zip(shares.tolist(), having, strict=True)]

    def _has_deviations(self) -> bool:
        return bool(self._sure())

    def _deviations(self, user_rows: Rows, item_rows: Rows) -> npt.NDArray[np.float64] | None:
        total = None
        for share, member in self._sure():
            found = member._deviations(user_rows, item_rows)
            if share and found is not None:
                total = share * found if total is None else total + share * found
        return total

    def _saved(self, ratings: bool) -> storage.Saved:
        card = {"history": self.history.to_json(), "settings": self._made_by}
        saved = sections.saved(self.parts, self.weights, ratings)
        saved.card.update(card)
        return saved.calibrated(self._calibration)

    @classmethod
    def from_bundle(cls, stored: storage.Stored, network: Any = None) -> Blend:
        """Make the blend of an opened bundle; `network` builds that of a `NeuralRating` in it.

        Raises `BundleError` where it or a member is not whole, or a member is a blend.
        """
        opened = stored.bundle
        settings = storage.entry(opened, "settings", dict)
        counts = [settings.get(name) for name in ("folds", "seed")]
        if set(settings) != {"folds", "seed"} or not all(type(n) is int for n in counts):
            raise BundleError(f"{opened.folder}, card.json: settings are {settings!r:.80}.")
        members, weights = sections.members_of(stored, network), sections.weights_of(stored)
        names = [part.name for part in weights]
        copies = [type(member)(**member.get_params()) for member in members]
        named = dict(zip(names, copies, strict=True))
        model = cls(copies if list(by_name(copies)) == names else named, **settings)
        model._accept(Stacked(members, weights, storage.history_of(stored)), settings)
        model._calibration = storage.calibration_of(stored)
        return model


@contextmanager
def _shown(trainings: int, shown: bool) -> Iterator[Advance]:
    """Yield what moves the bar of all trainings on."""
    if not shown:
        yield lambda steps: None
        return
    with progress("training members", trainings) as advance:
        yield advance
