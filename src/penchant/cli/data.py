"""penchant data: what is in a source of ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.reading import Reading, with_reading
from penchant.cli.source import Source
from penchant.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.fetch.datasets import NamedSet
    from penchant.ratings import Ratings


@with_reading()
def data(
    source: Annotated[
        Source | None,
        typer.Argument(
            parser=Source,
            help="A named set, the path of a file or folder, or a database's URL; without it, the "
            "named sets.",
            show_default=False,
        ),
    ] = None,
    *,
    reading: Reading,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Say what to know before training: repeats, the scale, severities, suspects, "
            "splits, the noise floor, leaks by time.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the check's samples and splits.", min=0)] = 0,
    json: options.Json = False,
) -> None:
    """Read a source of ratings and say what is in it."""
    if source is None:
        if check:
            raise SettingsError("--check needs a source to check: penchant data SOURCE --check.")
        _list_sets(json)
        return
    ratings = reading.load(source)
    if check:
        _print_check(source, ratings, seed, json)
        return
    facts = _facts(ratings)
    if json:
        print_json({"source": str(source), **facts, "notices": list(ratings.notices)})
        return
    from penchant.tables import print_table

    rows = [(name.replace("_", " "), _shown(value)) for name, value in facts.items()]
    print_table(("what", str(source)), rows)


def _print_check(source: Source, ratings: Ratings, seed: int, json: bool) -> None:
    from penchant.checking import datacheck

    found = datacheck(ratings, seed=seed)
    if json:
        print_json({"source": str(source), **found.to_json(), "notices": list(ratings.notices)})
    else:
        typer.echo(str(found))


def _facts(ratings: Ratings) -> dict[str, Any]:
    import numpy as np

    values, counts = np.unique(ratings.values, return_counts=True)
    users = np.bincount(ratings.user_rows, minlength=ratings.user_ids.size)[1:]
    items = np.bincount(ratings.item_rows, minlength=ratings.item_ids.size)[1:]
    side = {"user": ratings.user_table, "item": ratings.item_table}
    stamps = ratings.timestamps
    return {
        "ratings": len(ratings),
        "users": len(ratings.user_ids),
        "items": len(ratings.item_ids),
        "filled": len(ratings) / (len(users) * len(items)),
        "scale": [ratings.scale.low, ratings.scale.high],
        "mean": ratings.mean,
        "deviation": float(ratings.values.std(dtype=np.float64)),
        "ratings_per_user": _quartiles(users),
        "ratings_per_item": _quartiles(items),
        "values": {f"{v:g}": int(c) for v, c in zip(values, counts, strict=True)}
        if len(values) <= 20
        else f"{len(values):,} different ones",
        "times": None
        if stamps is None
        else [str(np.datetime64(int(t), "s")) for t in (stamps.min(), stamps.max())],
        **{
            f"{what}_columns": None if table is None else table.column_names
            for what, table in side.items()
        },
    }


def _quartiles(counts: Any) -> dict[str, int]:
    import numpy as np

    names = ("least", "median", "most")
    return dict(zip(names, np.quantile(counts, (0, 0.5, 1)).astype(int).tolist(), strict=True))


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count:,}" for name, count in value.items())
    if isinstance(value, list):
        joint = " to " if len(value) == 2 else ", "
        return joint.join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    return (
        f"{value:,.4f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def _list_sets(json: bool) -> None:
    from penchant.data.fetch.cache import cache_folder
    from penchant.data.fetch.datasets import NAMED_SETS
    from penchant.tables import print_table

    cache = cache_folder()
    sets = [_set_facts(named, cache) for named in NAMED_SETS.values()]
    if json:
        print_json({"cache": str(cache), "sets": sets})
        return
    columns = ("name", "ratings", "users", "items", "scale", "archive MB", "in the cache", "from")
    rows = [
        (
            facts["name"],
            *(facts[what] for what in ("ratings", "users", "items")),
            _shown(facts["scale"]),
            facts["megabytes"],
            _held(facts),
            facts["url"] if facts["wheel"] is None else f"{facts['url']} or {facts['wheel']}",
        )
        for facts in sets
    ]
    formats = dict.fromkeys(("ratings", "users", "items"), ",")
    print_table(columns, rows, formats=formats, title=f"Named sets; the cache is {cache}")


def _set_facts(named: NamedSet, cache: Path) -> dict[str, Any]:
    from penchant.data.fetch.cache import is_kept
    from penchant.data.fetch.resumable import arrived

    wheel = named.wheel
    counts = named.counts or (None, None, None)
    return {
        "name": named.name,
        **dict(zip(("ratings", "users", "items"), counts, strict=True)),
        "scale": list(named.scale),
        "megabytes": named.megabytes,
        "url": named.url,
        "md5": named.md5,
        "wheel": wheel and f"the wheel of {wheel.project} {wheel.version}",
        "cached": is_kept(cache / named.name),
        "arrived_bytes": arrived(cache / f"{named.name}.zip"),
    }


def _held(facts: dict[str, Any]) -> str:
    if facts["cached"]:
        return "yes"
    part = facts["arrived_bytes"]
    return f"{part / 1e6:.1f} MB of it" if part else "no"
