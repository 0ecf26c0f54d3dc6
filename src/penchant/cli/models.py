"""Which recommender `penchant fit` trains, by the name on the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from penchant.errors import SettingsError
from penchant.settings import FACTORS, require_choice

MODELS = ("mf", "deep", "autorec", "blend")

_WHOSE = {
    "deep": "a deep network has embeddings of its own, and Keras trains it",
    "autorec": "an autoencoder has hidden layers in place of factors, and Keras trains it",
    "blend": "a blend has several members, each with settings of its own",
}


def model_of(
    model: str,
    solver: str | None,
    factors: int | None,
    seed: int,
    *,
    chapter: bool = False,
    settings: Path | None = None,
    likelihood: str | None = None,
) -> Any:
    """Return the untrained recommender that the options ask for.

    Args:
        model: one of `MODELS`.
        solver: what trains a matrix factorisation, or None for its default.
        factors: its width, or None for its default.
        seed: of all that is random.
        chapter: whether to train the chapter's network to the letter.
        settings: a file of settings, in place of all but the seed.
        likelihood: how the solver takes ratings, or None for its default.

    Raises `SettingsError` where they don't go together.
    """
    require_choice("--model", model, MODELS)
    if likelihood is not None and (model != "mf" or chapter or settings is not None):
        raise SettingsError(
            f"--likelihood goes with --model mf alone; received {likelihood!r}. Leave it out, or "
            f"leave --chapter and --settings out."
        )
    if settings is not None:
        if model != "mf" or solver is not None or factors is not None or chapter:
            raise SettingsError(
                "--settings says what to train: leave --model, --solver, --factors and --chapter "
                "out, or leave --settings out."
            )
        from penchant.recommender.settings_file import open_settings

        return open_settings(settings, seed)
    if chapter:
        _require_alone(model, solver, factors)
        from penchant.recommender.matrix_factorization import MatrixFactorization
        from penchant.solvers.keras.solver import Keras

        return MatrixFactorization(FACTORS, Keras.chapter(), seed)
    if model == "mf":
        return _matrix_factorization(solver, factors, seed, likelihood)
    given = {"--solver": solver, "--factors": factors}
    for option, value in given.items():
        if value is not None:
            raise SettingsError(
                f"{option} goes with --model mf alone: {_WHOSE[model]}. Leave {option} out."
            )
    from penchant.recommender.opening import kind_class

    return kind_class(model)(seed=seed)


def _matrix_factorization(
    solver: str | None, factors: int | None, seed: int, likelihood: str | None
) -> Any:
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.solvers.registry import solver_of

    if solver is not None:
        solver_of(solver)  # here, so that a wrong name is told before the ratings are loaded
    given: dict[str, Any] = {"factors": factors, "solver": solver}
    if likelihood is not None:
        settings = solver_of("gibbs" if solver is None else solver)
        if not hasattr(settings, "likelihood"):
            raise SettingsError(
                f"--likelihood goes with --solver gibbs or keras, not {solver}: that takes ratings "
                f"as numbers. Leave it out."
            )
        given["solver"] = dataclasses.replace(settings, likelihood=likelihood)  # type: ignore[call-arg]
    return MatrixFactorization(seed=seed, **{k: v for k, v in given.items() if v is not None})


def _require_alone(model: str, solver: str | None, factors: int | None) -> None:
    if model != "mf" or solver not in (None, "keras") or factors is not None:
        raise SettingsError(
            "--chapter is a network and a training of its own: leave --model, --solver and "
            "--factors out, or leave --chapter out."
        )
