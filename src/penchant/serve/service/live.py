"""The model that answers: a bundle with the log's events put in, kept up with the log."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from penchant.errors import BundleError, DataError, UnknownIdError
from penchant.serve.log.events import Append, EventLog, Head
from penchant.serve.log.replay import put_in, takes_ratings
from penchant.serve.service.models import Models

T = TypeVar("T")


class View(NamedTuple):
    """A model and where it stands; it never changes, a newer one takes its place.

    Attributes:
        model: with all events up to the head's position, where it can take ratings.
        name: of the bundle that it came from, or that holds it.
        base: the position that the bundle holds.
        head: of the log, when it was last seen.
    """

    model: Any
    name: str
    base: int
    head: Head


class Live:
    """The view that is current, in this process.

    Readers take `view`; whoever changes it holds `lock`.
    """

    def __init__(self, log: EventLog, models: Models) -> None:
        self.log, self.models = log, models
        self.lock = threading.RLock()
        self.problems: tuple[str, ...] = ()
        self.view = self._first()

    def _first(self) -> View:
        """Load the active model; where it is damaged, the newest other one, and tell."""
        active = self.log.head().active
        names = [row.name for row in self.models.rows()]
        problems: list[str] = []
        for name in sorted(names, key=lambda name: name != active):
            try:
                view = self.loaded(name)
            except (BundleError, OSError) as error:
                problems.append(f"Model {name} cannot be used: {error}")
                continue
            self.problems = tuple(problems)
            return view
        raise BundleError("No model can be used. " + " ".join(problems))

    def loaded(self, name: str) -> View:
        """Return a view of a model with the log's events put in.

        Raises:
            BundleError: it is damaged.
            DataError: the log's ratings don't fit the model.
        """
        base, model = self.models.row(name).position, self.models.open(name)
        head, effect = self.log.since(base)
        for leaving in head.forgetting:
            if base <= leaving.position:  # who came back since is in later bundles, and stays
                with contextlib.suppress(UnknownIdError):
                    model.forget(leaving.user)
        if effect and takes_ratings(model):
            try:
                model, _ = put_in(model, effect)
            except DataError as error:
                raise DataError(
                    f"The ratings in the log don't fit model {name}: {error} Serve a model of the "
                    f"same data, or begin with another log."
                ) from None
        return View(model, name, base, head)

    def follow(self) -> None:
        """Put in what others wrote, or load another model where the log says so.

        Raises `UnavailableError` where the log is away; the view stays as it is then.
        """
        with self.lock:
            head, effect = self.log.since(self.view.head.position)
            self._follow(head, effect)

    def _follow(self, head: Head, effect: Any) -> None:
        view = self.view
        if not _goes_on(head, view.head):
            self.view, self.problems = self.loaded(str(head.active)), ()
            return
        model, base = view.model, view.base
        if effect and takes_ratings(model):
            model, _ = put_in(model, effect)
        if head.active != view.head.active:  # the same model, in a newer bundle
            base = self.models.row(str(head.active)).position
            view, self.problems = view._replace(name=str(head.active)), ()
        if head != view.head:
            self.view = view._replace(model=model, base=base, head=head)

    def switch(self, view: View) -> None:
        """Answer with another model, once it holds all that is in the log."""
        with self.lock:
            head, effect = self.log.since(view.head.position)
            model = view.model
            if effect and takes_ratings(model):
                model, _ = put_in(model, effect)
            self.view, self.problems = view._replace(model=model, head=head), ()

    def write(self, act: Callable[[Append, View], tuple[Any, Head, T]]) -> T:
        """Change the log while nobody else does, and answer with that from then on.

        Args:
            act: gets the log and the view, which holds all that is in the log; it changes the log,
                and returns the model and the head that follow, and what is returned here. The
                model is shown to readers once the log is on disk.
        """
        with self.lock:
            while True:
                self.follow()
                with self.log.appending() as append:
                    if _goes_on(append.head, self.view.head):
                        self._follow(append.head, append.effect(self.view.head.position))
                        model, head, answer = act(append, self.view)
                        break
            self.view = self.view._replace(model=model, head=head)
            return answer


def _goes_on(now: Head, before: Head) -> bool:
    """Return whether it is the same log, further on, and no one is to load a model."""
    same = (now.identity, now.epoch) == (before.identity, before.epoch)
    return same and now.position >= before.position
