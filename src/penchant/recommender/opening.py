"""Opening a saved recommender: the kinds are a closed list."""

from __future__ import annotations

import os

from penchant import bundle
from penchant.errors import BundleError
from penchant.recommender import storage
from penchant.recommender.matrix_factorization import MatrixFactorization

KINDS = {MatrixFactorization.kind: MatrixFactorization}


def open(path: str | os.PathLike[str]) -> MatrixFactorization:
    """Open a saved recommender, whoever made it: nothing in it is run.

    Args:
        path: the folder that `save` made.

    Raises:
        BundleError: there is no bundle, it is damaged, of a kind or format that this version
            doesn't know, or breaks a rule of the format.
    """
    opened = bundle.read(path)
    kind = KINDS.get(opened.kind)
    if kind is None:
        raise BundleError(
            f"{opened.folder} holds a recommender of kind {opened.kind!r}; this version knows "
            f"{', '.join(KINDS)}. If a newer Penchant made it, upgrade."
        )
    return kind.from_bundle(storage.stored(opened))
