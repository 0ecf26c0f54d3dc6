"""Which column is the user, the item, the rating and the time: by name, or by place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from penchant.errors import DataError, SettingsError

NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        "user", "userid", "uid", "users", "username", "reviewerid", "reviewer", "customerid",
        "customer", "memberid", "member", "accountid", "account", "personid", "person", "raterid",
        "rater", "u",
    ),
    "item": (
        "item", "itemid", "iid", "items", "movieid", "movie", "filmid", "film", "parentasin",
        "asin", "productid", "product", "bookid", "book", "isbn", "animeid", "anime", "artistid",
        "artist", "songid", "song", "trackid", "track", "albumid", "album", "gameid", "game",
        "appid", "businessid", "business", "restaurantid", "restaurant", "recipeid", "recipe",
        "beerid", "beer", "jokeid", "joke", "i",
    ),
    "rating": (
        "rating", "ratings", "stars", "star", "starrating", "score", "scores", "overall",
        "userrating", "bookrating", "reviewscore", "reviewoverall", "reviewrating", "grade",
        "points", "value", "r",
    ),
    "timestamp": (
        "timestamp", "ts", "unixreviewtime", "unixtime", "time", "datetime", "date", "reviewtime",
        "ratedat", "createdat", "dateadded", "t",
    ),
}  # fmt: skip
"""What the columns are called in data sets out there, the likeliest first."""

REQUIRED = ("user", "item", "rating")


class Roles(NamedTuple):
    """The place of each column, from 0; `timestamp` is None where there is none."""

    user: int
    item: int
    rating: int
    timestamp: int | None


def plain(name: str) -> str:
    """Return a header as it is compared: no type (``user_id:token``), case or punctuation.

    >>> plain("User_ID:token"), plain("unixReviewTime")
    ('userid', 'unixreviewtime')
    """
    return re.sub(r"[\W_]", "", name.split(":")[0].lower())


def find_roles(
    header: Sequence[str] | None,
    width: int,
    columns: Mapping[str, str | int | None] | None,
    where: str,
) -> Roles:
    """Say which column plays which role.

    Args:
        header: the names of the columns, or None where there are none.
        width: how many columns there are.
        columns: what was asked for, by role: a name, a place from 0, or None for no timestamp.
        where: the name of the table, for messages.

    Raises:
        SettingsError: `columns` names a role that doesn't exist.
        DataError: a column isn't there, or none of that role is recognised.
    """
    asked = dict(columns or {})
    for role in asked:
        if role not in NAMES:
            raise SettingsError(f"columns has the keys {', '.join(NAMES)}; received {role!r}.")
    found = {role: _asked(asked[role], header, width, where) for role in asked}
    for role, name in found.items():
        if name is None and role in REQUIRED:
            raise SettingsError(f"columns must name the {role} column, not None.")
    free = [role for role in NAMES if role not in found]
    found |= _by_place(free, found, width) if header is None else _by_name(free, header, found)
    missing = [role for role in REQUIRED if found[role] is None]
    if missing:
        raise DataError(_missing(missing, header, width, where))
    taken = [place for place in found.values() if place is not None]
    if len(set(taken)) < len(taken):
        raise DataError(
            f"{where}: one column cannot play two roles; received {_told(found, header)}. "
            f"Name the others too in columns={{…}}."
        )
    return Roles(**found)  # type: ignore[arg-type]


def describe(roles: Roles, header: Sequence[str] | None) -> str:
    """Return the roles as part of a line for people."""
    return _told(roles._asdict(), header)


def _told(found: Mapping[str, int | None], header: Sequence[str] | None) -> str:
    def name(place: int) -> str:
        return f"column {place}" if header is None else repr(header[place])

    return ", ".join(f"{role} = {name(at)}" for role, at in found.items() if at is not None)


def _asked(
    column: str | int | None, header: Sequence[str] | None, width: int, where: str
) -> int | None:
    if column is None:
        return None
    if isinstance(column, str):
        if header is not None and column in header:
            return list(header).index(column)
        known = "it has no header" if header is None else f"it has {', '.join(header)}"
        raise DataError(f"{where} has no column {column!r}: {known}.")
    if not 0 <= column < width:
        raise DataError(
            f"{where} has no column {column}: it has {width}, counted from 0 to {width - 1}."
        )
    return column


def _by_name(
    free: Sequence[str], header: Sequence[str], found: Mapping[str, int | None]
) -> dict[str, int | None]:
    names = ["" if at in found.values() else plain(name) for at, name in enumerate(header)]
    return {
        role: next((names.index(name) for name in NAMES[role] if name in names), None)
        for role in free
    }


def _by_place(
    free: Sequence[str], found: Mapping[str, int | None], width: int
) -> dict[str, int | None]:
    places = iter([at for at in range(width) if at not in found.values()])
    return {role: next(places, None) for role in free}


def _missing(missing: list[str], header: Sequence[str] | None, width: int, where: str) -> str:
    roles = " and the ".join(missing)
    if header is None:
        return (
            f"{where} has {width} columns, and ratings need three: user, item, rating. Check the "
            f"separator (separator=…), or join the columns first."
        )
    return (
        f"{where}: no column is recognised as the {roles}; it has {', '.join(map(repr, header))}. "
        f"Name them: columns={{'user': …, 'item': …, 'rating': …}}; or, where the first line is "
        f"no header, give header=False."
    )
