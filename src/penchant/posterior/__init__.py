"""Posterior: the row of a user from ratings; its shares and its variance."""

from penchant.posterior.posterior import Posterior
from penchant.posterior.shares import Shares, shares
from penchant.posterior.sides import DayEffects, Side, Solved
from penchant.posterior.variance import variances

__all__ = ["DayEffects", "Posterior", "Shares", "Side", "Solved", "shares", "variances"]
