"""What the server tells of a model: plain functions from a recommender to JSON-able values."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.arrays import Mask
from penchant.ids import Id, positions_array
from penchant.recommender.base import Recommender
from penchant.serve.api.step import step_of

Json = dict[str, Any]

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Of these the card says how wide an interval is."""


class Page(NamedTuple):
    """Which part of a long list is wanted, from page 1."""

    number: int
    size: int

    def of(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return the rows on the page."""
        start = (self.number - 1) * self.size
        return rows[start : start + self.size]


def card(model: Recommender) -> Json:
    """Return what there is to know of a model, but its name and scores."""
    known, one, can = model.knowledge, model.predictor, model.predictor.can()
    values = one.ledger.table.ratings.values if one.keeps_ratings else np.zeros(0, np.float32)
    step = step_of(values, known.scale)
    return {
        "kind": model.kind,
        "data": known.name,
        "settings": dict(one.made_by),
        "parameters": model.n_parameters,
        "scale": {"low": known.scale.low, "high": known.scale.high, "step": step},
        "ids": {"users": known.user_ids.kind, "items": known.item_ids.kind},
        "counts": {
            "users": len(known.user_ids),
            "items": len(known.item_ids),
            "ratings": int(known.user_counts.sum()),
        },
        "calibration": _calibration(model),
        "can": {name: not why for name, why in can.items()},
        "why_not": {name: why for name, why in can.items() if why},
    }


def _calibration(model: Recommender) -> Json | None:
    made = model.calibration
    if made is None:
        return None
    factors = [(level, made.factor(level)) for level in LEVELS]
    levels = [{"level": p, "factor": q if math.isfinite(q) else None} for p, q in factors]
    return {"method": made.method, "rows": made.rows, "text": str(made), "levels": levels}


def items(model: Recommender, search: str, page: Page) -> Json:
    """Return items whose title or id holds a text, those with the most ratings first."""
    known = model.knowledge
    rows = np.flatnonzero(_mentions(model, search)) + 1
    rows = rows[np.argsort(-known.item_counts[rows], kind="stable")]
    shown = page.of(rows)
    columns = (known.item_ids.ids(shown), known.titles(shown.astype(np.int32)))
    counts = known.item_counts[shown].tolist()
    found = zip(*columns, counts, strict=True)
    return _paged("items", [{"item": i, "title": t, "ratings": n} for i, t, n in found], rows, page)


def users(model: Recommender, search: str, page: Page) -> Json:
    """Return users whose id holds a text, in the order of their first rating."""
    known = model.knowledge
    rows = np.flatnonzero(_holds(known.user_ids.array.cast(pa.large_string()), search)) + 1
    shown = page.of(rows)
    found = zip(known.user_ids.ids(shown), known.user_counts[shown].tolist(), strict=True)
    return _paged("users", [{"user": user, "ratings": count} for user, count in found], rows, page)


def item(model: Recommender, item_id: Id) -> Json:
    """Return what is known of one item; `UnknownIdError` for an unknown one."""
    known = model.knowledge
    row = known.item_ids.row(item_id)
    rows, mean = np.array([row], np.int32), None
    if model.predictor.keeps_ratings:
        values = model.predictor.ledger.of_item(row).values
        mean = float(values.mean(dtype=np.float64)) if len(values) else None
    columns: Json = {}
    if known.item_table is not None:
        columns = known.item_table.take(positions_array(rows)).to_pylist()[0]
    return {
        "item": item_id,
        "title": known.titles(rows)[0],
        "ratings": int(known.item_counts[row]),
        "mean": mean,
        "columns": {name: _plain(value) for name, value in columns.items()},
    }


def similar(model: Recommender, item_id: Id, n: int) -> Json:
    """Return the items most like one."""
    found = model.similar_items(item_id, n)
    return {
        "items": [
            {"item": one.id, "title": one.title, "correlation": one.correlation} for one in found
        ]
    }


def ratings_of(model: Recommender, user: Id) -> Json:
    """Return what one user has rated, newest first; `UnknownIdError` for an unknown one."""
    known = model.knowledge
    row = known.user_ids.row(user)
    rated = model.predictor.ledger.of_user(row)
    order = np.arange(len(rated.rows))
    if rated.seconds is not None:
        order = np.argsort(-rated.seconds, kind="stable")
    rows = rated.rows[order].astype(np.int32)
    columns: dict[str, Any] = {
        "item": known.item_ids.ids(rows),
        "title": known.titles(rows),
        "rating": rated.values[order].tolist(),
    }
    if rated.seconds is not None:
        columns["timestamp"] = rated.seconds[order].tolist()
    found = [dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)]
    return {"user": user, "ratings": found, "total": len(found)}


def _paged(name: str, shown: list[Json], rows: npt.NDArray[np.integer], page: Page) -> Json:
    return {name: shown, "page": page.number, "size": page.size, "total": len(rows)}


def _mentions(model: Recommender, search: str) -> Mask:
    known = model.knowledge
    found = _holds(known.item_ids.array.cast(pa.large_string()), search)
    table = known.item_table
    if search and table is not None and "title" in table.column_names:
        found |= _holds(table["title"].slice(1).combine_chunks(), search)
    return found


def _holds(texts: pa.Array, search: str) -> Mask:
    """Mark the texts that hold another, whatever the case and the accents, (n,)."""
    if not search:
        return np.ones(len(texts), dtype=bool)
    if isinstance(texts, pa.ChunkedArray):
        texts = pa.concat_arrays(texts.chunks)
    sought = _folded(pa.array([search], pa.large_string()))[0].as_py()
    found = pc.match_substring(_folded(texts), sought)
    return pc.fill_null(found, False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _folded(texts: pa.Array) -> pa.Array:
    """Return texts in small letters without accents."""
    apart = pc.utf8_normalize(texts.cast(pa.large_string()), form="NFKD")
    return pc.utf8_lower(pc.replace_substring_regex(apart, r"\p{Mn}+", ""))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return [_plain(one) for one in value] if isinstance(value, list) else str(value)
