"""Routes for whoever looks after the server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from penchant.serve.api import schemas
from penchant.serve.api.routes.common import PROBLEMS, AtDesk
from penchant.serve.api.workers import encoded, json_response
from penchant.serve.gate.prometheus import CONTENT_TYPE

router = APIRouter(tags=["health"], responses=PROBLEMS)

_ALIVE = encoded({"status": "alive"})


@router.get("/health/live", responses={200: {"model": schemas.Live}})
async def live() -> Response:
    """Say that the process answers; needs no key."""
    return json_response(_ALIVE)


@router.get(
    "/health/ready",
    responses={200: {"model": schemas.Status}, 503: {"model": schemas.Status}},
)
async def ready(request: Request, desk: AtDesk) -> Response:
    """Say whether there is a model that is up to date, and a log that can be written.

    `problems` name places of this machine: admins are told them, others that there are some.
    """
    found = await desk.do(desk.service.status)
    said = found.to_json()
    if found.problems and request.state.caller.role != "admin":
        said["problems"] = ["There are problems. The server's log and an admin's key tell which."]
    return json_response(encoded(said), 200 if found.ready else 503)


@router.get(
    "/metrics",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def metrics(desk: AtDesk) -> Response:
    """Return numbers in the format of Prometheus."""
    return Response(await desk.do(desk.metrics.text), media_type=CONTENT_TYPE)
