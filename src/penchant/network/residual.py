"""A deep residual: hidden layers that correct a matrix factorisation whose tables are frozen."""

from __future__ import annotations

import dataclasses
from typing import Any

from penchant.network.backend import load_keras
from penchant.network.weights import PREFIX, Shapes

TABLES = ("factors", "bias", "view")
"""What each side has a frozen table of: ``user_factors``, ``item_factors`` and so on."""


@dataclasses.dataclass(frozen=True)
class ResidualShape:
    """Everything that the graph of `residual` is built of, but for the tables' contents.

    Attributes:
        users: M, the stranger's row 0 counted.
        items: N, the stranger's row 0 counted.
        factors: K.
        view: V, the numbers of a row that the hidden layers see beside its bias.
        layers: widths of the hidden layers.
        activation: of the hidden layers, by Keras' name.
        dropout: the share of the hidden layers' inputs that a training step drops.
        mean: of the ratings.
        spread: their standard deviation.
        seed: of the random start and of dropout.
    """

    users: int
    items: int
    factors: int
    view: int
    layers: tuple[int, ...]
    activation: str = "gelu"
    dropout: float = 0.0
    mean: float = 0.0
    spread: float = 1.0
    seed: int = 0

    def weight_shapes(self) -> Shapes:
        """Return the shape of each weight by its name, found without Keras."""
        shapes: Shapes = {}
        for side, rows in (("user", self.users), ("item", self.items)):
            for table, width in zip(TABLES, (self.factors, 1, self.view), strict=True):
                shapes[f"{side}_{table}.embeddings"] = (rows, width)
        width = 3 + 3 * self.view
        names = [*(f"hidden_{k}" for k in range(1, len(self.layers) + 1)), "correction"]
        for name, units in zip(names, (*self.layers, 1), strict=True):
            shapes |= {f"{name}.kernel": (width, units), f"{name}.bias": (units,)}
            width = units
        return {PREFIX + name: shape for name, shape in shapes.items()}


def residual(shape: ResidualShape) -> Any:
    """Build ``r̂(u, i) = s(u, i) + spread · f(z)`` with ``s = mean + b_u + b_i + p_u · q_i``.

    Factors, biases and views v are tables that don't train; f is the hidden layers and a last one
    of width 1 that begins at zero, so the untrained network is the matrix factorisation. It sees
    ``z = [(s − mean) / spread, b_u / spread, b_i / spread, v_u, v_i, v_u ⊙ v_i]``.

    >>> shape = ResidualShape(users=5, items=4, factors=3, view=2, layers=(8,))
    >>> network = residual(shape)
    >>> network.count_params() - (5 + 4) * (3 + 1 + 2), network.output_shape
    (89, (None, 1))
    """
    keras = load_keras()
    layers = keras.layers
    rows = {side: keras.Input((1,), dtype="int32", name=side) for side in ("user", "item")}
    sizes = {"user": shape.users, "item": shape.items}
    widths = dict(zip(TABLES, (shape.factors, 1, shape.view), strict=True))

    def looked_up(side: str, table: str) -> Any:
        name = f"{side}_{table}"
        found = layers.Embedding(sizes[side], widths[table], trainable=False, name=name)
        return layers.Flatten(name=f"{name}_row")(found(rows[side]))

    def scaled(x: Any, by: float) -> Any:
        return layers.Rescaling(by)(x)

    (p, b_u, v_u), (q, b_i, v_i) = (
        [looked_up(side, table) for table in TABLES] for side in ("user", "item")
    )
    deviation = layers.Add(name="sum")([layers.Dot(1, name="dot")([p, q]), b_u, b_i])
    seen = [scaled(x, 1 / shape.spread) for x in (deviation, b_u, b_i)]
    x = layers.Concatenate(name="seen")([*seen, v_u, v_i, layers.Multiply()([v_u, v_i])])
    for k, units in enumerate(shape.layers, 1):
        start = keras.initializers.GlorotUniform(seed=shape.seed + k)
        x = layers.Dense(units, shape.activation, kernel_initializer=start, name=f"hidden_{k}")(x)
        if shape.dropout:
            x = layers.Dropout(shape.dropout, seed=shape.seed + k, name=f"dropout_{k}")(x)
    correction = layers.Dense(1, kernel_initializer="zeros", name="correction")(x)
    total = layers.Add(name="corrected")([deviation, scaled(correction, shape.spread)])
    rating = layers.Rescaling(1.0, offset=shape.mean, name="rating")(total)
    return keras.Model([rows["user"], rows["item"]], rating, name="residual")
