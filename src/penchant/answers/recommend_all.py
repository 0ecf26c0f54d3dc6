"""The best items of all users at once: in blocks of bounded memory, into a table or a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.answers.recommend import (
    ORDERS,
    Filter,
    Terms,
    allowed_to,
    liking_of,
    ranked,
    top_rows,
)
from penchant.arrays import F32, Mask, Rows
from penchant.errors import SourceError
from penchant.ids import as_ids, positions_array
from penchant.model.known import Knowledge
from penchant.predict.predictor import Predictor
from penchant.settings import require_choice, require_count

BLOCK = 8192
"""Users at once."""

_CELLS = 4_000_000  # ratings predicted at once, where users are not answered by a kernel


class Best(NamedTuple):
    """The n best items of some users, best first; row 0 fills up where fewer are left.

    Attributes:
        items: (m, n) item rows.
        ratings: (m, n) unclipped.
        probabilities: (m, n) of being picked and liked; None where picks were not learnt.
    """

    items: Rows
    ratings: F32
    probabilities: F32 | None


def best_rows(
    predictor: Predictor,
    user_rows: Rows,
    n: int,
    choice: Mask,
    *,
    exclude_rated: bool = True,
    by: str = "liking",
    terms: Terms,
    threads: int | None = None,
) -> Best:
    """Return the n best items of each user.

    By rating a model may have a quick way of its own, by liking there is one for all; what these
    leave open goes through `ranked`, in blocks.
    """
    if by == "rating" or (by == "liking" and predictor.known.choices is None):
        found = predictor.best(user_rows, n, exclude_rated, choice, threads)
        if found is not None:
            return Best(*found, _probabilities(predictor, user_rows, *found, terms))
    choices = predictor.known.choices
    if by == "liking" and exclude_rated and choices is not None:
        from penchant.answers.liked import best_liked

        *quick, proven = best_liked(predictor, choices, user_rows, n, choice, terms.liked, threads)
        left = np.flatnonzero(~proven)
        full = _in_full(predictor, user_rows[left], n, choice, exclude_rated, by, terms)
        return Best(*(_merged(table, left, rows) for table, rows in zip(quick, full, strict=True)))
    return _in_full(predictor, user_rows, n, choice, exclude_rated, by, terms)


def _merged(table: npt.NDArray[Any], left: Any, rows: Any) -> npt.NDArray[Any]:
    """Return a table with some lines in place of others."""
    table[left] = rows
    return table


def _in_full(
    predictor: Predictor,
    user_rows: Rows,
    n: int,
    choice: Mask,
    exclude_rated: bool,
    by: str,
    terms: Terms,
) -> Best:
    """Rank all items of each user, in blocks."""
    m, learnt = len(user_rows), predictor.known.choices is not None
    items, ratings = np.zeros((m, n), np.int32), np.full((m, n), -np.inf, np.float32)
    probabilities = np.zeros((m, n), np.float32) if learnt else None
    step = max(1, _CELLS // len(choice))
    for start in range(0, m, step):
        rows = user_rows[start : start + step]
        allowed = allowed_to(predictor.known, rows, choice, exclude_rated)
        block = ranked(predictor, rows, allowed, by, terms)
        for line in range(len(rows)):
            best = top_rows(block.ranks[line], np.flatnonzero(allowed[line]), n)
            items[start + line, : len(best)] = best
            ratings[start + line, : len(best)] = block.ratings[line, best]
            if probabilities is not None and block.probabilities is not None:
                probabilities[start + line, : len(best)] = block.probabilities[line, best]
    return Best(items, ratings, probabilities)


def _probabilities(
    predictor: Predictor, user_rows: Rows, items: Rows, ratings: F32, terms: Terms
) -> F32 | None:
    """Return the probability that each listed item is picked and liked."""
    choices, shares = predictor.known.choices, predictor.known.shares
    picks = None if choices is None else choices.of_pairs(user_rows, items, shares)
    return liking_of(predictor, ratings, picks, terms)


def recommend_all(
    predictor: Predictor,
    n: int,
    only: Filter,
    *,
    users: Any,
    by: str,
    liked: float | None,
    path: str | os.PathLike[str] | None,
    progress: bool,
    threads: int | None,
) -> pa.Table | Path:
    """Recommend n items to each of many users; see `Recommender.recommend_all`."""
    require_count("n", n)
    require_choice("by", by, tuple(ORDERS))
    known, terms = predictor.known, Terms.of(predictor.known, liked)
    choice = only.choice(known)
    ids = known.user_ids.array if users is None else as_ids(users, "user")
    rows = _rows(known, ids, users is None)
    if only.exclude_rated:
        known.ratings  # noqa: B018 - says before the first block where there are none

    def best(some: Rows) -> Best:
        return best_rows(
            predictor, some, n, choice,
            exclude_rated=only.exclude_rated, by=by, terms=terms, threads=threads,
        )  # fmt: skip

    blocks = _blocks(best, known, ids, rows)
    if progress:
        blocks = _shown(blocks, len(rows))
    schema = _schema(known)
    if path is None:
        return pa.concat_tables([schema.empty_table(), *blocks])
    return _written(Path(path), schema, blocks)


def _rows(known: Knowledge, ids: pa.Array, everyone: bool) -> Rows:
    return np.arange(1, len(ids) + 1, dtype=np.int32) if everyone else known.user_ids.rows(ids)


def _blocks(
    best: Callable[[Rows], Best], known: Knowledge, ids: pa.Array, rows: Rows
) -> Iterator[pa.Table]:
    for start in range(0, len(rows), BLOCK):
        found = best(rows[start : start + BLOCK])
        given = found.items > 0
        who, ranks = np.nonzero(given)
        items = found.items[given]
        columns = [
            ids.take(positions_array(start + who)),
            known.item_ids.array.take(positions_array(items - 1)),
            *_titles(known, items),
            pa.array(ranks.astype(np.int32) + 1),
            pa.array(known.scale.clip(found.ratings[given]).astype(np.float32)),
        ]
        if found.probabilities is not None:
            columns.append(pa.array(found.probabilities[given]))
        yield pa.table(columns, schema=_schema(known))


def _titles(known: Knowledge, items: Rows) -> list[Any]:
    table = known.item_table
    if table is None or "title" not in table.column_names:
        return []
    return [table["title"].take(positions_array(items))]


def _schema(known: Knowledge) -> pa.Schema:
    fields = [("user", known.user_ids.array.type), ("item", known.item_ids.array.type)]
    table = known.item_table
    if table is not None and "title" in table.column_names:
        fields.append(("title", table.schema.field("title").type))
    fields += [("rank", pa.int32()), ("rating", pa.float32())]
    return pa.schema(fields if known.choices is None else [*fields, ("probability", pa.float32())])


def _shown(blocks: Iterator[pa.Table], users: int) -> Iterator[pa.Table]:
    from penchant.console import progress

    with progress("recommending", users) as advance:
        done = 0
        for block in blocks:
            advance(min(BLOCK, users - done))
            done += BLOCK
            yield block


def _written(path: Path, schema: pa.Schema, blocks: Iterator[pa.Table]) -> Path:
    import pyarrow.parquet as pq

    from penchant.atomic import new_file

    try:
        with new_file(path) as file, pq.ParquetWriter(file, schema) as writer:
            for block in blocks:
                writer.write_table(block)
    except OSError as error:
        raise SourceError(
            f"{path} can't be written: {error.strerror or error}. Choose a file in a folder that "
            f"exists, that you may write to, and that has room."
        ) from error
    return path
