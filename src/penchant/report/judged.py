"""Which ratings judge a model: never those that it was trained on."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable

import numpy as np

from penchant.errors import SettingsError, SourceError
from penchant.model.provenance import Provenance
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender, require_ratings
from penchant.split import split

Load = Callable[[str], Ratings]


@dataclasses.dataclass(frozen=True, eq=False)
class Judged:
    """A model, and what there is to judge it by.

    Attributes:
        model: the model; with its training ratings where a source gave them back.
        test: ratings that it was not trained on, or None.
        protocol: how they were chosen, in words; "" without them.
        why: without test ratings, what is missing and how to get it.
        whole: the table that training and test ratings are of, or None.
        left_out: ratings of the source that are left out since they were trained on.
        verified: whether the fingerprint shows that the test ratings are those of the training.
        caution: what may be wrong with the test ratings; "" for nothing.
    """

    model: Recommender
    test: Ratings | None = None
    protocol: str = ""
    why: str = ""
    whole: Ratings | None = None
    left_out: int = 0
    verified: bool = False
    caution: str = ""


def judge(model: Recommender, source: Ratings | None = None, test: Ratings | None = None) -> Judged:
    """Find the test ratings of a model.

    Of a `source` the split that `penchant fit` noted is made again; the fingerprint of its training
    part says whether that is the one. Else its ratings of pairs that were not trained on are taken,
    as far as the training ratings are known. Given test ratings lose those that were trained on.
    Without either a noted named set is loaded.

    Raises:
        SettingsError: both `source` and `test`.
        DataError: what is given is no `Ratings`, or empty.
    """
    if source is not None and test is not None:
        raise SettingsError("Give either the whole table as source=, or test ratings as test=.")
    if test is not None:
        require_ratings("test", test)
        return _of_given(model, test)
    if source is not None:
        require_ratings("source", source)
        return _of_source(model, source)
    return _of_provenance(model)


def _of_given(model: Recommender, test: Ratings) -> Judged:
    if not _has_ratings(model):
        told = "It can't be checked that they weren't trained on: the bundle holds no ratings."
        protocol = f"{len(test):,} test ratings as given"
        return Judged(model, test, protocol, caution=told)
    kept, gone = _unseen(model, test)
    if kept is None:
        return Judged(model, why=_all_trained(len(test)), left_out=gone)
    without = f", without {gone:,} that were trained on" if gone else ""
    return Judged(model, kept, f"{len(kept):,} test ratings as given{without}", left_out=gone)


def _of_source(model: Recommender, source: Ratings) -> Judged:
    found = _remade(model, source)
    if found is not None:
        return found
    noted = model.provenance
    if not _has_ratings(model):
        why = (
            "The bundle holds no ratings, and the source is not the table that its note of the "
            "training tells of"
            if noted
            else "The bundle holds neither ratings nor a note of how they were split"
        )
        return Judged(
            model,
            why=f"{why}, so nobody can say which ratings it wasn't trained on. Save the model with "
            f"its ratings, or train it by penchant fit.",
            whole=source,
        )
    kept, gone = _unseen(model, source)
    if kept is None:
        return Judged(model, why=_all_trained(len(source)), whole=source, left_out=gone)
    protocol = (
        f"{len(kept):,} ratings of {source.name} whose pairs of user and item were not trained "
        f"on ({gone:,} left out)"
    )
    return Judged(model, kept, protocol, whole=source, left_out=gone, caution=_caution(model))


def _of_provenance(model: Recommender) -> Judged:
    from penchant.data.fetch.datasets import NAMED_SETS

    noted = model.provenance
    if noted is None:
        return Judged(
            model,
            why="The bundle doesn't tell which ratings were held out. Give the whole table "
            "(penchant report BUNDLE SOURCE, or source= in Python), or test ratings (test=).",
        )
    if not noted.test:
        return Judged(
            model,
            why="No ratings were held out when it was trained (--test 0). Give ratings that it has "
            "not seen: penchant report BUNDLE SOURCE, or test= in Python.",
        )
    asked = f"penchant report BUNDLE {noted.source}"
    if noted.source not in NAMED_SETS:
        return Judged(
            model,
            why=f"The test ratings were {noted.protocol} of {noted.source}, which the bundle does "
            f"not hold. Give that table again: {asked}, or source= in Python.",
        )
    try:
        source = _load(noted.source)
    except SourceError as error:
        return Judged(model, why=f"{noted.source} could not be loaded: {error}")
    return _remade(model, source) or Judged(
        model,
        why=f"The {noted.protocol} of {noted.source} does not leave the ratings that this model "
        f"holds: it was changed since its training, or the set was. Give test ratings: {asked}, or "
        f"test= in Python.",
    )


def _load(name: str) -> Ratings:
    from penchant.data.load import load

    return load(name)


def _remade(model: Recommender, source: Ratings) -> Judged | None:
    """Make the noted split again; None where it isn't the one that the model was trained on."""
    noted = model.provenance
    if noted is None or not noted.test:
        return None
    try:
        train, test = _parts(source, noted)
    except SettingsError:  # a table too small for these shares is another one
        return None
    if train.fingerprint() != model.knowledge.fingerprint:
        return None
    return Judged(
        _with_ratings(model, train),
        test,
        f"{noted.protocol}: {len(test):,} test ratings of {source.name}",
        whole=source,
        left_out=len(source) - len(test),
        verified=True,
    )


def _parts(source: Ratings, noted: Provenance) -> tuple[Ratings, Ratings]:
    train, test = split(source, test=noted.test, seed=noted.seed)
    if noted.validation is not None:
        train, _ = split(train, test=noted.validation, seed=noted.seed)
    return train, test


def _with_ratings(model: Recommender, train: Ratings) -> Recommender:
    """Return the model, or a twin that has its training ratings where the bundle holds none."""
    if _has_ratings(model):
        return model
    known = model.knowledge
    again = known.aligned(train)
    twin = copy.copy(model)
    known = dataclasses.replace(known, fetch=lambda: again)
    twin._predictor = dataclasses.replace(model.predictor, known=known)
    return twin


def _has_ratings(model: Recommender) -> bool:
    return model.knowledge.fetch() is not None


def _unseen(model: Recommender, ratings: Ratings) -> tuple[Ratings | None, int]:
    """Return the ratings of pairs that were not trained on, or None, and how many were."""
    trained = model.knowledge.trained_on(ratings)
    kept = None if trained.all() else ratings.take(np.flatnonzero(~trained))
    return kept, int(trained.sum())


def _all_trained(n: int) -> str:
    return (
        f"All {n:,} ratings are of pairs that the model was trained on, so they can't judge it. "
        f"Give ratings that it has not seen."
    )


def _caution(model: Recommender) -> str:
    """Say that validation ratings may be among what was not trained on."""
    rows = 0 if model.calibration is None else model.calibration.rows
    if not rows and not np.isfinite(model.history.column("validation_rmse")).any():
        return ""
    many = f"the {rows:,} validation ratings" if rows else "validation ratings"
    return (
        f"They may include {many} that chose when to stop or set the widths of intervals: nothing "
        f"in the bundle tells them apart. Give the test ratings alone: test= in Python."
    )
