"""Why a model predicts what it predicts, and how sure it is: what needs users' own ratings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from penchant.answers.explanation import Explanation, Reason, Term
from penchant.answers.picking import picked
from penchant.answers.rate import seconds_of
from penchant.arrays import F32
from penchant.errors import UnknownIdError
from penchant.ids import Id
from penchant.model.known import Knowledge
from penchant.model.state import State
from penchant.posterior import Posterior, Shares, shares
from penchant.predict.by_factors import FactorPredictor, OwnRatings
from penchant.settings import require

_LITTLE = 0.05  # stars of severity that nobody would notice
_SOLVERS = {"als": "ALS", "bias": "the bias solver", "keras": "Keras", "sgd": "SGD"}


Parts = tuple[list[Term], list[Reason], "SolvedAgain | None"]


def explain(predictor: FactorPredictor, user: Id, item: Id, timestamp: Any) -> Explanation:
    """Take the prediction for a user and an item apart; see `MatrixFactorization.explain`."""
    known, stars = predictor.known, predictor.stars
    rows = known.user_ids.rows([user]), known.item_ids.rows([item])
    pair = int(rows[0][0]), int(rows[1][0])
    seconds = seconds_of(predictor, timestamp, 1)
    prediction = predictor.predict(*rows, seconds)
    rating = known.scale.clip(prediction)
    terms, reasons, again = _parts(predictor, pair)
    if stars is not None:  # the thresholds hold what is the mean elsewhere
        terms = [term for term in terms if term.kind != "mean"]
    if seconds is not None:
        effect = float(predictor.posterior.days(rows[0], seconds)[0])
        terms.append(Term("day", "the day", effect))
        again = None if again is None else dataclasses.replace(again, day=effect)
    latent = None if stars is None else float(predictor.factors.predict(*rows)[0])
    notes = tuple(_notes(predictor, user, item, pair))
    return Explanation(
        user, item, known.titles(rows[1])[0], known.scale, tuple(terms), tuple(reasons),
        float(prediction[0]), float(rating[0]), notes, again, latent, picked(predictor, *pair),
    )  # fmt: skip


def _parts(predictor: FactorPredictor, pair: tuple[int, int]) -> Parts:
    """Return terms and reasons of a pair of rows, and what solves the user's row again."""
    factors, (user, item) = predictor.factors, pair
    q, quality = factors.item_factors[item], float(factors.item_bias[item])
    if not predictor.has_posterior:
        severity = float(factors.user_bias[user])
        learned = float(factors.user_factors[user].astype(np.float64) @ q)
        terms = _first_terms(factors.mean, severity, quality, pair)
        return [*terms, Term("learned", "learned in training", learned)], [], None
    state = predictor.state_of(user)
    own = OwnRatings.of(state, user)
    found = shares(state.posterior, own.solved(state.posterior), q, quality)
    terms, reasons = _terms(found, own, state, pair), _reasons(found, own, state.known)
    return terms, reasons, SolvedAgain(state.posterior, state.known, own, q, quality)


def _notes(predictor: FactorPredictor, user: Id, item: Id, pair: tuple[int, int]) -> list[str]:
    known, notes = predictor.known, []
    sides = (
        ("user", user, pair[0], known.user_counts, "everyone's prior says what to expect"),
        ("item", item, pair[1], known.item_counts, "its row is what an average one is like"),
    )
    for what, id_, row, counts, meaning in sides:
        if not row:
            notes.append(f"The model has never seen {what} {id_!r}: {meaning}.")
        elif not counts[row]:
            notes.append(f"The model has no ratings of {what} {id_!r}.")
    if predictor.stars is not None:
        notes.append(
            "The shares are on the latent scale of an ordinal model, where they add up; the "
            "expected rating rises with their sum."
        )
    if not predictor.has_posterior:
        solver = _SOLVERS.get(predictor.made_by["solver"]["name"], "this solver")
        notes.append(
            f"Trained by {solver}, which keeps no account of what a row was learned from; "
            f"solver='gibbs' does."
        )
    return notes


@dataclasses.dataclass(frozen=True, eq=False)
class SolvedAgain:
    """A user's ratings and the item asked for: solves the row again with one rating changed.

    Attributes:
        posterior: the heads.
        known: ids and scale.
        own: the user's ratings.
        item: (K,) float32, the item's distilled row.
        quality: the item's bias.
        day: the effect of the day asked for.
    """

    posterior: Posterior
    known: Knowledge
    own: OwnRatings
    item: F32
    quality: float
    day: float = 0.0

    def __call__(self, item: Id, rating: float | None) -> float:
        """Return the unclipped prediction, or the expected rating; see `Explanation.would_be`."""
        row = self.known.item_ids.row(item)
        rows, values, at = self.own.rated.rows, self.own.values, self.own.rated.place(row)
        if rating is None:
            if at is None:
                raise UnknownIdError(
                    f"There is no rating of item {item!r} to leave out. Choose an item that the "
                    f"user rated."
                )
            rows, values = np.delete(rows, at), np.delete(values, at)
        else:
            self._require_on_scale(rating)
            if at is None:
                place = int(np.searchsorted(rows, row))
                rows, values = np.insert(rows, place, row), np.insert(values, place, rating)
            else:
                values = values.copy()
                values[at] += rating - float(self.own.rated.values[at])  # its day stays as it was
        solved = self.posterior.row(rows, values, self.own.side)
        dot = float(solved.factors.astype(np.float64) @ self.item)
        total = self.posterior.mean + solved.bias + self.quality + dot + self.day
        stars = self.posterior.stars
        return total if stars is None else float(stars.expected(np.array(total)))

    def _require_on_scale(self, rating: Any) -> None:
        scale = self.known.scale
        number = isinstance(rating, (int, float, np.number)) and not isinstance(rating, bool)
        require(
            bool(number and scale.low <= rating <= scale.high),
            f"A rating lies on the scale {scale}, or is None for no rating; received {rating!r}.",
        )


def _first_terms(mean: float, severity: float, quality: float, pair: tuple[int, int]) -> list[Term]:
    way = "milder than most" if severity > 0 else "stricter than most"
    way = "much as most" if abs(severity) < _LITTLE else way
    whose = f"your severity ({way})" if pair[0] else "a stranger's severity"
    return [
        Term("mean", "the mean of all ratings", mean),
        Term("severity", whose, severity),
        Term("quality", "the item's quality" if pair[1] else "an unknown item's quality", quality),
    ]


def _terms(found: Shares, own: OwnRatings, state: State, pair: tuple[int, int]) -> list[Term]:
    terms = _first_terms(found.mean, found.severity, found.quality, pair)
    n = len(own.values)
    if n:
        what = "your rating" if n == 1 else f"your {n:,} ratings"
        terms += [
            Term("ratings", what, float(found.ratings.sum())),
            Term("rated", "what you chose to rate", float(found.rated.sum())),
            Term("count", "how many you rated", found.count),
        ]
    return [*terms, *_side_terms(found, state, pair[0]), Term("prior", "the prior", found.prior)]


def _side_terms(found: Shares, state: State, user: int) -> list[Term]:
    """Return a term for each side column that says something of the user."""
    from penchant.tables import one_line

    terms, start, table = [], 0, state.known.user_table
    for code in state.posterior.users.encoder.columns:
        stop = start + len(code.values)
        if table is not None and code.name in table.column_names:
            cell = table[code.name][user].as_py()
            if code.places(cell):
                told = ", ".join(map(str, cell)) if isinstance(cell, (list, tuple)) else cell
                label = one_line(f"{code.name}: {told}")
                terms.append(Term("side", label, float(found.side[start:stop].sum())))
        start = stop
    return terms


def _reasons(found: Shares, own: OwnRatings, known: Knowledge) -> list[Reason]:
    """Return the user's ratings, those that pull most first; equal ones by row."""
    order = np.argsort(-np.abs(found.ratings), kind="stable")
    rows = own.rated.rows[order]
    columns = (
        known.item_ids.ids(rows),
        known.titles(rows),
        own.rated.values[order].tolist(),
        found.ratings[order].tolist(),
        found.rated[order].tolist(),
        found.slopes[order].tolist(),
    )
    return [Reason(*entry) for entry in zip(*columns, strict=True)]
