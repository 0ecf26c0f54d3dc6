"""Forgetting a user: ratings, row and id leave the model, and what they did to the items' rows."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from penchant.errors import UnsupportedError
from penchant.fold_in.change import Changes, changed, many, without_rows
from penchant.model.ledger import Rated
from penchant.model.state import State

_OF_ALL = (
    "the mean of all ratings, and the priors and the noise that were learnt from all users together"
)
_OF_OTHERS = "other users' kept draws, which were drawn beside this user's"
_OF_ITEMS = "the items' rows, which were trained on these ratings: only a new training ends that"


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What `forget` did. It doesn't say whom it was about: whoever asked knows.

    Attributes:
        ratings: how many ratings were taken out.
        items: how many items' rows were solved again without them.
        users: how many other users' rows were solved again.
        when: the time, UTC.
        before: SHA-256 of each array of the model before, by name.
        after: the same afterwards.
        remains: what still holds a trace of the ratings, all users' mixed together.
    """

    ratings: int
    items: int
    users: int
    when: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    remains: tuple[str, ...]

    def __str__(self) -> str:
        from penchant.tables import text_table

        names = [name for name, digest in self.before.items() if self.after.get(name) != digest]
        lines = [
            f"Forgotten at {self.when}: {many(self.ratings, 'rating')}, the user's row and id.",
            f"Solved again: {many(self.items, 'item')}, {many(self.users, 'user')}.",
            f"Arrays changed: {len(names)} of {len(self.before)}.",
            *(f"What remains: {told}." for told in self.remains),
        ]
        rows = [(name, self.before[name][:16], self.after.get(name, "")[:16]) for name in names]
        return "\n".join([*lines, "", text_table(("array", "before", "after"), rows)])

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as JSON-able values."""
        plain = dataclasses.asdict(self)
        return {**plain, "before": dict(self.before), "after": dict(self.after)}


class Forgotten(NamedTuple):
    """A state without a user, and what is to be solved again and told."""

    state: State
    users: set[int]
    items: set[int]
    ratings: int
    solved: int


def digests(state: State) -> dict[str, str]:
    """Return the SHA-256 of each array of a model, by name."""
    arrays: dict[str, Any] = dict(state.factors.arrays())
    if state.posterior is not None:
        arrays |= {f"posterior.{n}": a for n, a in state.posterior.arrays().items()}
    return {
        name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in arrays.items()
    }


def receipt(before: dict[str, str], after: State, gone: Forgotten) -> Receipt:
    """Return the receipt of a user that was forgotten."""
    posterior = after.posterior
    remains = [_OF_ITEMS] if posterior is None else []
    if posterior is not None and posterior.users.draws.size:
        remains = [_OF_OTHERS]
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    users = len(gone.users)
    told = (_OF_ALL, *remains)
    return Receipt(gone.ratings, gone.solved, users, when, before, digests(after), told)


def without_user(state: State, row: int) -> Forgotten:
    """Take a user out of a state; the items that training had from that user are solved again."""
    known, ledger, trained = state.known, state.ledger, state.life.trained
    if len(known.user_ids) == 1:
        raise UnsupportedError(
            "This is the model's only user, and a model of no one can't be. Delete the model."
        )
    rated = ledger.of_user(row)
    untrained = state.life.untrained(ledger, known.item_counts)
    solved: set[int] = set()
    if state.posterior is not None:
        state, solved = _items_without(state, row, rated)
    changes: Changes = {row: dict.fromkeys(rated.rows.tolist())}
    ids, tables = (known.user_ids, known.item_ids), (known.user_table, known.item_table)
    touched = {user for item in solved for user in ledger.of_item(item).rows.tolist()} - {row}
    state = changed(state, changes, ids, tables)
    counts = state.known.item_counts
    gone = sorted(i for i in rated.rows.tolist() if i >= trained[1] and not counts[i])
    newer = {i for i in rated.rows.tolist() if untrained[i] or not counts[i]} - set(gone)
    return Forgotten(
        without_rows(state, [row], gone),
        {user - (user > row) for user in touched},
        {item - int(np.searchsorted(gone, item)) for item in newer},
        len(rated.rows),
        len(solved),
    )


def _items_without(state: State, row: int, rated: Rated) -> tuple[State, set[int]]:
    """Solve the items whose draws saw a user's ratings, without them."""
    from penchant.fold_in.by_posterior import encoded, user_matrix
    from penchant.posterior import without_user as forget
    from penchant.threads import Threads

    posterior, known, ledger = state.posterior, state.known, state.ledger
    seen = _seen(state)
    theirs = {item for item in rated.rows.tolist() if seen.get(item, {}).get(row, 0.0) is not None}
    theirs |= {item for item, users in seen.items() if users.get(row) is not None}
    untrained = state.life.untrained(ledger, known.item_counts)
    rows = np.array(sorted(item for item in theirs if not untrained[item]), np.int32)
    columns = encoded(posterior.items.encoder, known.item_table, rows)
    items = {}
    for item, side in zip(rows.tolist(), columns, strict=True):
        raters = _as_seen(ledger.of_item(item), seen.get(item, {}))
        deviations = posterior.deviations(raters.values)
        if posterior.days is not None and raters.seconds is not None:
            deviations = deviations - posterior.days(raters.rows, raters.seconds)
        items[item] = forget.Ratings(raters.rows, deviations, raters.rows == row, side)
    users = np.arange(known.user_ids.size, dtype=np.int32)
    lists = [] if posterior.users.draws.size else [ledger.of_user(u) for u in users.tolist()]
    matrix = user_matrix(posterior, lists, users[: len(lists)], known.item_ids.size)
    all_of_them = (matrix, encoded(posterior.users.encoder, known.user_table, users[: len(lists)]))
    with Threads() as threads:
        posterior, Q = forget.without_ratings(
            posterior, state.factors.item_factors, items, all_of_them, threads
        )
    factors = dataclasses.replace(state.factors, item_factors=Q, item_bias=posterior.item_bias)
    return state._replace(posterior=posterior, factors=factors), set(rows.tolist())


def _seen(state: State) -> dict[int, dict[int, float | None]]:
    """Return by item and user what training saw where that has changed."""
    found: dict[int, dict[int, float | None]] = {}
    for (user, item), value in state.life.seen.items():
        found.setdefault(item, {})[user] = value
    return found


def _as_seen(rated: Rated, seen: Mapping[int, float | None]) -> Rated:
    """Return who rated an item when it was trained."""
    if not seen:
        return rated
    changes = {user: None if value is None else (value, 0) for user, value in seen.items()}
    return rated.with_changes(changes)
