"""The model itself: its network, its training, its settings."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.plots.curves import curves_of
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.report.judged import Judged
from penchant.report.numbers.tested import Numbers

_SOLVERS = {
    "als": "alternating least squares",
    "bias": "biases of users and items alone",
    "gibbs": "Gibbs sampling",
    "keras": "Keras",
    "sgd": "stochastic gradient descent",
}
_KINDS = {
    "autorec": "autoencoder of items",
    "blend": "blend of recommenders",
    "deep": "deep network",
    "matrix_factorization": "matrix factorisation",
    "neural": "network of your own",
}
_CURVES = {
    "train_rmse": "training ratings",
    "out_of_fold_rmse": "training ratings, each predicted by members that had not seen it",
    "validation_rmse": "validation ratings",
    "watch_rmse": "test ratings, watched",
}


def made_by(model: Recommender) -> Numbers:
    """Return the settings that made the model's numbers."""
    return dict(model.predictor.made_by)


def described(model: Recommender) -> str:
    """Return what the model is, in words."""
    solver = made_by(model).get("solver")
    name = _KINDS.get(model.kind, model.kind)
    if not isinstance(solver, dict):
        return name
    return f"{name}, trained by {_SOLVERS.get(solver['name'], solver['name'])}"


def network(judged: Judged) -> Numbers:
    """Return the sizes of what is drawn: the tables, the layers, or the members."""
    model, known = judged.model, judged.model.knowledge
    settings = made_by(model)
    found: Numbers = {
        "kind": model.kind,
        "parameters": model.n_parameters,
        "users": known.user_ids.size,
        "items": known.item_ids.size,
    }
    if model.kind == "matrix_factorization":
        trained: Any = model
        solver = settings["solver"]["name"]
        found |= {"factors": trained.trained.n_factors, "mean": float(trained.trained.mean)}
        found |= {"solver": solver, "ordinal": trained.stars is not None}
        return found
    if model.kind == "blend":
        blend: Any = model
        parts = [{"name": part.name, "weight": float(part.weight)} for part in blend.weights]
        return {**found, "members": parts, "constant": float(blend.weights.constant)}
    if model.kind == "neural":
        return {
            **found,
            "left_out": "The network is your own, and the bundle holds its numbers alone: "
            "model.network.summary() shows it.",
        }
    if "layers" not in settings:
        return {**found, "left_out": "There is no drawing of this kind of model."}
    return {**found, "layers": _layers(model.kind, settings, found)}


def _layers(kind: str, settings: Numbers, sizes: Numbers) -> list[Numbers]:
    """Return the parts of a network from its input to the rating, a name and a size each."""
    name = f"hidden layer, {settings['activation']}"
    hidden = [{"name": name, "size": f"{width:,} wide"} for width in settings["layers"]]
    last = {"name": "rating", "size": "1, clipped to the scale"}
    if kind == "autorec":
        first = {"name": "an item's ratings", "size": f"by {sizes['users']:,} users"}
        last = {"name": "that item's ratings by all users", "size": "clipped to the scale"}
        return [first, *hidden, last]
    tables = f"({sizes['users']:,} + {sizes['items']:,}) × {settings['factors']:,}"
    first = {"name": "embeddings of user and item", "size": tables}
    side = settings.get("side_information")
    if side:
        first = {"name": "embeddings of user, item and side columns", "size": tables}
    dot = [{"name": "+ dot product and biases", "size": ""}] if settings.get("dot") else []
    return [first, *hidden, *dot, last]


def training(judged: Judged) -> Numbers:
    """Return the curves of the training, as the history measured them."""
    history = judged.model.history
    curves = curves_of(history)
    if not curves.rmse or len(history) < 2:
        return {"left_out": "This training is solved in one step: there are no rounds to draw."}
    seconds = history.column("seconds")
    seconds = seconds[np.isfinite(seconds)]
    return {
        "round": curves.word,
        "rounds": curves.rounds,
        "curves": [
            {"name": name, "of": _CURVES[name], "rmse": rmse} for name, rmse in curves.rmse.items()
        ],
        "kept": curves.kept,
        "averaged": curves.averaged,
        "interrupted": history.interrupted,
        "seconds": float(seconds[-1]) if len(seconds) else None,
    }


def bias_model(judged: Judged) -> Recommender | None:
    """Return the bias model of the same training ratings; None where there are none.

    Biases alone are what factors have to beat.
    """
    from penchant.recommender.matrix_factorization import MatrixFactorization

    train: Ratings | None = judged.model.knowledge.fetch()
    if train is None or not len(train):
        return None
    return MatrixFactorization(factors=1, solver="bias").fit(train, progress=False)


def is_bias(model: Recommender) -> bool:
    """Return whether this is the bias model itself."""
    solver = made_by(model).get("solver")
    return isinstance(solver, dict) and solver.get("name") == "bias"
