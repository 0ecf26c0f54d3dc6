"""Writing block stores: from a table in memory, or out of core from files of any size."""

from __future__ import annotations

from penchant.blocks.write.from_ratings import write_blocks
from penchant.blocks.write.from_source import build

__all__ = ["build", "write_blocks"]
