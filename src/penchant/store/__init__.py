"""Block stores: a folder of ratings in Parquet blocks of rows, opened and read block for block.

`penchant.blocks.write` writes them; a solver reads a block at a time, so that the ratings never
need to be in memory together. docs/blocks.md shows both.
"""

from __future__ import annotations

from penchant.store.block import Block, Span
from penchant.store.block_store import BlockStore, is_store
from penchant.store.segments import segment_rows

__all__ = ["Block", "BlockStore", "Span", "is_store", "segment_rows"]
