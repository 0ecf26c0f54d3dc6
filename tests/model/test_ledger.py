"""A ledger against a plain dictionary of ratings."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penchant.model.ledger import Ledger, Table
from penchant.ratings import Ratings

USERS, ITEMS = 5, 6
change = st.tuples(
    st.integers(1, USERS), st.integers(1, ITEMS), st.none() | st.integers(1, 5)
)  # fmt: skip


def table(seed, *, stamped):
    random = np.random.default_rng(seed)
    pairs = [(u, i) for u in range(1, USERS + 1) for i in range(1, ITEMS + 1)]
    chosen = random.permutation(len(pairs))[:14]
    users, items = (np.array([pairs[c][side] for c in chosen]) for side in (0, 1))
    values = random.integers(1, 6, len(chosen)).astype(np.float32)
    times = random.integers(0, 99, len(chosen)) if stamped else None
    known = Ratings.from_columns(range(1, 7), range(1, 7), [1, 5, 3, 3, 3, 3])
    return dataclasses.replace(
        known,
        user_rows=users.astype(np.int32),
        item_rows=items.astype(np.int32),
        values=values,
        timestamps=times,
    )


def content(ratings):
    pairs = zip(ratings.user_rows.tolist(), ratings.item_rows.tolist(), strict=True)
    return dict(zip(pairs, ratings.values.tolist(), strict=True))


@given(st.integers(0, 99), st.lists(change, max_size=25), st.booleans())
def test_it_holds_what_a_dictionary_would(seed, changes, stamped):
    base = table(seed, stamped=stamped)
    ledger, truth = Ledger(Table(base)), content(base)
    for user, item, value in changes:
        entry = None if value is None else (float(value), 7)
        ledger = ledger.with_changes({user: {item: entry}})
        truth.pop((user, item), None)
        if value is not None:
            truth[user, item] = float(value)
    merged = ledger.merged(base)
    assert content(merged) == truth
    assert len(merged) == len(truth)
    assert (merged.timestamps is not None) == stamped
    for user in range(1, USERS + 1):
        rated = ledger.of_user(user)
        assert dict(zip(rated.rows.tolist(), rated.values.tolist(), strict=True)) == {
            i: v for (u, i), v in truth.items() if u == user
        }
    for item in range(1, ITEMS + 1):
        rated = ledger.of_item(item)
        assert rated.rows.tolist() == sorted(u for u, i in truth if i == item)
        assert rated.values.tolist() == [truth[user, item] for user in rated.rows.tolist()]


@given(st.integers(0, 99), st.integers(1, USERS), st.integers(1, ITEMS))
def test_rows_without_ratings_leave_and_later_ones_move_up(seed, user, item):
    base = table(seed, stamped=True)
    ledger = Ledger(Table(base))
    mine = {i: None for (u, i) in content(base) if u == user}
    theirs = {u: {item: None} for (u, i) in content(base) if i == item and u != user}
    ledger = ledger.with_changes({user: mine, **theirs})
    left = content(ledger.merged(base))
    moved = ledger.without_rows([user], [item], base)
    assert content(moved.merged(base)) == {
        (u - (u > user), i - (i > item)): v for (u, i), v in left.items()
    }


def test_changed_ratings_stay_in_their_places_and_new_ones_stand_at_the_end():
    base = table(1, stamped=True)
    user, item = int(base.user_rows[3]), int(base.item_rows[3])
    new = next((u, i) for u in (2, 3) for i in range(1, ITEMS + 1) if (u, i) not in content(base))
    ledger = Ledger(Table(base)).with_changes({user: {item: (1.5, 50)}})
    ledger = ledger.with_changes({new[0]: {new[1]: (2.5, 60)}})
    merged = ledger.merged(base)
    assert merged.values[3] == 1.5
    assert merged.timestamps[3] == 50
    assert (merged.user_rows[-1], merged.item_rows[-1]) == new
    assert merged.values[-1] == 2.5
    assert base.values[3] != 1.5


def test_changing_back_leaves_nothing():
    base = table(2, stamped=True)
    user, item = int(base.user_rows[0]), int(base.item_rows[0])
    before = (float(base.values[0]), int(base.timestamps[0]))
    ledger = Ledger(Table(base)).with_changes({user: {item: None}})
    assert ledger.changed
    assert not ledger.with_changes({user: {item: before}}).changed
