"""The training of a deep network of ratings: side columns and bags made, weights folded."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.arrays import Rows
from penchant.features import SideEncoder
from penchant.history import History
from penchant.networks.deep import Bag, Column, DeepShape, deep_rating
from penchant.networks.weights import PREFIX, Arrays
from penchant.ratings import Ratings
from penchant.settings import require, require_choice, require_count, require_layers, require_number
from penchant.solvers.base import Trained
from penchant.solvers.keras.rating import Networks, NetworkSettings, spread_of, without_cold
from penchant.solvers.task import Task

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "linear", "relu", "selu", "silu", "softplus", "tanh")

DENSE_CELLS = 2**25
"""Bags of up to so many cells are a table of ones and zeros; of more, lists."""

LONGEST = 64
"""The length of such lists: of a longer one, so many entries drawn at random."""


@dataclasses.dataclass(frozen=True)
class DeepTraining(NetworkSettings):
    """The settings of `penchant.DeepRating`, checked; see there."""

    name: ClassVar[str] = "deep"

    learning_rate: float | None = 0.002
    epochs: int = 9
    batch_size: int = 256
    average: float = 0.9
    factors: int = 48
    layers: tuple[int, ...] = (128,)
    members: int = 4
    activation: str = "silu"
    dropout: float = 0.4
    dot: bool = True
    bags: bool = True
    output: str = "linear"
    side_information: bool | Sequence[str] = True
    side_factors: int = 4
    l2: float = 0.002
    l2_bias: float = 0.0008

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("factors", self.factors)
        require_count("members", self.members)
        require_count("side_factors", self.side_factors, 0)
        require_layers(self.layers, "(64, 32)", least=0)
        require_choice("activation", self.activation, ACTIVATIONS)
        require_choice("output", self.output, ("linear", "sigmoid"))
        require_number("dropout", self.dropout, 0, 0.95)
        require_number("l2", self.l2, 0)
        require_number("l2_bias", self.l2_bias, 0)
        for name in ("dot", "bags"):
            given = getattr(self, name)
            require(isinstance(given, bool), f"{name} must be True or False, not {given!r}.")
        wanted = self.side_information
        named = isinstance(wanted, tuple) and all(isinstance(name, str) for name in wanted)
        require(
            named or isinstance(wanted, bool),
            f"side_information must be True, False or names of columns, not {wanted!r}.",
        )

    def train(self, task: Task) -> Trained:
        """Make the epochs; see `penchant.DeepRating`."""
        ratings: Ratings = task.ratings
        encoders = self.encoders(ratings)
        columns = side_columns(encoders, ratings.user_table, ratings.item_table, sizes_of(ratings))
        card = {
            "mean": ratings.mean,
            "spread": spread_of(ratings),
            "users": encoders[0].to_json(),
            "items": encoders[1].to_json(),
        }
        scale = (float(ratings.scale.low), float(ratings.scale.high))
        shape = self.shape(card, sizes_of(ratings), scale, columns, task.seed)
        bags = bags_of(ratings, task.seed) if self.bags else (None, None)
        trained, served = deep_rating(shape, columns, bags), deep_rating(shape, columns)
        sums = tuple(None if bag is None else _sums(bag) for bag in bags)

        def folded(weights: Arrays) -> Arrays:
            own = {name: a for name, a in weights.items() if "_bag." not in name}
            own = without_cold(own, served.network, ratings)
            return _with_bags(own, weights, sums)

        def finish(weights: Arrays, history: History) -> Trained:
            return Trained(weights, card, history)

        networks = Networks(trained.trained, served.quick, folded)
        return self.course(task, networks, finish)

    def encoders(self, ratings: Ratings) -> tuple[SideEncoder, SideEncoder]:
        """Return how the side columns of users and of items are read.

        Raises `DataError` for a named column that is in neither table.
        """
        wanted, tables = self.side_information, (ratings.user_table, ratings.item_table)
        if isinstance(wanted, bool):
            return SideEncoder.learn(tables[0], wanted), SideEncoder.learn(tables[1], wanted)
        there = [[] if table is None else table.column_names for table in tables]
        of_items = [name for name in wanted if name in there[1] and name not in there[0]]
        of_users = [name for name in wanted if name not in of_items]
        return SideEncoder.learn(tables[0], of_users), SideEncoder.learn(tables[1], of_items)

    def shape(
        self,
        card: dict[str, Any],
        sizes: tuple[int, int],
        scale: tuple[float, float],
        columns: Sequence[Column],
        seed: int = 0,
    ) -> DeepShape:
        """Return what the network is built of."""
        return DeepShape(
            *sizes,
            factors=self.factors,
            layers=self.layers,
            members=self.members,
            activation=self.activation,
            dropout=self.dropout,
            dot=self.dot,
            output=self.output,  # type: ignore[arg-type]
            mean=card["mean"],
            spread=card["spread"],
            scale=scale,
            side_factors=self.side_factors,
            columns=tuple((column.name, column.table.shape[1]) for column in columns),
            l2=self.l2,
            l2_bias=self.l2_bias,
            seed=seed,
        )


def sizes_of(ratings: Ratings) -> tuple[int, int]:
    """Return M and N."""
    return ratings.user_ids.size, ratings.item_ids.size


def side_columns(
    encoders: tuple[SideEncoder, SideEncoder], users: Any, items: Any, sizes: tuple[int, int]
) -> list[Column]:
    """Return the side columns as numbers, users' before items'.

    Layers' names may hold letters, digits, _ and - alone: other letters become _, and a number
    parts two columns that would then be called alike.

    Raises `DataError` where a table has another number of rows.
    """
    made: list[Column] = []
    for side, encoder, table, n in zip(
        ("user", "item"), encoders, (users, items), sizes, strict=True
    ):
        whole, start = encoder.encode(table, n), 0
        for number, code in enumerate(encoder.columns):
            stop = start + len(code.values)
            plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in code.name)
            name = f"{side}_side_{number}_{plain}"[:60]
            made.append(Column(name, whole[:, start:stop].toarray().astype(np.uint8)))
            start = stop
    return made


def bags_of(ratings: Ratings, seed: int) -> tuple[Bag, Bag]:
    """Return who rated what, by user and by item."""
    M, N = sizes_of(ratings)
    rows, columns = ratings.user_rows, ratings.item_rows
    if M * N <= DENSE_CELLS:
        table = np.zeros((M, N), dtype=np.uint8)
        table[rows, columns] = 1
        return Bag(table, None), Bag(np.ascontiguousarray(table.T), None)
    rng = np.random.default_rng((seed, 2))
    order = rng.permutation(len(rows))
    by_user = Bag(None, _lists(rows[order], columns[order], M))
    return by_user, Bag(None, _lists(columns[order], rows[order], N))


def _lists(rows: Rows, others: Rows, n: int) -> npt.NDArray[np.int32]:
    """Return the first of each row's others, (n, L), 0 where there are fewer."""
    by_row = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=n)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    places = np.arange(len(rows)) - starts[rows[by_row]]
    width = max(1, min(LONGEST, int(counts.max(initial=0))))
    lists = np.zeros((n, width), dtype=np.int32)
    kept = by_row[places < width]
    lists[rows[kept], places[places < width]] = others[kept]
    return lists


def _sums(bag: Bag) -> sp.csr_matrix:
    """Return the matrix that takes the other side's embeddings to each row's bag."""
    if bag.dense is not None:
        ones = sp.csr_matrix(bag.dense, dtype=np.float32)
    else:
        lists: Any = bag.lists
        rows, places = np.nonzero(lists)
        ones = sp.csr_matrix(
            (np.ones(len(rows), np.float32), (rows, lists[rows, places])),
            shape=(len(lists), int(lists.max(initial=0)) + 1),
        )
    roots = np.sqrt(np.maximum(ones.sum(axis=1).A1, 1)).astype(np.float32)
    return sp.diags(1 / roots) @ ones


def _with_bags(own: Arrays, weights: Arrays, sums: Sequence[Any]) -> Arrays:
    """Return the served weights: each factor row with its bag added."""
    for side, matrix in zip(("user", "item"), sums, strict=True):
        if matrix is None:
            continue
        (bag,) = (a for name, a in weights.items() if name.startswith(f"{PREFIX}{side}_bag."))
        name = f"{PREFIX}{side}_factors.embeddings"
        own[name] = own[name] + (matrix @ bag[: matrix.shape[1]]).astype(np.float32)
    return own
