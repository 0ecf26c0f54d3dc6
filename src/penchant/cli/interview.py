"""The command that asks a newcomer a few questions, and recommends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.source import open_model
from penchant.errors import DataError, SettingsError

if TYPE_CHECKING:
    from penchant.answers.interview.questions import Interview
    from penchant.ids import Id
    from penchant.ratings import Scale

_STOP = ("q", "quit")


def interview(
    bundle: options.Bundle,
    questions: Annotated[
        int, typer.Option("--answers", help="Stop after so many answers.", min=1)
    ] = 10,
    n: options.Number = 10,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            "--answer",
            help="An answer given already, ITEM=RATING; can be given several times.",
            show_default=False,
        ),
    ] = None,
    unknown: Annotated[
        list[str] | None,
        typer.Option(
            "--unknown",
            help="An item that the newcomer doesn't know; can be given several times.",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Ask a newcomer about the items that tell most, and recommend.

    With --json nothing is asked: the next questions and the recommendations after the answers that
    are given are printed as one object. Nothing is saved.
    """
    from penchant.recommender.base import require_offered

    model = open_model(bundle)
    ids = model.knowledge.item_ids
    words = (
        "asks no questions. Train one with penchant fit --model mf, whose solver is gibbs or als."
    )
    require_offered(model, "interview", words)
    answers = {ids.parse(item): rating for item, rating in map(_answer, answer or [])}
    talk = model.interview(
        5 if json else 1, answers=answers, unknown=[ids.parse(item) for item in unknown or []]
    )
    if json:
        print_json(_object(talk, n))
        return
    talk = _talk(talk, questions, model.knowledge.scale)
    _show(talk, n)


def _talk(talk: Interview, most: int, scale: Scale) -> Interview:
    """Ask on the terminal until there are enough answers, or no more questions."""
    from penchant.tables import one_line

    typer.echo(f"Rate what you know, on the scale {scale}. Enter: I don't know it. q: enough.")
    while len(talk.answers) < most and len(talk):
        question = talk[0]
        about = one_line(str(question.title or question.item))
        reply = _reply(f"{len(talk.answers) + 1}/{most}  {about}: ")
        if reply is None or reply.lower() in _STOP:
            break
        try:
            talk = talk.rate(question.item, float(reply)) if reply else talk.skip(question.item)
        except (ValueError, DataError):
            typer.echo(f"Please give a number on the scale {scale}, Enter or q.")
    return talk


def _reply(prompt: str) -> str | None:
    """Return what a person typed; None where the input ends."""
    typer.echo(prompt, nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        typer.echo(line.rstrip("\n"))  # so that what is read from a file reads as a conversation
    return line.strip() if line else None


def _show(talk: Interview, n: int) -> None:
    from penchant.answers.lists import FORMATS
    from penchant.tables import print_table

    advice = talk.recommend(n)
    count = len(talk.answers)
    told = f"{count} answer{'' if count == 1 else 's'}"
    typer.echo(f"\nBy your {told}, with the interval that holds 90 % of such ratings:\n")
    if not advice:
        typer.echo("There is nothing left to show.")
        return
    headings, rows = advice.table()
    print_table(headings, rows, formats=FORMATS)


def _object(talk: Interview, n: int) -> dict[str, Any]:
    answers: list[dict[str, Id | float]] = [
        {"item": item, "rating": rating} for item, rating in talk.answers.items()
    ]
    return {
        "answers": answers,
        "unknown": list(talk.unknown),
        "questions": talk.to_json(),
        "recommendations": talk.recommend(n).to_json(),
    }


def _answer(text: str) -> tuple[str, float]:
    """Read "63=4.5".

    >>> _answer("a=b=4.5")
    ('a=b', 4.5)
    """
    item, equals, rating = text.rpartition("=")
    try:
        return item, float(rating if equals else "")
    except ValueError:
        raise SettingsError(f"--answer takes ITEM=RATING, not {text!r}.") from None
