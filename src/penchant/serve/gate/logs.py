"""One JSON object a line: what the server did, without ids of users, keys or bodies."""

from __future__ import annotations

import datetime
import json
import logging
from typing import Any

LOGGER = logging.getLogger("penchant.serve")
"""Where a server writes; an `extra={"about": {...}}` adds fields."""


class JsonLines(logging.Formatter):
    """Formats a record as a JSON object on a line.

    >>> record = logging.makeLogRecord({"levelname": "INFO", "msg": "said", "about": {"n": 1}})
    >>> sorted(json.loads(JsonLines().format(record)))
    ['level', 'logger', 'message', 'n', 'time']
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        said: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def config(level: str = "INFO") -> dict[str, Any]:
    """Return what sends the logs of the server and of uvicorn to standard error."""
    to_stderr = {"handlers": ["lines"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{__name__}.JsonLines"}},
        "handlers": {
            "lines": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {
            "penchant": to_stderr,
            "uvicorn": {**to_stderr, "level": "ERROR"},  # it warns of each stranger's nonsense
        },
    }
