"""The report of a model: one HTML file with its pictures, or the same numbers as JSON.

The package is callable, as ``penchant.split`` is: ``penchant.report(model, "films.html")``.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from penchant.atomic import new_file
from penchant.errors import SettingsError, SourceError
from penchant.ids import Id
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.report.gather import gather
from penchant.report.judged import judge
from penchant.report.page import page

PathLike = str | os.PathLike[str]

__all__ = ["Report", "report"]


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """What a report tells.

    Attributes:
        numbers: a mapping for each section, JSON-able; where one is left out it says why.
        path: the file that was written, or None.
    """

    numbers: dict[str, Any]
    path: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON-able values."""
        return self.numbers

    def to_html(self) -> str:
        """Return the page."""
        return page(self.numbers)

    def __repr__(self) -> str:
        return f"Report({self.numbers['name']!r}, {self.numbers['model']}, path={self.path!r})"


def report(
    model: Recommender,
    path: PathLike | None = None,
    test: Ratings | None = None,
    *,
    source: Ratings | None = None,
    users: Sequence[Id] | None = None,
    chapter: bool = False,
    bundle: str = "BUNDLE",
    progress: bool = False,
) -> Report:
    """Report on a trained model: data, network, training, errors, intervals, map, reasons, card.

    The page is one HTML file with its pictures; it loads nothing from anywhere. A section that
    this model or these ratings can't give says why. Test figures are of ratings that the model was
    not trained on, and each says how they were chosen. With `test` they are those, without the
    ones that were trained on. With `source`, the whole table, the split that `penchant fit` noted
    is made again and checked by the fingerprint of the training ratings; where there is no note,
    all ratings of the table count whose pair was not trained on. With neither, a named set that
    was noted is loaded.

    Args:
        model: a trained recommender of any kind.
        path: the HTML file to write, whole or not at all; None for none.
        test: test ratings.
        source: the table that training and test ratings are of.
        users: whose recommendations to show; None for the most, the middling and the least active
            user, and somebody new.
        chapter: whether to train the course chapter's network for the comparison; it takes a
            minute for 100,000 ratings.
        bundle: what the bundle is called in the commands that the page shows.
        progress: whether to tell on standard error what takes long.

    Raises:
        NotFittedError: the model isn't trained.
        SettingsError: both `test` and `source`, or a path that doesn't end in .html.
        DataError: what is given as ratings is none, or empty.
        SourceError: the file can't be written.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> train, test = pc.split(ratings, test=0.2, seed=1)
    >>> model = pc.MatrixFactorization(2, "als").fit(train, progress=False)
    >>> told = pc.report(model, test=test)
    >>> told.numbers["errors"]["rmse"] == model.evaluate(test).rmse, told.numbers["errors"]["n"]
    (True, 180)
    """
    if path is not None:
        _require_html(path)
    judged = judge(model, source, test)
    numbers = gather(judged, users=users, chapter=chapter, bundle=bundle, progress=progress)
    if path is None:
        return Report(numbers)
    _write(path, page(numbers))
    return Report(numbers, Path(path))


def _require_html(path: PathLike) -> None:
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise SettingsError(
            f"A report is an HTML file, and its path ends in .html; received {os.fspath(path)!r}."
        )


def _write(path: PathLike, told: str) -> None:
    try:
        with new_file(path) as file:
            file.write(told.encode())
    except OSError as error:
        raise SourceError(
            f"The report can't be written to {os.fspath(path)!r}: {error.strerror or error}. "
            f"Choose a folder that exists and that you may write to."
        ) from error


class _CallablePackage(types.ModuleType):
    def __call__(self, *args: Any, **settings: Any) -> Report:
        return report(*args, **settings)


sys.modules[__name__].__class__ = _CallablePackage
