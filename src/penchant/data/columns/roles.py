"""Which column is the user, the item, the rating and the time: by name, place and entries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from penchant.data.columns import content
from penchant.data.columns.names import HINTS, KNOWN, NAMES, NO_HINT, plain
from penchant.errors import DataError, SettingsError

__all__ = ["KNOWN", "NAMES", "REQUIRED", "Roles", "describe", "find_roles", "plain"]

REQUIRED = ("user", "item", "rating")
Column = Sequence[str]

_ENOUGH = 5  # rows to guess columns by, whose names say nothing


class Roles(NamedTuple):
    """The place of each column, from 0; `timestamp` is None where there is none."""

    user: int
    item: int
    rating: int
    timestamp: int | None


def find_roles(
    header: Sequence[str] | None,
    width: int,
    columns: Mapping[str, str | int | None] | None,
    where: str,
    sample: Sequence[Column] = (),
) -> Roles:
    """Say which column plays which role.

    Args:
        header: the names of the columns, or None where there are none.
        width: how many columns there are.
        columns: what was asked for, by role: a name, a place from 0, or None for no timestamp.
        where: the name of the table, for messages.
        sample: some entries of each column as text, where they are known.

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
    if header is None:
        found |= _by_place(free, found, width, where, sample)
    else:
        found |= _by_name(free, header, found, sample)
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
    free: Sequence[str],
    header: Sequence[str],
    found: Mapping[str, int | None],
    sample: Sequence[Column],
) -> dict[str, int | None]:
    """Take the likeliest name whose entries can play the role; then one that hints at it."""
    names = ["" if at in found.values() else plain(name) for at, name in enumerate(header)]
    chosen: dict[str, int | None] = {}
    for role in free:
        exact = [names.index(name) for name in NAMES[role] if name in names]
        chosen[role] = _fitting(role, exact, sample)
    for role in free:
        taken = {*found.values(), *chosen.values()}
        if chosen[role] is None and role in REQUIRED:
            hinted = [at for at, name in enumerate(header) if at not in taken]
            hinted = [at for at in hinted if _hints(role, header[at])]
            fit = [at for at in hinted if not sample or content.fits(role, sample[at])]
            own = [at for at in fit if sample and content.is_row_number(sample[at])]
            own += [at for at in fit if names[at] == "id" and at not in own]
            fit = [at for at in fit if at not in own] or fit
            keyed = [at for at in fit if names[at].endswith(("id", "key", "code"))]
            chosen[role] = keyed[0] if len(keyed) == 1 else fit[0] if len(fit) == 1 else None
    return chosen | _by_entries(chosen, header, found, sample)


def _by_entries(
    chosen: Mapping[str, int | None],
    header: Sequence[str],
    found: Mapping[str, int | None],
    sample: Sequence[Column],
) -> dict[str, int | None]:
    """Give a role to columns of unknown names, where there are three or four and one way only."""
    missing = [role for role in REQUIRED if role in chosen and chosen[role] is None]
    if not missing or len(header) > 4 or not sample or len(sample[0]) < _ENOUGH:
        return {}
    taken = {*found.values(), *chosen.values()}
    left = [at for at in range(len(header)) if at not in taken]
    named: dict[str, int | None] = {}
    times = [at for at in left if content.is_time(sample[at])]
    if "timestamp" in chosen and chosen["timestamp"] is None and len(times) == 1:
        named["timestamp"] = times[0]
    left = [at for at in left if at not in times]
    grades = [at for at in left if content.is_grades(sample[at])]
    grades = [at for at in grades if not content.is_row_number(sample[at])]
    if "rating" in missing:
        if len(grades) != 1:
            return {}
        missing.remove("rating")
        named["rating"] = grades[0]
        left.remove(grades[0])
    if len(left) != len(missing) or not all(content.can_be_ids(sample[at]) for at in left):
        return {}
    return named | dict(zip(missing, left, strict=True))


def _fitting(role: str, places: list[int], sample: Sequence[Column]) -> int | None:
    """Return the first place whose entries can play the role; a row's own number only at last."""
    if not sample or not places:
        return places[0] if places else None
    fit = [at for at in places if content.fits(role, sample[at])]
    if role in ("user", "item"):
        repeated = [at for at in fit if not content.is_row_number(sample[at])]
        fit = repeated or fit
    if role == "timestamp":
        return fit[0] if fit else None
    return fit[0] if fit else places[0]


def _hints(role: str, name: str) -> bool:
    """Return whether a header holds a word that is used of the role, and none against it."""
    words = set(re.findall(r"[a-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
    return bool(words & HINTS[role]) and not words & NO_HINT[role]


def _by_place(
    free: Sequence[str],
    found: Mapping[str, int | None],
    width: int,
    where: str,
    sample: Sequence[Column],
) -> dict[str, int | None]:
    """Take user, item, rating and time as they come, unless the entries say otherwise."""
    places = [at for at in range(width) if at not in found.values()]
    if not found and sample and width >= len(REQUIRED):
        places = content.order(sample, where)
    return dict(zip(free, [*places, None, None, None, None], strict=False))


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
