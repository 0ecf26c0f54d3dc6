"""Which items, or users, are most like one."""

from __future__ import annotations

import numpy as np

from penchant.answers.lists import Answer, Neighbour
from penchant.answers.recommend import top_rows
from penchant.ids import Id
from penchant.predict.predictor import Predictor
from penchant.settings import require_count


def similar(predictor: Predictor, side: str, id_: Id, n: int) -> Answer[Neighbour]:
    """Return the n rows of a side, "user" or "item", most like one; `UnknownIdError` without it."""
    known = predictor.known
    ids = known.item_ids if side == "item" else known.user_ids
    row = ids.row(id_)
    require_count("n", n)
    correlations = predictor.correlations(side, row)
    best = top_rows(correlations, np.delete(np.arange(ids.size), [0, row]), n)
    titles = known.titles(best) if side == "item" else [None] * len(best)
    columns = ids.ids(best), titles, correlations[best].tolist()
    return Answer(tuple(Neighbour(*entry) for entry in zip(*columns, strict=True)))
