"""Interview: which few items a newcomer should rate, and what the answers say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from penchant.answers.interview.engine import Asker, Newcomer
from penchant.answers.lists import Answer
from penchant.answers.rate import clipped
from penchant.answers.recommend import ORDERS, By, Terms, ranked, top_rows
from penchant.arrays import F32, Rows
from penchant.errors import DataError
from penchant.ids import Id
from penchant.model.known import listed
from penchant.predict.by_factors import FactorPredictor
from penchant.predict.intervals import LEVEL, Prediction, ends
from penchant.settings import require_choice, require_count


class Question(NamedTuple):
    """One item to ask about.

    Attributes:
        item: its id.
        title: its title, or None.
        chance: of knowing it: the share of all users who rated it.
        drop: by how much an answer lowers the variance of the newcomer's ratings, on average over
            the items, in squared rating units.
    """

    item: Id
    title: str | None
    chance: float
    drop: float


class Advice(NamedTuple):
    """One item for the newcomer, with its interval and what speaks for it most.

    Attributes:
        item: its id.
        title: its title, or None.
        rating: predicted, clipped to the scale.
        low: the interval's lower end.
        high: the interval's upper end.
        because: the answered item whose answer raises the prediction most, by title or else id;
            None where none does.
        pull: what that answer adds, in rating units.
    """

    item: Id
    title: str | None
    rating: float
    low: float
    high: float
    because: str | None
    pull: float


@dataclasses.dataclass(frozen=True)
class Interview(Answer[Question]):
    """The next questions for a newcomer, best first; each answer gives the interview after it.

    Nothing here changes the model: an interview is a value, made of the answers alone. To keep the
    newcomer, give the answers to ``model.add_ratings``.

    >>> import penchant as pc
    >>> world = pc.synthetic(n_users=80, n_items=40, n_ratings=1500, factors=2, noise=0.3, seed=1)
    >>> model = pc.MatrixFactorization(solver=pc.Gibbs(rank=2, sweeps=30, burn_in=10), factors=8)
    >>> talk = model.fit(world, progress=False).interview(n=3)
    >>> len(talk), talk.answers
    (3, {})
    >>> talk = talk.rate(talk[0].item, 5).skip(talk[1].item)
    >>> len(talk), len(talk.answers), len(talk.recommend(4))
    (3, 1, 4)
    """

    answers: Mapping[Id, float] = dataclasses.field(default_factory=dict)
    """What was answered, by item."""

    unknown: tuple[Id, ...] = ()
    """What was asked, and the newcomer doesn't know."""

    _asker: Any = dataclasses.field(default=None, repr=False, compare=False)
    _wanted: Any = dataclasses.field(default=None, repr=False, compare=False)

    def rate(self, item: Id, rating: float) -> Interview:
        """Return the interview after a rating of an item, which needn't be the one asked about.

        Raises:
            UnknownIdError: the model doesn't know the item.
            DataError: the rating is off the scale.
        """
        unknown = tuple(other for other in self.unknown if other != item)
        return self._next({**self.answers, item: rating}, unknown)

    def skip(self, item: Id) -> Interview:
        """Return the interview after "I don't know it": the item isn't asked about again.

        Raises `UnknownIdError` where the model doesn't know the item.
        """
        answers = {other: rating for other, rating in self.answers.items() if other != item}
        return self._next(answers, tuple(dict.fromkeys([*self.unknown, item])))

    def predict(self, items: Any, *, interval: float | None = None) -> F32 | Prediction:
        """Return the newcomer's rating of each item, (n,) float32, clipped to the scale.

        Args:
            items: (n,) ids, or one.
            interval: as for the recommender's `predict`; then a `Prediction` comes back.
        """
        rows, newcomer = self._asker.known.item_ids.rows(listed(items)), self._heard()
        ratings = clipped(newcomer, np.zeros_like(rows), rows, None)
        if interval is None:
            return ratings
        return Prediction(ratings, *ends(newcomer, interval, np.zeros_like(rows), rows, ratings))

    def recommend(
        self,
        n: int = 10,
        *,
        by: By = "liking",
        liked: float | None = None,
        interval: float = LEVEL,
    ) -> Answer[Advice]:
        """Return the n best items that were not answered, best first.

        Each with the interval of that level, and with the answer that speaks for it most. See
        `Recommender.recommend` for `by` and `liked`.
        """
        require_count("n", n)
        require_choice("by", by, tuple(ORDERS))
        newcomer, known = self._heard(), self._asker.known
        allowed = np.zeros((1, known.item_ids.size), bool)
        allowed[0, newcomer.left()] = True
        terms = Terms.of(known, liked, interval)
        listed = ranked(newcomer, np.zeros(1, np.int32), allowed, by, terms)
        best = top_rows(listed.ranks[0], newcomer.left(), n)
        shown = known.scale.clip(listed.ratings[0, best]).astype(np.float32)
        low, high = ends(newcomer, interval, np.zeros_like(best), best, shown)
        because = [_reason(self._asker, pulls) for pulls in self._asker.pulls(newcomer, best)]
        columns = [known.item_ids.ids(best), known.titles(best)]
        columns += [column.tolist() for column in (shown, low, high)]
        found = zip(*columns, because, strict=True)
        return Answer(tuple(Advice(*one, *why) for *one, why in found))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the questions as JSON-able values."""
        return [question._asdict() for question in self.entries]

    def _heard(self) -> Newcomer:
        return self._asker.hear(self.answers)  # type: ignore[no-any-return]

    def _next(self, answers: Mapping[Id, float], unknown: tuple[Id, ...]) -> Interview:
        return begin(self._asker, answers, unknown, self._wanted)


class Wanted(NamedTuple):
    """How an interview goes on.

    Attributes:
        n: the number of questions to give at once.
        among: the item rows to ask about, or None for all.
        sure: whether the newcomer knows all of them.
    """

    n: int
    among: Rows | None
    sure: bool


def begin(
    asker: Asker, answers: Mapping[Id, float], unknown: Iterable[Id], wanted: Wanted
) -> Interview:
    """Return the interview after some answers.

    Raises:
        UnknownIdError: the model doesn't know an item.
        DataError: a rating is off the scale, or an item both rated and unknown.
    """
    skipped = tuple(dict.fromkeys(unknown))
    rows = [asker.known.item_ids.row(item) for item in skipped]
    both = [item for item in skipped if item in answers]
    if both:
        raise DataError(f"Item {both[0]!r} is among the answers and among the unknown ones.")
    heard = asker.hear(answers)
    asked, chances, dropped = asker.questions(heard, rows, wanted.n, wanted.among, wanted.sure)
    ids, titles = asker.known.item_ids.ids(asked), asker.known.titles(asked)
    found = zip(ids, titles, chances.tolist(), dropped, strict=True)
    entries = tuple(Question(*one) for one in found)
    return Interview(entries, dict(answers), skipped, asker, wanted)


def interview(
    predictor: FactorPredictor,
    n: int,
    *,
    answers: Mapping[Id, float] | None,
    unknown: Iterable[Id],
    among: Any,
    sure: bool,
    columns: Mapping[str, Any] | None,
) -> Interview:
    """Return what to ask a newcomer first; see `MatrixFactorization.interview`."""
    rows = None if among is None else predictor.known.item_ids.rows(listed(among))
    return begin(Asker.of(predictor, columns), answers or {}, unknown, Wanted(n, rows, sure))


def _reason(asker: Asker, pulls: Mapping[int, float]) -> tuple[str | None, float]:
    if not pulls or max(pulls.values()) <= 0:
        return None, 0.0
    row = max(pulls, key=lambda one: pulls[one])
    rows = np.array([row], np.int32)
    title = asker.known.titles(rows)[0] or str(asker.known.item_ids.ids(rows)[0])
    return title, pulls[row]
