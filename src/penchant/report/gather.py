"""All that a report tells, from a model and what judges it: JSON-able, a section each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penchant.console import tell
from penchant.ids import Id
from penchant.report.judged import Judged
from penchant.report.numbers import card, certainty, items, judgement, model, people, versus
from penchant.report.numbers.data import data
from penchant.report.numbers.summary import summary
from penchant.report.numbers.tested import Numbers, Tested

FORMAT = 1
"""Of the JSON: it changes where a name goes or means something else."""


def gather(
    judged: Judged,
    *,
    users: Sequence[Id] | None = None,
    chapter: bool = False,
    bundle: str = "BUNDLE",
    progress: bool = False,
) -> dict[str, Any]:
    """Return the report's numbers and words; a section that can't be told says why.

    Args:
        judged: the model and its test rows.
        users: whom to show recommendations for; None for the usual three and somebody new.
        chapter: whether to train the chapter's network for the comparison.
        bundle: what the bundle is called in the commands.
        progress: whether to say on standard error what takes long.
    """
    told: Numbers = {
        "format": FORMAT,
        "name": judged.model.knowledge.name,
        "kind": judged.model.kind,
        "model": model.described(judged.model),
        "verified": judged.verified,
        "data": data(judged),
        "network": model.network(judged),
        "training": model.training(judged),
    }
    if chapter and progress and judged.test is not None:
        tell("Training the chapter's network for the comparison: 60 epochs.")
    told |= _tested(judged, chapter)
    told["map"] = items.item_map(judged)
    told["people"] = people.people(judged, users)
    told["settings"] = card.settings(judged, bundle)
    told["card"] = card.card(judged)
    told["summary"] = summary(judged, told)
    return told


def _tested(judged: Judged, chapter: bool) -> Numbers:
    """Return the sections that need test rows."""
    if judged.test is None:
        names = ("errors", "calibration", "residuals", "extremes", "comparison")
        return {name: {"left_out": judged.why} for name in names}
    tested = Tested.of(judged.model, judged.test)
    bias = model.bias_model(judged)
    return {
        "errors": judgement.scores(judged, tested, bias),
        "calibration": certainty.calibration(judged, tested),
        "residuals": judgement.residuals(judged, tested),
        "extremes": judgement.extremes(judged, tested),
        "comparison": versus.comparison(judged, bias, chapter),
    }
