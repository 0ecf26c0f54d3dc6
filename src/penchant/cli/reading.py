"""How a source of ratings is read: options that stand once, for all commands that read one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penchant.cli import options
from penchant.cli.source import Source
from penchant.errors import SettingsError

if TYPE_CHECKING:
    from penchant.ratings import Ratings

Command = Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the options say of a source; each field is one, see `with_reading`."""

    columns: options.Columns = None
    separator: options.Separator = None
    header: options.Header = None
    scale: options.ScaleOption = None
    duplicates: options.Duplicates = "last"
    users: options.Users = None
    items: options.Items = None
    unrated: options.Unrated = None
    encoding: options.Encoding = None
    query: options.Query = None

    def load(self, source: Source) -> Ratings:
        """Load the ratings of a source."""
        from penchant.data.load import load

        source.require_ratings()
        return load(source.reveal(), **self.arguments())

    def noted(self) -> tuple[str, ...]:
        """Return the options that a bundle may note: no folder, and nothing of a database.

        >>> Reading(users="/home/ann/users.csv", header=False, query="select 1").noted()
        ('--no-header', '--users', 'users.csv')
        """
        options: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default or field.name == "query":
                continue
            if isinstance(value, bool):
                options.append(f"--{'' if value else 'no-'}{field.name}")
                continue
            side = field.name in ("users", "items")
            options += [f"--{field.name}", Path(value).name if side else value]
        return tuple(options)

    def arguments(self) -> dict[str, Any]:
        """Return the options as `penchant.load` takes them."""
        return {
            "users": self.users,
            "items": self.items,
            "columns": None if self.columns is None else parse_columns(self.columns),
            "separator": None if self.separator is None else self.separator.replace("\\t", "\t"),
            "header": self.header,
            "scale": None if self.scale is None else parse_scale(self.scale),
            "duplicates": self.duplicates,
            "unrated": None if self.unrated is None else self.unrated.split(","),
            "encoding": self.encoding,
            "query": self.query,
        }


def with_reading(*, sides: bool = True) -> Callable[[Command], Command]:
    """Give a command the options of `Reading` where its parameter `reading` stands.

    Typer makes an option of each parameter that a function's signature shows. So the command that
    it gets shows the fields of `Reading` in place of `reading`, and gathers what comes in.

    Args:
        sides: whether side columns, --users and --items, can be given.
    """
    fields = inspect.signature(Reading, eval_str=True).parameters
    shown = [field for name, field in fields.items() if sides or name not in ("users", "items")]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathering(**given: Any) -> None:
            reading = Reading(**{field.name: given.pop(field.name) for field in shown})
            command(**given, reading=reading)

        signature = inspect.signature(command, eval_str=True)
        own = list(signature.parameters.values())
        place = list(signature.parameters).index("reading")
        own[place : place + 1] = shown
        gathering.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
        return gathering

    return decorate


def parse_columns(text: str) -> dict[str, str | int | None]:
    """Read "user=0,item=movieId".

    >>> parse_columns("user=0,item=movieId")
    {'user': 0, 'item': 'movieId'}
    """
    columns: dict[str, str | int | None] = {}
    for part in text.split(","):
        name, equals, column = part.partition("=")
        if not equals or not name or not column:
            raise SettingsError(
                f"--columns is a list such as user=0,item=1,rating=2; received {text!r}."
            )
        columns[name.strip()] = int(column) if column.strip().isdigit() else column.strip()
    return columns


def parse_scale(text: str) -> tuple[float, float]:
    """Read "1,5".

    >>> parse_scale("0.5,5")
    (0.5, 5.0)
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"--scale is two numbers such as 1,5; received {text!r}.") from None
    return low, high
