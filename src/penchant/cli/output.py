"""What commands print: one JSON object, or text and tables."""

from __future__ import annotations

import codecs
import json
import sys
from typing import Any

import typer


def print_json(result: dict[str, Any]) -> None:
    """Print one JSON object on standard output; in ASCII where that isn't written in UTF-8."""
    escaped = not _is_utf8(sys.stdout.encoding)
    typer.echo(json.dumps(result, ensure_ascii=escaped, allow_nan=False, default=_plain))


def _is_utf8(encoding: str | None) -> bool:
    return codecs.lookup(encoding or "ascii").name == "utf-8"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def scores_json(scores: Any) -> dict[str, Any]:
    """Return scores as JSON-able values."""
    return {**scores, "interval": list(scores.interval)}
