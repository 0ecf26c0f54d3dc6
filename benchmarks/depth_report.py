"""The tables and pictures of `depth.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from marks import DOCS, put

from penchant.comparison.significance import bootstrap
from penchant.history import History
from penchant.metrics import rmse
from penchant.plots import plot_history
from penchant.ratings import Ratings

DRAWS = 10_000
PAGE = "depth.md"
NEAR = (-0.008, 0.012)
"""What the second half of the picture shows."""


class Line(NamedTuple):
    """One model on one set."""

    name: str
    hidden: str
    predicted: Any
    cpu: float
    parameters: int
    more: dict[str, Any]

    def rmse(self, test: Ratings) -> float:
        """Return the RMSE on test rows, predictions clipped."""
        return rmse(test.values, test.scale.clip(self.predicted))


class Difference(NamedTuple):
    """By how much one RMSE is above another, with the ends of its 95 % interval."""

    rmse: float
    more: float
    low: float
    high: float


Found = list[tuple[str, Ratings, list[Line]]]


def squares(found: Found, name: str) -> Any:
    """Return a model's sum of squared errors and number of rows by user, (2, M), over all sets."""
    sums = 0.0
    for _, test, lines in found:
        line = next(one for one in lines if one.name == name)
        errors = test.values.astype(np.float64) - test.scale.clip(line.predicted)
        M = test.user_ids.size
        sums = sums + np.stack(
            [np.bincount(test.user_rows, errors**2, M), np.bincount(test.user_rows, minlength=M)]
        )
    return sums


def differences(found: Found, names: list[str], base: str) -> dict[str, Difference]:
    """Return each model's RMSE over all rows of some sets, and its difference to a base's."""
    tables = np.stack([squares(found, name) for name in (base, *names)])  # (1 + C, 2, M)
    tables = tables[:, :, tables[0, 1] > 0]
    above, below = tables[:, 0].T, tables[:, 1].T
    drawn = np.sqrt(bootstrap(above, below, DRAWS, seed=0))
    exact = np.sqrt(above.sum(axis=0) / below.sum(axis=0))
    out = {}
    for column, name in enumerate(names, 1):
        low, high = np.quantile(drawn[:, column] - drawn[:, 0], [0.025, 0.975])
        out[name] = Difference(exact[column], exact[column] - exact[0], low, high)
    return out


def report(found: Found, base: str, *, write: bool) -> None:
    """Print the tables, and write them and the pictures where all models were run."""
    parts = {"S1": found[:1], "five folds": found[1:]}
    shown = {name: part for name, part in parts.items() if part}
    names = [line.name for line in found[0][2]]
    told = {name: differences(part, names, base) for name, part in shown.items()}
    single = [name for name in names if not name.startswith("blend without ")]
    tables = ["![RMSE less the sampler's](images/depth.png)"]
    tables += [models(found[0][2], single, told, base)]
    if "blend" in names:
        tables += [members(found, told)]
    curves = [line.name for line in found[0][2] if _has_curve(line)]
    if curves:
        tables += ["The curves of the deep ones on S1 (test rows choose nothing):"]
        tables += [f"![{name}](images/{_picture(name)})" for name in curves]
    text = "\n\n".join(tables)
    print(text)
    if write:
        put("depth", "RMSE, time and size", text, page=PAGE)
        images = DOCS / "images"
        draw(told, single, base, images / "depth.png")
        for line in found[0][2]:
            if _has_curve(line):
                history = History(line.more["records"], line.more["best"])
                plot_history(history, images / _picture(line.name), title=line.name)


def models(lines: list[Line], names: list[str], told: Any, base: str) -> str:
    heads = "".join(f" RMSE, {name} | to the sampler (95 %) |" for name in told)
    rows = [f"| model | hidden layers |{heads} CPU s | parameters |"]
    rows.append(f"| --- | --- |{' ---: | ---: |' * len(told)} ---: | ---: |")
    by_name = {line.name: line for line in lines}
    for name in sorted(names, key=lambda name: next(iter(told.values()))[name].rmse):
        line = by_name[name]
        cells = "".join(f" {d.rmse:.4f} | {_shown(d, name == base)} |" for d in _of(told, name))
        rows.append(f"| {name} | {line.hidden} |{cells} {line.cpu:.1f} | {line.parameters:,} |")
    return "\n".join(rows)


def members(found: Found, told: Any) -> str:
    """Tell what each member of the blend weighs, and what the blend is without it."""
    rows = [
        "What each part of the blend adds (weights and the first RMSE are of S1's training rows, "
        "out of fold; the others of test rows):",
        "",
        "| part | weight | RMSE alone | adds, out of fold |"
        + "".join(f" RMSE without, {name} |" for name in told),
        f"| --- | ---: | ---: | ---: |{' ---: |' * len(told)}",
    ]
    blend = next(line for line in found[0][2] if line.name == "blend")
    for part in blend.more["weights"]["parts"]:
        without = "".join(f" {d.rmse:.4f} |" for d in _of(told, f"blend without {part['name']}"))
        rows.append(
            f"| {part['name']} | {part['weight']:.3f} | {part['rmse']:.4f} | "
            f"{part['adds']:z.4f} |{without}"
        )
    constant = blend.more["weights"]["constant"]
    return "\n".join([*rows, f"| constant | {constant:.3f} | | |{' |' * len(told)}"])


def _has_curve(line: Line) -> bool:
    return line.hidden != "none" and "records" in line.more


def _picture(name: str) -> str:
    return f"depth-{name.lower().replace(' ', '-').replace(',', '')}.png"


def _of(told: Any, name: str) -> list[Difference]:
    return [found[name] for found in told.values()]


def _shown(one: Difference, is_base: bool) -> str:
    return "" if is_base else f"{one.more:+.4f} ({one.low:+.4f} … {one.high:+.4f})"


def draw(told: Any, names: list[str], base: str, path: Any) -> None:
    """Draw the differences to the sampler with their intervals: all, and those near it again."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    order = sorted(names, key=lambda name: -next(iter(told.values()))[name].rmse)
    figure, both = plt.subplots(
        1, 2, figsize=(10, 0.4 * len(order) + 1.4), dpi=150, sharey=True, layout="constrained"
    )
    for axes in both:
        for shift, (where, found) in enumerate(told.items()):
            look = {"color": f"C{shift}", "marker": "os"[shift], "capsize": 3, "linestyle": ""}
            shown = [found[name] for name in order]
            ends = [[d.more - d.low for d in shown], [d.high - d.more for d in shown]]
            heights = [place - 0.22 * shift for place in range(len(order))]
            axes.errorbar([d.more for d in shown], heights, xerr=ends, label=where, **look)
        axes.axvline(0, color="0.4", linewidth=1)
        axes.grid(axis="x", alpha=0.3)
    both[0].set_yticks(range(len(order)), order)
    both[0].set_title("all")
    both[1].set_title("near the sampler")
    both[1].set_xlim(*NEAR)
    both[1].set_xticks([-0.005, 0, 0.005, 0.01])
    figure.supxlabel(f"RMSE less that of the {base}, with 95 % intervals (left is better)")
    if len(told) > 1:
        both[0].legend()
    figure.savefig(path)
    plt.close(figure)
