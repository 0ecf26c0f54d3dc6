"""What all tasks of a training know, and the parts that they are given."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Mask
from penchant.features import CountScale, bag_weights
from penchant.store import Block, BlockStore
from penchant.threads import cut

Part = tuple[int, ...]
"""The numbers of the blocks that a task works on."""


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """What doesn't change between the sweeps.

    Attributes:
        store: where the blocks are; it travels as a path.
        mean: the mean of the ratings.
        unit: their standard deviation.
        rank: k.
        key: (2,) uint32 of `seed_key`.
        count: how a user's number of ratings becomes a feature.
        bags: whether users' rows read who rated what, and how much.
        side: (M, S) float32, the users' side columns.
        user_units: (M,) float32, the roots of the users' noise weights; empty where all are 1.
        most: the largest number of ratings of an item.
        by_count: whether a row's prior weighs as much as it has ratings.
    """

    store: BlockStore
    mean: float
    unit: float
    rank: int
    key: npt.NDArray[np.uint32]
    count: CountScale
    bags: bool
    side: F32
    user_units: F32
    most: int
    by_count: bool = False

    @property
    def shift(self) -> int:
        """A segment holds 2^shift rows."""
        return self.store.segment.bit_length() - 1

    @property
    def width(self) -> int:
        """K: the rank, rounded up to a multiple of 8."""
        return -(-self.rank // 8) * 8

    def users_of(self, block: Block) -> Users:
        """Return what is known of a block's users beside their ratings."""
        counts, rows = np.diff(block.indptr), slice(block.start, block.stop)
        m = len(counts)
        norms = bag_weights(counts) if self.bags else np.zeros(m, np.float32)
        known = self.count.encode(counts) if self.bags else np.zeros(m, np.float32)
        units = self.user_units[rows].copy() if len(self.user_units) else np.ones(m, np.float32)
        side = self.side[rows].copy()
        return Users(counts > 0, norms, known, side, units, self.scales_of(counts))

    def scales_of(self, counts: npt.NDArray[np.int64]) -> F32:
        """Return what λ is multiplied by for rows of so many ratings, (m,) float32."""
        return (np.maximum(counts, 1) if self.by_count else np.ones(len(counts))).astype(np.float32)

    @property
    def mass(self) -> int:
        """The most that the users' scales can come to, which sums over them are made for."""
        return max(self.store.n_users + 1, len(self.store) if self.by_count else 0)

    def values_of(self, block: Block) -> F32:
        """Return a block's ratings in units of their deviation, less the mean."""
        less = block.values - np.float32(self.mean)
        return less if self.unit == 1.0 else less / np.float32(self.unit)


class Users(NamedTuple):
    """What is known of a block's users beside their ratings.

    Attributes:
        active: (m,) which have ratings.
        norms: (m,) float32, what each entry of a row's bag weighs.
        known: (m,) float32, the count feature.
        side: (m, S) float32, the side columns.
        units: (m,) float32, the roots of their noise weights.
        scales: (m,) float32, what their λ is multiplied by: 1, or the number of ratings.
    """

    active: Mask
    norms: F32
    known: F32
    side: F32
    units: F32
    scales: F32


def parts_of(store: BlockStore, slots: int) -> list[Part]:
    """Share out the blocks: consecutive ones to each of at most `slots` tasks."""
    costs = np.array([span.ratings + span.stop - span.start for span in store.user_spans])
    return [tuple(range(start, stop)) for start, stop in cut(costs, max(1, slots))]


def ranges_of(counts: npt.NDArray[Any], slots: int) -> list[tuple[int, int]]:
    """Cut the items into ranges of about equal work, some for each slot."""
    return cut(np.minimum(counts, 64), max(1, 2 * slots))
