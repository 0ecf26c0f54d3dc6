"""Opening a saved recommender: the kinds are a closed list."""

from __future__ import annotations

import os
from typing import Any

from penchant import bundle
from penchant.errors import BundleError
from penchant.recommender import storage
from penchant.recommender.base import Recommender
from penchant.recommender.blend import Blend
from penchant.recommender.matrix_factorization import MatrixFactorization

KINDS: dict[str, Any] = {kind.kind: kind for kind in (Blend, MatrixFactorization)}


def open(path: str | os.PathLike[str]) -> Any:
    """Open a saved recommender, whoever made it: nothing in it is run.

    Args:
        path: the folder that `save` made.

    Returns:
        A recommender of the kind that was saved.

    Raises:
        BundleError: there is no bundle, it is damaged, of a kind or format that this version
            doesn't know, or breaks a rule of the format.
    """
    return recommender_of(storage.stored(bundle.read(path)))


def recommender_of(stored: storage.Stored) -> Recommender:
    """Make the recommender of a bundle, or of a section of one.

    Raises `BundleError` where it is of no kind that is known, or breaks a rule of its kind.
    """
    opened = stored.bundle
    kind = KINDS.get(opened.kind)
    if kind is None:
        raise BundleError(
            f"{opened.folder} holds a recommender of kind {opened.kind!r}; this version knows "
            f"{', '.join(KINDS)}. If a newer Penchant made it, upgrade."
        )
    made: Recommender = kind.from_bundle(stored)
    return made
