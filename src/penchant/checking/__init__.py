"""What to know of ratings before training: `datacheck`."""

from __future__ import annotations

from penchant.checking.effects import effects_of
from penchant.checking.findings import DataCheck, Finding
from penchant.checking.noise import floor
from penchant.checking.people import severities, suspects
from penchant.checking.row_sums import whole_users
from penchant.checking.scale import scale
from penchant.checking.size import repeats, size
from penchant.checking.splits import splits
from penchant.checking.times import drift, leak
from penchant.errors import DataError
from penchant.ratings import Ratings
from penchant.settings import require_count

__all__ = ["KINDS", "DataCheck", "Finding", "datacheck"]

KINDS = (
    "size", "repeats", "scale", "severities", "suspects", "splits", "floor", "leak", "drift",
)  # fmt: skip
"""The kinds of findings, in order; "leak" and "drift" need timestamps."""

_SPLIT_LIMIT = 5_000_000  # ratings that are split, of whole users


def datacheck(ratings: Ratings, *, seed: int = 0) -> DataCheck:
    """Look at ratings before a model does, and say what to know of them.

    All ratings are looked at, but for three findings that take users drawn at random, whole: the
    splits beyond 5 million ratings, the leak beyond 2 million, and the quick fit of the noise floor
    beyond 1 million.

    Args:
        ratings: the whole table, before it is split.
        seed: of the splits, the samples and the quick fit.

    Returns:
        a finding for each of `KINDS`; prints as words.

    Raises:
        DataError: ratings without rows.

    >>> from penchant.data.synthetic import synthetic
    >>> found = datacheck(synthetic(n_users=30, n_items=20, n_ratings=300, noise=0.5, seed=0))
    >>> print(found["repeats"])
    ok       repeats: No pair of user and item stood there twice.
    """
    require_count("seed", seed, 0)
    if not len(ratings):
        raise DataError("There are no ratings to check. Check the filter before it.")
    effects = effects_of(ratings)
    found = (
        size(ratings),
        repeats(ratings),
        scale(ratings),
        severities(ratings, effects),
        suspects(ratings, effects),
        splits(ratings, whole_users(ratings, _SPLIT_LIMIT, seed), seed),
        floor(ratings, seed),
        leak(ratings, effects, seed),
        drift(ratings, effects),
    )
    return DataCheck(ratings.name, tuple(finding for finding in found if finding is not None))
