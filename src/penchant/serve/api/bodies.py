"""What a request's body may be: every field named, bounded and of one type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

MOST_N = 1_000
"""Items in one list."""

_INT64 = 2**63

WholeId = Annotated[int, Field(strict=True, ge=-_INT64, lt=_INT64)]
TextId = Annotated[str, Field(strict=True, max_length=1_000)]
NewId = WholeId | Annotated[str, Field(strict=True, min_length=1, max_length=1_000)]
"""An id that may be new: an empty one would have no address to be asked for or forgotten at."""

AnyId = WholeId | TextId
"""An id as it stands in JSON, a whole number or text, as the model's ids are."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Level = Annotated[float, Field(strict=True, gt=0, lt=1)]
Count = Annotated[int, Field(strict=True, ge=1, le=MOST_N)]
Flag = Annotated[bool, Field(strict=True)]
Seconds = Annotated[int, Field(strict=True, ge=-(2**61), le=2**61)]
Items = Annotated[list[AnyId], Field(max_length=100_000, fail_fast=True)]
Pair = Annotated[list[AnyId], Field(min_length=2, max_length=2)]


def _with_example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class Body(BaseModel):
    """A body or a part of one; what is wrong with it is told of one field, at one field's cost."""

    @model_validator(mode="before")
    @classmethod
    def _require_few(cls, given: Any) -> Any:
        most = len(cls.model_fields)
        if isinstance(given, dict) and len(given) > most:
            raise PydanticCustomError(
                "too_many_fields",
                "It has {n} fields, and at most {most} are known.",
                {"n": len(given), "most": most},
            )
        return given


class Predict(Body):
    """Pairs of user and item whose ratings are wanted: one user with items, or pairs."""

    model_config = _with_example({"user": 1, "items": [63, 7], "interval": 0.9})

    user: AnyId | None = None
    items: Annotated[list[AnyId], Field(min_length=1, max_length=10_000, fail_fast=True)] | None = (
        None
    )
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=10_000, fail_fast=True)] | None = (
        None
    )
    interval: Level | None = None


By = Literal["liking", "rating", "low", "choice"]


class Recommend(Body):
    """Whom to recommend to, how many items and by what."""

    model_config = _with_example({"user": 1, "n": 10, "by": "low"})

    user: AnyId
    n: Count = 10
    by: By = "liking"
    liked: Number | None = None
    exclude_rated: Flag = True
    among: Items | None = None
    without: Items | None = None
    min_ratings: Annotated[int, Field(strict=True, ge=0, le=2**31)] = 0
    diversity: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0
    popularity: Annotated[float, Field(strict=True, ge=-1, le=1)] = 0.0
    interval: Level | None = None


class RecommendGroup(Body):
    """A group that wants items for all of its members."""

    model_config = _with_example({"users": [1, 2], "n": 5, "how": "least misery"})

    users: Annotated[list[AnyId], Field(min_length=1, max_length=100, fail_fast=True)]
    n: Count = 10
    how: Literal["average", "least misery", "most pleasure"] = "average"
    by: By = "liking"
    liked: Number | None = None
    exclude_rated: Flag = True
    among: Items | None = None
    without: Items | None = None
    min_ratings: Annotated[int, Field(strict=True, ge=0, le=2**31)] = 0
    interval: Level | None = None


class Explain(Body):
    """The pair whose prediction is to be explained."""

    model_config = _with_example({"user": 1, "item": 63})

    user: AnyId
    item: AnyId


class Answered(Body):
    """One answer of a newcomer."""

    model_config = ConfigDict(extra="forbid")

    item: AnyId
    rating: Number


class Interview(Body):
    """What a newcomer has answered so far; nothing of it is stored."""

    model_config = _with_example({"answers": [{"item": 63, "rating": 4}], "skipped": [7], "n": 3})

    answers: Annotated[list[Answered], Field(max_length=1_000, fail_fast=True)] = []
    skipped: Annotated[list[AnyId], Field(max_length=1_000, fail_fast=True)] = []
    n: Annotated[int, Field(strict=True, ge=1, le=20)] = 5
    among: Items | None = None
    recommend: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    interval: Level = 0.9


class Rated(Body):
    """One rating to take in; it replaces one of the same pair."""

    model_config = _with_example({"user": 1, "item": 63, "rating": 4})

    user: NewId
    item: NewId
    rating: Number
    timestamp: Seconds | None = None


class Unrated(Body):
    """One rating to take out."""

    model_config = _with_example({"user": 1, "item": 63})

    user: AnyId
    item: AnyId


Ratings = Annotated[list[Rated], Field(min_length=1, max_length=10_000, fail_fast=True)]
Pairs = Annotated[list[Unrated], Field(min_length=1, max_length=10_000, fail_fast=True)]
