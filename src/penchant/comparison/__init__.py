"""Comparing recommenders on the same ratings, with intervals and tests: `compare`."""

from penchant.comparison.judge import compare
from penchant.comparison.result import Comparison
from penchant.comparison.standing import Paired, Standing

__all__ = ["Comparison", "Paired", "Standing", "compare"]
