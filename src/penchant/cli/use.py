"""Commands that ask a saved recommender: evaluate, predict, recommend, similar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penchant.cli import options
from penchant.cli.lists import write_all
from penchant.cli.output import print_json, scores_json
from penchant.cli.reading import Reading, with_reading
from penchant.cli.source import open_model
from penchant.console import tell
from penchant.errors import DataError

if TYPE_CHECKING:
    from penchant.answers.lists import Answer
    from penchant.ids import Id, IdMap
    from penchant.ratings import Ratings
    from penchant.recommender.base import Recommender

User = Annotated[str, typer.Argument(help="A user's id.", show_default=False)]
Item = Annotated[str, typer.Argument(help="An item's id.", show_default=False)]


@with_reading(sides=False)
def evaluate(
    bundle: options.Bundle,
    source: options.Source,
    all_rows: Annotated[
        bool,
        typer.Option("--all", help="Count ratings that the model was trained on too."),
    ] = False,
    *,
    reading: Reading,
    json: options.Json = False,
) -> None:
    """Score a saved recommender on ratings.

    Ratings of pairs that the model was trained on are left out, and counted, unless --all is
    given: their errors say little about the next rating.
    """
    model = open_model(bundle)
    ratings = reading.load(source)
    kept = ratings if all_rows else _unseen(model, ratings)
    scores = model.evaluate(kept)
    if json:
        left_out = len(ratings) - len(kept)
        print_json({"bundle": bundle, "scores": scores_json(scores), "left_out": left_out})
    else:
        typer.echo(str(scores))


def predict(
    bundle: options.Bundle,
    user: User,
    item: Item,
    interval: options.Interval = None,
    distribution: Annotated[
        bool,
        typer.Option("--distribution", help="Show how probable each star is (ordinal models)."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Predict the rating that a user would give an item."""
    model = open_model(bundle)
    known = model.knowledge
    user_id, item_id = _parse(known.user_ids, user), _parse(known.item_ids, item)
    ends: dict[str, Any] = {}
    if interval is None:
        rating = float(model.predict([user_id], [item_id])[0])
    else:
        answer = model.predict([user_id], [item_id], interval=interval)
        rating, *found_ends = (float(column[0]) for column in answer)
        ends = dict(zip(("low", "high"), found_ends, strict=True))
    shown = model.predict([user_id], [item_id], distribution=True) if distribution else None
    title = known.titles(known.item_ids.rows([item_id]))[0]
    if json:
        if shown is not None:
            ends["distribution"] = shown.to_json()[0]
        ids = (("user", known.user_ids, user_id), ("item", known.item_ids, item_id))
        strangers = [what for what, known_ids, id_ in ids if _is_stranger(known_ids, id_)]
        found = {"user": user_id, "item": item_id, "title": title, "rating": rating}
        print_json({**found, **ends, **_intervals(model, interval), "strangers": strangers})
        return
    from penchant.tables import one_line

    about = one_line(f"{item_id} ({title})" if title else str(item_id))
    who = one_line(str(user_id))
    typer.echo(f"User {who} would rate item {about} {rating:.2f} on the scale {known.scale}.")
    if shown is not None:
        typer.echo(f"\n{shown}")
    if ends:
        typer.echo(
            f"{interval:.6g} of such ratings lie from {ends['low']:.2f} to {ends['high']:.2f}."
        )
        tell(f"The interval is {model.calibration}.")


def recommend(
    bundle: options.Bundle,
    user: Annotated[
        str | None, typer.Argument(help="A user's id, unless --all-users is given.")
    ] = None,
    n: options.Number = 10,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="Recommend to all users, into the file of --out.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The Parquet file to write for --all-users; with --blocks the folder."),
    ] = None,
    blocks: Annotated[
        str | None,
        typer.Option(
            help="For --all-users: the block store that the model was trained on, to be read block "
            "by block."
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Where blocks are worked on: threads or ray.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster.")] = None,
    include_rated: Annotated[
        bool, typer.Option("--include-rated", help="Show items too that the user has rated.")
    ] = False,
    by: options.By = "liking",
    liked: options.Liked = None,
    interval: options.Interval = None,
    diversity: Annotated[
        float, typer.Option(help="From 0, the best alone, to 1, the least alike.")
    ] = 0.0,
    popularity: Annotated[
        float, typer.Option(help="From -1, what few have rated, to 1, what many have.")
    ] = 0.0,
    json: options.Json = False,
) -> None:
    """Recommend what a user most probably picks and likes, to one user or to all."""
    from penchant.predict.intervals import LEVEL

    if all_users or user is None:
        knobs = interval or diversity or popularity
        if not all_users or out is None or user is not None or knobs:
            raise typer.BadParameter(
                "give either a user, or --all-users with --out FILE.parquet and without "
                "--interval, --diversity and --popularity"
            )
        where = {"blocks": blocks, "engine": engine, "address": address}
        write_all(bundle, n, out, include_rated, json, by=by, liked=liked, **where)
        return
    if out or blocks or engine or address:
        raise typer.BadParameter("--out, --blocks, --engine and --address go with --all-users")
    model = open_model(bundle)
    user_id = _parse(model.knowledge.user_ids, user)
    settings: dict[str, Any] = {"by": by, "liked": liked, "interval": interval}
    settings |= {"diversity": diversity, "popularity": popularity}
    answer = model.recommend(user_id, n, exclude_rated=not include_rated, **settings)
    stranger = _is_stranger(model.knowledge.user_ids, user_id)
    told = _intervals(model, interval or (LEVEL if by == "low" else None))
    _show_answer(answer, {"user": user_id, "stranger": stranger, **told}, json)
    if told and not json:
        tell(f"Intervals of level {told['interval']:.6g}, {told['calibration']}.")


def group(
    bundle: options.Bundle,
    users: Annotated[
        list[str], typer.Argument(help="The members' ids.", metavar="USER...", show_default=False)
    ],
    n: options.Number = 10,
    how: Annotated[
        str,
        typer.Option(help="average, least misery (nobody suffers) or most pleasure."),
    ] = "average",
    include_rated: Annotated[
        bool, typer.Option("--include-rated", help="Show items too that a member has rated.")
    ] = False,
    by: options.By = "liking",
    liked: options.Liked = None,
    interval: options.Interval = None,
    json: options.Json = False,
) -> None:
    """Recommend items that suit several users together, and say who pays for each."""
    model = open_model(bundle)
    members = [_parse(model.knowledge.user_ids, user) for user in users]
    settings: dict[str, Any] = {"how": how, "exclude_rated": not include_rated}
    settings |= {"by": by, "liked": liked}
    answer = model.recommend_group(members, n, interval=interval, **settings)
    strangers = [user for user in members if _is_stranger(model.knowledge.user_ids, user)]
    about = {"users": members, "how": how, "strangers": strangers}
    _show_answer(answer, {**about, **_intervals(model, interval)}, json)


def similar(
    bundle: options.Bundle,
    item: Item,
    n: options.Number = 10,
    json: options.Json = False,
) -> None:
    """Show the items most like one: liked by the same users, beyond what is liked by all."""
    model = open_model(bundle)
    item_id = model.knowledge.item_ids.parse(item)
    _show_answer(model.similar_items(item_id, n), {"item": item_id}, json)


def _parse(ids: IdMap, text: str) -> Id:
    """Read an id, and say so where the model has never seen it."""
    value = ids.parse(text)
    if _is_stranger(ids, value):
        tell(f"The model has never seen {ids.what} {value!r}: this is its answer for a stranger.")
    return value


def _is_stranger(ids: IdMap, value: Id) -> bool:
    return not ids.rows([value])[0]


def _intervals(model: Recommender, level: float | None) -> dict[str, Any]:
    """Return what there is to say of intervals, where they are asked for."""
    return {} if level is None else {"interval": level, "calibration": str(model.calibration)}


def _show_answer(answer: Answer[Any], about: dict[str, Any], json: bool) -> None:
    if json:
        print_json({**about, "results": answer.to_json()})
        return
    from penchant.answers.lists import FORMATS
    from penchant.tables import print_table

    if not answer:
        typer.echo("There is nothing left to show.")
        return
    headings, rows = answer.table()
    print_table(headings, rows, formats=FORMATS)


def _unseen(model: Recommender, ratings: Ratings) -> Ratings:
    """Return the ratings of pairs that the model was not trained on."""
    import numpy as np

    trained = model.knowledge.trained_on(ratings)
    if trained.all():
        raise DataError(
            f"All {len(ratings):,} ratings are of pairs that the model was trained on, so they "
            f"can't judge it. Bring others, or count them with --all."
        )
    if trained.any():
        tell(
            f"Left out {trained.sum():,} of {len(ratings):,} ratings: the model was trained on "
            f"those pairs. --all counts them too."
        )
    return ratings.take(np.flatnonzero(~trained))
