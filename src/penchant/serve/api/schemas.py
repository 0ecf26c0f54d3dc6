"""What answers look like, for the OpenAPI document; the answers themselves are written directly."""

from __future__ import annotations

from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from penchant.answers import explanation
from penchant.answers.interview import questions as interview
from penchant.answers.lists import Recommendation, Shared, asked_columns
from penchant.ids import Id


def columns_of(entry: Any) -> Any:
    """Return a model with the columns of one of the library's answers.

    Those that are there only where they are asked for may be missing.
    """
    asked = asked_columns(entry)
    fields: dict[str, Any] = {
        name: (kind, None if name in asked else ...) for name, kind in get_type_hints(entry).items()
    }
    return create_model(entry.__name__, **fields)


class Predicted(BaseModel):
    """One predicted rating, clipped to the scale; the ends of its interval where asked for."""

    user: Id
    item: Id
    rating: float
    low: float | None = None
    high: float | None = None


class Predictions(BaseModel):
    """Predicted ratings in the order of the request; `strangers` are pairs with an unknown id."""

    ratings: list[Predicted]
    interval: float | None
    strangers: int


class Recommended(columns_of(Recommendation)):  # type: ignore[misc]
    """One item, its predicted rating and, where asked for, the ends of its interval."""


class Recommendations(BaseModel):
    """Items for a user, best first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "item": 63,
                            "title": "쉬리",
                            "rating": 4.25,
                            "probability": 0.21,
                            "low": 3.0,
                            "high": 5.0,
                        }
                    ],
                    "interval": 0.9,
                    "stranger": False,
                }
            ]
        }
    )

    items: list[Recommended]
    interval: float | None
    stranger: bool


class GroupRecommended(columns_of(Shared)):  # type: ignore[misc]
    """One item for a group; `pays` likes it least."""


class GroupRecommendations(BaseModel):
    """Items for a group, best first."""

    items: list[GroupRecommended]
    interval: float | None


class Term(columns_of(explanation.Term)):  # type: ignore[misc]
    """One addend of a prediction."""


class Reason(columns_of(explanation.Reason)):  # type: ignore[misc]
    """One of the user's own ratings, and what it does to the prediction."""


class Instead(BaseModel):
    """What the prediction would be, had the user rated an item so."""

    item: Id
    rating: float
    prediction: float


class PickedBefore(BaseModel):
    """One of the user's own picks, and what it adds to the probability of this one."""

    item: Id
    title: str | None
    share: float


class Picked(BaseModel):
    """How probable it is that the user picks the item, and why: shares that sum to `total`."""

    probability: float
    total: float
    before: list[PickedBefore]


class Explanation(BaseModel):
    """What one prediction is made of; the terms sum to `prediction`, or to `latent` if not null."""

    user: Id
    item: Id
    title: str | None
    rating: float
    prediction: float
    latent: float | None
    scale: list[float]
    terms: list[Term]
    reasons: list[Reason]
    instead: Instead | None
    sentences: list[str]
    notes: list[str]
    picked: Picked | None


class Question(columns_of(interview.Question)):  # type: ignore[misc]
    """One item to ask about: the chance of knowing it, and how much an answer tells."""


class Advice(columns_of(interview.Advice)):  # type: ignore[misc]
    """One item for the newcomer, and the answer that speaks for it most."""


class Questions(BaseModel):
    """What to ask next, and what to recommend after the answers so far."""

    questions: list[Question]
    recommendations: list[Advice]
    interval: float


class Scale(BaseModel):
    """The lowest and highest rating, and the step between neighbours."""

    low: float
    high: float
    step: float


class Level(BaseModel):
    """The factor of a level's width; null where the interval is the scale."""

    level: float
    factor: float | None


class Calibration(BaseModel):
    """Where the widths of intervals come from."""

    method: str
    rows: int
    text: str
    levels: list[Level]


class Model(BaseModel):
    """The card of the active model."""

    name: str | None
    kind: str
    data: str
    settings: dict[str, Any]
    parameters: int
    scale: Scale
    ids: dict[str, str]
    counts: dict[str, int]
    scores: dict[str, float] | None
    calibration: Calibration | None
    can: dict[str, bool]
    why_not: dict[str, str]
    role: str


class History(BaseModel):
    """What each round of the training measured."""

    best: int | None
    interrupted: bool
    records: list[dict[str, float | None]]


class ListedItem(BaseModel):
    """One item of a list, with its number of ratings."""

    item: Id
    title: str | None
    ratings: int


class ItemPage(BaseModel):
    """A page of items."""

    items: list[ListedItem]
    page: int
    size: int
    total: int


class Item(BaseModel):
    """One item; `mean` of its ratings, null where there are none or they weren't kept."""

    item: Id
    title: str | None
    ratings: int
    mean: float | None
    columns: dict[str, Any]


class Neighbour(BaseModel):
    """One item like another: the correlation of what users are predicted to feel about both."""

    item: Id
    title: str | None
    correlation: float


class Similar(BaseModel):
    """The items most like one."""

    items: list[Neighbour]


class Map(BaseModel):
    """Columns of items and their places, in rating units."""

    items: list[Id]
    titles: list[str | None] | None
    x: list[float]
    y: list[float]
    ratings: list[int]
    total: int
    shares: list[float]


class ListedUser(BaseModel):
    """One user of a list, with the number of ratings."""

    user: Id
    ratings: int


class UserPage(BaseModel):
    """A page of users."""

    users: list[ListedUser]
    page: int
    size: int
    total: int


class UserRating(BaseModel):
    """One rating of a user; `timestamp` in seconds since 1970 where times are known."""

    item: Id
    title: str | None
    rating: float
    timestamp: int | None = None


class UserRatings(BaseModel):
    """All ratings of a user, newest first."""

    user: Id
    ratings: list[UserRating]
    total: int


class Written(BaseModel):
    """What a write did; `position` is its place in the log."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"position": 12, "added": 1, "changed": 0, "removed": 0, "users": 0, "items": 0}
            ]
        }
    )

    position: int
    added: int
    changed: int
    removed: int
    users: int
    items: int


class Receipt(BaseModel):
    """What forgetting did; it doesn't name the user."""

    when: str
    ratings: int
    items: int
    users: int
    events: int
    rewritten: list[str]
    deleted: list[str]
    before: dict[str, str]
    after: dict[str, str]
    remains: list[str]
    open: list[str]
    id: str


class ModelInfo(BaseModel):
    """A model that the server keeps."""

    name: str
    kind: str
    created: str | None
    scores: dict[str, float]
    active: bool
    size: int
    position: int
    problem: str | None


class Models(BaseModel):
    """The models that are kept, and the name of the active one."""

    models: list[ModelInfo]
    active: str | None


class Status(BaseModel):
    """How the service is: 200 where it is ready, 503 where it isn't."""

    ready: bool
    active: str
    takes_ratings: bool
    position: int
    events: int
    reachable: bool
    problems: list[str]


class Live(BaseModel):
    """The process answers."""

    status: str
