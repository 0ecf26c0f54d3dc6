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
    from penchant.checking import datacheck as datacheck
    from penchant.comparison import compare as compare
    from penchant.data.load import load as load
    from penchant.data.synthetic import synthetic as synthetic
    from penchant.errors import PenchantError as PenchantError
    from penchant.ratings import Ratings as Ratings
    from penchant.ratings import Scale as Scale
    from penchant.recommender.autorec import AutoRec as AutoRec
    from penchant.recommender.blend import Blend as Blend
    from penchant.recommender.deep import DeepRating as DeepRating
    from penchant.recommender.matrix_factorization import (
        MatrixFactorization as MatrixFactorization,
    )
    from penchant.recommender.neural_rating import NeuralRating as NeuralRating
    from penchant.recommender.opening import open as open
    from penchant.report import report as report
    from penchant.solvers.als.solver import ALS as ALS
    from penchant.solvers.bias import Bias as Bias
    from penchant.solvers.gibbs.solver import Gibbs as Gibbs
    from penchant.solvers.keras.solver import Keras as Keras
    from penchant.solvers.sgd.solver import SGD as SGD
    from penchant.solvers.task import Checkpoint as Checkpoint
    from penchant.split import folds as folds
    from penchant.split import split as split
    from penchant.tuning import tune as tune

__version__ = "0.1.0"

_HOMES = {
    "ALS": "penchant.solvers.als.solver:ALS",
    "AutoRec": "penchant.recommender.autorec:AutoRec",
    "Bias": "penchant.solvers.bias:Bias",
    "Blend": "penchant.recommender.blend:Blend",
    "Checkpoint": "penchant.solvers.task:Checkpoint",
    "DeepRating": "penchant.recommender.deep:DeepRating",
    "Gibbs": "penchant.solvers.gibbs.solver:Gibbs",
    "Keras": "penchant.solvers.keras.solver:Keras",
    "MatrixFactorization": "penchant.recommender.matrix_factorization:MatrixFactorization",
    "NeuralRating": "penchant.recommender.neural_rating:NeuralRating",
    "PenchantError": "penchant.errors:PenchantError",
    "Ratings": "penchant.ratings:Ratings",
    "SGD": "penchant.solvers.sgd.solver:SGD",
    "Scale": "penchant.ratings:Scale",
    "compare": "penchant.comparison:compare",
    "datacheck": "penchant.checking:datacheck",
    "folds": "penchant.split:folds",
    "load": "penchant.data.load:load",
    "open": "penchant.recommender.opening:open",
    "report": "penchant.report:",  # the package itself, which is callable
    "split": "penchant.split:",  # the module itself, which is callable
    "synthetic": "penchant.data.synthetic:synthetic",
    "tune": "penchant.tuning:tune",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that the import itself stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'penchant' has no attribute {name!r}")
    home, _, attribute = _HOMES[name].partition(":")
    module = importlib.import_module(home)
    return getattr(module, attribute) if attribute else module


def __dir__() -> list[str]:
    return __all__
