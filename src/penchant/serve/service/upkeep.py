"""Compaction, activation and rolling back: which bundle stands under the model that answers."""

from __future__ import annotations

from penchant.errors import UnknownIdError
from penchant.serve.log import catalogue
from penchant.serve.log.events import EventLog
from penchant.serve.log.replay import require_living
from penchant.serve.service.live import Live
from penchant.serve.service.models import PATIENCE, digest_of

_CHUNK = 2_000
"""Events that are looked through at a time, so that nobody who writes waits for long."""


def compact(live: Live, *, least: int = 1, patience: float = PATIENCE) -> str:
    """Save what answers, with all ratings that came, as a new bundle; return its name.

    Writes go on meanwhile. Events that later ones have superseded leave the log.

    Args:
        live: what answers.
        least: nothing happens where fewer events came after the bundle that there is.
        patience: seconds to wait for another process that changes the models.
    """
    models = live.models
    with models.alone(patience):
        live.follow()
        view = live.view
        require_living(view.model)
        if view.head.position - view.base < least and view.name == view.head.active:
            return view.name
        name = models.save(view.model, view.head.position)
        live.follow()
        models.tidy()
        _drop_superseded(live.log, view.head.position)
        return name


def activate(live: Live, name: str) -> None:
    """Let another model answer, with all ratings of the log put in.

    Raises:
        UnknownIdError: there is none of that name.
        BundleError: it is damaged.
        DataError: the log's ratings don't fit it.
    """
    models = live.models
    with models.alone():
        row = models.row(name)
        if name == live.view.name == live.log.head().active:
            return
        view = live.loaded(name)  # all that can fail, before anything changes
        with live.lock:
            with live.log.appending() as append:
                if row.digest is None:  # someone put it there
                    digest = digest_of(models.place(name))
                    catalogue.add(append.connection, name, 0, digest)
                catalogue.activate(append.connection, name, reload=True)
            live.switch(view)


def roll_back(live: Live) -> str:
    """Activate the model that came before the one that answers; return its name.

    Raises `UnknownIdError` where none is kept that is older.
    """
    rows, name = live.models.rows(), live.view.name
    number = next((row.number for row in rows if row.name == name), 0)
    older = [row.name for row in rows if row.number < number]
    if not older:
        raise UnknownIdError(
            f"No model is kept that is older than {name}. Name the one to activate, or keep more."
        )
    activate(live, older[0])
    return older[0]


def _drop_superseded(log: EventLog, until: int) -> None:
    for start in range(0, until, _CHUNK):
        with log.appending() as append:
            append.drop_superseded(start, min(start + _CHUNK, until))
