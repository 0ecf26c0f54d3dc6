"""Keras, loaded when it is first needed, on the backend that the user chose."""

from __future__ import annotations

import os
import sys
from typing import Any

from penchant.errors import MissingExtraError, UnsupportedError

BACKENDS = ("jax", "tensorflow")


def load_keras() -> Any:
    """Import Keras and return it; on JAX unless `KERAS_BACKEND`, or an earlier import, says else.

    Raises:
        MissingExtraError: the chosen backend is not installed.
        UnsupportedError: the chosen backend is not one that Penchant trains on.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # only warnings and errors of its own
    try:
        import keras
    except ModuleNotFoundError as error:
        chosen = os.environ.get("KERAS_BACKEND", "jax")
        raise MissingExtraError(
            f"KERAS_BACKEND is {chosen!r}, and its package {error.name!r} is not installed. "
            f"Install penchant[{chosen}], or set KERAS_BACKEND=jax."
        ) from error
    if keras.backend.backend() not in BACKENDS:
        raise UnsupportedError(
            f"Penchant trains Keras networks on {' or '.join(BACKENDS)}; KERAS_BACKEND is "
            f"{keras.backend.backend()!r}. Set it to one of them before Keras is imported."
        )
    return keras
