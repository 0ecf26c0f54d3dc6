"""The model beside the bias model, and the chapter's network where it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.comparison.conclusions import conclude
from penchant.comparison.measuring import measure
from penchant.comparison.standing import Protocol
from penchant.recommender.base import Recommender
from penchant.recommender.naming import free, kind_of
from penchant.report.judged import Judged
from penchant.report.numbers.model import is_bias
from penchant.report.numbers.tested import Numbers

_N = 10
_RELEVANT = 0.75  # of the way from the scale's low to its high, as in `compare`
_LEVEL, _RESAMPLES, _SEED = 0.95, 2_000, 0


def comparison(judged: Judged, bias: Recommender | None, chapter: bool) -> Numbers:
    """Return how the trained model and others did on the same test rows, with intervals and tests.

    The model stands as it is, the others are trained on the same ratings.

    Args:
        judged: the model and its test rows.
        bias: the bias model, trained.
        chapter: whether to train the chapter's network too.
    """
    test = judged.test
    if test is None or bias is None:
        return {
            "left_out": "A comparison trains the other models on the same ratings, which the "
            "bundle does not hold. Give the table that it was trained on."
        }
    if is_bias(judged.model) and not chapter:
        return {"left_out": "This model is the bias model, which others are compared with."}
    if len(np.unique(test.user_rows)) < 2:
        return {"left_out": "All test ratings are one user's, and users are what intervals are of."}
    models: dict[str, Recommender] = {"bias": bias}
    if not is_bias(judged.model):
        models[free(kind_of(judged.model), models)] = judged.model
    mine = list(models)[-1]
    if chapter:
        models["chapter's network"] = _chapter(judged)
    scale = judged.model.knowledge.scale
    least = scale.low + _RELEVANT * (scale.high - scale.low)
    measured = {name: [measure(one, test, _N, least, 0, 0)] for name, one in models.items()}
    told = Protocol(judged.protocol, _N, float(least), _LEVEL, _RESAMPLES, _SEED)
    found: Any = conclude(dict.fromkeys(models, ""), measured, told).to_json()
    for entry in found["models"]:
        for name in ("settings", "seconds", "cpu_seconds"):  # not those of this training
            del entry[name]
    return {**found, "mine": mine, "chapter": chapter}


def _chapter(judged: Judged) -> Recommender:
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.settings import FACTORS
    from penchant.solvers.keras.solver import Keras

    network = MatrixFactorization(FACTORS, Keras.chapter(), seed=0)
    return network.fit(judged.model.knowledge.ratings, progress=False)
