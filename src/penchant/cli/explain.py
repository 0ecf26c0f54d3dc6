"""The command that takes a prediction apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.source import open_model
from penchant.errors import SettingsError

if TYPE_CHECKING:
    from penchant.answers.explanation import Explanation
    from penchant.ids import Id

User = Annotated[str, typer.Argument(help="A user's id.", show_default=False)]
Item = Annotated[str, typer.Argument(help="An item's id.", show_default=False)]


def explain(
    bundle: options.Bundle,
    user: User,
    item: Item,
    had: Annotated[
        list[str] | None,
        typer.Option(
            "--had",
            help="What it would be, had the user rated an item otherwise: ITEM=RATING, or "
            "ITEM=none for no rating. Can be given several times, each for itself.",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Show what a prediction is made of, and the ratings that pull most."""
    from penchant.recommender.base import require_offered

    model = open_model(bundle)
    words = "can't explain its predictions. A matrix factorisation can: penchant fit --model mf."
    require_offered(model, "explain", words)
    known = model.knowledge
    explanation = model.explain(known.user_ids.parse(user), known.item_ids.parse(item))
    asked = [_changed(text) for text in had or []]
    changes = [(known.item_ids.parse(name), rating) for name, rating in asked]
    found = [(*change, explanation.would_be(*change)) for change in changes]
    if json:
        would_be = [{"item": i, "rating": r, "prediction": p} for i, r, p in found]
        print_json({**explanation.to_json(), "would_be": would_be})
        return
    typer.echo(str(explanation))
    for change in found:
        typer.echo(_sentence(explanation, *change))


def _sentence(explanation: Explanation, item: Id, rating: float | None, prediction: float) -> str:
    from penchant.answers.explanation import amount
    from penchant.tables import one_line

    name = one_line(str(item))
    if rating is None:
        return f"Had you not rated item {name}, it would be {prediction:.2f}."
    given = amount(rating, explanation.scale)
    return f"Had you given item {name} {given}, it would be {prediction:.2f}."


def _changed(text: str) -> tuple[str, float | None]:
    """Read "63=4.5" or "63=none".

    >>> _changed("63=4.5"), _changed("a=b=none")
    (('63', 4.5), ('a=b', None))
    """
    item, equals, rating = text.rpartition("=")
    try:
        return item, None if rating == "none" else float(rating) if equals else float("")
    except ValueError:
        raise SettingsError(f"--had takes ITEM=RATING or ITEM=none, not {text!r}.") from None
