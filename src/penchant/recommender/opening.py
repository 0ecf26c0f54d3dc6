"""Opening a saved recommender: the kinds are a closed list."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

from penchant.errors import BundleError, SettingsError
from penchant.storage import bundle, storage

KINDS = {
    "autorec": "autorec:AutoRec",
    "blend": "blend:Blend",
    "deep": "deep:DeepRating",
    "matrix_factorization": "matrix_factorization:MatrixFactorization",
    "neural": "neural_rating:NeuralRating",
}
"""Module and class of each kind: a bundle loads the code of its own kind alone."""


def open(path: str | os.PathLike[str], *, network: Callable[[int, int], Any] | None = None) -> Any:
    """Open a saved recommender, whoever made it: nothing in it is run.

    Args:
        path: the folder that `save` made.
        network: the function that builds the network of a `NeuralRating`, whose bundle holds
            numbers alone; nothing else takes one.

    Returns:
        A recommender of the kind that was saved.

    Raises:
        BundleError: there is no bundle, it is damaged, of a kind or format that this version
            doesn't know, or breaks a rule of the format.
        SettingsError: `network` is given and not needed, or needed and not given.
    """
    return recommender_of(storage.stored(bundle.read(path)), network)


def recommender_of(stored: storage.Stored, network: Callable[[int, int], Any] | None = None) -> Any:
    """Make the recommender of a bundle, or of a section of one.

    Raises `BundleError` where it is of no kind that is known, or breaks a rule of its kind.
    """
    opened = stored.bundle
    require_known(opened)
    kind = kind_class(opened.kind)
    if network is None:
        return kind.from_bundle(stored)
    if not getattr(kind, "needs_builder", False):
        raise SettingsError(
            f"A recommender of kind {opened.kind!r} builds its network itself: leave network= out."
        )
    return kind.from_bundle(stored, network)


def require_known(opened: bundle.Bundle) -> None:
    """Raise `BundleError` where a bundle is of a kind that this version doesn't know."""
    if opened.kind not in KINDS:
        raise BundleError(
            f"{opened.folder} holds a recommender of kind {opened.kind!r}; this version knows "
            f"{', '.join(KINDS)}. If a newer Penchant made it, upgrade."
        )


def kind_class(kind: str) -> Any:
    """Return the class of a kind of `KINDS`.

    >>> kind_class("matrix_factorization").kind
    'matrix_factorization'
    """
    module, name = KINDS[kind].split(":")
    return getattr(importlib.import_module(f"penchant.recommender.{module}"), name)
