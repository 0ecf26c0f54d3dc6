"""The model: its network and its training."""

from __future__ import annotations

from penchant.report.drawing import network as drawing
from penchant.report.drawing import plots
from penchant.report.html import Html, el
from penchant.report.sections.parts import Numbers, figure, missing, more, pair, section, table


def model(told: Numbers) -> Html:
    """Return the section of the network and its training."""
    return section(
        "model",
        "Model and training",
        el("p", _lead(told)),
        pair(_network(told["network"]), _training(told["training"])),
        _rounds(told["training"]),
    )


def _lead(told: Numbers) -> str:
    name: str = told["model"]
    return f"{name[:1].upper()}{name[1:]}: {told['network']['parameters']:,} trained numbers."


def _network(found: Numbers) -> Html:
    if "left_out" in found:
        return el("figure", el("h3", "Network"), missing(found))
    if "members" in found:
        names = ", ".join(f"{m['name']} {m['weight']:.3f}" for m in found["members"])
        told = f"Weights of the members of the blend: {names}."
        caption = (
            "The prediction is the weighted sum of the members' predictions, and the constant."
        )
        return figure("What the blend is made of", drawing.draw(told, found), caption)
    if "layers" in found:
        names = ", then ".join(layer["name"] for layer in found["layers"])
        caption = f"{found['parameters']:,} trained numbers."
        return figure("Network", drawing.draw(f"The network: {names}.", found), caption)
    told = (
        "One-hot vectors of user and item select a row of the tables P and Q and of two biases; "
        "the dot of the rows and the biases are added, flattened, and the mean is added."
    )
    users, items, factors = found["users"], found["items"], found["factors"]
    caption = (
        f"({users:,} + {items:,}) × ({factors:,} + 1) = {(users + items) * (factors + 1):,} "
        "parameters. The first row of each table answers for the unknown."
    )
    return figure("Network", drawing.draw(told, found), caption)


def _training(found: Numbers) -> Html:
    if "left_out" in found:
        return el("figure", el("h3", "Training"), missing(found))
    word = found["round"]
    parts = [f"{c['of']} {_last(c['rmse']):.4f}" for c in found["curves"]]
    told = f"RMSE over {len(found['rounds'])} {word}s. At the end: {'; '.join(parts)}."
    caption = f"RMSE after each {word}. Protocol: " + "; ".join(
        _protocol(curve["name"]) for curve in found["curves"]
    )
    caption += "." if not found["interrupted"] else ". Ctrl-C ended the training early."
    if found["seconds"] is not None:
        caption += f" The training took {found['seconds']:.1f} s."
    return figure("Training", plots.curves(told, found), caption)


def _protocol(name: str) -> str:
    return {
        "train_rmse": "train is over the training ratings, so it flatters",
        "out_of_fold_rmse": "out of fold is over the training ratings, each predicted by models "
        "that had not seen it",
        "validation_rmse": "validation is over ratings kept out, which choose when to stop",
        "watch_rmse": "test is over held-out ratings, which were watched and chose nothing",
    }[name]


def _last(values: list[float | None]) -> float:
    return next(value for value in reversed(values) if value is not None)


def _rounds(found: Numbers) -> Html | None:
    """Return a table of up to twelve rounds."""
    if "left_out" in found:
        return None
    rounds, curves = found["rounds"], found["curves"]
    step = max(1, -(-len(rounds) // 12))
    shown = sorted({*range(0, len(rounds), step), len(rounds) - 1})
    names = {c["name"]: c["of"] for c in curves}
    rows = [
        (
            f"{rounds[place]:g}",
            *("" if c["rmse"][place] is None else f"{c['rmse'][place]:.4f}" for c in curves),
        )
        for place in shown
    ]
    columns = [found["round"].capitalize(), *names.values()]
    return more("The curve in numbers", table("RMSE by round", columns, rows))
