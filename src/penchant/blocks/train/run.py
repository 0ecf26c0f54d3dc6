"""One training from blocks: what ALS and Gibbs have in common, sweep by sweep."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.driver import BlockProblem
from penchant.blocks.train.facts import Part, parts_of, ranges_of
from penchant.blocks.train.finish import finish
from penchant.blocks.train.item_tasks import Half as Owned
from penchant.blocks.train.item_tasks import items_half
from penchant.blocks.train.sums import total
from penchant.blocks.train.user_tasks import Items, Report, users_half
from penchant.history import History
from penchant.solvers.base import Fitted, diverged
from penchant.solvers.checkpoint import State
from penchant.solvers.gibbs.finish import Head
from penchant.solvers.gibbs.side import Half, Prior
from penchant.solvers.loop import Round, Rounds
from penchant.threads import Threads

Arrays = dict[str, npt.NDArray[Any]]

_PRIOR = ("mean", "precision", "strengths", "coordinates")


class BlockRun(Rounds[Fitted]):
    """The sweeps over blocks; what is drawn or solved of the rest is the solver's."""

    items: Half
    noise: bool
    first: int
    """The sweep to begin with: 0 where the users' rows are a random start."""

    def __init__(
        self,
        problem: BlockProblem,
        engine: Engine,
        threads: Threads,
        factors: int,
        folder: str | None,
    ) -> None:
        self.problem, self.engine, self.threads = problem, engine, threads
        self.factors, self.folder = factors, folder
        self.sweep = 0
        self.alpha = 1.0
        self.units = np.sqrt(problem.noise.item_weights)
        self.sums: dict[str, F64] = {}
        self._facts = engine.put(problem.facts)

    # What the solvers do

    @property
    @abstractmethod
    def rounds(self) -> int:
        """How many sweeps there are."""

    @property
    @abstractmethod
    def prior(self) -> Prior:
        """The users' prior."""

    @abstractmethod
    def after_users(self) -> dict[str, float]:
        """Take in the sums over the users; return what to record."""

    @abstractmethod
    def after_items(self) -> None:
        """Take in the items' new rows."""

    # The sweeps

    def run(self, number: int) -> Round:
        """Make a sweep: users, what follows from them, measure, items."""
        if number == 1 and not self.first:
            self._items_of(self._users_of(self._parts()))
        self.sweep = number
        pieces = self._users_of(self._parts())
        if not all(np.isfinite(array).all() for array in self.sums.values()):
            raise diverged("sweep", number)
        record = {**self._measured(), **self.after_users(), **self._nodes}
        if self.noise or number < self.rounds:
            self._items_of(pieces)
        return Round(record)

    def _parts(self) -> list[Part]:
        return parts_of(self.problem.facts.store, self.engine.slots)

    def _users_of(self, parts: list[Part]) -> tuple[list[list[Any]], Any]:
        """Run the users' half; keep its sums; return what it has for the items."""
        ranges = tuple(ranges_of(self.problem.items.counts, self.engine.slots))
        given = self._given(ranges)
        items, outputs = self.engine.put(given), 1 + len(given.ranges)
        rows = self.engine.map(users_half, parts, self._facts, items, outputs=outputs)
        reports: list[Report] = self.engine.get([row[0] for row in rows])
        self.sums = total(report.sums for report in reports)
        self._nodes = _by_node(reports)
        return [[row[1 + n] for row in rows] for n in range(len(given.ranges))], ranges

    def _given(self, ranges: tuple[tuple[int, int], ...]) -> Items:
        facts, prior, scale = self.problem.facts, self.prior, self.problem.facts.store.scale
        V = self.problem.users.spectrum.V
        B = V @ prior.coordinates.astype(np.float32) if V.shape[1] else V[:0]
        low, high = ((end - facts.mean) / facts.unit for end in (scale.low, scale.high))
        last = not self.noise and self.sweep == self.rounds
        return Items(
            self.sweep, self.noise, 0.3, self.alpha, self.items.factors, self.items.bias,
            self.units, prior.mean.astype(np.float32), prior.precision.astype(np.float32), B, low,
            high, () if last else ranges, last,
        )  # fmt: skip

    def _items_of(self, pieces: tuple[list[list[Any]], Any]) -> None:
        """Run the items' half, then what follows from it."""
        columns, ranges = pieces
        half, prior = self.items, self.items.prior
        alphas = (self.alpha * self.units.astype(np.float64) ** 2).astype(np.float32)
        owned = self.engine.put(
            Owned(
                self.sweep, self.noise, alphas, prior.precision.astype(np.float32),
                half.explained(self.threads), self.problem.items.scales,
            )
        )  # fmt: skip
        handles = self.engine.reduce(items_half, ranges, columns, self._facts, owned)
        for (start, stop), (Q, b) in zip(ranges, self.engine.get(handles), strict=True):
            half.factors[start:stop], half.bias[start:stop] = Q, b
        if not (np.isfinite(half.factors).all() and np.isfinite(half.bias).all()):
            raise diverged("sweep", self.sweep)
        half.units = self.units
        self.after_items()

    def _measured(self) -> dict[str, float]:
        facts = self.problem.facts
        n, unit = len(facts.store), facts.unit
        record = {"train_rmse": unit * float(np.sqrt(self.sums["clipped"][0] / n))}
        if "held_out" in self.sums:
            squares = self.sums["held_out"][0] / facts.store.n_test
            record["watch_rmse"] = unit * float(np.sqrt(squares))
        return record

    # The state

    def state(self) -> State:
        """Return the items' rows and weights, both priors, and single numbers."""
        half = self.items
        named: Arrays = {"units": self.units}
        named |= {"items.factors": half.factors, "items.bias": half.bias}
        for side, prior in self._priors():
            named |= {f"{side}.{field}": getattr(prior, field) for field in _PRIOR}
        return State(named, {"sweep": self.sweep, "alpha": self.alpha, **self.numbers()})

    def numbers(self) -> dict[str, Any]:
        """Return the other single numbers that a sweep changes, by name."""
        return {}

    def restore(self, now: State, kept: State) -> None:
        """Go on from what `state` gave."""
        arrays, numbers = now
        self.sweep, self.alpha = int(numbers["sweep"]), float(numbers["alpha"])
        self.units = arrays["units"]
        self.items.factors[...] = arrays["items.factors"]
        self.items.bias[...] = arrays["items.bias"]
        for side, prior in self._priors():
            for field in _PRIOR:
                setattr(prior, field, np.array(arrays[f"{side}.{field}"]))

    def _priors(self) -> tuple[tuple[str, Prior], tuple[str, Prior]]:
        return ("users", self.prior), ("items", self.items.prior)

    def finished(self, heads: list[Head], history: History) -> Fitted:
        """Distil heads to the network."""
        more = (self.factors, history, self.engine, self.threads, self.folder)
        return finish(self.problem, heads, *more)


def start_half(kind: Any, problem: BlockProblem, prior: Prior, *more: Any) -> Any:
    """Return the items' half, all rows zero."""
    known, facts = problem.items, problem.facts
    indptr = np.zeros(len(known.counts) + 1, np.int64)
    np.cumsum(known.counts, out=indptr[1:])
    none: F32 = np.zeros(0, np.float32)
    factors = np.zeros((len(known.counts), facts.width), np.float32)
    bias = np.zeros(len(known.counts), np.float32)
    return kind(
        1, indptr, np.zeros(0, np.int32), none, np.sqrt(problem.noise.item_weights), known.spectrum,
        factors, bias, prior, [], *more,
    )  # fmt: skip


def _by_node(reports: list[Report]) -> dict[str, float]:
    """Return the memory of each node's largest worker, and what was sent to the items' tasks."""
    memory: dict[str, int] = {}
    for report in reports:
        memory[report.node] = max(report.memory, memory.get(report.node, 0))
    named = {f"memory_{n}": float(memory[node]) for n, node in enumerate(sorted(memory))}
    return {"sent": float(sum(report.sent for report in reports)), **named}
