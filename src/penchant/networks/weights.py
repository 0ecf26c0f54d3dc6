"""The numbers of a Keras network by name: what a bundle holds of it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import DataError

Arrays = dict[str, npt.NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]

PREFIX = "network."
"""What the names of a network's weights begin with."""


def named_weights(network: Any) -> Arrays:
    """Return copies of a network's weights, by names such as "network.hidden_1.kernel".

    The name is Keras' path of the weight. Raises `DataError` where two weights share one.
    """
    named = {_name(weight): np.array(weight.value) for weight in network.weights}
    if len(named) != len(network.weights):
        raise DataError(
            f"Two weights of the network {network.name!r} have the same name among "
            f"{', '.join(sorted(named))}. Give each layer a name of its own."
        )
    return named


def shapes_of(network: Any) -> Shapes:
    """Return the shape of each of a network's weights by its name."""
    return {_name(weight): tuple(map(int, weight.shape)) for weight in network.weights}


def require_shapes(arrays: Mapping[str, npt.NDArray[Any]], shapes: Shapes) -> None:
    """Raise `DataError` unless these are float32 arrays of just those names and shapes."""
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != np.float32:
            found = "missing" if array is None else f"{array.dtype} of shape {array.shape}"
            raise DataError(f"{name} should be float32 of shape {shape}, and is {found}.")
    more = sorted(set(arrays) - set(shapes))
    if more:
        raise DataError(f"The network has no weights {', '.join(more)[:80]}.")


def set_weights(network: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Give a network its weights by name.

    Raises `DataError` where names or shapes are not the network's.
    """
    require_shapes(arrays, shapes_of(network))
    for weight in network.weights:
        weight.assign(arrays[_name(weight)])


def _name(weight: Any) -> str:
    return PREFIX + str(weight.path).replace("/", ".")
