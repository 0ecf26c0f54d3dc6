"""The model beside others."""

from __future__ import annotations

from penchant.report.html import Child, Html, el
from penchant.report.sections.parts import (
    Numbers,
    ends,
    missing,
    p_value,
    protocol,
    section,
    table,
)


def comparison(told: Numbers) -> Html:
    """Return the section of the comparison."""
    found = told["comparison"]
    if "left_out" in found:
        return section("comparison", "Beside other models", missing(found))
    how = found["protocol"]
    words = (
        f"All models were trained on the same {found['train_ratings']:,} ratings and judged on the "
        f"same {found['test_ratings']:,} rows of {found['users']:,} users. The bias model knows "
        "only how severe users and how good items are; what a model has beyond it is what it "
        "knows of taste. Intervals and tests take users as independent, not rows"
    )
    more: Child = "."
    if not found["chapter"]:
        more = ["; the course chapter's network joins with ", el("code", "--chapter"), "."]
    head = {"protocol": how["ratings"]}
    return section(
        "comparison",
        "Beside other models",
        el("p", words, more),
        protocol(head),
        _errors(found),
        _lists(found),
        _tests(found),
    )


def _errors(found: Numbers) -> Html:
    rows = [
        (
            m["name"],
            f"{m['rmse']:.4f}",
            ends(m["rmse_interval"]),
            f"{m['mae']:.4f}",
            _optional(m["warm_rmse"]),
            _optional(m["unseen_rmse"]),
        )
        for m in found["models"]
    ]
    columns = ("Model", "RMSE", "95 % interval", "MAE", "Warm", "Unseen")
    sub = (
        "Warm: RMSE of rows whose user and item have training ratings; unseen: of the others, "
        f"{found['unseen']:,} rows. Protocol: {found['protocol']['ratings']}"
    )
    return table("Errors, model by model", columns, rows, sub=sub, mine=found["mine"])


def _lists(found: Numbers) -> Html:
    how = found["protocol"]
    names = ("ndcg", "precision", "recall", "coverage", "novelty")
    rows = [
        (
            m["name"],
            *(_optional(m[name], 4 if name != "novelty" else 2) for name in names),
        )
        for m in found["models"]
    ]
    columns = ("Model", "NDCG", "Precision", "Recall", "Coverage", "Novelty")
    sub = (
        f"Of all items that a user has not rated in training, {found['list_users']:,} users; "
        f"relevant are test ratings of {how['relevant']:g} or more. Items without a test rating "
        "count as not relevant, so these figures are low. Coverage: share of the catalogue in "
        "some list. Novelty in bits."
    )
    return table(f"Lists of {how['n']}", columns, rows, sub=sub, mine=found["mine"])


def _tests(found: Numbers) -> Html | None:
    rows = []
    for test in (_towards(test, found["mine"]) for test in found["tests"]):
        p = p_value(test["p_corrected"])
        rows.append(
            (
                f"{test['model']} − {test['other']}, {test['measure'].upper()}",
                f"{test['difference']:+.4f}".replace("-", "−"),
                ends(test["interval"]).replace("-", "−"),
                p,
                "yes" if test["significant"] else "no",
            )
        )
    if not rows:
        return None
    columns = ("Difference", "Value", "95 % interval", "p", "Significant")
    sub = "By flipping the sign of whole users' differences; p corrected by Holm over all pairs."
    return table("Tests", columns, rows, sub=sub, words=("Significant",))


def _towards(test: Numbers, mine: str) -> Numbers:
    """Return a test as the difference of this model to the other, if it is one of the two."""
    if test["other"] != mine:
        return test
    interval = test["interval"]
    return {
        **test,
        "model": mine,
        "other": test["model"],
        "difference": -test["difference"],
        "interval": None if interval is None else [-interval[1], -interval[0]],
    }


def _optional(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"
