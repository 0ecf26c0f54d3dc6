"""Penchant: a table of ratings in, a trained, saved and usable recommender out.

>>> import penchant as pc
>>> ratings = pc.synthetic(n_users=30, n_items=20, n_ratings=300, factors=2, noise=0.5, seed=0)
>>> train, test = pc.split(ratings, test=0.2, seed=2021)
>>> len(train), len(test)
(240, 60)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penchant.errors import PenchantError as PenchantError
    from penchant.ratings import Ratings as Ratings
    from penchant.ratings import Scale as Scale
    from penchant.sources import load as load
    from penchant.sources.synthetic import synthetic as synthetic
    from penchant.split import folds as folds
    from penchant.split import split as split

__version__ = "0.1.0"

_HOMES = {
    "PenchantError": "penchant.errors",
    "Ratings": "penchant.ratings",
    "Scale": "penchant.ratings",
    "folds": "penchant.split",
    "load": "penchant.sources",
    "split": "penchant",
    "synthetic": "penchant.sources.synthetic",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that the import itself stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'penchant' has no attribute {name!r}")
    if name == "split":  # the module itself is callable
        return importlib.import_module("penchant.split")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
