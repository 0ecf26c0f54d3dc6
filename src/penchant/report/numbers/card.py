"""Settings, how to train and report again, and the model card."""

from __future__ import annotations

import shlex
from typing import Any

from penchant.errors import SettingsError
from penchant.model.provenance import DATABASE, Provenance, today, versions
from penchant.recommender.base import Recommender
from penchant.recommender.opening import kind_class
from penchant.recommender.settings_file import recorded
from penchant.report.judged import Judged
from penchant.report.numbers.model import made_by
from penchant.report.numbers.tested import Numbers
from penchant.settings import FACTORS
from penchant.solvers.registry import solver_of, solver_record

_MODELS = {"matrix_factorization": "mf", "deep": "deep", "autorec": "autorec", "blend": "blend"}


def settings(judged: Judged, bundle: str) -> Numbers:
    """Return the settings, and the commands that make model and report again.

    Args:
        judged: the model and what judged it.
        bundle: what the bundle is called in the commands.
    """
    model = judged.model
    found: Numbers = {"values": dict(_flat(made_by(model)))}
    file, options = _how(model)
    noted = model.provenance
    if noted is None:
        told = "The bundle doesn't tell of what it was trained, so its training has no command."
        found |= {"file": file, "fit": {"left_out": told}, "where": ""}
        return {**found, "report": _report(bundle, "")}
    if noted.source == DATABASE:
        told = "Its ratings came from a database, and a bundle notes no address of one."
        found |= {"file": file, "fit": {"left_out": told}, "where": ""}
        return {**found, "report": _report(bundle, "")}
    if options is None:
        told = "penchant fit does not train this kind by options alone."
        fit: Any = {"left_out": told}
    else:
        parts = ["penchant", "fit", noted.source, *noted.options, *options]
        parts += ["--test", f"{noted.test:g}", "--seed", str(noted.seed)]
        if noted.validation is not None:
            parts += ["--validation", f"{noted.validation:g}"]
        fit = shlex.join([*parts, "--out", bundle])
    found |= {"file": file, "fit": fit, "where": _where(noted)}
    return {**found, "report": _report(bundle, noted.source)}


def _where(noted: Provenance) -> str:
    """Say where the commands run: a bundle notes the names of files, never their folders."""
    from penchant.data.fetch.datasets import NAMED_SETS

    if noted.source in NAMED_SETS and not noted.options:
        return ""
    return (
        "The bundle notes the names of files, without folders: run these where the files are, or "
        "put their folders before their names."
    )


def _report(bundle: str, source: str) -> str:
    return shlex.join(["penchant", "report", bundle, *([source] if source else ["SOURCE"])])


def _flat(values: Numbers, prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            inner = value if name != "settings" else {f"{k}": v for k, v in value.items()}
            rows += _flat(inner, f"{prefix}{name}." if name != "settings" else prefix)
        else:
            rows.append((f"{prefix}{name}", value))
    return rows


def _how(model: Recommender) -> tuple[Numbers | None, list[str] | None]:
    """Return the content of a file of settings, where it takes one, and the options of fit."""
    name = _MODELS.get(model.kind)
    if model.kind == "blend":
        return None, ["--model", "blend"]
    try:
        said = recorded(model)
    except SettingsError:
        return None, None
    if model.kind == "matrix_factorization":
        values = said["settings"]
        solver = values["solver"]
        usual = solver_record(solver_of(solver["name"]))
        if solver == usual and values["side_information"] is None:
            options = ["--solver", solver["name"]]
            options += [] if values["factors"] == FACTORS else ["--factors", str(values["factors"])]
            return None, options
    elif name is not None:
        seed: Any = said["settings"]["seed"]
        if recorded(kind_class(model.kind)(seed=seed)) == said:
            return None, ["--model", name]
    return said, ["--settings", "settings.json"]


def card(judged: Judged) -> Numbers:
    """Return what a model card tells: use, data, limits, unknown users, provenance."""
    model = judged.model
    known, noted = model.knowledge, model.provenance
    return {
        "use": _USE,
        "not_for": _NOT_FOR,
        "licence": _licence(known.name),
        "unknown": _UNKNOWN.get(_way(model), _UNKNOWN["mean"]),
        "provenance": {
            "data": known.name,
            "source": None if noted is None else noted.source,
            "fingerprint": known.fingerprint,
            "trained": None if noted is None else noted.date,
            "trained_with": None if noted is None else dict(noted.versions),
            "split": None if noted is None else noted.protocol,
            "validation": None if noted is None else noted.validation,
            "seed": made_by(model).get("seed"),
            "reported": today(),
            "reported_with": versions(),
            "recorded_rmse": None if noted is None else noted.rmse,
            "recorded_tested": None if noted is None else noted.tested,
        },
        "ratings_saved": known.fetch() is not None,
        "verified": judged.verified,
    }


_USE = (
    "To predict which ratings the known users would give to the known items, and to order items "
    "for them by these predictions."
)
_NOT_FOR = (
    "It knows tastes from past ratings and nothing else. It should not decide about persons, nor "
    "stand for the quality of an item, and whom it serves worse is told under Errors."
)


def _licence(name: str) -> str:
    from penchant.data.fetch.datasets import NAMED_SETS

    if name in NAMED_SETS:
        return NAMED_SETS[name].terms
    return (
        "Nothing is known of the terms of these ratings: ask whoever gave them. Ratings are "
        "personal data where they can be traced to a person; this report shows ids of users."
    )


def _way(model: Recommender) -> str:
    solver = made_by(model).get("solver")
    name = solver["name"] if isinstance(solver, dict) else model.kind
    return "side" if name in ("gibbs", "als") else name


_STRANGERS = "Unknown users and items are learned: training shows a share of the ids as strangers."

_UNKNOWN = {
    "side": "An unknown user or item has what the model expects of anyone: its prior, which reads "
    "the side columns of known ids without ratings.",
    "mean": "An unknown user or item is answered by the mean of the trained rows.",
    "deep": _STRANGERS,
    "neural": _STRANGERS,
    "autorec": "An unknown item is an empty input, which training shows too; an unknown user is "
    "the mean of the trained ones.",
    "blend": "Unknown users and items are answered by each member's own answer, weighed.",
}
