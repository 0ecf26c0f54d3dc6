"""What a few users are recommended, how sure that is, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penchant.answers.explanation import Explanation
from penchant.ids import Id
from penchant.predict.predictor import OTHER_KIND
from penchant.recommender.base import Recommender
from penchant.report.judged import Judged
from penchant.report.numbers.certainty import MAIN
from penchant.report.numbers.tested import Numbers

N = 5
_REASONS = 3


def people(judged: Judged, users: Sequence[Id] | None = None) -> Numbers:
    """Return the best items of some users and of somebody new, with intervals and reasons.

    Args:
        judged: the model.
        users: ids; None for the most, the middling and the least active user.
    """
    model = judged.model
    known = model.knowledge
    if known.fetch() is None:
        return {
            "left_out": "What users rated isn't in the bundle, so it can't be left out of what "
            "they are recommended. Give the table that it was trained on, or save it with its "
            "ratings."
        }
    chosen = _usual(model) if users is None else [(user, "") for user in users]
    level = None if model.calibration is None else MAIN
    listed = [_one(model, user, who, level) for user, who in chosen]
    stranger = _unknown(model)
    new = {**_one(model, stranger, "somebody new", level), "user": None}
    return {
        "users": [*listed, new] if users is None else listed,
        "interval": level,
        "calibration": None if level is None else str(model.calibration),
        "scale": [float(known.scale.low), float(known.scale.high)],
        "no_reasons": _no_reasons(model),
    }


def _usual(model: Recommender) -> list[tuple[Id, str]]:
    """Return the most, the middling and the least active user; equal ones by row."""
    known = model.knowledge
    rows = np.flatnonzero(known.user_counts > 0)
    order = rows[np.argsort(-known.user_counts[rows], kind="stable")]
    picked = dict.fromkeys([order[0], order[len(order) // 2], order[-1]]) if len(order) else {}
    words = ("the most active user", "a user of middling activity", "the least active user")
    ids = known.user_ids.ids(np.array(list(picked), dtype=np.int64))
    return list(zip(ids, words, strict=False))


def _unknown(model: Recommender) -> Id:
    """Return an id that the model has never seen."""
    ids = model.knowledge.user_ids
    if ids.kind == "int":
        number = -1
        while ids.rows([number])[0]:
            number -= 1
        return number
    text = "somebody new"
    while ids.rows([text])[0]:
        text += "."
    return text


def _no_reasons(model: Recommender) -> str:
    """Return why this model gives no reasons; "" where it does."""
    why = model.predictor.can()["explain"]
    if why != OTHER_KIND:
        return why
    return (
        "This kind of model gives no reasons: nobody can say from what it learned them. A "
        "matrix factorisation trained by Gibbs sampling or ALS can."
    )


def _one(model: Recommender, user: Id, who: str, level: float | None) -> Numbers:
    known = model.knowledge
    row = int(known.user_ids.rows([user])[0])
    answer = model.recommend(user, N, interval=level)
    entries = []
    for one in answer.to_json():
        entries.append({**one, **_reasons(model, user, one["item"])})
    return {"user": user, "who": who, "ratings": int(known.user_counts[row]), "items": entries}


def _reasons(model: Any, user: Id, item: Id) -> Numbers:
    """Return what an explanation says in words, and its terms; nothing where there is none."""
    if _no_reasons(model):
        return {}
    found: Explanation = model.explain(user, item)
    return {
        "terms": [{"label": term.label, "share": term.share} for term in found.terms],
        "prediction": found.prediction,
        "reasons": [
            {"item": r.item, "title": r.title, "rating": r.rating, "share": r.share}
            for r in found.reasons[:_REASONS]
        ],
        "latent": found.latent is not None,
    }
