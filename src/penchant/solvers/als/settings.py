"""The settings of `penchant.ALS`, checked."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from penchant.settings import require, require_choice, require_count, require_number
from penchant.solvers.base import Fitted, SolverSettings


@dataclasses.dataclass(frozen=True)
class ALSSettings(SolverSettings[Fitted]):
    """What `penchant.ALS` is told; see there."""

    name: ClassVar[str] = "als"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "sweep"
    rank: int = 24
    sweeps: int = 12
    l2: float = 15.0
    l2_bias: float = 4.5
    scaling: Literal["plain", "count"] = "plain"
    l2_bags: float = 1.2
    l2_side: float = 12.0
    side_information: bool | tuple[str, ...] = True
    bags: bool = True
    weights: bool = False
    patience: int = 3

    def __post_init__(self) -> None:
        for name in ("rank", "sweeps", "patience"):
            require_count(name, getattr(self, name))
        for name in ("l2", "l2_bias", "l2_bags", "l2_side"):
            require_number(name, getattr(self, name), 0, open_low=True)
        require_choice("scaling", self.scaling, ("plain", "count"))
        use: object = self.side_information
        require(
            not isinstance(use, str),
            f"side_information takes names in a tuple, such as ({use!r},), not {use!r}.",
        )
        if not isinstance(self.side_information, bool):
            object.__setattr__(self, "side_information", tuple(self.side_information))

    @property
    def rounds(self) -> int:
        """How many sweeps `fit` makes at the most."""
        return self.sweeps
