"""The few numbers that matter."""

from __future__ import annotations

from typing import Any

from penchant.report.judged import Judged
from penchant.report.numbers.certainty import MAIN
from penchant.report.numbers.tested import Numbers


def summary(judged: Judged, told: Numbers) -> Numbers:
    """Return the figures of the first page, from those of the sections."""
    known, noted = judged.model.knowledge, judged.model.provenance
    found: Numbers = {
        "protocol": judged.protocol,
        "caution": judged.caution,
        "missing": judged.why,
        "training": told["data"]["training"],
        "users": len(known.user_ids),
        "items": len(known.item_ids),
        "parameters": judged.model.n_parameters,
    }
    if judged.test is None:
        if noted is not None and noted.rmse is not None:
            found["recorded"] = {
                "rmse": noted.rmse,
                "n": noted.tested,
                "protocol": noted.protocol,
                "date": noted.date,
            }
        return found
    errors = told["errors"]
    names = ("rmse", "interval", "mae", "n", "half_within", "most_within")
    found |= {name: errors[name] for name in names}
    found |= {name: errors.get(name) for name in ("bias_rmse", "mean_rmse")}
    found["against_bias"] = _against(told["comparison"])
    found["level"] = _level(told["calibration"])
    return found


def _against(comparison: Numbers) -> Any:
    """Return the test of the model against the bias model, or None."""
    if "left_out" in comparison:
        return None
    for test in comparison["tests"]:  # the bias model stands first in each
        if (test["measure"], test["model"], test["other"]) == ("rmse", "bias", comparison["mine"]):
            ends = test["interval"] and [-end for end in reversed(test["interval"])]
            return {
                "difference": -test["difference"],
                "interval": ends,
                "p": test["p_corrected"],
                "significant": test["significant"],
            }
    return None


def _level(calibration: Numbers) -> Any:
    if "left_out" in calibration:
        return None
    return next(entry for entry in calibration["levels"] if entry["level"] == MAIN)
