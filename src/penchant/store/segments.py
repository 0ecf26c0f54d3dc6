"""Segments: the smallest runs of user rows that a block may begin or end at.

Their size depends on the number of users alone. Sums over users are made segment for segment and
added in their order, so that they have the same bits however the segments are cut into blocks.
"""

from __future__ import annotations

MOST = 64
LEAST_ROWS = 16


def segment_rows(size: int) -> int:
    """Return how many rows a segment has in a table of `size` rows, row 0 counted.

    A power of 2, at least 16, with 33 … 64 segments in all but small tables.

    >>> segment_rows(944), segment_rows(1_000_001)
    (16, 16384)
    """
    return max(LEAST_ROWS, 1 << max(0, (size - 1) // MOST).bit_length())
