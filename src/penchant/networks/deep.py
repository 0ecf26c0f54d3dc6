"""Deep networks of ratings: embeddings and side columns through hidden layers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.networks.backend import load_keras
from penchant.networks.layers import layer_classes
from penchant.networks.weights import PREFIX, Shapes

Output = Literal["linear", "sigmoid"]

ROOM = 0.1
"""A scaled sigmoid reaches this share of the scale's width beyond either end."""

TABLES = ("user_factors", "item_factors", "user_bias", "item_bias")


class Column(NamedTuple):
    """A side column as numbers.

    Attributes:
        name: of its layer, such as "user_occupation".
        table: (M, width) uint8, ones where a row has a value; row 0 has none.
    """

    name: str
    table: npt.NDArray[np.uint8]


class Bag(NamedTuple):
    """Who rated what, as a training reads it; one of the two forms.

    Attributes:
        dense: (M, N) uint8, ones where rated, or None.
        lists: (M, L) int32, the rows of the other side, 0 where there are fewer, or None.
    """

    dense: npt.NDArray[np.uint8] | None
    lists: npt.NDArray[np.int32] | None


@dataclasses.dataclass(frozen=True)
class DeepShape:
    """Everything that the graph of `deep_rating` is built of, but for the tables' contents.

    Attributes:
        users: M, the stranger's row 0 counted.
        items: N, the stranger's row 0 counted.
        factors: K.
        layers: widths of the hidden layers.
        members: S, how many networks of these sizes are averaged in one.
        activation: of the hidden layers, by Keras' name.
        dropout: the share of the hidden layers' inputs that a training step drops.
        dot: whether ``b_u + b_i + p_u · q_i`` stands beside the deep part.
        output: "linear", or "sigmoid", scaled to the rating scale and a little beyond.
        mean: what is added to the sum.
        spread: what a sum of 1 is in rating units.
        scale: the ends of the rating scale.
        side_factors: width of a side column's embedding; 0 takes its ones and zeros as they are.
        columns: name and width of each side column, users' before items'.
        l2: λ of the looked-up factors.
        l2_bias: λ_b of the looked-up biases.
        seed: of the random start and of dropout.
    """

    users: int
    items: int
    factors: int
    layers: tuple[int, ...]
    members: int = 1
    activation: str = "linear"
    dropout: float = 0.0
    dot: bool = False
    output: Output = "linear"
    mean: float = 0.0
    spread: float = 1.0
    scale: tuple[float, float] = (1.0, 5.0)
    side_factors: int = 0
    columns: tuple[tuple[str, int], ...] = ()
    l2: float = 0.0
    l2_bias: float = 0.0
    seed: int = 0

    @property
    def is_linear(self) -> bool:
        """Whether the hidden layers are linear, and so one product of matrices."""
        return self.activation == "linear" and not self.dropout and self.members == 1

    def weight_shapes(self) -> Shapes:
        """Return the shape of each weight by its name, found without Keras."""
        shapes: Shapes = {
            "user_factors.embeddings": (self.users, self.members * self.factors),
            "item_factors.embeddings": (self.items, self.members * self.factors),
        }
        if self.dot:
            shapes |= {
                "user_bias.embeddings": (self.users, self.members),
                "item_bias.embeddings": (self.items, self.members),
            }
        width = 2 * self.factors
        for name, values in self.columns:
            if self.side_factors:
                shapes[f"{name}.kernel"] = (values, self.side_factors)
            width += self.side_factors or values
        names = [f"hidden_{k}" for k in range(1, len(self.layers) + 1)] + ["deep"]
        for name, units in zip(names, (*self.layers, 1), strict=True):
            shapes |= {f"{name}.kernel": (width, units), f"{name}.bias": (units,)}
            width = units
        return {PREFIX + name: shape for name, shape in shapes.items()}


class Graphs(NamedTuple):
    """One function of rows, with one set of weights, in the forms that it is used in.

    Attributes:
        network: the graph as it is told: each hidden layer a layer.
        quick: the same with linear layers multiplied first; `network` itself if there are none.
        trained: what a training minimises the loss of: what each member predicts, (batch, S).
    """

    network: Any
    quick: Any
    trained: Any


def deep_rating(
    shape: DeepShape,
    columns: Sequence[Column] = (),
    bags: tuple[Bag | None, Bag | None] = (None, None),
) -> Graphs:
    """Build ``r̂(u, i) = mean + spread · (f([p_u, q_i, side]) + b_u + b_i + p_u · q_i)``.

    f is the hidden layers and a last one of width 1; the biases and the dot product are there with
    `dot`. A side column's row of ones and zeros is looked up by user or item row, and is an
    embedding of its own if `side_factors` is given: a category's row of it, or the sum of several.
    With a scaled sigmoid, ``low + (high − low) σ(sum)`` stands for ``mean + spread · sum``.

    With bags, which are for training, a row's factors are ``p_u + |N(u)|^(−1/2) Σ y_j`` over the
    items j that the user rated, and the items' likewise (SVD++, in both directions); the sum is
    what a network without bags holds as p_u.

    With S members a row has S vectors of K factors and S biases, each member predicts, and the
    rating is their mean; the hidden layers are shared. Each is trained on its own error, not on
    that of the mean, so they stay different, and err differently: what the mean of a sampler's
    draws is for it.

    Args:
        shape: sizes and settings.
        columns: the side columns; names and widths are those of `shape.columns`.
        bags: who rated what, by user and by item.

    References:
        He et al.: Neural Collaborative Filtering, WWW 2017, for dot and deep part side by side;
        Koren: Factorization Meets the Neighborhood, KDD 2008, equation 15, for the bags;
        Gorishniy, Kotelnikov, Babenko: TabM, ICLR 2025, for members inside one network.

    >>> shape = DeepShape(users=944, items=1683, factors=200, layers=(2048, 256))
    >>> graphs = deep_rating(shape)
    >>> graphs.network.count_params(), graphs.network.output_shape
    (1871449, (None, 1))
    """
    return _Builder(shape, columns, bags).graphs()


class _Builder:
    def __init__(
        self, shape: DeepShape, columns: Sequence[Column], bags: tuple[Bag | None, Bag | None]
    ) -> None:
        self._shape = shape
        self._columns = columns
        self._bags = bags
        self._keras = load_keras()
        self._layers = self._keras.layers
        self._user = self._keras.Input((1,), dtype="int32", name="user")
        self._item = self._keras.Input((1,), dtype="int32", name="item")

    def graphs(self) -> Graphs:
        layers, shape = self._layers, self._shape
        p, q = self._factors("user", self._user, 0), self._factors("item", self._item, 1)
        sides = [self._side(column) for column in self._columns]
        features = layers.Concatenate(name="features")(
            [p, q, *sides]
        )  # (batch, F) or (batch, S, F)
        terms = []
        if shape.dot:
            terms.append(self._dot(p, q))  # (batch, S)
            terms += [self._bias(side, rows) for side, rows in self._inputs()]
        dense = self._dense()
        out = features
        for layer in dense:
            if shape.dropout:
                seed = self._seed(f"dropout of {layer.name}")
                drop = layers.Dropout(shape.dropout, seed=seed, name=f"dropout_{layer.name}")
                out = drop(out)
            out = layer(out)
        finish = self._finish()
        if shape.members > 1:
            each = finish(layers.Flatten(name="deep_flat")(out), terms)  # (batch, S)
            network = self._model(layer_classes()["MemberMean"](name="mean")(each))
            return Graphs(network, network, self._model(each))
        network = self._model(finish(out, terms))
        if not (shape.is_linear and shape.layers):
            return Graphs(network, network, network)
        chain = layer_classes()["AffineChain"](dense, name="chain")
        quick = self._model(finish(chain(features), terms))
        return Graphs(network, quick, quick)

    def _inputs(self) -> list[tuple[str, Any]]:
        return [("user", self._user), ("item", self._item)]

    def _model(self, rating: Any) -> Any:
        return self._keras.Model([self._user, self._item], rating, name="deep_rating")

    def _seed(self, name: str) -> int:
        words = (self._shape.seed, *name.encode())
        return int(np.random.SeedSequence(words).generate_state(1)[0])

    def _table(self, name: str, rows: int, width: int, l2: float) -> Any:
        keras = self._keras
        return self._layers.Embedding(
            rows,
            width,
            embeddings_initializer=keras.initializers.RandomUniform(seed=self._seed(name)),
            activity_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=name,
        )

    def _flat(self, name: str, looked_up: Any) -> Any:
        return self._layers.Flatten(name=f"{name}_flat")(looked_up)  # (batch, 1, K) -> (batch, K)

    def _dot(self, p: Any, q: Any) -> Any:
        if self._shape.members > 1:
            return layer_classes()["MemberDot"](name="dot")(p, q)
        return self._layers.Dot(axes=1, name="dot")([p, q])

    def _factors(self, side: str, rows: Any, which: int) -> Any:
        shape, name = self._shape, f"{side}_factors"
        size, width = (shape.users, shape.items)[which], shape.members * shape.factors
        made = self._flat(name, self._table(name, size, width, shape.l2)(rows))
        bag = self._bags[which]
        if bag is not None:
            other = (shape.items, shape.users)[which]
            summed = self._bag(side, rows, bag, (other, width))
            made = self._layers.Add(name=f"{side}_sum")([made, summed])
        if shape.members == 1:
            return made
        return self._layers.Reshape((shape.members, shape.factors), name=f"{side}_members")(made)

    def _bag(self, side: str, rows: Any, bag: Bag, size: tuple[int, int]) -> Any:
        shape, made = self._shape, layer_classes()
        if bag.lists is not None:
            lists = made["Rows"](bag.lists, dtype="int32", name=f"{side}_rated")(rows)
            looked_up = self._table(f"{side}_bag", *size, 0.0)(lists)
            mean = made["BagMean"](
                activity_regularizer=self._keras.regularizers.L2(shape.l2), name=f"{side}_mean"
            )
            return mean(lists, looked_up)
        rated = made["Rows"](bag.dense, name=f"{side}_rated")(rows)  # (batch, N)
        length = self._layers.UnitNormalization(name=f"{side}_unit")(rated)  # ones / √their number
        start = self._keras.initializers.RandomUniform(seed=self._seed(f"{side}_bag"))
        return self._layers.Dense(
            size[1],
            use_bias=False,
            kernel_initializer=start,
            activity_regularizer=self._keras.regularizers.L2(shape.l2),
            name=f"{side}_bag",
        )(length)

    def _bias(self, side: str, rows: Any) -> Any:
        size = {"user": self._shape.users, "item": self._shape.items}[side]
        name = f"{side}_bias"
        table = self._table(name, size, self._shape.members, self._shape.l2_bias)
        return self._flat(name, table(rows))

    def _side(self, column: Column) -> Any:
        rows = self._user if column.name.startswith("user_") else self._item
        made = layer_classes()["Rows"](column.table, name=f"{column.name}_ones")(rows)
        if self._shape.side_factors:
            start = self._keras.initializers.RandomUniform(seed=self._seed(column.name))
            made = self._layers.Dense(
                self._shape.side_factors, use_bias=False, kernel_initializer=start, name=column.name
            )(made)
        if self._shape.members == 1:
            return made
        return self._layers.RepeatVector(self._shape.members, name=f"{column.name}_each")(made)

    def _dense(self) -> list[Any]:
        shape, keras = self._shape, self._keras
        names = [f"hidden_{k}" for k in range(1, len(shape.layers) + 1)] + ["deep"]
        kinds = [shape.activation] * len(shape.layers) + ["linear"]
        return [
            self._layers.Dense(
                units,
                activation=kind,
                kernel_initializer=keras.initializers.GlorotUniform(seed=self._seed(name)),
                name=name,
            )
            for name, units, kind in zip(names, (*shape.layers, 1), kinds, strict=True)
        ]

    def _finish(self) -> Any:
        """Return the layers from the deep part's sum to the rating, as a function."""
        layers, shape = self._layers, self._shape
        add = layers.Add(name="add") if shape.dot else None
        if shape.output == "linear":
            last = [layers.Rescaling(shape.spread, offset=shape.mean, name="rating")]
        else:
            room = ROOM * (shape.scale[1] - shape.scale[0])
            low, width = shape.scale[0] - room, shape.scale[1] - shape.scale[0] + 2 * room
            share = (shape.mean - low) / width if width else 0.5
            last = [
                layers.Rescaling(1.0, offset=math.log(share / (1 - share)), name="logit"),
                layers.Activation("sigmoid", name="sigmoid"),
                layers.Rescaling(width, offset=low, name="rating"),
            ]

        def finish(deep: Any, terms: list[Any]) -> Any:
            total = deep if add is None else add([deep, *terms])
            for layer in last:
                total = layer(total)
            return total

        return finish
