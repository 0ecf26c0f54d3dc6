"""Routes that ask the model: predict, recommend, explain, interview."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from penchant.errors import DataError
from penchant.predict.intervals import LEVEL
from penchant.recommender.base import Recommender, require_offered
from penchant.serve.api import bodies, schemas
from penchant.serve.api.routes.common import PROBLEMS, AtDesk
from penchant.serve.gate.problems import Problem

_CAN = "A matrix factorisation can."

router = APIRouter(prefix="/v1", tags=["asking"], responses=PROBLEMS)


@router.post("/predict", responses={200: {"model": schemas.Predictions}})
async def predict(body: bodies.Predict, desk: AtDesk) -> Response:
    """Predict the ratings of pairs of user and item.

    Give a user with items, or pairs. Unknown users and items are answered too: `strangers` counts
    them. With `interval`, such as 0.9, each rating has the ends of an interval of that level.
    """
    users, items = _pairs(body)
    return await desk.answer(lambda model: _predicted(model, users, items, body.interval))


def _pairs(body: bodies.Predict) -> tuple[list[Any], list[Any]]:
    if body.pairs is not None and body.user is None and body.items is None:
        return [pair[0] for pair in body.pairs], [pair[1] for pair in body.pairs]
    if body.pairs is None and body.user is not None and body.items is not None:
        return [body.user] * len(body.items), body.items
    raise Problem(422, "Give either user and items, or pairs.")


def _predicted(
    model: Recommender, users: list[Any], items: list[Any], interval: float | None
) -> dict[str, Any]:
    known = model.knowledge
    strange = (known.user_ids.rows(users) == 0) | (known.item_ids.rows(items) == 0)
    columns: dict[str, list[Any]] = {"user": users, "item": items}
    if interval is None:
        columns["rating"] = model.predict(users, items).tolist()
    else:
        found = model.predict(users, items, interval=interval)
        columns |= {name: ends.tolist() for name, ends in found._asdict().items()}
    rows = zip(*columns.values(), strict=True)
    ratings = [dict(zip(columns, row, strict=True)) for row in rows]
    return {"ratings": ratings, "interval": interval, "strangers": int(strange.sum())}


@router.post("/recommend", responses={200: {"model": schemas.Recommendations}})
async def recommend(body: bodies.Recommend, desk: AtDesk) -> Response:
    """Recommend what a user most probably picks and likes.

    `by: "rating"` orders by the predicted ratings, whatever people pick, `"low"` by the lower ends
    of their intervals, `"choice"` by what is most probably picked, liked or not. A user whom the
    model doesn't know gets what people pick and like.
    """
    short = body.among is None and body.without is None
    remember = ("recommend", body.model_dump_json()) if short else None
    return await desk.answer(lambda model: _recommended(model, body), remember)


def _recommended(model: Recommender, body: bodies.Recommend) -> dict[str, Any]:
    settings = {name: value for name, value in body if name not in ("user", "n")}
    found = model.recommend(body.user, body.n, **settings)
    level = LEVEL if body.interval is None and body.by == "low" else body.interval
    stranger = not model.knowledge.user_ids.rows([body.user])[0]
    return {"items": found.to_json(), "interval": level, "stranger": stranger}


@router.post("/recommend/group", responses={200: {"model": schemas.GroupRecommendations}})
async def recommend_group(body: bodies.RecommendGroup, desk: AtDesk) -> Response:
    """Recommend items that suit a group, and tell who likes each least.

    With `interval` each has the ends of an interval of the group's score.
    """

    def work(model: Recommender) -> dict[str, Any]:
        settings = {name: value for name, value in body if name not in ("users", "n")}
        found = model.recommend_group(body.users, body.n, **settings)
        return {"items": found.to_json(), "interval": body.interval}

    return await desk.answer(work)


@router.post("/explain", responses={200: {"model": schemas.Explanation}})
async def explain(body: bodies.Explain, desk: AtDesk) -> Response:
    """Take the prediction for a user and an item apart: terms that sum to it, and reasons."""

    def work(model: Any) -> dict[str, Any]:
        require_offered(model, "explain", f"can't explain its predictions. {_CAN}")
        found: dict[str, Any] = model.explain(body.user, body.item).to_json()
        return found

    return await desk.answer(work)


@router.post("/interview", responses={200: {"model": schemas.Questions}})
async def interview(body: bodies.Interview, desk: AtDesk) -> Response:
    """Say what to ask a newcomer next, and recommend after the answers so far.

    Nothing is stored: to keep the newcomer, send the answers as ratings.
    """
    return await desk.answer(lambda model: _asked(model, body))


def _asked(model: Any, body: bodies.Interview) -> dict[str, Any]:
    require_offered(model, "interview", f"can't ask a newcomer. {_CAN}")
    answers = {one.item: one.rating for one in body.answers}
    if len(answers) < len(body.answers):
        raise DataError("An item is answered twice. Give the last answer of each item alone.")
    talk = model.interview(body.n, answers=answers, unknown=body.skipped, among=body.among)
    return {
        "questions": talk.to_json(),
        "recommendations": talk.recommend(body.recommend, interval=body.interval).to_json(),
        "interval": body.interval,
    }
