"""Settings, commands and the model card."""

from __future__ import annotations

import json
import re
from typing import Any

from penchant.report.html import Child, Html, el, joined
from penchant.report.sections.parts import Numbers, facts, missing, more, section


def settings(told: Numbers) -> Html:
    """Return the section of the settings and commands."""
    found = told["settings"]
    rows = [(name, el("code", _shown(value))) for name, value in found["values"].items()]
    fit = found["fit"]
    children: list[Child] = [facts(rows, "values")]
    if isinstance(fit, dict):
        children.append(missing(fit))
    else:
        children += [el("h3", "This trains it again"), el("pre", fit)]
        if found["file"] is not None:
            content = json.dumps(found["file"], indent=2, ensure_ascii=False)
            children.append(more("The file settings.json", el("pre", content)))
    children += [el("h3", "This makes the report again"), el("pre", found["report"])]
    return section("settings", "Settings and commands", *children)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def card(told: Numbers) -> Html:
    """Return the model card."""
    found, summary = told["card"], told["summary"]
    origin = found["provenance"]
    limits = _limits(told)
    rows: list[tuple[str, Child]] = [
        ("Intended use", found["use"]),
        ("Not for", found["not_for"]),
        ("Data and licence", _licence(origin["data"], found["licence"])),
        ("Limits", el("ul", [el("li", limit) for limit in limits]) if limits else None),
        ("Unknown users and items", found["unknown"]),
        ("Trained on", _trained(origin)),
        ("Judged on", summary["protocol"] or None),
        ("Fingerprint of the training ratings", el("code", origin["fingerprint"])),
        ("Test rows checked by it", _verified(found, told)),
        ("Seed", None if origin["seed"] is None else str(origin["seed"])),
        ("Trained with", _versions(origin["trained_with"], origin["trained"])),
        ("Reported with", _versions(origin["reported_with"], origin["reported"])),
        ("Ratings in the bundle", "yes" if found["ratings_saved"] else "no"),
    ]
    return section("card", "Model card", facts(rows))


def _trained(origin: Numbers) -> str:
    if origin["source"] is None:
        return f"{origin['data']}; the bundle doesn't tell more of it"
    words = f"{origin['source']}, {origin['split']}"
    if origin["validation"] is not None:
        words += f", validation={origin['validation']:g} of the rest"
    return words


def _verified(found: Numbers, told: Numbers) -> str | None:
    if not told["summary"]["protocol"]:
        return None
    if found["verified"]:
        return "yes: what the split leaves has this very fingerprint"
    return "no: there is nothing to check them against"


def _versions(named: dict[str, str] | None, date: str | None) -> str | None:
    if named is None:
        return None
    return f"{date}: " + ", ".join(f"{name} {version}" for name, version in named.items())


def _limits(told: Numbers) -> list[str]:
    """Return what the figures say of where the model is weak."""
    errors, out = told["errors"], []
    if "left_out" not in errors:
        groups = {"users": errors["by_activity"], "items": errors["by_popularity"]}
        for what, parts in groups.items():
            worst = max(parts, key=lambda group: float(group["rmse"]))
            least = min(parts, key=lambda group: float(group["rmse"]))
            out.append(
                f"By {what}, the RMSE is highest ({worst['rmse']:.3f}) for those with "
                f"{_range(worst)} training ratings and lowest ({least['rmse']:.3f}) for those with "
                f"{_range(least)}."
            )
        if errors["unseen_rmse"] is not None:
            out.append(
                "Where a user or an item has no training ratings it is "
                f"{errors['unseen_rmse']:.3f}, on {errors['strangers'] + errors['cold']:,} test "
                "rows."
            )
    findings = told["data"]["findings"]
    if isinstance(findings, list):
        loud = [f["kind"] for f in findings if f["level"] == "warning"]
        if loud:
            out.append(f"The check of the data warns of: {', '.join(loud)} (see Data).")
    out.append("It repeats the tastes of those who rated, and knows nothing of those who did not.")
    return out


def _range(group: Numbers) -> str:
    low, high = group["low"], group["high"]
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _licence(name: str, words: str) -> Child:
    """Return name and terms, the addresses in them as links."""
    parts = re.split(r"(https://[^\s]+)", words)
    linked = [
        el("a", part, href=part, rel="noreferrer") if place % 2 else part
        for place, part in enumerate(parts)
    ]
    return joined([el("b", f"{name}. "), linked])
