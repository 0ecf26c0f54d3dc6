"""Routes that look something up: the model's card, items, users, the map."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from penchant.recommender.base import Recommender
from penchant.recommender.places import places
from penchant.serve.api import schemas, views
from penchant.serve.api.routes.common import (
    PROBLEMS,
    AtDesk,
    PageNumber,
    PageSize,
    Search,
    item_id,
    user_id,
)

router = APIRouter(prefix="/v1", tags=["looking"], responses=PROBLEMS)


@router.get("/model", responses={200: {"model": schemas.Model}})
async def model_card(request: Request, desk: AtDesk) -> Response:
    """Describe the active model: what it is made of, how good it was, what it can do.

    `role` is what this caller may do.
    """
    role = request.state.caller.role

    def work(model: Recommender) -> dict[str, Any]:
        active = next((one for one in desk.service.models() if one.active), None)
        said = {"name": active and active.name, "scores": active and active.scores, "role": role}
        return {**views.card(model), **said}

    return await desk.answer(work)


@router.get("/history", responses={200: {"model": schemas.History}})
async def history(desk: AtDesk) -> Response:
    """Return what each round of the training measured."""
    return await desk.answer(lambda model: model.history.to_json(), "history")


@router.get("/items", responses={200: {"model": schemas.ItemPage}})
async def items(
    desk: AtDesk, search: Search = "", page: PageNumber = 1, size: PageSize = 20
) -> Response:
    """List items, those with the most ratings first; `search` finds parts of titles and ids.

    Neither case nor accents matter.
    """
    wanted = views.Page(page, size)
    remember = ("items", wanted) if not search else None
    return await desk.answer(lambda model: views.items(model, search, wanted), remember)


@router.get("/items/{item}", responses={200: {"model": schemas.Item}})
async def item(item: str, desk: AtDesk) -> Response:
    """Return one item with its title, side columns, number and mean of ratings."""
    return await desk.answer(lambda model: views.item(model, item_id(model, item)))


@router.get("/items/{item}/similar", responses={200: {"model": schemas.Similar}})
async def similar(
    item: str, desk: AtDesk, n: Annotated[int, Query(ge=1, le=1_000)] = 10
) -> Response:
    """Return the items most like one: liked by the same users, beyond what is liked by all."""

    def work(model: Recommender) -> dict[str, Any]:
        return views.similar(model, item_id(model, item), n)

    return await desk.answer(work, ("similar", item, n))


@router.get("/map", responses={200: {"model": schemas.Map}})
async def item_map(desk: AtDesk, most: Annotated[int, Query(ge=1, le=20_000)] = 20_000) -> Response:
    """Place items on a plane: near each other are those that the same users like.

    Columns of ids, titles, places and numbers of ratings, for the `most` items with most ratings.
    """
    return await desk.answer(lambda model: places(model, most).to_json(), ("map", most))


@router.get("/users", responses={200: {"model": schemas.UserPage}})
async def users(
    desk: AtDesk, search: Search = "", page: PageNumber = 1, size: PageSize = 20
) -> Response:
    """List users; `search` finds parts of ids."""
    return await desk.answer(lambda model: views.users(model, search, views.Page(page, size)))


@router.get("/users/{user}/ratings", responses={200: {"model": schemas.UserRatings}})
async def ratings(user: str, desk: AtDesk) -> Response:
    """Return what a user has rated, newest first."""
    return await desk.answer(lambda model: views.ratings_of(model, user_id(model, user)))
