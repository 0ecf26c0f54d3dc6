"""Posterior: what a user's row is, as one pure function of that user's ratings.

Training keeps T heads, thinned draws s of the item rows and of the users' prior. A distilled row of
width K has no prior of its own; in each head it has one, and ``W_s`` carries it over:

    f_j = (q_sj, 1),  e_j = r_j − mean − b_sj,  a_j = α_s w_u w_j
    A_s = Λ_s + Σ a_j f_j f_jᵀ,    p̃_s = A_s⁻¹ (Λ_s (m_s + B_sᵀ x) + Σ a_j f_j e_j)
    p_u = mean_s W_s p_s,    b_u = mean_s of the last coordinate,    b_i = mean_s b_si

with x of `penchant.features`, and w the weights of `penchant.features.Noise`. Trained, new, changed
or forgotten users, and row 0, are all solved this way.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Rows
from penchant.errors import DataError
from penchant.features import CountScale, Noise, SideEncoder
from penchant.posterior.latent import row_latents, some
from penchant.posterior.sides import DayEffects, Side, Solved
from penchant.stars import Stars

_NOISE = ("variance", "user_level", "item_level")


@dataclasses.dataclass(frozen=True, eq=False)
class Posterior:
    """The heads and what carries them over to the network.

    Attributes:
        mean: the mean of the training ratings.
        alpha: (T,) float32, the noise precision α, in rating units.
        maps: (T, K, k) float32, W_s: ``q_s ≈ W_sᵀ q`` for each item's distilled row q.
        users: the users' side; its draws serve new items only.
        items: the items' side.
        noise: the weights of rows.
        days: the effects of user × day, where the sampler used them.
        stars: for an ordered probit the ratings that there are. Then `mean` is 0, all rows are on
            the latent scale, and a latent value stands for each rating
            (`penchant.posterior.latent`). They are stored with the network's numbers.
    """

    mean: float
    alpha: F32
    maps: F32
    users: Side
    items: Side
    noise: Noise
    days: DayEffects | None = None
    stars: Stars | None = None

    @property
    def heads(self) -> int:
        """T, the number of heads."""
        return len(self.alpha)

    @property
    def item_bias(self) -> F32:
        """b_i of the network, (N,) float32: the mean of the heads' biases."""
        bias: F32 = self.items.draws[:, :, -1].mean(axis=0, dtype=np.float64).astype(np.float32)
        return bias

    def deviations(self, ratings: npt.NDArray[Any]) -> F32:
        """Return ``r − mean`` of ratings, (n,) float32; the scores of stars."""
        if self.stars is not None:
            return self.stars.scored(ratings)
        less: F32 = ratings - np.float32(self.mean)
        return less

    def row(
        self,
        item_rows: Rows | Sequence[int],
        values: npt.NDArray[np.floating] | Sequence[float],
        side: F32 | None = None,
        prior: F64 | None = None,
    ) -> Solved:
        """Solve a user's row from that user's ratings alone.

        Args:
            item_rows: (n,) the items rated.
            values: (n,) the ratings, less day effects where the sampler used those.
            side: (S,) float32 of ``users.encoder.row``, or None for unknown.
            prior: (T, D), another mean of the prior than ``m_s + B_sᵀ x``.

        Raises:
            DataError: the columns differ in length, or an item row is outside the table.
        """
        rated, deviations = self._checked(item_rows, values, self.items.draws.shape[1])
        weight = self.noise.of_user(rated, deviations)
        noise = self.alpha.astype(np.float64) * weight
        means = self.users.prior_means(rated, side) if prior is None else prior
        if self.stars is not None and len(rated):
            deviations = self._latents(self.stars, rated, deviations, noise, means)
        solved = _solve(
            self.items.draws, self.noise.item_weights, rated, deviations, noise,
            self.users.precision, means,
        )  # fmt: skip
        return self._user(solved, noise, rated, side)

    def _latents(self, stars: Stars, rated: Rows, scores: Any, noise: Any, means: Any) -> Any:
        """Return the latent values of a user's ratings, (n,) float64."""
        few, weights = some(self.heads), self.noise.item_weights
        draws, precision = self.items.draws[few][:, rated], self.users.precision[few]
        every = np.arange(len(rated), dtype=np.int32)

        def solve(values: F64) -> F64:
            return _solve(draws, weights[rated], every, values, noise[few], precision, means[few])[
                0
            ]

        own = noise.mean() * weights[rated].astype(np.float64)
        return row_latents(stars, scores, draws.astype(np.float64), own, solve)

    def _user(self, solved: Any, noise: Any, rated: Rows, side: F32 | None) -> Solved:
        rows, A, weighted, errors, prior = solved
        p = np.einsum("tKk,tk->K", self.maps, rows[:, :-1], optimize=True) / self.heads
        bias = float(rows[:, -1].mean())
        p = p.astype(np.float32)
        return Solved(p, bias, rows, A, weighted, errors, prior, noise, rated, side)

    def _checked(self, rows: Any, values: Any, known: int) -> tuple[Rows, Any]:
        at = np.asarray(rows, dtype=np.int32)
        deviations = np.asarray(values, dtype=np.float64) - self.mean
        if self.stars is not None:
            deviations = self.stars.scored(deviations).astype(np.float64)
        if at.shape != deviations.shape or at.ndim != 1:
            raise DataError(
                f"Rows and ratings must be two columns of one length; received shapes {at.shape} "
                f"and {deviations.shape}."
            )
        if at.size and not (at.min() >= 0 and at.max() < known):
            raise DataError(
                f"Rows must be from 0 to {known - 1}; received {at.min()} … {at.max()}."
            )
        return at, deviations

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all numbers by name, as a bundle stores them.

        What is no array (encoders, scales) is JSON text in `details`, (n,) uint8.
        """
        text = json.dumps(self._details(), sort_keys=True).encode()
        named: dict[str, npt.NDArray[Any]] = {
            "alpha": self.alpha,
            "maps": self.maps,
            "details": np.frombuffer(text, dtype=np.uint8),
        }
        for name in ("users", "items"):
            side = getattr(self, name)
            for field in ("draws", "mean", "precision", "weights"):
                named[f"{name}.{field}"] = getattr(side, field)
        for field in ("user_offsets", "item_offsets", "user_weights", "item_weights"):
            named[f"noise.{field}"] = getattr(self.noise, field)
        if self.days is not None:
            named |= {"days.keys": self.days.keys, "days.values": self.days.values}
        return named

    def _details(self) -> dict[str, Any]:
        return {
            "mean": self.mean,
            **{name: getattr(self.noise, name) for name in _NOISE},
            **{
                name: {"count": dataclasses.asdict(side.count), "encoder": side.encoder.to_json()}
                for name, side in (("users", self.users), ("items", self.items))
            },
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Posterior:
        """Build it from what `arrays` gave.

        Raises `DataError` where something is missing or shapes don't fit together.
        """
        try:
            posterior = _from_arrays(arrays)
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise DataError(f"This is no posterior: {error!r}.") from None
        posterior._require_shapes()
        return posterior

    def _require_shapes(self) -> None:
        T, _, k = self.maps.shape
        D, N, M = k + 1, self.items.draws.shape[1], len(self.noise.user_weights)
        shapes = {"alpha": (T,), "items.draws": (T, N, D)}
        for name, side, other in (("users", self.users, N), ("items", self.items, M)):
            F, width = side.weights.shape[1], side.encoder.width
            if side.weights.size and not 1 + width <= F <= other + 1 + width:
                F = other + 1 + width  # rows newer than the training have no column in the bags
            shapes |= {
                f"{name}.mean": (T, D),
                f"{name}.precision": (T, D, D),
                f"{name}.weights": (T, F, D),
            }
        arrays = self.arrays()
        for name, shape in shapes.items():
            found = arrays[name].shape
            if found != shape:
                raise DataError(f"{name} must be of shape {shape}; received {found}.")


def _from_arrays(arrays: Mapping[str, Any]) -> Posterior:
    details = json.loads(bytes(arrays["details"]))
    sides = {
        name: Side(
            arrays[f"{name}.draws"],
            arrays[f"{name}.mean"],
            arrays[f"{name}.precision"],
            arrays[f"{name}.weights"],
            CountScale(float(details[name]["count"]["mean"]), float(details[name]["count"]["sd"])),
            SideEncoder.from_json(details[name]["encoder"]),
        )
        for name in ("users", "items")
    }
    fields = ("user_offsets", "item_offsets", "user_weights", "item_weights")
    variance, *levels = (float(details[name]) for name in _NOISE)
    noise = Noise(variance, *(arrays[f"noise.{f}"] for f in fields), *levels)
    days = DayEffects(arrays["days.keys"], arrays["days.values"]) if "days.keys" in arrays else None
    mean = float(details["mean"])
    return Posterior(
        mean, arrays["alpha"], arrays["maps"], sides["users"], sides["items"], noise, days
    )


def _solve(
    draws: F32,
    weights: F32,
    rated: Rows,
    deviations: F64,
    noise: F64,
    precision: F32,
    prior_means: F64,
) -> tuple[F64, ...]:
    """Return rows (T, D), A (T, D, D), ``a f`` (T, n, D), e (T, n) and the prior's part (T, D)."""
    f = draws[:, rated].astype(np.float64)  # (T, n, D)
    errors = deviations - f[:, :, -1]
    f[:, :, -1] = 1.0
    weighted = f * (noise[:, None] * weights[rated])[:, :, None]
    A = precision + np.matmul(weighted.transpose(0, 2, 1), f)
    right = np.matmul(errors[:, None, :], weighted)[:, 0]
    prior = np.matmul(precision, prior_means[:, :, None])[:, :, 0]
    rows = np.linalg.solve(A, (prior + right)[:, :, None])[:, :, 0]
    return rows, A, weighted, errors, prior
