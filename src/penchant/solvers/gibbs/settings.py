"""The settings of `penchant.Gibbs`, checked."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from penchant.settings import require, require_choice, require_count
from penchant.solvers.base import Fitted, SolverSettings


@dataclasses.dataclass(frozen=True)
class GibbsSettings(SolverSettings[Fitted]):
    """What `penchant.Gibbs` is told; see there."""

    name: ClassVar[str] = "gibbs"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "sweep"
    rank: int = 16
    sweeps: int = 200
    burn_in: int = 40
    heads: int = 64
    contexts: tuple[str, ...] = ()
    side_information: bool | tuple[str, ...] = True
    bags: bool = True
    weights: bool = True
    likelihood: Literal["gaussian", "ordinal"] = "gaussian"

    def __post_init__(self) -> None:
        for name, least in (("rank", 1), ("sweeps", 1), ("burn_in", 0), ("heads", 1)):
            require_count(name, getattr(self, name), least)
        require(
            self.burn_in < self.sweeps,
            f"burn_in must leave sweeps to keep: it is {self.burn_in} of {self.sweeps} sweeps.",
        )
        require_choice("likelihood", self.likelihood, ("gaussian", "ordinal"))
        require(
            self.likelihood == "gaussian" or not self.contexts,
            f"likelihood='ordinal' knows no contexts; received contexts={self.contexts!r}. Leave "
            f"one of the two out.",
        )
        for name in ("contexts", "side_information"):
            value: object = getattr(self, name)
            require(
                not isinstance(value, str),
                f"{name} takes names in a tuple, such as ({value!r},), not {value!r}.",
            )
        for context in self.contexts:
            require_choice("contexts", context, ("day",))
        if not isinstance(self.side_information, bool):
            object.__setattr__(self, "side_information", tuple(self.side_information))
        object.__setattr__(self, "contexts", tuple(self.contexts))

    @property
    def rounds(self) -> int:
        """How many sweeps `fit` makes."""
        return self.sweeps

    def keeps(self, sweep: int) -> bool:
        """Return whether the state after this sweep becomes a head."""
        done, of = sweep - self.burn_in, self.sweeps - self.burn_in
        heads = min(self.heads, of)
        return done > 0 and done * heads // of > (done - 1) * heads // of
