"""The application: routes behind the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Match

from penchant import __version__
from penchant.errors import PenchantError
from penchant.serve.api.routes import asking, changing, health, looking
from penchant.serve.api.workers import Desk
from penchant.serve.gate.access import Access
from penchant.serve.gate.limits import Limits
from penchant.serve.gate.logs import LOGGER
from penchant.serve.gate.middleware import Gate
from penchant.serve.gate.problems import MEDIA_TYPE, Problem, problem_of, unexpected
from penchant.serve.gate.prometheus import Metrics

PAGE = Path(__file__).with_name("page")

_ROUTERS = (asking.router, looking.router, changing.router, health.router)

_DESCRIPTION = """A trained recommender as a service.

Ids are whole numbers or text, as the model's are. In an address an id is percent-encoded. Errors
are problem documents (RFC 9457) with the request's id, which is in the header X-Request-Id too.
"""


def create_app(service: Any, access: Access, limits: Limits) -> Gate:
    """Return the ASGI application of a service; it closes the service when it ends.

    Args:
        service: a `penchant.serve.Service`.
        access: decides who may ask.
        limits: what a caller may ask.
    """
    desk = Desk(service, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.warm()
        yield
        desk.close()
        service.close()

    app = FastAPI(
        title="Penchant",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.desk = desk
    for router in _ROUTERS:
        app.include_router(router)
    _add_page(app)
    _add_handlers(app)
    desk.metrics = Metrics(lambda: _state(service))

    async def catch_up(position: int) -> int:
        if service.position < position:
            await desk.do(service.catch_up)
        return int(service.position)

    return Gate(app, access, limits, desk.metrics, catch_up)


def _add_page(app: FastAPI) -> None:
    kept = {"Cache-Control": "no-cache"}

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers=kept)

    app.mount("/page", _Files(directory=PAGE), name="page")


class _Files(StaticFiles):
    """The page's files; a browser asks each time whether its copy is the newest."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _add_handlers(app: FastAPI) -> None:
    def answer(request: Request, problem: Problem) -> Response:
        body = problem.body(request.state.request_id)
        return Response(body, problem.status, problem.headers, media_type=MEDIA_TYPE)

    async def ours(request: Request, error: Any) -> Response:
        problem, admin = problem_of(error), request.state.caller.role == "admin"
        if problem.detail != str(error):
            about = {"request_id": request.state.request_id, "error": str(error)}
            LOGGER.warning("could not be done", extra={"about": about})
        return answer(request, problem_of(error, to_admin=True) if admin else problem)

    async def problem(request: Request, error: Any) -> Response:
        return answer(request, error)

    async def http(request: Request, error: Any) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(request.scope))
        detail = _DETAILS.get(error.status_code, str(error.detail))
        return answer(request, Problem(error.status_code, detail, headers=headers))

    async def invalid(request: Request, error: Any) -> Response:
        return answer(request, _invalid(error))

    async def failed(request: Request, _: Any) -> Response:
        return answer(request, unexpected())

    handlers = {
        PenchantError: ours,
        Problem: problem,
        HTTPException: http,
        RequestValidationError: invalid,
        Exception: failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


_DETAILS = {
    400: "The body is no JSON.",
    404: "There is nothing at this address. /openapi.json lists what there is.",
    405: "This address doesn't take this method. The header Allow lists those that it takes.",
}


def _allowed(scope: Any) -> list[str]:
    """Return the methods of all routes that an address has."""
    found: set[str] = set()
    for router in _ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.matches(scope)[0] is not Match.NONE:
                found |= route.methods or set()
    return sorted(found) or ["GET", "HEAD"]  # the page's


def _invalid(error: RequestValidationError) -> Problem:
    """Say in a sentence or two what is wrong with a request."""
    told, status = [], 422
    for one in error.errors()[:3]:
        if one["type"] == "json_invalid":
            return Problem(400, "The body is no JSON.")
        where = ".".join(str(part)[:40] for part in one["loc"] if part != "body") or "the body"
        told.append(f"{where}: {one['msg'][:200]}")
    more = len(error.errors()) - len(told)
    rest = f" And {more} more." if more > 0 else ""
    return Problem(status, f"The request doesn't fit. {'; '.join(told)}.{rest}", kind="invalid")


def _state(service: Any) -> tuple[dict[str, float], dict[str, str]]:
    """Return what /metrics tells of the service."""
    try:
        status = service.status()
    except PenchantError:
        LOGGER.exception("no status for /metrics")
        return {"ready": 0.0}, {}
    numbers = {
        "ready": float(status.ready),
        "log_reachable": float(status.reachable),
        "log_position": float(status.position),
        "events_since_bundle": float(status.events),
    }
    return numbers, {"name": status.active}
