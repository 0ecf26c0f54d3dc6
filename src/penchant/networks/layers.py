"""Layers that Keras has not: constant tables looked up by row, bags, linear layers as one.

They are for graphs that this package builds, and hold no trained numbers of their own beside those
of the Keras layers that they are given.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from penchant.networks.backend import load_keras


@cache
def layer_classes() -> dict[str, Any]:
    """Return the layers by their names; loads Keras."""
    keras = load_keras()
    ops = keras.ops

    class Rows(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """Row r of a constant table: what is known of a user or an item beside the ratings.

        Args:
            table: (M, width) numbers.

        Input (batch, 1) rows; output (batch, width), of `dtype`. It has no weights: the table is
        data, which no training changes and no bundle takes for trained numbers.
        """

        def __init__(self, table: Any, dtype: str = "float32", **more: Any) -> None:
            super().__init__(autocast=False, trainable=False, **more)
            self._as = dtype
            self._table = self.add_weight(
                shape=table.shape,
                dtype=table.dtype.name,
                initializer=lambda shape, dtype: ops.convert_to_tensor(table, dtype=dtype),
                trainable=False,
                name="table",
            )

        @property
        def weights(self) -> list[Any]:
            return []

        def call(self, rows: Any) -> Any:
            looked_up = ops.take(self._table, ops.squeeze(rows, axis=-1), axis=0)
            return ops.cast(looked_up, self._as)

        def compute_output_spec(self, rows: Any) -> Any:
            return keras.KerasTensor((rows.shape[0], self._table.shape[1]), dtype=self._as)

    class BagMean(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """The sum of a list's embeddings over the root of its length (Koren 2008, equation 15).

        Inputs: (batch, L) rows, 0 where a list is shorter, and their embeddings (batch, L, K);
        output (batch, K).
        """

        def call(self, lists: Any, looked_up: Any) -> Any:
            there = ops.cast(lists > 0, looked_up.dtype)  # (batch, L)
            total = ops.einsum("blk,bl->bk", looked_up, there)
            many = ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)
            return total / ops.sqrt(many)

        def compute_output_spec(self, lists: Any, looked_up: Any) -> Any:
            return keras.KerasTensor((lists.shape[0], looked_up.shape[-1]), dtype=looked_up.dtype)

    class AffineChain(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """Dense layers without activations, one after the other, multiplied from the last one.

        ``((x W₁ + b₁) W₂ + b₂) w₃ + b₃ = x (W₁ (W₂ w₃)) + …``: where the last layer is narrow the
        right side costs a product of the weights a step, and not one a row. Values and gradients
        are the same but for rounding.

        Args:
            dense: built Dense layers; their weights stay theirs.
        """

        def __init__(self, dense: list[Any], **more: Any) -> None:
            super().__init__(**more)
            self.dense = dense

        def call(self, x: Any) -> Any:
            last = self.dense[-1]
            kernel, bias = ops.convert_to_tensor(last.kernel), ops.convert_to_tensor(last.bias)
            for layer in reversed(self.dense[:-1]):
                bias = ops.matmul(ops.convert_to_tensor(layer.bias), kernel) + bias
                kernel = ops.matmul(ops.convert_to_tensor(layer.kernel), kernel)
            return ops.matmul(x, kernel) + bias

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor((x.shape[0], self.dense[-1].units), dtype=x.dtype)

    class MemberDot(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """The dot product of each member's factors: (batch, S, K) twice to (batch, S)."""

        def call(self, p: Any, q: Any) -> Any:
            return ops.einsum("bsk,bsk->bs", p, q)

        def compute_output_spec(self, p: Any, q: Any) -> Any:
            return keras.KerasTensor(p.shape[:2], dtype=p.dtype)

    class MemberMean(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """The mean of what the members predict: (batch, S) to (batch, 1)."""

        def call(self, predicted: Any) -> Any:
            return ops.mean(predicted, axis=1, keepdims=True)

        def compute_output_spec(self, predicted: Any) -> Any:
            return keras.KerasTensor((predicted.shape[0], 1), dtype=predicted.dtype)

    made = (Rows, BagMean, AffineChain, MemberDot, MemberMean)
    return {layer.__name__: layer for layer in made}


def row_tables(network: Any) -> list[tuple[Any, int]]:
    """Return the embeddings that look up an input itself, and which of the inputs, 0 or 1.

    >>> from penchant.networks.mf import matrix_factorization
    >>> network = matrix_factorization(4, 5, 2, mean=3.0)
    >>> sorted((layer.name, which) for layer, which in row_tables(network))
    [('item_bias', 1), ('item_factors', 1), ('user_bias', 0), ('user_factors', 0)]
    """
    inputs = list(network.inputs)
    found = []
    for layer in embeddings(network):
        which = [place for place, given in enumerate(inputs) if layer.input is given]
        found += [(layer, place) for place in which]
    return found


def embeddings(network: Any) -> list[Any]:
    """Return the Embedding layers of a functional network that are called once in it."""
    keras = load_keras()
    return [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Embedding) and len(layer._inbound_nodes) == 1
    ]
