"""Ratings put into a model's state, or taken out of it; nothing is solved here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from penchant.choices import Choices
from penchant.errors import DataError, UnknownIdError
from penchant.factors import Factors
from penchant.ids import IdMap, positions_array
from penchant.model.ledger import MOST_CHANGED, Ledger, Table
from penchant.model.state import Change, State, knowledge_of, like_of
from penchant.ratings import Ratings

Changes = dict[int, dict[int, Change]]
Columns = Mapping[Any, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Added:
    """What `add_ratings` or `remove_ratings` did.

    Attributes:
        added: ratings of pairs that had none.
        changed: ratings that replaced another.
        removed: ratings that are gone.
        users: users that are new, or gone where ratings were removed.
        items: items that are new, or gone.

    >>> print(Added(added=3, users=1))
    3 ratings added; 1 user new
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    users: int = 0
    items: int = 0

    def __str__(self) -> str:
        told = {"added": self.added, "changed": self.changed, "removed": self.removed}
        parts = [f"{many(n, 'rating')} {how}" for how, n in told.items() if n]
        how = "gone" if self.removed else "new"
        rows = {"user": self.users, "item": self.items}
        parts += [f"{many(n, what)} {how}" for what, n in rows.items() if n]
        return "; ".join(parts) or "nothing changed"


def many(n: int, what: str) -> str:
    """Return a count in words: "1 user", "2 users"."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


class Touched(NamedTuple):
    """A state whose ratings have changed, and the rows that are to be solved again."""

    state: State
    users: set[int]
    items: set[int]
    record: Added


def with_ratings(
    state: State,
    columns: tuple[Any, Any, Any, Any],
    user_columns: Columns | None,
    item_columns: Columns | None,
) -> Touched:
    """Put ratings into a state.

    Args:
        state: what there is.
        columns: user ids, item ids, values, and times or None.
        user_columns: side columns of new users by id.
        item_columns: side columns of new items by id.
    """
    known, ledger = state.known, state.ledger
    new = Ratings.from_columns(*columns, scale=known.scale)
    ids = (known.user_ids.extended(new.user_ids.array), known.item_ids.extended(new.item_ids.array))
    tables = (
        _table(known.user_table, known.user_ids, ids[0], user_columns),
        _table(known.item_table, known.item_ids, ids[1], item_columns),
    )
    users = ids[0].rows(new.user_ids.array)[new.user_rows - 1].tolist()
    items = ids[1].rows(new.item_ids.array)[new.item_rows - 1].tolist()
    changes: Changes = {}
    times = _times(new, ledger)
    for user, item, value, time in zip(users, items, new.values.tolist(), times, strict=True):
        changes.setdefault(user, {})[item] = (value, time)
    rated = ((ledger.of_user(user), theirs) for user, theirs in changes.items())
    before = [theirs.value(item) for theirs, items_of in rated for item in items_of]
    added = before.count(None)
    record = Added(added, len(before) - added, 0, *_grown(known, ids))
    after = changed(state, changes, ids, tables)
    return Touched(after, set(changes), set(items), record)


def without_ratings(state: State, users: Any, items: Any) -> Touched:
    """Take ratings out of a state, and ids that came after the training with their last rating."""
    known, ledger = state.known, state.ledger
    pairs = known.user_ids.rows(users).tolist(), known.item_ids.rows(items).tolist()
    if len(pairs[0]) != len(pairs[1]):
        raise DataError(
            f"remove_ratings needs as many users as items; received {len(pairs[0]):,} users and "
            f"{len(pairs[1]):,} items."
        )
    changes: Changes = {}
    for place, (user, item) in enumerate(zip(*pairs, strict=True)):
        if not (user and item) or ledger.of_user(user).place(item) is None:
            raise UnknownIdError(
                f"User {list(users)[place]!r} has no rating of item {list(items)[place]!r}, at "
                f"position {place}. Nothing was removed; leave that pair out."
            )
        changes.setdefault(user, {})[item] = None
    n = sum(len(theirs) for theirs in changes.values())
    ids, tables = (known.user_ids, known.item_ids), (known.user_table, known.item_table)
    touched = {item for theirs in changes.values() for item in theirs}
    return _swept(Touched(changed(state, changes, ids, tables), set(changes), touched, Added()), n)


def _swept(touched: Touched, removed: int) -> Touched:
    """Take out the rows that came after the training and have no ratings left."""
    state, known, trained = touched.state, touched.state.known, touched.state.life.trained
    users = sorted(u for u in touched.users if u >= trained[0] and not known.user_counts[u])
    items = sorted(i for i in touched.items if i >= trained[1] and not known.item_counts[i])
    record = Added(0, 0, removed, len(users), len(items))
    kept = (touched.users - set(users), touched.items - set(items))
    return Touched(
        without_rows(state, users, items), _moved(kept[0], users), _moved(kept[1], items), record
    )


def _moved(rows: Iterable[int], gone: list[int]) -> set[int]:
    return {row - int(np.searchsorted(gone, row)) for row in rows}


def without_rows(state: State, users: list[int], items: list[int]) -> State:
    """Take rows without ratings out of all tables; later rows move up."""
    if not (users or items):
        return state
    known, factors, posterior = state.known, state.factors, state.posterior
    known = dataclasses.replace(
        known,
        user_ids=_ids_without(known.user_ids, users),
        item_ids=_ids_without(known.item_ids, items),
        user_counts=np.delete(known.user_counts, users),
        item_counts=np.delete(known.item_counts, items),
        user_table=_table_without(known.user_table, users),
        item_table=_table_without(known.item_table, items),
        choices=known.choices and known.choices.without_rows(users, items),
    )
    ledger = state.ledger.without_rows(users, items, like_of(known))
    known = knowledge_of(known, ledger)
    if posterior is not None:
        from penchant.posterior import resize as change

        drawn = [i for i in items if i < posterior.items.draws.shape[1]]
        listed = [u for u in users if u < len(posterior.noise.user_weights)]
        posterior = change.without_rows(posterior, listed, drawn)
    tables = (factors.user_bias, factors.item_bias, factors.user_factors, factors.item_factors)
    gone = [
        [r for r in rows if r < len(t)] for t, rows in zip(tables, (users, items) * 2, strict=True)
    ]
    tables = [np.delete(t, rows, axis=0) for t, rows in zip(tables, gone, strict=True)]  # type: ignore[assignment]
    life = state.life.without_rows(users, items)
    return State(Factors(factors.mean, *tables), posterior, known, ledger, life)


def _ids_without(ids: IdMap, rows: list[int]) -> IdMap:
    if not rows:
        return ids
    kept = np.delete(np.arange(len(ids)), np.array(rows) - 1)
    return IdMap(ids.array.take(positions_array(kept)), ids.what)


def _table_without(table: pa.Table | None, rows: list[int]) -> pa.Table | None:
    """Take rows out of a side table, and what only they said out of the dictionaries."""
    if table is None or not rows:
        return table
    kept = table.take(positions_array(np.delete(np.arange(table.num_rows), rows)))
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = kept.column(place).cast(field.type.value_type)
            kept = kept.set_column(place, field.name, plain.dictionary_encode())
    return kept


def changed(
    state: State,
    changes: Changes,
    ids: tuple[IdMap, IdMap],
    tables: tuple[pa.Table | None, pa.Table | None],
) -> State:
    """Change ratings, and give the tables rows for new ids.

    Args:
        state: what there is.
        changes: by user row and item row.
        ids: the maps of users and of items, with the new ones.
        tables: their side tables.
    """
    known, ledger = state.known, state.ledger.with_changes(changes)
    counts = [
        np.concatenate([old, np.zeros(longer.size - len(old), np.int32)])
        for old, longer in ((known.user_counts, ids[0]), (known.item_counts, ids[1]))
    ]
    for user, theirs in changes.items():
        before = state.ledger.of_user(user)
        for item, change in theirs.items():
            step = (change is not None) - (before.place(item) is not None)
            counts[0][user] += step
            counts[1][item] += step
    after = knowledge_of(
        known,
        ledger,
        user_ids=ids[0],
        item_ids=ids[1],
        user_counts=counts[0],
        item_counts=counts[1],
        user_table=tables[0],
        item_table=tables[1],
        choices=_choices(known.choices, ledger, changes, ids),
    )
    if len(ledger.changed) > MOST_CHANGED:
        ledger = Ledger(Table(ledger.merged(like_of(after))))
        after = knowledge_of(after, ledger)
    life = dataclasses.replace(state.life, seen=state.life.with_changes(state.ledger, changes))
    return state._replace(known=after, ledger=ledger, life=life)


def _choices(
    choices: Choices | None, ledger: Ledger, changes: Changes, ids: tuple[IdMap, IdMap]
) -> Choices | None:
    """Return the choices with the rows of the users whose ratings have changed."""
    if choices is None:
        return None
    sizes = (ids[0].size, ids[1].size)
    grown = choices.with_users({}, *sizes)
    return grown.with_users({u: grown.row_of(ledger.of_user(u).rows) for u in changes}, *sizes)


def _grown(known: Any, ids: tuple[IdMap, IdMap]) -> tuple[int, int]:
    return len(ids[0]) - len(known.user_ids), len(ids[1]) - len(known.item_ids)


def _times(new: Ratings, ledger: Ledger) -> list[int]:
    """Return the time of each new rating; the newest known time where none is given."""
    stamped = ledger.table.ratings.timestamps is not None
    if new.timestamps is None:
        return [ledger.table.newest if stamped else 0] * len(new)
    if not stamped:
        raise DataError(
            "The model's ratings have no timestamps, so new ones can't have any. Leave timestamps "
            "out."
        )
    times: list[int] = new.timestamps.tolist()
    return times


def _table(
    table: pa.Table | None, known: IdMap, ids: IdMap, columns: Columns | None
) -> pa.Table | None:
    """Return a side table with rows for the new ids."""
    given = dict(columns or {})
    new = ids.array[len(known) :].to_pylist()
    for name in given:
        if name not in new:
            raise DataError(
                f"{ids.what}_columns has columns of {ids.what} {name!r}, which is not new. Give "
                f"those of the new {ids.what}s among the ratings alone."
            )
    names = [] if table is None else table.column_names
    for column in sorted({column for theirs in given.values() for column in theirs}):
        if column not in names:
            raise DataError(
                f"The model has no {ids.what} column {column!r}; it has: "
                f"{', '.join(names) or 'none'}."
            )
    if table is None or not new:
        return table
    cells = {name: [given.get(id_, {}).get(name) for id_ in new] for name in names}
    try:
        more = {f.name: pa.array(cells[f.name], type=f.type) for f in table.schema}
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{ids.what}_columns don't fit the {ids.what} table: {error}.") from None
    return pa.concat_tables([table, pa.table(more, schema=table.schema)])
