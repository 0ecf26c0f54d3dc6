"""Blend: recommenders stacked on out-of-fold predictions, itself a recommender."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self, cast

from penchant.answers.explanation import Explanation
from penchant.console import Advance, progress
from penchant.errors import BundleError
from penchant.fold_in.change import Added
from penchant.fold_in.forget import Receipt
from penchant.ids import Id
from penchant.predict.intervals import Calibration
from penchant.predict.predictor import POSTERIOR_OWN
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.recommender.blending import sections, together
from penchant.recommender.blending.blended import BlendPredictor
from penchant.recommender.blending.out_of_fold import Stack, Stacked
from penchant.recommender.blending.stacking import Weights
from penchant.recommender.blending.usual import usual_members
from penchant.recommender.naming import by_name
from penchant.recommender.plan import Parts, require_callbacks
from penchant.settings import require_count
from penchant.storage import storage

FOLDS = 5


class Blend(Recommender):
    """A weighted sum of recommenders, its weights learned on ratings that they had not seen.

    Prediction: ``r̂ = constant + Σ_m w_m r̂_m(u, i)``, w ≥ 0, clipped to the scale. The training
    ratings are cut into k random folds; each member is trained k times on all folds but one and
    predicts that one; weights and constant are the least squares of the ratings on those
    predictions (`penchant.recommender.blending.stacking`). Then each member is trained once more,
    on all ratings, so a blend costs k + 1 trainings of each. Members that err differently add most.

    Members are settings, not trained models: they are copied, and yours stay as they are. All see
    the `validation` ratings of `fit`, if there are any. Strangers are answered by the members' own
    answers. Neighbours are by the weighted mean of the members' correlations, and the posterior's
    deviation behind intervals by the weighted mean of those members' that have one.

    Args:
        members: recommenders, in a mapping by the names that `weights` is to show; none of them a
            blend. A sequence gives them names of their own. None for those that did best on the
            validation rows of MovieLens 100K (`penchant.recommender.blending.usual`), with the
            blend's seed.
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
        return self._calibrated(parts.validation)

    def _accept(
        self, stacked: Stacked, made_by: dict[str, Any], calibration: Calibration | None = None
    ) -> None:
        sure = any(member.predictor.has_posterior for member in stacked.members)
        self._predictor = BlendPredictor(
            known=stacked.members[0].knowledge,
            history=stacked.history,
            made_by=made_by,
            calibration=calibration or (POSTERIOR_OWN if sure else None),
            reads_time=any(member.reads_time for member in stacked.members),
            members=stacked.members,
            weights=stacked.weights,
        )

    @property
    def predictor(self) -> BlendPredictor:
        """The fitted blend; raises `NotFittedError` before `fit`."""
        return cast("BlendPredictor", super().predictor)

    @property
    def parts(self) -> tuple[Recommender, ...]:
        """The trained members, in their order; raises `NotFittedError` before `fit`."""
        return self.predictor.members

    @property
    def weights(self) -> Weights:
        """What each member counts, and what it adds; raises `NotFittedError` before `fit`."""
        return self.predictor.weights

    def add_ratings(self, users: Any, items: Any, values: Any, *more: Any, **columns: Any) -> Added:
        """Take in ratings in each member; see `MatrixFactorization.add_ratings`.

        The weights stay as they were learned.

        Raises:
            UnsupportedError: a member can't.
            DataError: as for one model. Nothing has changed then.
        """
        added: Added = self._all("add_ratings", users, items, values, *more, **columns)[0]
        return added

    @property
    def newest_time(self) -> int | None:
        """The time of new ratings that come without one; None where ratings have no times."""
        table = self.predictor.ledger.table
        return None if table.ratings.timestamps is None else table.newest

    def remove_ratings(self, users: Any, items: Any) -> Added:
        """Take ratings out of each member; see `MatrixFactorization.remove_ratings`.

        Raises:
            UnsupportedError: a member can't.
            UnknownIdError: a pair has no rating. Nothing has changed then.
        """
        removed: Added = self._all("remove_ratings", users, items)[0]
        return removed

    def forget(self, user: Id) -> Receipt:
        """Take a user out of each member; see `MatrixFactorization.forget`.

        The receipt holds the arrays of all members; the weights, a handful of numbers that were
        learned from all users' ratings together, stay, and it says so.

        Raises:
            UnsupportedError: a member can't.
            UnknownIdError: an unknown id. Nothing has changed then.
        """
        return together.receipt(self.predictor, self._all("forget", user))

    def _all(self, what: str, *given: Any, **named: Any) -> list[Any]:
        """Let all members do something, or none, and return what each says."""
        self._predictor, said = together.changed(
            self.predictor, what, lambda member: getattr(member, what)(*given, **named)
        )
        return said

    def explain(self, user: Id, item: Id, *, timestamp: Any = None) -> Explanation:
        """Take the prediction for a user and an item apart; see `MatrixFactorization.explain`.

        A blend is a weighted sum, so each of its terms is the weighted sum of its members' terms of
        that kind, and so are the shares of the user's ratings; its own constant is one more term.

        Raises:
            DataError: an id of the wrong type.
            UnsupportedError: a member with weight can't explain, or sums on another scale than
                that of the ratings; or a timestamp where no member reads it.
        """
        return together.explain(self.predictor, user, item, timestamp)

    def _saved(self, ratings: bool) -> storage.Saved:
        card = {"history": self.history.to_json(), "settings": self.predictor.made_by}
        saved = sections.saved(self.parts, self.weights, ratings)
        saved.card.update(card)
        return saved.calibrated(self.predictor.calibration)

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
        stacked = Stacked(members, weights, storage.history_of(stored))
        model._accept(stacked, settings, storage.calibration_of(stored))
        return model


@contextmanager
def _shown(trainings: int, shown: bool) -> Iterator[Advance]:
    """Yield what moves the bar of all trainings on."""
    if not shown:
        yield lambda steps: None
        return
    with progress("training members", trainings) as advance:
        yield advance
