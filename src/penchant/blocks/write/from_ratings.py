"""A block store of ratings that are in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.atomic import new_folder
from penchant.blocks.write.cutting import Cut
from penchant.blocks.write.finishing import Sums, put_sides, require_place, told, write_index
from penchant.blocks.write.store_file import Files, put_block
from penchant.kernels.order import order_by
from penchant.ratings import Ratings
from penchant.store.block import Block, Span
from penchant.store.block_store import BlockStore
from penchant.store.contents import name
from penchant.store.segments import segment_rows


def write_blocks(
    ratings: Ratings,
    folder: str | os.PathLike[str],
    *,
    blocks: int | None = None,
    ratings_per_block: int | None = None,
    by_item: bool = False,
    test: float | None = None,
    seed: int = 0,
) -> BlockStore:
    """Write ratings as a block store, which is there whole or not at all; return it opened.

    Args:
        ratings: the table.
        folder: where the store will be; nothing is there yet.
        blocks: how many blocks of users; or
        ratings_per_block: about how many ratings each has; 2,000,000 if neither is given.
        by_item: whether to write a second copy by item.
        test: the share of the ratings that is held out, by `penchant.split.pair_rows`; or None.
        seed: what is held out is drawn from it.

    Raises:
        SettingsError: a setting makes no sense, or something is at `folder`.
        DataError: no ratings are left to train on, or to test with.
        SourceError: the folder can't be written.
    """
    plan = Cut.of(blocks, ratings_per_block, by_item, test, seed)
    place = require_place(folder)
    with (
        told(place, "isn't written. Make room, or choose another place."),
        new_folder(place) as temporary,
    ):
        _fill(temporary, ratings, plan)
    return BlockStore.open(place)


def _fill(folder: Path, ratings: Ratings, plan: Cut) -> None:
    users, items = ratings.user_rows, ratings.item_rows
    sizes = {"user": ratings.user_ids.size, "item": ratings.item_ids.size}
    sums, files = Sums.of(sizes), Files()
    spans: dict[str, list[Span]] = {"user": [], "item": []}
    step = segment_rows(sizes["user"])
    for whole in _blocks(ratings, users, items, sizes["user"], sizes["item"], plan, step):
        block, tests = plan.parted(whole)
        number = len(spans["user"])
        files[name("user", number)] = put_block(folder, "user", number, block)
        if tests is not None:
            files[name("test", number)] = put_block(folder, "test", number, tests)
        spans["user"].append(sums.add(block, 0 if tests is None else len(tests)))
    plan.require_both(sums.ratings, sums.tests)
    if plan.by_item:
        tested = plan.tested(users, items)
        train = ratings if tested is None else ratings.take(np.flatnonzero(~tested))
        of_items = _blocks(
            train, train.item_rows, train.user_rows, sizes["item"], sizes["user"], plan
        )
        for number, block in enumerate(of_items):
            files[name("item", number)] = put_block(folder, "item", number, block)
            spans["item"].append(Span(block.start, block.stop, len(block)))
    put_sides(folder, files, "user", ratings.user_ids, sums.users, ratings.user_table)
    put_sides(folder, files, "item", ratings.item_ids, sums.items, ratings.item_table)
    write_index(folder, ratings, sums, spans, files, plan)


def _blocks(
    ratings: Ratings,
    rows: npt.NDArray[np.int32],
    others: npt.NDArray[np.int32],
    size: int,
    other_size: int,
    plan: Cut,
    step: int = 1,
) -> Iterator[Block]:
    """Yield the blocks of one side, sorted by row and the other side's row."""
    by_other = _order(others, other_size)
    order = by_other[_order(rows[by_other], size)]
    counts = np.bincount(rows, minlength=size)
    ends = np.concatenate([[0], np.cumsum(counts)])
    for start, stop in plan.spans(counts, step):
        at = order[ends[start] : ends[stop]]
        stamps = None if ratings.timestamps is None else ratings.timestamps[at]
        yield Block.of(start, stop, rows[at], others[at], ratings.values[at], stamps)


def _order(rows: npt.NDArray[np.int32], size: int) -> npt.NDArray[Any]:
    order = np.empty(len(rows), dtype=np.int64)
    order_by(rows, np.empty(size + 1, dtype=np.int64), order)
    return order
