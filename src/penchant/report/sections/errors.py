"""Errors on test rows: RMSE by group, calibration, residuals, best and worst."""

from __future__ import annotations

from typing import Any

from penchant.report.drawing import plots
from penchant.report.html import Html, el
from penchant.report.sections.parts import (
    DASHES,
    DOT,
    SQUARE,
    Numbers,
    ends,
    figure,
    key,
    mark,
    missing,
    more,
    pair,
    percent,
    protocol,
    section,
    table,
    title_of,
)


def errors(told: Numbers) -> Html:
    """Return the section of the RMSE and where it is high."""
    found = told["errors"]
    if "left_out" in found:
        return section("errors", "Errors", missing(found))
    return section(
        "errors",
        "Errors",
        el("p", _lead(found)),
        protocol(found),
        _scores(found),
        el("h3", "Who is served better, and who worse"),
        _key(found),
        pair(
            _group(found, "by_activity", "RMSE by activity of the user", "user"),
            _group(found, "by_popularity", "RMSE by popularity of the item", "item"),
        ),
        more(
            "These groups in numbers",
            _group_table(found["by_activity"], "RMSE by training ratings of the user", found),
            _group_table(found["by_popularity"], "RMSE by training ratings of the item", found),
        ),
    )


def _lead(found: Numbers) -> str:
    words = f"RMSE {found['rmse']:.4f} on {found['n']:,} test rows"
    if found.get("mean_rmse") is not None:
        words += (
            ", where always answering the mean of the training ratings has "
            f"{found['mean_rmse']:.4f} and the sum of biases {found['bias_rmse']:.4f}"
        )
    if found["unseen_rmse"] is not None:
        unseen = found["strangers"] + found["cold"]
        words += (
            f". {unseen:,} rows have a user or an item without training ratings; there it is "
            f"{found['unseen_rmse']:.4f}"
        )
    return f"{words}."


def _scores(found: Numbers) -> Html:
    rows: list[tuple[str, str]] = [
        ("RMSE, all test rows", f"{found['rmse']:.4f}"),
        ("its 95 % interval", ends(found["interval"])),
        ("MAE, all test rows", f"{found['mae']:.4f}"),
        ("half of the errors are below", f"{found['half_within']:.2f}"),
        ("nine in ten are below", f"{found['most_within']:.2f}"),
        ("test rows", f"{found['n']:,}"),
        ("of strangers: an unknown user or item", f"{found['strangers']:,}"),
        ("of cold rows: known, but without training ratings", f"{found['cold']:,}"),
    ]
    if found["unseen_rmse"] is not None:
        rows.append(("RMSE of strangers and cold rows", f"{found['unseen_rmse']:.4f}"))
    if found["warm_rmse"] is not None:
        rows.append(("RMSE of all others", f"{found['warm_rmse']:.4f}"))
    return more("All scores", table("Scores on the test rows", ("Score", "Value"), rows))


def _key(found: Numbers) -> Html:
    entries = [(mark(DOT), "this model, with a 95 % interval")]
    if "bias_rmse" in found:
        entries.append((mark(SQUARE), "biases alone"))
    entries.append((mark(DASHES), "this model, all test rows"))
    return key(*entries)


def _group(found: Numbers, name: str, title: str, what: str) -> Html:
    groups = found[name]
    first, last = groups[0], groups[-1]
    told = (
        f"{title}: {first['rmse']:.3f} with {plots.label_of(first)} training ratings, "
        f"{last['rmse']:.3f} with {plots.label_of(last)}."
    )
    smallest = min(group["n"] for group in groups)
    many = f"{smallest:,} test row{'' if smallest == 1 else 's'}"
    caption = f"Same test rows; groups of about equal numbers of them, the smallest of {many}."
    x = f"Training ratings of the {what}"
    return figure(title, plots.by_group(told, groups, x, found["rmse"]), caption)


def _group_table(groups: list[Numbers], caption: str, found: Numbers) -> Html:
    bias = "bias_rmse" in found
    columns = ["Training ratings", "Test rows", "RMSE", "95 % interval"]
    rows = [
        [
            plots.label_of(g),
            f"{g['n']:,}",
            f"{g['rmse']:.4f}",
            ends(g["interval"]),
            *([f"{g['bias_rmse']:.4f}"] if bias else []),
        ]
        for g in groups
    ]
    sub = f"Protocol: {found['protocol']}"
    return table(caption, [*columns, *(["Biases alone"] if bias else [])], rows, sub=sub)


def calibration(told: Numbers) -> Html:
    """Return the section of the intervals."""
    found = told["calibration"]
    if "left_out" in found:
        return section("calibration", "How sure it is", missing(found))
    levels = found["levels"]
    words = (
        "Each prediction comes with an interval, at any level. If they are right, half of the "
        "ratings lie in the 50 % intervals, nine in ten in the 90 % ones, and so on. Here the "
        f"shares are at most {100 * found['off']:.1f} points off. {_how(found)}"
    )
    told_of = "; ".join(f"{percent(e['level'], 0)}: {percent(e['inside'])}" for e in levels)
    return section(
        "calibration",
        "How sure it is",
        el("p", words),
        protocol(found),
        key(
            (mark(DOT), "all test rows"),
            (mark(SQUARE), "the least active quarter"),
            (mark(DASHES), "as it should be"),
        ),
        pair(
            figure(
                "Nominal and actual",
                plots.calibration(f"Share of ratings inside by level. {told_of}.", levels),
                "On the dashed line as many ratings lie inside as should.",
            ),
            figure(
                "The difference, enlarged",
                plots.off_level(f"Points from the level, by level. {told_of}.", levels),
                "Above 0 the intervals are wider than they need be, below they are too narrow. The "
                "whiskers are 95 % intervals, test rows taken as independent.",
            ),
        ),
        more("The intervals in numbers", _levels(levels, found)),
    )


def _how(found: Numbers) -> str:
    if found["method"] == "posterior":
        return (
            "The widths are the posterior's own: no ratings were kept out to calibrate them, as a "
            "training with validation ratings does."
        )
    return f"The intervals are {found['told']}."


def _levels(levels: list[Numbers], found: Numbers) -> Html:
    rows = [
        (
            percent(e["level"], 0),
            percent(e["inside"]),
            f"{percent(e['interval'][0])} to {percent(e['interval'][1])}",
            percent(e["least_active"]),
            f"{e['width']:.2f}",
        )
        for e in levels
    ]
    columns = ("Level", "Inside", "95 % interval", "Least active quarter", "Mean width")
    sub = f"Protocol: {found['protocol']}. Widths are cut off by the ends of the scale."
    return table("Share of test ratings inside their interval", columns, rows, sub=sub)


def residuals(told: Numbers) -> Html:
    """Return the section of the residuals."""
    found = told["residuals"]
    if "left_out" in found:
        return section("residuals", "Residuals", missing(found))
    mean = found["all"]["mean"]
    words = (
        f"A residual is the rating less the prediction; their mean is {mean:+.3f}. By prediction "
        "the boxes should stand on 0: then the model is right on average, whatever it says. By "
        "rating they slope, for every careful model: nobody can foresee all of an extreme rating, "
        "so low ratings are predicted too high and high ones too low."
    )
    shown: Any = [
        ("by_predicted", "By predicted rating", "Predicted rating"),
        ("by_actual", "By actual rating", "Actual rating"),
    ]
    return section(
        "residuals",
        "Residuals",
        el("p", words.replace("-", "−")),
        protocol(found),
        pair(_boxes(found[name], title, x) for name, title, x in shown),
        more("The residuals in numbers", [_spread(found[name], title) for name, title, _ in shown]),
    )


def _boxes(groups: list[Numbers], title: str, x: str) -> Html:
    told = "; ".join(f"{plots.label_of(g)}: mean {g['mean']:+.2f}" for g in groups)
    caption = "Box: the middle half; whiskers: eight in ten; line: median; orange dot: mean."
    return figure(title, plots.boxes(f"Residuals {title.lower()}. {told}.", groups, x), caption)


def _spread(groups: list[Numbers], title: str) -> Html:
    names = ("q10", "q25", "median", "q75", "q90", "mean")
    rows = [
        (plots.label_of(g), f"{g['n']:,}", *(f"{g[name]:+.2f}" for name in names)) for g in groups
    ]
    columns = ("Rating", "Test rows", "10 %", "25 %", "Median", "75 %", "90 %", "Mean")
    return table(f"Residuals {title.lower()}", columns, rows)


def extremes(told: Numbers) -> Html:
    """Return the section of what was predicted best and worst."""
    found = told["extremes"]
    if "left_out" in found:
        return section("extremes", "Best and worst predicted", missing(found))
    children = [
        el(
            "p",
            "The worst are often ratings that nobody could foresee: a person who gives one star to "
            "what everybody like them loves. The best say little, for among many rows some are hit "
            "by chance; the items below say more.",
        ),
        protocol(found),
        _ratings(found["worst"], "Worst predicted ratings"),
    ]
    if found["items_best"]:
        sub = f"Items with at least {found['least_ratings']} test ratings; the same protocol."
        tables = [
            _items(found["items_worst"], "Hardest items", sub),
            _items(found["items_best"], "Easiest items", sub),
        ]
        children.append(pair(*tables))
    children.append(
        more("Best predicted ratings", _ratings(found["best"], "Best predicted ratings"))
    )
    return section("extremes", "Best and worst predicted", *children)


def _ratings(entries: list[Numbers], caption: str) -> Html:
    rows = [
        (
            title_of(e),
            str(e["user"]),
            f"{e['rating']:g}",
            f"{e['predicted']:.2f}",
            f"{e['rating'] - e['predicted']:+.2f}".replace("-", "−"),
            f"{e['user_ratings']:,}",
            f"{e['item_ratings']:,}",
        )
        for e in entries
    ]
    columns = ("Item", "User", "Rating", "Predicted", "Residual", "Of the user", "Of the item")
    sub = "The last two columns count training ratings."
    return table(caption, columns, rows, sub=sub, words=("User",))


def _items(entries: list[Numbers], caption: str, sub: str) -> Html:
    rows = [(title_of(e), f"{e['rmse']:.3f}", f"{e['n']:,}") for e in entries]
    return table(caption, ("Item", "RMSE", "Test rows"), rows, sub=sub)
