"""Which epoch or sweep is kept, and when to wait no longer for a better one."""

from __future__ import annotations

from penchant.history import History


def keeps_last(history: History) -> bool:
    """Return whether the last record's model is to be kept, and mark the best in the history.

    Where validation rows were measured, the model that they like best is kept; else the last.
    Asked again of the same record it answers the same.

    >>> history = History([{"validation_rmse": 0.9}])
    >>> keeps_last(history), history.best
    (True, 0)
    >>> keeps_last(history)
    True
    >>> history.append({"validation_rmse": 0.95})
    >>> keeps_last(history), history.best
    (False, 0)
    """
    last = len(history) - 1
    if "validation_rmse" not in history.records[last]:
        return True
    scores = history.column("validation_rmse")
    if history.best not in (None, last) and scores[last] >= scores[history.best]:
        return False
    history.best = last
    return True


def has_waited(history: History, patience: int) -> bool:
    """Return whether so many rounds have passed since the best one."""
    return history.best is not None and len(history) - 1 - history.best >= patience
