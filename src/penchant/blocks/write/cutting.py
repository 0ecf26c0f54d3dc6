"""Where blocks begin and end, and which of their ratings test."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from penchant.arrays import Mask
from penchant.errors import DataError
from penchant.settings import require, require_count, require_number
from penchant.split import held_out_pairs
from penchant.store.block import Block
from penchant.store.index import HeldOut
from penchant.threads import Block as Rows
from penchant.threads import cut

RATINGS_PER_BLOCK = 2_000_000
"""What a block holds unless told otherwise: 24 MB in memory, a second's work at 64 factors."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """How a store is to be cut.

    Attributes:
        blocks: how many blocks of users, and of items; or None.
        ratings_per_block: about how many ratings a block holds, where `blocks` is None.
        by_item: whether a second copy by item is written.
        held_out: which ratings are kept apart to test with, or None.
    """

    blocks: int | None = None
    ratings_per_block: int | None = None
    by_item: bool = False
    held_out: HeldOut | None = None

    @classmethod
    def of(
        cls,
        blocks: int | None,
        ratings_per_block: int | None,
        by_item: bool,
        test: float | None,
        seed: int,
    ) -> Cut:
        """Check settings and return them; raise `SettingsError` where one makes no sense."""
        require(
            blocks is None or ratings_per_block is None,
            "Give the number of blocks or the ratings of each, not both.",
        )
        if blocks is not None:
            require_count("blocks", blocks)
        if ratings_per_block is not None:
            require_count("ratings_per_block", ratings_per_block)
        held_out = None
        if test:
            require_number("test", test, 0, 1, open_low=True)
            require_count("seed", seed, 0)
            require(test < 1 and seed < 2**64, f"test is below 1, seed below 2⁶⁴: {test}, {seed}.")
            held_out = HeldOut(float(test), seed)
        return cls(blocks, ratings_per_block, by_item, held_out)

    def spans(self, counts: npt.NDArray[np.int64], step: int = 1) -> list[Rows]:
        """Cut rows into blocks of about equal numbers of ratings, (start, stop) each.

        Args:
            counts: (M,) how many ratings each row has.
            step: a block begins at a multiple of it.
        """
        share = self.ratings_per_block or RATINGS_PER_BLOCK
        wanted = self.blocks or max(1, -(-int(counts.sum()) // share))
        steps = np.add.reduceat(counts, np.arange(0, len(counts), step))
        found = cut(steps, min(wanted, len(steps)))
        return [(start * step, min(stop * step, len(counts))) for start, stop in found]

    def tested(self, users: npt.NDArray[np.int32], items: npt.NDArray[np.int32]) -> Mask | None:
        """Return which pairs are held out, or None where none are."""
        if self.held_out is None:
            return None
        return held_out_pairs(users, items, self.held_out.test, self.held_out.seed)

    def parted(self, block: Block) -> tuple[Block, Block | None]:
        """Return the training ratings of a block, and those that test."""
        rows = block.rows
        tests = self.tested(rows, block.indices)
        if tests is None:
            return block, None
        return _kept(block, rows, ~tests), _kept(block, rows, tests)

    def require_both(self, ratings: int, tests: int) -> None:
        """Raise `DataError` where the training or the test part came out empty."""
        if self.held_out is not None and not (ratings and tests):
            raise DataError(
                f"Holding out a share of {self.held_out.test:g} by the hash of each pair leaves "
                f"{ratings:,} ratings to train on and {tests:,} to test with. Hold out another "
                f"share, or none."
            )


def _kept(block: Block, rows: npt.NDArray[np.int32], mask: Mask) -> Block:
    stamps = None if block.timestamps is None else block.timestamps[mask]
    return Block.of(
        block.start, block.stop, rows[mask], block.indices[mask], block.values[mask], stamps
    )
