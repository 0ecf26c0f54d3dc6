"""A network's answers: in blocks of one size, so that no pair's answer depends on the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.arrays import F32, Rows
from penchant.solvers.keras.epoch import backend_module

BLOCK = 1024
"""Pairs at once. A matrix product's last bits depend on its shape: this is the one shape."""


class Forward:
    """Asks a network from rows to a rating; it reads the weights that stand there when asked.

    Args:
        network: a Keras model of the inputs user and item, (batch, 1) int32 each.
    """

    def __init__(self, network: Any) -> None:
        self._network = network
        self._call = compiled_call(network)

    def __call__(self, user_rows: Rows, item_rows: Rows) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32."""
        out = np.empty(len(user_rows), dtype=np.float32)
        for start in range(0, len(out), BLOCK):
            part = slice(start, start + BLOCK)
            columns = [_block(rows[part]) for rows in (user_rows, item_rows)]
            answers = np.asarray(self._call(columns)).reshape(-1)
            out[part] = answers[: len(out[part])]
        return out


def compiled_call(network: Any) -> Any:
    """Return a compiled function from a list of input arrays to the network's output."""
    return backend_module().compile_call(network)


def _block(rows: Rows) -> Rows:
    """Return rows as one column of `BLOCK` of them, filled up with row 0."""
    block = np.zeros((BLOCK, 1), dtype=np.int32)
    block[: len(rows), 0] = rows
    return block
