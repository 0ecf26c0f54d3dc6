"""`build`: a block store of whatever `penchant.load` reads."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penchant.blocks.write.build import Build
from penchant.blocks.write.cutting import Cut
from penchant.blocks.write.finishing import told
from penchant.blocks.write.from_ratings import write_blocks
from penchant.blocks.write.journal import Journal
from penchant.blocks.write.mapping import Limits
from penchant.data import database, side_tables
from penchant.data.columns.unrated import Unrated
from penchant.data.fetch.datasets import NAMED_SETS
from penchant.data.frames import is_frame
from penchant.data.load import attach_side, load
from penchant.data.pieces import Pieces, open_pieces
from penchant.data.read import Reading
from penchant.errors import SettingsError
from penchant.ratings import Duplicates, Ratings, Scale
from penchant.settings import require_choice, require_count
from penchant.store.block_store import BlockStore
from penchant.threads import available_threads

MEMORY = 1024
"""Megabytes that sorting may take before it spills to disk, unless told otherwise."""

LEAST = 128
"""Megabytes below which DuckDB can't even spill; each of its threads needs as many."""

_GO_ON = "isn't finished. Make room and start the same command again; it goes on where it was."


def build(
    source: Any,
    folder: str | os.PathLike[str],
    *,
    blocks: int | None = None,
    ratings_per_block: int | None = None,
    by_item: bool = False,
    test: float | None = None,
    seed: int = 0,
    users: Any = None,
    items: Any = None,
    columns: Mapping[str, str | int | None] | None = None,
    separator: str | None = None,
    header: bool | None = None,
    scale: Scale | tuple[float, float] | None = None,
    duplicates: Duplicates = "last",
    timestamps: bool = True,
    unrated: Unrated = None,
    encoding: str | None = None,
    query: str | None = None,
    memory: int = MEMORY,
    threads: int | None = None,
    quiet: bool = False,
) -> BlockStore:
    r"""Write a block store of a source; return it opened.

    Files, folders, archives and patterns are read piece by piece, whatever their size. A run that
    was killed goes on with the same call. Named sets, frames and databases are loaded whole.

    Args:
        source: as in `penchant.load`.
        folder: where the store will be; nothing is there yet, or an unfinished one.
        blocks: how many blocks of users; or
        ratings_per_block: about how many ratings each has; 2,000,000 if neither is given.
        by_item: whether to write a second copy by item.
        test: the share of the ratings that is held out, by `penchant.split.pair_rows`; or None.
        seed: what is held out is drawn from it.
        users: as in `penchant.load`, and so are all from here to `query`.
        items: side columns of items.
        columns: which column is what.
        separator: what stands between two fields.
        header: whether the first line names the columns.
        scale: the lowest and highest rating allowed.
        duplicates: what a repeated pair means.
        timestamps: whether to read times.
        unrated: what means "no rating".
        encoding: how letters are written.
        query: what to select from a database.
        memory: megabytes that sorting may take before it spills into `folder`, at least 128.
        threads: how many processors to use; all if None.
        quiet: tell nothing on standard error.

    Raises:
        SettingsError: a setting makes no sense, or `folder` holds something else.
        SourceError: the source can't be read, or `folder` can't be written (a full disk).
        DataError: what was read can't be used as ratings.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     lines = "user,item,rating\nann,63,5\nbob,63,3\nann,7,4\n"
    ...     _ = Path(place, "films.csv").write_text(lines)
    ...     build(f"{place}/films.csv", f"{place}/films.blocks", quiet=True)
    BlockStore(3 ratings, 2 users, 2 items, blocks: 1, scale 3 to 5)
    """
    plan = Cut.of(blocks, ratings_per_block, by_item, test, seed)
    require_count("memory", memory, LEAST)
    require_choice("duplicates", duplicates, ("last", "mean", "error"))
    if threads is not None:
        require_count("threads", threads)
    reading = Reading(columns, separator, header, scale, duplicates, timestamps, unrated, encoding)
    if not _is_path(source):
        return _of_table(source, folder, plan, reading, users, items, query, quiet)
    if query is not None:
        raise SettingsError("query= is for databases: 'sqlite:///file.db', query='select …'.")
    limits = Limits(memory, max(1, min(threads or available_threads(), memory // LEAST)))
    return _of_files(source, folder, plan, reading, {"user": users, "item": items}, limits, quiet)


def _is_path(source: Any) -> bool:
    if not isinstance(source, (str, os.PathLike)) or source in NAMED_SETS:
        return False
    return not (isinstance(source, str) and database.is_url(source))


def _of_table(
    source: Any,
    folder: str | os.PathLike[str],
    plan: Cut,
    reading: Reading,
    users: Any,
    items: Any,
    query: str | None,
    quiet: bool,
) -> BlockStore:
    settings = {field.name: getattr(reading, field.name) for field in dataclasses.fields(reading)}
    ratings = load(source, users=users, items=items, query=query, quiet=quiet, **settings)
    held_out = plan.held_out
    return write_blocks(
        ratings,
        folder,
        blocks=plan.blocks,
        ratings_per_block=plan.ratings_per_block,
        by_item=plan.by_item,
        test=None if held_out is None else held_out.test,
        seed=0 if held_out is None else held_out.seed,
    )


def _of_files(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    plan: Cut,
    reading: Reading,
    tables: dict[side_tables.What, Any],
    limits: Limits,
    quiet: bool,
) -> BlockStore:
    place = Path(folder).expanduser().absolute()
    with open_pieces(source, reading) as pieces:

        def attach(known: Ratings) -> Ratings:
            for what, read in pieces.sides.items():
                table, key, where = read()
                known = side_tables.attach(
                    known, what, side_tables.with_key(table, key, known, what), key, where
                )
            for what, given in tables.items():
                known = attach_side(known, what, given, reading)
            return known

        request = _request(source, pieces, plan, reading, tables)
        with told(place, _GO_ON):
            journal = Journal(place, request)
            try:
                if not journal.is_finished:
                    Build(pieces, journal, plan, limits, attach, quiet=quiet).run()
                journal.finish()
            finally:
                journal.close()
    return BlockStore.open(place)


def _request(
    source: str | os.PathLike[str],
    pieces: Pieces,
    plan: Cut,
    reading: Reading,
    tables: dict[side_tables.What, Any],
) -> dict[str, Any]:
    """Return what must be the same when an unfinished store is gone on with, as JSON gives it."""
    path = Path(source).expanduser()
    paths = [path] if path.is_file() else pieces.paths
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    settings = dataclasses.asdict(plan) | {
        field.name: getattr(reading, field.name) for field in dataclasses.fields(reading)
    }
    sides = {what: "a frame" if is_frame(given) else given for what, given in tables.items()}
    return {
        "source": [list(stat) for stat in stats],
        **{name: _plain(value) for name, value in settings.items()},
        **{f"{what}s": _plain(given) for what, given in sides.items()},
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return str(value)
