"""What `depth.py` puts side by side: names, models, and which of them the blend holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import penchant as pc


class Entry(NamedTuple):
    """One line of the table.

    Attributes:
        name: what the table calls it.
        make: returns it untrained.
        hidden: its hidden layers, in words.
        member: whether the blend holds it.
    """

    name: str
    make: Callable[[], Any]
    hidden: str = "none"
    member: bool = False


SAMPLER = "Gibbs sampler"
"""What all others are compared with."""

ENTRIES = [
    Entry("bias", lambda: pc.MatrixFactorization(1, "bias")),
    Entry(SAMPLER, lambda: pc.MatrixFactorization(), member=True),
    Entry("Gibbs sampler, rank 32", lambda: pc.MatrixFactorization(solver=pc.Gibbs(rank=32)),
          member=True),
    Entry("Gibbs sampler, ordinal",
          lambda: pc.MatrixFactorization(solver=pc.Gibbs(likelihood="ordinal")), member=True),
    Entry("ALS", lambda: pc.MatrixFactorization(solver="als"), member=True),
    Entry("preset deep", lambda: pc.DeepRating.preset("deep"), "2048, 256, linear"),
    Entry("preset occupation", lambda: pc.DeepRating.preset("occupation"), "2048, 256, linear"),
    Entry("AutoRec", lambda: pc.AutoRec(), "500, sigmoid", member=True),
    Entry("DeepRating", lambda: pc.DeepRating(), "4 of 128, silu"),
]  # fmt: skip
