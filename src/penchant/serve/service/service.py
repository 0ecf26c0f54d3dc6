"""Service: a model that is never older than the last write that was acknowledged."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from penchant.errors import BundleError, DataError, UnavailableError, UnknownIdError
from penchant.fold_in.change import Added
from penchant.ids import Id
from penchant.serve import receipts
from penchant.serve.log import catalogue
from penchant.serve.log.database import opened
from penchant.serve.log.events import Append, EventLog, Head
from penchant.serve.log.replay import Pair, Said, put_in, require_living, takes_ratings, with_times
from penchant.serve.receipts import Receipt
from penchant.serve.service import forgetting, upkeep
from penchant.serve.service.answers import ModelInfo, Rating, Status, Written
from penchant.serve.service.live import Live, View
from penchant.serve.service.models import Models, digest_of, look, made
from penchant.serve.service.watch import Watch
from penchant.settings import require_count


class Service:
    """A trained model that takes ratings and answers with them, in one process or several.

    Each write is in a log before it is acknowledged, and in the answers of this process from then
    on; other processes have it within a second. What answers is always a bundle with the log's
    later events put in, so a process may be killed at any moment. All methods may be called from
    any thread. See docs/serve.md.
    """

    def __init__(self, live: Live, source: Path, compact_after: int | None) -> None:
        self._log, self._models, self._live, self._source = live.log, live.models, live, source
        self._told: tuple[str, ...] = ()
        self._watch = Watch(live, source, compact_after)

    @classmethod
    def open(
        cls,
        bundle: str | os.PathLike[str],
        log: str | None = None,
        keep: int = 3,
        *,
        folder: str | os.PathLike[str] | None = None,
        compact_after: int | None = 10_000,
    ) -> Self:
        """Open a bundle for serving, and put in what the log has for it.

        A bundle that the log doesn't know, such as a newly trained one, becomes the model that
        answers; all ratings in the log are put into it. One that it knows changes nothing: the
        model that was active is active again.

        Args:
            bundle: a saved recommender, such as "films.penchant". It is copied: what is served
                stays as it is when the folder is replaced.
            log: the URL of the log, ``postgresql://…`` or ``sqlite:///…``; a file of SQLite in
                `folder` if None. All processes that share a log share the folder too.
            keep: how many models are kept.
            folder: where models and log are kept; beside the bundle, as
                "films.penchant.serving", if None.
            compact_after: after how many events a new bundle is saved in the background; None for
                only when it is asked for.

        Raises:
            BundleError: there is no bundle, or no model that can be used.
            DataError: the ratings in the log don't fit the bundle: another scale, other ids.
            UnavailableError: the log cannot be reached.
            SettingsError: an argument makes no sense, or the log is that of other models.
        """
        require_count("keep", keep)
        if compact_after is not None:
            require_count("compact_after", compact_after)
        source = Path(bundle)
        home = source.absolute() if folder is None else Path(folder).absolute()
        home = home.with_name(f"{home.name}.serving") if folder is None else home
        first = look(source)
        if first.problem and not home.is_dir():
            raise BundleError(first.problem)
        made(home)
        database = opened(f"sqlite:///{home / 'events.sqlite'}" if log is None else log)
        events = EventLog(database)
        try:
            models = Models(home, events, keep)
            told = _adopt(models, source, in_folder=log is None)
            live = Live(events, models)
        except BaseException:
            database.close()
            raise
        service = cls(live, source.absolute(), compact_after)
        service._told = tuple(told)
        return service

    def close(self) -> None:
        """Stop following the log, and give the connections back."""
        self._watch.stop()
        self._log.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Give the current recommender, which stays as it is whatever is written meanwhile."""
        yield self._live.view.model

    @property
    def position(self) -> int:
        """How much of the log the answers hold."""
        return self._live.view.head.position

    def catch_up(self) -> None:
        """Read what others wrote into the log, now; where the log is away, nothing happens."""
        with contextlib.suppress(UnavailableError):
            self._live.follow()

    def rate(self, ratings: Iterable[Rating], key: str | None = None) -> Written:
        """Take in ratings; of several of one pair the last one counts, whatever its time.

        Args:
            ratings: at least one.
            key: an idempotency key: what came before with the same key and the same ratings is
                not written again and gets the answer that it got then. The last 100,000 are known.

        Raises:
            DataError: a value off the scale, an id of another type, no ratings at all.
            ConflictError: the key came with other ratings before.
            UnsupportedError: the model can't take ratings.
            UnavailableError: the log is away. None of these leaves anything in the log.
        """
        given = [Rating(*rating) for rating in ratings]
        _require_some(given)
        said: dict[Pair, Said] = {}
        for rating in given:
            pair = (_id(rating.user, "user"), _id(rating.item, "item"))
            said[pair] = Said(rating.value, rating.timestamp)
        body = ["rate", [list(rating) for rating in given]]

        def put(view: View) -> tuple[Any, Added, dict[Pair, Said | None]]:
            require_living(view.model)
            timed: dict[Pair, Said | None] = {**with_times(view.model, said)}
            return *put_in(view.model, timed), timed

        return self._write(key, body, put)

    def unrate(self, pairs: Iterable[Pair], key: str | None = None) -> Written:
        """Take ratings out again.

        Args:
            pairs: user and item of each, at least one.
            key: an idempotency key, as for `rate`.

        Raises:
            UnknownIdError: a pair has no rating. Nothing was taken out then.
            DataError, ConflictError, UnsupportedError, UnavailableError: as for `rate`.
        """
        given = [(_id(user, "user"), _id(item, "item")) for user, item in pairs]
        _require_some(given)

        def take(view: View) -> tuple[Any, Added, dict[Pair, Said | None]]:
            require_living(view.model)
            model = copy.copy(view.model)
            users, items = zip(*given, strict=True)
            return model, model.remove_ratings(list(users), list(items)), dict.fromkeys(given)

        return self._write(key, ["unrate", [list(pair) for pair in given]], take)

    def _write(self, key: str | None, body: Any, change: Any) -> Written:
        def act(append: Append, view: View) -> tuple[Any, Head, Written]:
            before = append.answered(key, body)
            if before is not None:
                return view.model, append.head, Written.from_json(before)
            model, added, effect = change(view)
            position = append.add(effect)
            answer = Written(
                position, added.added, added.changed, added.removed, added.users, added.items
            )
            append.remember(key, body, answer.to_json())
            return model, append.head._replace(position=position), answer

        return self._live.write(act)

    def forget(self, user: Id, key: str | None = None) -> Receipt:
        """Forget a user: in the answers, the log, its files, and each bundle that is kept.

        Args:
            user: an id.
            key: an idempotency key, as for `rate`: the receipt is given again.

        Raises:
            UnknownIdError: nobody here knows that id.
            UnsupportedError: the model that answers can't forget.
            BundleError: a bundle could not be rewritten, for the disk is full perhaps. The user is
                out of the answers and the log then, and the rest is tried again.
            ConflictError, UnavailableError: as for `rate`.
        """
        return forgetting.forget(self._live, self._source, _id(user, "user"), key)

    def receipt(self, id_: str) -> Receipt:
        """Return a receipt again, as things stand: what is still open is tried until it isn't.

        Raises `UnknownIdError` where none is kept by that id.
        """
        with self._log.database.reading() as connection:
            receipt = receipts.kept(connection, id_)
        if receipt is None:
            raise UnknownIdError(
                f"There is no receipt {id_!r}; the last {receipts.KEPT:,} are kept."
            )
        return receipt

    def activate(self, name: str) -> ModelInfo:
        """Let another model answer, with all ratings of the log put in.

        Raises:
            UnknownIdError: there is none of that name.
            BundleError: it is damaged; the one that answers goes on.
            DataError: the log's ratings don't fit it.
            UnavailableError: the log is away.
        """
        upkeep.activate(self._live, name)
        return self._info(name)

    def roll_back(self) -> ModelInfo:
        """Activate the model that came before the one that answers.

        Raises `UnknownIdError` where no older one is kept, and what `activate` raises.
        """
        return self._info(upkeep.roll_back(self._live))

    def compact(self) -> ModelInfo:
        """Save what answers as a new bundle, from which the next start goes on.

        Nothing happens where nothing came since the last one. Models beyond those to keep go.

        Raises:
            UnsupportedError: the model can't take ratings, so there is nothing to save.
            BundleError: it cannot be written, for the disk is full perhaps.
            UnavailableError: the log is away.
        """
        return self._info(upkeep.compact(self._live))

    def _info(self, name: str) -> ModelInfo:
        return next(info for info in self.models() if info.name == name)

    def models(self) -> list[ModelInfo]:
        """Return the models that are kept, damaged ones among them, the newest first."""
        return self._models.infos(self._live.view.name)

    def status(self) -> Status:
        """Return how the service is, as it was last seen."""
        view, problems = self._live.view, (*self._told, *self._live.problems, *self._watch.problems)
        return Status(
            ready=self._watch.reachable,
            active=view.name,
            takes_ratings=takes_ratings(view.model),
            position=view.head.position,
            events=view.head.position - view.base,
            reachable=self._watch.reachable,
            problems=problems,
        )


def _adopt(models: Models, source: Path, *, in_folder: bool) -> list[str]:
    """Make the given bundle known to the log; return what the keeper of the server is to know."""
    with models.alone():
        models.claim(checked=not in_folder)
        models.sweep(source)
        models.tidy()
        kept = models.adopt_all()
        digest = digest_of(source)
        with models.log.database.reading() as connection:
            known = catalogue.rows(connection)
        lost = not any(models.place(row.name).is_dir() for row in known)
        if digest is not None and (lost or digest not in {row.digest for row in known}):
            models.take_copy(source, activate=not kept)
            models.tidy()
    told = [str(look(source).problem)] if digest is None else []
    if digest is None and not known:
        raise BundleError(told[0])
    if kept:
        told.append(
            f"The log is new, but there were models: {kept[-1]} answers. What was written since "
            f"it was saved was in the log that is gone."
        )
    return told


def _require_some(given: list[Any]) -> None:
    if not given:
        raise DataError("There are no ratings in this write. Send at least one.")


def _id(value: Any, what: str) -> Id:
    if type(value) not in (int, str):
        raise DataError(
            f"A {what} id is a whole number or a text; received {value!r}, which is of type "
            f"{type(value).__name__}."
        )
    return value  # type: ignore[no-any-return]
