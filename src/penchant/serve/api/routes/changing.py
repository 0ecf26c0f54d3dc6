"""Routes that change something: ratings, users, models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from penchant.serve.api import bodies, schemas
from penchant.serve.api.routes.common import PROBLEMS, AtDesk, Once, user_id
from penchant.serve.api.workers import encoded, json_response
from penchant.serve.service.answers import Rating

router = APIRouter(prefix="/v1", responses=PROBLEMS)


@router.post("/ratings", tags=["ratings"], responses={200: {"model": schemas.Written}})
async def rate(body: bodies.Ratings, desk: AtDesk, key: Once) -> Response:
    """Take in ratings, of known or new users and items; the next answer knows them.

    They are in the log on disk before this answers. A rating of a pair that has one replaces it.
    """
    ratings = [Rating(one.user, one.item, one.rating, one.timestamp) for one in body]
    return await _done(desk, lambda: desk.service.rate(ratings, key))


@router.delete("/ratings", tags=["ratings"], responses={200: {"model": schemas.Written}})
async def unrate(body: bodies.Pairs, desk: AtDesk, key: Once) -> Response:
    """Take ratings out; the model is then as if they had not been added."""
    pairs = [(one.user, one.item) for one in body]
    return await _done(desk, lambda: desk.service.unrate(pairs, key))


@router.delete("/users/{user}", tags=["users"], responses={200: {"model": schemas.Receipt}})
async def forget(user: str, desk: AtDesk, key: Once) -> Response:
    """Forget a user: ratings, row and id, in the model, the log and all models that are kept.

    Answers with a receipt that doesn't name the user.
    """

    def work() -> Any:
        with desk.service.reading() as model:
            found = user_id(model, user)
        return desk.service.forget(found, key)

    return await _done(desk, work)


@router.get("/receipts/{id}", tags=["users"], responses={200: {"model": schemas.Receipt}})
async def receipt(id: str, desk: AtDesk) -> Response:
    """Give the receipt of a forgotten user again, as things stand."""
    return await _done(desk, lambda: desk.service.receipt(id))


@router.get("/models", tags=["models"], responses={200: {"model": schemas.Models}})
async def models(desk: AtDesk) -> Response:
    """List the models that are kept."""
    found = await desk.do(desk.service.models)
    listed = [one.to_json() for one in found]
    active = next((one["name"] for one in listed if one["active"]), None)
    return json_response(encoded({"models": listed, "active": active}))


@router.post("/models/roll-back", tags=["models"], responses={200: {"model": schemas.ModelInfo}})
async def roll_back(desk: AtDesk) -> Response:
    """Make the model active that was active before this one."""
    return await _done(desk, desk.service.roll_back)


@router.post("/models/compact", tags=["models"], responses={200: {"model": schemas.ModelInfo}})
async def compact(desk: AtDesk) -> Response:
    """Save the model with all ratings that came since, so that a start needs less of the log."""
    return await _done(desk, desk.service.compact)


@router.post(
    "/models/{name}/activate", tags=["models"], responses={200: {"model": schemas.ModelInfo}}
)
async def activate(name: str, desk: AtDesk) -> Response:
    """Make a model active, at once for all who ask."""
    return await _done(desk, lambda: desk.service.activate(name))


async def _done(desk: Any, work: Any) -> Response:
    found = await desk.do(work)
    return json_response(encoded(found.to_json()))
