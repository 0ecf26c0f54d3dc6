"""Recommenders to bundles and back: what is the same for all kinds."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penchant.choices import Choices
from penchant.errors import BundleError, DataError, SettingsError
from penchant.factors import Factors
from penchant.history import History
from penchant.model.known import Knowledge
from penchant.model.provenance import Provenance
from penchant.model.state import Life
from penchant.predict.intervals import Calibration
from penchant.ratings import Ratings, Scale
from penchant.settings import require, require_choice
from penchant.solvers.base import Recorded
from penchant.stars import Stars
from penchant.storage import bundle

if TYPE_CHECKING:
    from penchant.posterior import Posterior


_SETTINGS = {"factors", "solver", "seed", "side_information", "choices"}


class Stored(NamedTuple):
    """An opened bundle, and what it says of its data."""

    bundle: bundle.Bundle
    knowledge: Knowledge


class Saved(NamedTuple):
    """What a recommender is made of again, beside its ids and ratings.

    Attributes:
        card: JSON-able entries.
        weights: named arrays; ``user_…`` has M rows and ``item_…`` has N.
        posterior: further named arrays, or None.
    """

    card: dict[str, Any]
    weights: dict[str, Any]
    posterior: dict[str, Any] | None = None

    def calibrated(self, calibration: Calibration | None) -> Saved:
        """Return it with what intervals are calibrated by; `calibration_of` reads that."""
        if calibration is None or not len(calibration.scores):
            return self
        card = {**self.card, "calibration": calibration.card()}
        weights = {**self.weights, "calibration": calibration.scores}
        return self._replace(card=card, weights=weights)


def save(
    path: str | os.PathLike[str],
    kind: str,
    known: Knowledge,
    saved: Saved,
    *,
    ratings: bool,
    overwrite: bool,
) -> None:
    """Write a bundle of a recommender; see `penchant.storage.bundle.write`."""
    data = {"name": known.name, "scale": [float(known.scale.low), float(known.scale.high)]}
    data["fingerprint"] = known.fingerprint
    noted = {} if known.provenance is None else {"provenance": known.provenance.card()}
    counts = {"user_counts": known.user_counts, "item_counts": known.item_counts}
    picks = {} if known.choices is None else known.choices.arrays()
    kept = known.ratings if ratings else None
    contents = bundle.Contents(
        kind=kind,
        card={**saved.card, "data": data, **noted},
        weights={**saved.weights, **counts, **picks},
        users=known.user_ids,
        items=known.item_ids,
        user_table=known.user_table,
        item_table=known.item_table,
        posterior=saved.posterior,
        ratings=None
        if kept is None
        else bundle.Columns(kept.user_rows, kept.item_rows, kept.values, kept.timestamps),
    )
    bundle.write(path, contents, overwrite=overwrite)


def stored(opened: bundle.Bundle) -> Stored:
    """Return an opened bundle with what it says of its data.

    Raises `BundleError` where the card says nothing, or nonsense.
    """
    data = entry(opened, "data", dict)
    scale = data.get("scale")
    if not isinstance(scale, list) or len(scale) != 2:
        raise _wrong(opened, "data.scale", "two numbers", scale)
    if not isinstance(data.get("name"), str) or not isinstance(data.get("fingerprint"), str):
        raise _wrong(opened, "data", "a name and a fingerprint", sorted(data))
    try:
        known_scale = Scale(*(float(end) for end in scale))
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(opened, "data.scale", "two finite numbers", scale) from error

    def fetch() -> Ratings | None:
        columns = opened.ratings
        if columns is None:
            return None
        ids = (opened.users, opened.items, known_scale)
        tables = (opened.user_table, opened.item_table, data["name"])
        return Ratings(*columns[:3], *ids, columns.timestamps, *tables)

    knowledge = Knowledge(
        opened.users,
        opened.items,
        known_scale,
        _counts(opened, "user_counts"),
        _counts(opened, "item_counts"),
        opened.user_table,
        opened.item_table,
        data["name"],
        lambda: str(data["fingerprint"]),
        fetch,
        provenance=_provenance(opened),
        choices=_choices(opened),
    )
    return Stored(opened, knowledge)


def entry(opened: bundle.Bundle, name: str, kind: type) -> Any:
    """Return an entry of the card; raise `BundleError` where it is not of that type."""
    value = opened.card.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(opened, name, f"a {kind.__name__}", value)
    return value


def settings_of(store: Stored, solvers: tuple[str, ...]) -> dict[str, Any]:
    """Return the constructor's arguments of a saved matrix factorisation."""
    said = entry(store.bundle, "settings", dict)
    settings = {**said, "choices": said.get("choices", False)}  # bundles of format 1 have none
    try:
        require(set(settings) == _SETTINGS, f"settings are {sorted(said)}.")
        solver = settings["solver"]
        whole = all(type(settings[name]) is int for name in ("factors", "seed"))
        require(whole, "factors and seed must be whole numbers.")
        require(type(settings["choices"]) is bool, f"choices is {settings['choices']!r}.")
        named = isinstance(solver, dict) and isinstance(solver.get("settings"), dict)
        require(named, f"solver must have a name and settings, not {solver!r}.")
        require_choice("solver", solver.get("name"), solvers)
        wanted = settings["side_information"]
        names = isinstance(wanted, list) and all(isinstance(name, str) for name in wanted)
        require(names or wanted in (None, True, False), f"side_information is {wanted!r}.")
    except SettingsError as error:
        raise BundleError(f"{store.bundle.folder}, card.json: {error}") from error
    return {**settings, "solver": Recorded(solver["name"], solver["settings"])}


def history_of(store: Stored) -> History:
    """Return the saved history; raise `BundleError` where it is none."""
    said = entry(store.bundle, "history", dict)
    records, best = said.get("records"), said.get("best")
    numbers = isinstance(records, list) and all(
        isinstance(r, dict) and all(type(v) in (int, float) for v in r.values()) for r in records
    )
    chosen = best is None or (type(best) is int and numbers and 0 <= best < len(records or ()))
    if not numbers or not chosen:
        raise _wrong(store.bundle, "history", "records of numbers", said)
    return History(list(records or ()), best, said.get("interrupted") is True)


def reads_time_of(store: Stored) -> bool:
    """Return whether the model has effects of user × day; its posterior holds them."""
    reads = entry(store.bundle, "reads_time", bool)
    if reads and not store.bundle.has_posterior:
        raise _wrong(store.bundle, "reads_time", "false without a posterior", reads)
    return bool(reads)


def factors_of(store: Stored) -> Factors:
    """Return the saved factors; raise `BundleError` where they are not whole."""
    opened = store.bundle
    mean: Any = opened.card.get("mean")
    if type(mean) not in (int, float) or not abs(mean) < float(np.finfo(np.float32).max):
        raise _wrong(opened, "mean", "a finite number", mean)
    names = ("user_bias", "item_bias", "user_factors", "item_factors")
    missing = [name for name in names if name not in opened.weights]
    if missing:
        raise _wrong(opened, "weights", ", ".join(names), sorted(opened.weights))
    try:
        return Factors(float(mean), *(opened.weights[name] for name in names))
    except (DataError, IndexError) as error:
        raise BundleError(f"{opened.folder}, weights.safetensors: {error}") from error


def stars_of(store: Stored) -> Stars | None:
    """Return the stars of an ordinal model; raise `BundleError` where they are not whole."""
    opened = store.bundle
    try:
        return Stars.from_arrays(opened.weights)
    except DataError as error:
        raise BundleError(f"{opened.folder}, weights.safetensors: {error}") from error


def posterior_of(store: Stored, stars: Stars | None = None) -> Callable[[], Posterior]:
    """Return a function that reads the saved posterior when it is first asked for.

    The function raises `BundleError` where the posterior isn't whole, or of other ids.
    """

    @cache
    def read() -> Posterior:
        from penchant.posterior import Posterior

        opened = store.bundle
        try:
            kept = Posterior.from_arrays(opened.posterior or {})
        except DataError as error:
            raise BundleError(f"{opened.folder}, posterior.safetensors: {error}") from error
        sizes = (len(kept.noise.user_weights), len(kept.noise.item_weights))
        if sizes != (opened.users.size, opened.items.size):
            raise _wrong(opened, "the posterior's size", f"that of {len(opened.users)} ids", sizes)
        return dataclasses.replace(kept, stars=stars)

    return read


def life_of(store: Stored) -> Life:
    """Return what has changed since the training; raise `BundleError` where that makes no sense."""
    opened = store.bundle
    sizes = (opened.users.size, opened.items.size)
    said = opened.card.get("trained_rows", list(sizes))
    whole = isinstance(said, list) and len(said) == 2 and all(type(n) is int for n in said)
    if not whole or not all(1 <= n <= size for n, size in zip(said, sizes, strict=True)):
        raise _wrong(opened, "trained_rows", f"two numbers of at most {list(sizes)}", said)
    named = {name: a for name, a in opened.weights.items() if name.startswith("living.")}
    try:
        width = opened.weights["user_factors"].shape[-1]
        return Life.from_arrays(named, (said[0], said[1]), (*sizes, width))
    except DataError as error:
        raise BundleError(f"{opened.folder}, weights.safetensors: {error}") from error


def calibration_of(store: Stored) -> Calibration | None:
    """Return what intervals are calibrated by; raise `BundleError` where that makes no sense."""
    opened = store.bundle
    said, scores = opened.card.get("calibration"), opened.weights.get("calibration")
    if said is None and scores is None:
        return None
    try:
        made = Calibration.from_card(said, scores)
    except DataError as error:
        raise BundleError(f"{opened.folder}: {error} Save the model again.") from error
    if made.by_posterior != opened.has_posterior:
        wanted = str(opened.has_posterior).lower()
        raise _wrong(opened, "calibration.by_posterior", wanted, made.by_posterior)
    return made


def _provenance(opened: bundle.Bundle) -> Provenance | None:
    said = opened.card.get("provenance")
    if said is None:
        return None
    try:
        return Provenance.from_card(said)
    except DataError as error:
        raise BundleError(f"{opened.folder}, card.json, provenance: {error}") from error


def _choices(opened: bundle.Bundle) -> Choices | None:
    try:
        made = Choices.from_arrays(opened.weights)
    except DataError as error:
        raise BundleError(f"{opened.folder}, weights.safetensors: {error}") from error
    if made is None:
        return None
    sizes, wanted = (len(made.users), len(made.items)), (opened.users.size, opened.items.size)
    if sizes != wanted:
        raise _wrong(opened, "the choices' size", f"that of {wanted} rows", sizes)
    return made


def _counts(opened: bundle.Bundle, name: str) -> Any:
    counts = opened.weights.get(name)
    if counts is None or counts.dtype != np.int32 or counts.ndim != 1 or (counts < 0).any():
        raise _wrong(opened, name, "one int32 of at least 0 for each row", counts)
    return counts


def _wrong(opened: bundle.Bundle, name: str, wanted: str, received: object) -> BundleError:
    told = repr(received)
    told = told if len(told) <= 80 else f"{told[:77]}..."
    return BundleError(
        f"{opened.folder}: {name} should be {wanted}, and is {told}. The bundle is damaged or "
        f"was not made by this program; save the model again."
    )
