"""An autoencoder of items whose weights are thinned by kernels, and its global kernel."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from penchant.network.backend import load_keras

DIMENSIONS = 5
"""Of the vectors that a layer's units have for their kernel."""

TOP = 5.0
"""What the highest rating of the scale is to these networks; the lowest is 1, none is 0."""


@dataclasses.dataclass(frozen=True)
class KernelShape:
    """Everything that the graphs are built of.

    Attributes:
        users: M, the stranger's row 0 counted: the width of input and output.
        items: N, the stranger's row 0 counted.
        layers: widths of the hidden layers.
        l2: λ of the weights.
        l2_kernel: λ of the kernels.
        window: how wide the global kernel is, an odd number; 0 for none.
        seed: of the random start.
    """

    users: int
    items: int
    layers: tuple[int, ...] = (500, 500)
    l2: float = 20.0
    l2_kernel: float = 0.006
    window: int = 0
    seed: int = 0


class KernelGraphs(NamedTuple):
    """The graphs of one phase of a training.

    Attributes:
        trained: from the table of ratings, (N, M), to its reconstruction.
        encoder: from the table to the last hidden layer's outputs, (N, H).
    """

    trained: Any
    encoder: Any


@cache
def kernel_layers() -> dict[str, Any]:
    """Return the two layers by their names; loads Keras."""
    keras = load_keras()
    ops = keras.ops

    class KernelDense(keras.layers.Dense):  # type: ignore[misc,name-defined]
        """A dense layer ``x (W ∘ K) + b`` with ``K_jk = max(0, 1 − |u_j − v_k|²)``.

        Each input unit j and output unit k has a vector; far ones aren't connected (Müller, Martel
        and Indiveri 2018, equations 3 to 5). Its penalty is ``λ/2 |W|² + λ_k/2 |K|²``.
        """

        def __init__(self, units: int, l2: float, l2_kernel: float, seed: int, **more: Any) -> None:
            start = keras.initializers.GlorotUniform(seed=seed)
            super().__init__(units, kernel_initializer=start, **more)
            self._penalties, self._start = (l2, l2_kernel), seed

        def build(self, shape: Any) -> None:
            super().build(shape)
            normal = keras.initializers.RandomNormal
            self.vectors = [
                self.add_weight(
                    shape=(size, DIMENSIONS),
                    initializer=normal(stddev=1e-3, seed=self._start + k + 1),
                    name=name,
                )
                for k, (name, size) in enumerate({"u": shape[-1], "v": self.units}.items())
            ]

        def thinned(self) -> Any:
            """Return W ∘ K, (inputs, units)."""
            return self.kernel * self._near()

        def _near(self) -> Any:
            u, v = (ops.convert_to_tensor(vectors) for vectors in self.vectors)
            squares = (ops.sum(ops.square(x), axis=1) for x in (u, v))
            own, other = squares
            distance = own[:, None] + other[None, :] - 2 * ops.matmul(u, ops.transpose(v))
            return ops.maximum(0.0, 1.0 - distance)

        def call(self, x: Any, training: bool | None = None) -> Any:
            near, (l2, l2_kernel) = self._near(), self._penalties
            squares = l2 * ops.sum(ops.square(self.kernel)) + l2_kernel * ops.sum(ops.square(near))
            self.add_loss(squares / 2)
            return self.activation(ops.matmul(x, self.kernel * near) + self.bias)

    class GlobalKernel(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """``relu(R * G)``: the table of ratings convolved with one small kernel of the whole table.

        ``G = Σ_i a_i C_i``, a_i the mean of item i's reconstructed ratings, C_i its own weights
        (Han, Lim, Long, Burgstaller and Poon 2021, equations 5 to 7).
        """

        def __init__(self, items: int, window: int, seed: int, **more: Any) -> None:
            super().__init__(**more)
            normal = keras.initializers.RandomNormal(stddev=0.1, seed=seed)
            self.window = window
            self.averages = self.add_weight(
                shape=(items,), initializer="zeros", trainable=False, name="averages"
            )
            self.weight = self.add_weight(
                shape=(items, window * window), initializer=normal, name="kernel"
            )

        def call(self, table: Any) -> Any:
            total = ops.matmul(self.averages[None, :], self.weight)
            kernel = ops.reshape(total, (self.window, self.window, 1, 1))
            moved = ops.conv(table[None, :, :, None], kernel, padding="same")
            return ops.relu(moved[0, :, :, 0])

        def compute_output_spec(self, table: Any) -> Any:
            return keras.KerasTensor(table.shape, dtype=table.dtype)

    return {"KernelDense": KernelDense, "GlobalKernel": GlobalKernel}


def kernel_autoencoder(shape: KernelShape) -> tuple[KernelGraphs, KernelGraphs]:
    """Build the autoencoder of a whole table, a row for each item; 0 where there is no rating.

    Returns:
        The graphs that read the table as it is, and those that read it through the global kernel
        and share all other layers; the same ones twice where `window` is 0.

    >>> plain, moved = kernel_autoencoder(KernelShape(users=6, items=4, layers=(3,), window=3))
    >>> plain.trained.output_shape, plain.encoder.output_shape
    ((4, 6), (4, 3))
    >>> moved.trained.count_params() - plain.trained.count_params()  # 9 an item, and its mean
    40
    """
    keras = load_keras()
    dense, window = kernel_layers()["KernelDense"], kernel_layers()["GlobalKernel"]
    penalties = {"l2": shape.l2, "l2_kernel": shape.l2_kernel}
    hidden = [
        dense(
            units, seed=_seed(shape.seed, k), activation="sigmoid", name=f"hidden_{k}", **penalties
        )
        for k, units in enumerate(shape.layers, 1)
    ]
    output = dense(shape.users, seed=_seed(shape.seed, -1), name="output", **penalties)
    table = keras.Input(batch_shape=(shape.items, shape.users), name="table")

    def read(x: Any) -> KernelGraphs:
        for layer in hidden:
            x = layer(x)
        return KernelGraphs(keras.Model([table], output(x)), keras.Model([table], x))

    plain = read(table)
    if not shape.window:
        return plain, plain
    moved = window(shape.items, shape.window, _seed(shape.seed, 0), name="global_kernel")
    return plain, read(moved(table))


def _seed(seed: int, place: int) -> int:
    return int(np.random.SeedSequence((seed, place + 1)).generate_state(1)[0]) >> 1
