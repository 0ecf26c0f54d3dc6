"""Choosing settings on validation ratings: `tune`."""

from penchant.tuning.result import Tuned
from penchant.tuning.search import tune
from penchant.tuning.space import Choice, Range

__all__ = ["Choice", "Range", "Tuned", "tune"]
