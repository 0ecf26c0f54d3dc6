"""The choice model: a dot product that says how likely somebody picks an item."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.choices.liking import Liking
from penchant.errors import DataError

FLOOR = np.float32(0.01)
"""The least probability of an item, as a part of the share of all users who picked it."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Choices:
    """Who picks what, as sums over what they have picked before.

    X is the M × N table of ones where a user picked an item, ``X ≈ W √d Vᵀ`` its r leading
    directions, and ``B = I − P diag(P)⁻¹`` the item-to-item weights of EASE, with
    ``P = λ⁻¹ (I − V h Vᵀ)`` and the shares ``h = d / (d + λ)``. Then

    - a user's row is ``a_u = Σ V_j`` over the picked items j: one more pick is one more term;
    - an item's row is ``c_i = h ∘ V_i / g_i``, with the leverage ``g_i = 1 − Σ h V_i²``;
    - ``s_ui = a_u · c_i``; an item that u has picked speaks for itself in it, which `terms` leaves
      out;
    - the probability of a pick is ``min(1, gain · s_ui)``, and at least a hundredth of the share
      of all users who picked i. Of somebody who has picked nothing it is that share.

    Attributes:
        users: (M, r) float32, a; row 0, the stranger's, is 0.
        directions: (N, r) float32, V; 0 for items that training had no picks of.
        items: (N, r) float32, c.
        gain: from s to a probability.
        liking: how likely somebody likes what they pick, by the rating that is predicted.

    Raises:
        DataError: shapes or types don't fit together, or a number is not finite.

    Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, equation 8, here
    in the leading directions of X.

    >>> f = np.float32
    >>> V = np.array([[0], [0.8], [0.6]], f)
    >>> stars = Liking(np.arange(1.0, 6.0), spread=1.0)
    >>> made = Choices(V[[0, 1]], V, V / 2, gain=1.0, liking=stars)
    >>> made.of_user(1, np.array([0, 0.5, 0.5], f)).round(2)
    array([0.  , 0.32, 0.24], dtype=float32)
    """

    users: F32
    directions: F32
    items: F32
    gain: float
    liking: Liking

    def __post_init__(self) -> None:
        N, r = self.directions.shape
        shapes = {"users": (len(self.users), r), "directions": (N, r), "items": (N, r)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise DataError(
                    f"{name} of the choices must be finite float32 of shape {shape}; received "
                    f"{array.dtype} of shape {array.shape}."
                )
        if not 0 <= self.gain < float("inf"):
            raise DataError(f"gain of the choices must be a number of at least 0, not {self.gain}.")

    def __repr__(self) -> str:
        return (
            f"Choices({len(self.users):,} × {len(self.items):,}, {self.items.shape[1]} directions)"
        )

    def of_user(self, user_row: int, shares: F32) -> F32:
        """Return the probability that a user picks each item row, (N,) float32.

        Args:
            user_row: the user.
            shares: (N,) which share of all users picked each item.
        """
        return self.of_row(self.users[user_row], shares)

    def of_row(self, row: F32, shares: F32) -> F32:
        """Return the same of a user's row ``a``, (r,), such as `row_of` gives."""
        return self.probabilities(self.items @ row, shares) if row.any() else shares

    def of_pairs(self, user_rows: Rows, item_rows: Rows, shares: F32) -> F32:
        """Return the probability that users pick some items each, (m, n) float32.

        Args:
            user_rows: (m,) the users.
            item_rows: (m, n) the items of each.
            shares: (N,) which share of all users picked each item.
        """
        likely = shares[item_rows]
        for start in range(0, len(user_rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            rows = self.users[user_rows[part]]
            scores = np.einsum("mr,mnr->mn", rows, self.items[item_rows[part]])
            found = self.probabilities(scores, shares[item_rows[part]])
            likely[part] = np.where(rows.any(axis=1, keepdims=True), found, likely[part])
        return likely

    def probabilities(self, scores: F32, shares: F32) -> F32:
        """Return the probability of a pick from s, and the items' shares, of one shape."""
        likely: F32 = np.clip(np.float32(self.gain) * scores, FLOOR * shares, np.float32(1))
        return likely

    def terms(self, item_row: int, picked: Rows) -> F32:
        """Return what each pick of a user adds to s of an item, (n,) float32.

        They sum to ``s_ui`` where the user has not picked the item, which itself adds nothing.
        """
        added: F32 = self.directions[picked] @ self.items[item_row]
        added[picked == item_row] = 0
        return added

    def row_of(self, picked: Rows) -> F32:
        """Return ``Σ V_j`` of picked items in rising order, (r,) float32: a pure function of them.

        Sums run in the order of the rows, here as in the bulk: the same picks give the same bits.
        """
        total: F32 = np.add.reduce(self.directions[picked], axis=0, dtype=np.float32)
        return total

    def with_users(self, rows: Mapping[int, F32], n_users: int, n_items: int) -> Self:
        """Return it for grown tables, with some users' rows in place of theirs.

        New items stand for nothing until a training has seen who picks them.

        Args:
            rows: by user row, what `row_of` gave.
            n_users: M afterwards.
            n_items: N afterwards.
        """
        users = _grown(self.users, n_users)
        for row, numbers in rows.items():
            users[row] = numbers
        return dataclasses.replace(
            self,
            users=users,
            directions=_grown(self.directions, n_items),
            items=_grown(self.items, n_items),
        )

    def without_rows(self, users: list[int], items: list[int]) -> Self:
        """Return it without some user and item rows; later rows move up."""
        return dataclasses.replace(
            self,
            users=np.delete(self.users, users, axis=0),
            directions=np.delete(self.directions, items, axis=0),
            items=np.delete(self.items, items, axis=0),
        )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return it as named arrays, as a bundle stores them."""
        return {
            "user_choices": self.users,
            "item_directions": self.directions,
            "item_choices": self.items,
            "choice_gain": np.array([self.gain], np.float64),
            "liking_levels": self.liking.levels,
            "liking_spread": np.array([self.liking.spread], np.float64),
        }

    @classmethod
    def from_arrays(cls, named: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """Build it from what `arrays` gave; None where there is none of it.

        Raises `DataError` where the arrays are not whole.
        """
        there = [name for name in ARRAYS if name in named]
        if not there:
            return None
        if len(there) < len(ARRAYS) or named["item_directions"].ndim != 2:
            raise DataError(f"The choices are damaged: of {', '.join(ARRAYS)} there is {there}.")
        gain, levels, spread = (named[name] for name in ARRAYS[3:])
        doubles = all(array.dtype == np.float64 for array in (gain, levels, spread))
        if not doubles or not gain.size == spread.size == 1:
            raise DataError("The choices are damaged: gain and liking are no float64 numbers.")
        return cls(
            users=named["user_choices"],
            directions=named["item_directions"],
            items=named["item_choices"],
            gain=float(gain[0]),
            liking=Liking(levels, float(spread[0])),
        )


_AT_ONCE = 512  # users whose items' rows are in memory

ARRAYS = (
    "user_choices",
    "item_directions",
    "item_choices",
    "choice_gain",
    "liking_levels",
    "liking_spread",
)
"""What a bundle keeps of the choices."""


def _grown(table: F32, size: int) -> F32:
    """Return a copy with as many rows, zeros at the end."""
    grown = np.zeros((max(size, len(table)), *table.shape[1:]), np.float32)
    grown[: len(table)] = table
    return grown
