"""The first page: in plain words, and the few numbers that matter."""

from __future__ import annotations

from penchant.report.html import Child, Html, el, joined
from penchant.report.sections.parts import Numbers, ends, p_value, percent

_SLACK = 0.01  # of a share: a difference that small is told as none


def summary(told: Numbers) -> Html:
    """Return the summary of a report."""
    found = told["summary"]
    return el(
        "section",
        el("h2", "In short", id="summary-title"),
        el("p", _lead(told), class_="lead"),
        _missing(found),
        el("dl", _tiles(told), class_="tiles"),
        _protocol(found),
        id="summary",
        aria_labelledby="summary-title",
    )


def _lead(told: Numbers) -> Child:
    found, data = told["summary"], told["data"]
    low, high = data["scale"]
    words = [
        f"This {told['model']} learned from {found['training']:,} ratings on a scale from {low:g} "
        f"to {high:g} what {found['users']:,} users would give to {found['items']:,} items. "
    ]
    if "rmse" not in found:
        return joined(words)
    words.append(
        f"On {found['n']:,} ratings that it had not seen, half of its predictions are less than "
        f"{found['half_within']:.2f} off, and nine in ten less than {found['most_within']:.2f}. "
    )
    words.append(_versus(found))
    if found["level"] is not None:
        words.append(_sure(found["level"]))
    return joined(words)


def _sure(level: Numbers) -> str:
    """Say whether the share inside is what it should be, as far as so many rows can tell."""
    low, high = level["interval"]
    wanted, inside = percent(level["level"], 0), percent(level["inside"])
    said = "It knows how sure it is"
    if high < level["level"] - _SLACK:
        said = "It is surer than it should be"
    elif low > level["level"] + _SLACK:
        said = "It is less sure than it could be"
    return f" {said}: of its {wanted} intervals, {inside} hold the rating."


def _versus(found: Numbers) -> str:
    """Say how the model stands beside the bias model."""
    tested, bias = found["against_bias"], found["bias_rmse"]
    if tested is None or not bias:  # nobody is better than no error at all
        return ""
    gain = 1 - found["rmse"] / bias
    if not tested["significant"]:
        return (
            "It can't be told from a model that knows only how severe users and how good items "
            f"are: the difference of their RMSEs may be chance ({p_value(tested['p'])})."
        )
    if gain < 0:
        return (
            "It does worse than a model that knows only how severe users and how good items are, "
            f"and that is no chance ({p_value(tested['p'])})."
        )
    return (
        f"Its RMSE is {percent(gain)} below that of a model that knows only how severe users and "
        f"how good items are, which is more than chance ({p_value(tested['p'])})."
    )


def _missing(found: Numbers) -> Html | None:
    if found["caution"]:
        return el("p", el("b", "Mind the test rows. "), found["caution"], class_="caution")
    if not found["missing"]:
        return None
    return el("p", el("b", "No test ratings. "), found["missing"], class_="missing")


def _protocol(found: Numbers) -> Html | None:
    if not found["protocol"]:
        return None
    told = (
        f"{found['protocol']}. RMSE is the root of the mean squared error over all of these rows, "
        f"predictions clipped to the scale. "
        "Its 95 % interval here takes rows as independent; that of the comparison takes users."
    )
    return el("p", el("b", "Protocol: "), told, class_="protocol")


def _tiles(told: Numbers) -> list[Html]:
    found, data = told["summary"], told["data"]
    tiles: list[Html] = []
    if "rmse" in found:
        interval = ends(found["interval"], 3)
        note = f"95 % interval {interval}. {found['n']:,} test rows"
        tiles.append(_tile("Test RMSE", f"{found['rmse']:.4f}", note, first=True))
        if found["bias_rmse"] is not None and found["against_bias"] is not None:
            off = found["against_bias"]["difference"]
            note = f"RMSE; biases alone have {found['bias_rmse']:.4f}, on the same rows"
            tiles.append(_tile("Against biases alone", f"{off:+.4f}".replace("-", "−"), note))
        if found["level"] is not None:
            level = found["level"]
            tiles.append(
                _tile(
                    f"Inside the {percent(level['level'], 0)} interval",
                    percent(level["inside"]),
                    f"of the same test rows; mean width {level['width']:.2f}",
                )
            )
    elif "recorded" in found:
        recorded = found["recorded"]
        note = (
            f"as noted at the training, {recorded['date']}: {recorded['protocol']}, "
            f"{recorded['n']:,} rows; not measured again here"
        )
        tiles.append(_tile("Test RMSE", f"{recorded['rmse']:.4f}", note, first=True))
    note = f"of {data['users']:,} users and {data['items']:,} items ({data['of']})"
    tiles.append(_tile("Ratings", f"{data['ratings']:,}", note))
    return tiles


def _tile(name: str, value: str, note: str, first: bool = False) -> Html:
    return el(
        "div",
        el("dt", name),
        el("dd", value, class_="figure"),
        el("dd", note, class_="note"),
        class_="tile first" if first else "tile",
    )
