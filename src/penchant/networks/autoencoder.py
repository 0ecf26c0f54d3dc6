"""An autoencoder of items: from the ratings that an item has to those that it might have."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from penchant.networks.backend import load_keras
from penchant.networks.weights import PREFIX, Shapes

ENCODER = "encoder."
"""What the names of the encoder's weights begin with in a bundle: predicting needs none."""


@dataclasses.dataclass(frozen=True)
class AutoencoderShape:
    """Everything that the graphs of an autoencoder are built of.

    Attributes:
        users: M, the stranger's row 0 counted: the width of input and output.
        items: N, the stranger's row 0 counted.
        layers: widths of the hidden layers; the last one's output is a member's code.
        members: how many encoders there are.
        activation: of the hidden layers, by Keras' name.
        gain: the length that the ratings of an item are scaled to.
        dropout: the share of each hidden layer's outputs that a training step drops.
        l2: λ of all kernels.
        mean: of the ratings.
        spread: their standard deviation.
        seed: of the random start and of dropout.
    """

    users: int
    items: int
    layers: tuple[int, ...]
    members: int = 1
    activation: str = "sigmoid"
    gain: float = 1.0
    dropout: float = 0.0
    l2: float = 0.0
    mean: float = 0.0
    spread: float = 1.0
    seed: int = 0

    @property
    def code(self) -> int:
        """H, the width of all members' codes side by side."""
        return self.members * self.layers[-1]

    def weight_shapes(self) -> Shapes:
        """Return the shape of each weight that predicts by its name, found without Keras."""
        return {
            f"{PREFIX}user_output.embeddings": (self.users, self.code),
            f"{PREFIX}item_codes.embeddings": (self.items, self.code),
            f"{PREFIX}user_bias.embeddings": (self.users, 1),
        }

    def encoder_shapes(self) -> Shapes:
        """Return the shape of each weight of the encoder by its name, found without Keras."""
        shapes: Shapes = {}
        for member in range(1, self.members + 1):
            width = 2 * self.users
            for k, units in enumerate(self.layers, 1):
                name = f"{ENCODER}{hidden_name(member, k)}"
                shapes |= {f"{name}.kernel": (width, units), f"{name}.bias": (units,)}
                width = units
        return shapes


class Autoencoders(NamedTuple):
    """The graphs that one training needs; they share their layers.

    Attributes:
        trained: from (deviations, mask) to what each member reconstructs, (batch, members, M).
        encoder: from (deviations, mask) to the members' codes side by side, (batch, H).
    """

    trained: Any
    encoder: Any


def hidden_name(member: int, k: int) -> str:
    """Return the name of a member's hidden layer, both counted from 1."""
    return f"hidden_{member}_{k}"


def output_name(member: int) -> str:
    """Return the name of a member's output layer, counted from 1."""
    return f"output_{member}"


def autoencoders(shape: AutoencoderShape) -> Autoencoders:
    """Build members ``f_m(x, o) = V_m h_m + c_m`` with ``h_m = g(W_m z + a_m)`` (or deeper).

    x are an item's ratings as deviations and o its mask of ones and zeros, (batch, M) both, with
    ``x = 0`` where ``o = 0``; ``z = gain · [x, o] / √n`` and n the number of ratings, at least 1,
    so that an item with many ratings doesn't drown the rest.

    >>> shape = AutoencoderShape(users=5, items=4, layers=(3,), members=2)
    >>> graphs = autoencoders(shape)
    >>> graphs.trained.output_shape, graphs.encoder.output_shape, graphs.trained.count_params()
    ((None, 2, 5), (None, 6), 106)
    """
    keras = load_keras()
    inputs, codes = _members(shape)
    outputs = []
    for member, code in enumerate(codes, 1):
        last = _dense(shape, shape.users, output_name(member), (member, 0))
        outputs.append(keras.layers.Reshape((1, shape.users))(last(code)))
    trained = outputs[0] if len(outputs) == 1 else keras.layers.Concatenate(axis=1)(outputs)
    return Autoencoders(keras.Model(inputs, trained), keras.Model(inputs, _joined(codes)))


def averaged(shape: AutoencoderShape) -> Any:
    """Build the mean of the members: one output layer over their codes side by side.

    >>> averaged(AutoencoderShape(users=5, items=4, layers=(3,), members=2)).output_shape
    (None, 5)
    """
    keras = load_keras()
    inputs, codes = _members(shape)
    output = keras.layers.Dense(shape.users, name="output")(_joined(codes))
    return keras.Model(inputs, output, name="autoencoder")


def from_codes(shape: AutoencoderShape) -> Any:
    """Build ``r̂(u, i) = mean + spread · (b_u + v_u · h_i)``, the codes of all items a table.

    >>> from_codes(AutoencoderShape(users=5, items=4, layers=(3,), members=2)).output_shape
    (None, 1)
    """
    keras = load_keras()
    layers = keras.layers
    user, item = (keras.Input((1,), dtype="int32", name=name) for name in ("user", "item"))
    v = layers.Embedding(shape.users, shape.code, name="user_output")(user)
    h = layers.Embedding(shape.items, shape.code, name="item_codes")(item)
    bias = layers.Embedding(shape.users, 1, name="user_bias")(user)
    total = layers.Add(name="sum")([layers.Dot(axes=2, name="dot")([v, h]), bias])
    flat = layers.Flatten(name="flatten")(total)
    rating = layers.Rescaling(shape.spread, offset=shape.mean, name="rating")(flat)
    return keras.Model([user, item], rating, name="autoencoder_from_codes")


def _members(shape: AutoencoderShape) -> tuple[list[Any], list[Any]]:
    """Return the inputs, and the code of each member."""
    keras = load_keras()
    ops = keras.ops
    inputs = [keras.Input((shape.users,), name=name) for name in ("deviations", "mask")]
    count = ops.maximum(ops.sum(inputs[1], axis=-1, keepdims=True), 1.0)
    both = keras.layers.Concatenate(name="both")(inputs)
    z = both * (shape.gain * ops.rsqrt(count))
    codes = []
    for member in range(1, shape.members + 1):
        h = z
        for k, units in enumerate(shape.layers, 1):
            name = hidden_name(member, k)
            h = _dense(shape, units, name, (member, k), shape.activation)(h)
            if shape.dropout:
                seed = _seed(shape.seed, member, k, 1)
                h = keras.layers.Dropout(shape.dropout, seed=seed, name=f"dropout_{member}_{k}")(h)
        codes.append(h)
    return inputs, codes


def _dense(
    shape: AutoencoderShape,
    units: int,
    name: str,
    place: tuple[int, int],
    activation: str | None = None,
) -> Any:
    keras = load_keras()
    return keras.layers.Dense(
        units,
        activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=_seed(shape.seed, *place, 0)),
        kernel_regularizer=keras.regularizers.L2(shape.l2) if shape.l2 else None,
        name=name,
    )


def _joined(codes: list[Any]) -> Any:
    return codes[0] if len(codes) == 1 else load_keras().layers.Concatenate(name="codes")(codes)


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])
