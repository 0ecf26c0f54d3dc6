"""What commands print: one JSON object, or text and tables."""

from __future__ import annotations

import json
from typing import Any

import typer


def print_json(result: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(result, ensure_ascii=False, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def scores_json(scores: Any) -> dict[str, Any]:
    """Return scores as JSON-able values."""
    return {**scores, "interval": list(scores.interval)}
