"""Provenance: where a saved recommender comes from, so that its test rows can be found again."""

from __future__ import annotations

import dataclasses
import datetime
import math
import platform
from collections.abc import Mapping
from typing import Any

from penchant.errors import DataError

DATABASE = "a database"
"""What a bundle says of a source that has an address."""

_MOST_LETTERS = 300
_PACKAGES = ("numpy", "scipy", "numba", "keras", "jax")


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What was trained on what, when, and how it was judged; `penchant fit` notes it.

    The test rows are those of ``split(ratings, test=test, seed=seed)``, and the validation rows
    those of ``split(train, test=validation, seed=seed)``: the fingerprint of what is left says
    whether a table is the one that the model was trained on.

    Attributes:
        source: the named set, or the name of the file without its folder.
        test: the share of the ratings that was held out; 0 for none.
        seed: of the split and of the training.
        validation: the share of the training ratings that was kept for validation, or None.
        tested: how many test ratings there were.
        rmse: of the test ratings, or None where there were none.
        date: of the training, such as "2026-11-24".
        versions: of Penchant, Python and what computes, by name.
        options: of `penchant fit`, how the source was read, such as ``("--users", "ann.csv")``;
            names of files without their folders.
    """

    source: str
    test: float
    seed: int
    validation: float | None
    tested: int
    rmse: float | None
    date: str
    versions: Mapping[str, str]
    options: tuple[str, ...] = ()

    @property
    def protocol(self) -> str:
        """How the test rows were chosen, in words.

        >>> Provenance("ml-100k", 0.2, 7, None, 20, 0.9, "2026-11-24", {}).protocol
        'random split, test=0.2, seed=7'
        """
        if not self.test:
            return "no test ratings"
        return f"random split, test={self.test:g}, seed={self.seed}"

    def card(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        lists = {"versions": dict(self.versions), "options": list(self.options)}
        return {**dataclasses.asdict(self), **lists}

    @classmethod
    def from_card(cls, said: Any) -> Provenance:
        """Build it from what `card` gave; raise `DataError` where that makes no sense."""
        names = [field.name for field in dataclasses.fields(cls)]
        if isinstance(said, dict):
            said = {"options": [], **said}  # the first bundles have none
        if not isinstance(said, dict) or sorted(said) != sorted(names):
            raise DataError(f"It should hold {', '.join(names)}, and is {said!r:.200}.")
        texts = [said["source"], said["date"]]
        versions, options = said["versions"], said["options"]
        if isinstance(options, list):
            texts += options
        if isinstance(versions, dict):
            texts += [*versions, *versions.values()]
        shares = [said["test"], 0 if said["validation"] is None else said["validation"]]
        whole = [said["seed"], said["tested"]]
        right = (
            isinstance(versions, dict)
            and isinstance(options, list)
            and all(isinstance(text, str) and len(text) <= _MOST_LETTERS for text in texts)
            and all(type(share) in (int, float) and 0 <= share < 1 for share in shares)
            and all(type(number) is int and number >= 0 for number in whole)
            and (said["rmse"] is None or _is_finite(said["rmse"]))
        )
        if not right:
            raise DataError(f"Its values make no sense: {said!r:.200}.")
        return cls(**{**said, "options": tuple(options)})


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def today() -> str:
    """Return the date in UTC, such as "2026-11-24"."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def versions() -> dict[str, str]:
    """Return the versions of Penchant, Python and the packages that compute, by name.

    >>> list(versions())[:2]
    ['penchant', 'python']
    """
    from importlib import metadata

    from penchant import __version__

    found = {"penchant": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
