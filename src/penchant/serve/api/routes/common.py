"""What routes have in common: the desk, ids and texts from an address, documented problems."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel

from penchant.ids import Id, IdMap
from penchant.recommender.base import Recommender
from penchant.serve.api.workers import Desk
from penchant.serve.gate.problems import MEDIA_TYPE, Problem

_WHOLE = re.compile(r"-?[0-9]{1,19}")


class ProblemDocument(BaseModel):
    """What was wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What was wrong, and what to do.",
        "content": {
            MEDIA_TYPE: {
                "schema": ProblemDocument.model_json_schema(),
                "example": {
                    "type": "urn:penchant:problem:unknown-id",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "The model knows no item 9999; it knows 1,682 items.",
                    "request_id": "5f0c9a1e77b2d4c8",
                },
            }
        },
    }
}


def desk_of(request: Request) -> Desk:
    """Return the desk of the application."""
    found: Desk = request.app.state.desk
    return found


AtDesk = Annotated[Desk, Depends(desk_of)]
Search = Annotated[str, Query(max_length=200, description="A part of a title or an id.")]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="Which page, from 1.")]
PageSize = Annotated[int, Query(ge=1, le=1_000, description="Entries on a page.")]
_Header = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="With the same key a body is done once, and gets the first answer again.",
    ),
]


def _once(request: Request, key: _Header = None) -> str | None:
    """Return an idempotency key as a caller's own: nobody can take another's by guessing it."""
    return key and f"{request.state.caller.key or ''} {key}"


Once = Annotated[str | None, Depends(_once)]


def read_id(ids: IdMap, text: str) -> Id:
    """Return the id that stands in an address, by the type of the model's ids."""
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Problem(422, f"The {ids.what} id in the address is no UTF-8.") from None
    if ids.kind == "int" and not _WHOLE.fullmatch(plain):
        raise Problem(
            422, f"The {ids.what} ids of this model are whole numbers, not {plain[:100]!r}."
        )
    return ids.parse(plain)


def item_id(model: Recommender, text: str) -> Id:
    """Return an item's id in an address."""
    return read_id(model.knowledge.item_ids, text)


def user_id(model: Recommender, text: str) -> Id:
    """Return a user's id in an address."""
    return read_id(model.knowledge.user_ids, text)
