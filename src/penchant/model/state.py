"""What has changed in a model since it was trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Mask, Rows
from penchant.errors import DataError
from penchant.factors import Factors
from penchant.model.known import Knowledge
from penchant.model.ledger import Ledger
from penchant.ratings import Ratings

Pair = tuple[int, int]
Change = tuple[float, int] | None
"""A rating and its time, or None where there is none."""


@dataclasses.dataclass(frozen=True, eq=False)
class Life:
    """How the ratings differ from those that the items' rows were trained on.

    Attributes:
        trained: the user and item rows that training knew; later ids came afterwards, and are
            gone with their last rating.
        seen: by user and item row what training saw where that has changed; None for no rating.
        originals: for a model without a posterior, by side (0 users, 1 items) and row, factors
            and bias of the training where other ones stand now.
        found: what was counted once, for changes of ratings don't change what training saw.
    """

    trained: tuple[int, int]
    seen: Mapping[Pair, float | None] = dataclasses.field(default_factory=dict)
    originals: Mapping[Pair, tuple[F32, float]] = dataclasses.field(default_factory=dict)
    found: dict[str, npt.NDArray[np.int32]] = dataclasses.field(default_factory=dict, repr=False)

    def untrained(self, ledger: Ledger, item_counts: npt.NDArray[np.int32]) -> Mask:
        """Return which item rows training had no ratings of, (N,)."""
        counts = self.found.get("item_counts")
        if counts is None:
            counts = self.found["item_counts"] = self._item_counts(ledger, item_counts)
        none: Mask = np.ones(len(item_counts), bool)
        none[: len(counts)] = counts == 0  # items that came later have none
        return none

    def _item_counts(
        self, ledger: Ledger, item_counts: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.int32]:
        counts = item_counts.copy()
        for (user, item), value in self.seen.items():
            if value is None:
                counts[item] -= 1
            elif ledger.of_user(user).place(item) is None:
                counts[item] += 1
        return counts

    def with_changes(
        self, ledger: Ledger, changes: Mapping[int, Mapping[int, Change]]
    ) -> dict[Pair, float | None]:
        """Return `seen` after changes of the ratings in a ledger."""
        seen = dict(self.seen)
        for user, theirs in changes.items():
            before = ledger.of_user(user)
            for item, change in theirs.items():
                trained = seen.pop((user, item), before.value(item))
                if trained != (None if change is None else change[0]):
                    seen[user, item] = trained
        return seen

    def without_rows(self, users: Iterable[int], items: Iterable[int]) -> Life:
        """Return it without some rows; later rows move up."""
        gone = (sorted(users), sorted(items))

        def moved(row: int, side: int) -> int:
            return row - int(np.searchsorted(gone[side], row))

        out = [set(rows) for rows in gone]
        return Life(
            (moved(self.trained[0], 0), moved(self.trained[1], 1)),
            {
                (moved(u, 0), moved(i, 1)): value
                for (u, i), value in self.seen.items()
                if u not in out[0] and i not in out[1]
            },
            {
                (side, moved(row, side)): numbers
                for (side, row), numbers in self.originals.items()
                if row not in out[side]
            },
        )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return it as named arrays; none where nothing has changed but `trained`."""
        named: dict[str, npt.NDArray[Any]] = {}
        if self.seen:
            pairs = sorted(self.seen)
            values = [self.seen[pair] for pair in pairs]
            named["living.pairs"] = np.array(pairs, np.int32)
            named["living.values"] = np.array([v or 0.0 for v in values], np.float32)
            named["living.rated"] = np.array([v is not None for v in values], np.uint8)
        if self.originals:
            rows = sorted(self.originals)
            named["living.rows"] = np.array(rows, np.int32)
            named["living.factors"] = np.stack([self.originals[row][0] for row in rows])
            named["living.bias"] = np.array([self.originals[row][1] for row in rows], np.float32)
        return named

    @classmethod
    def from_arrays(
        cls,
        named: Mapping[str, npt.NDArray[Any]],
        trained: tuple[int, int],
        shape: tuple[int, int, int],
    ) -> Life:
        """Build it from what `arrays` gave.

        Args:
            named: the arrays.
            trained: how many rows training knew.
            shape: M, N and K of the model.

        Raises `DataError` where the arrays don't fit together, or name rows that don't exist.
        """
        seen: dict[Pair, float | None] = {}
        originals: dict[Pair, tuple[F32, float]] = {}
        try:
            if "living.pairs" in named:
                columns = (named[f"living.{name}"] for name in ("pairs", "values", "rated"))
                for pair, value, rated in zip(*columns, strict=True):
                    seen[int(pair[0]), int(pair[1])] = float(value) if rated else None
            if "living.rows" in named:
                columns = (named[f"living.{name}"] for name in ("rows", "factors", "bias"))
                for row, factors, bias in zip(*columns, strict=True):
                    originals[int(row[0]), int(row[1])] = (factors, float(bias))
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise DataError(f"What has changed since the training is damaged: {error!r}.") from None
        M, N, K = shape
        fits = all(1 <= user < M and 1 <= item < N for user, item in seen) and all(
            side in (0, 1) and 0 <= row < shape[side] and numbers[0].shape == (K,)
            for (side, row), numbers in originals.items()
        )
        if not fits:
            raise DataError(
                f"What has changed since the training is damaged: it is of no model with {M:,} "
                f"users, {N:,} items and {K:,} factors."
            )
        return cls(trained, seen, originals)


class State(NamedTuple):
    """All that a change of the ratings changes in a model.

    Attributes:
        factors: the network.
        posterior: or None.
        known: ids, tables, counts.
        ledger: the ratings.
        life: what has changed since the training.
    """

    factors: Factors
    posterior: Any
    known: Knowledge
    ledger: Ledger
    life: Life


def knowledge_of(known: Knowledge, ledger: Ledger, **changes: Any) -> Knowledge:
    """Return knowledge of changed ratings.

    Args:
        known: what was known before.
        ledger: the ratings.
        changes: further fields that change, such as `user_ids`.
    """
    after = dataclasses.replace(known, **changes)
    like = like_of(after)

    def fetch() -> Ratings:
        return ledger.merged(like)

    return dataclasses.replace(
        after,
        fetch=fetch,
        fingerprinted=lambda: fetch().fingerprint(),
        listed=lambda row: ledger.of_user(row).rows,
    )


def like_of(known: Knowledge) -> Ratings:
    """Return no ratings, with all that ratings have beside their columns."""
    none: Rows = np.zeros(0, np.int32)
    return Ratings(
        none,
        none,
        np.zeros(0, np.float32),
        known.user_ids,
        known.item_ids,
        known.scale,
        None,
        known.user_table,
        known.item_table,
        known.name,
    )
