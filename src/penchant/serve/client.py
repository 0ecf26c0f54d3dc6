"""A client of the server, for programs in Python."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx

from penchant.answers.lists import Recommendation, Shared
from penchant.errors import (
    ConflictError,
    DataError,
    PenchantError,
    SettingsError,
    SourceError,
    UnavailableError,
    UnknownIdError,
    UnsupportedError,
)
from penchant.ids import Id

_TRIES = 4
_ERRORS: Mapping[int, type[PenchantError]] = {
    400: SettingsError,
    404: UnknownIdError,
    409: UnsupportedError,
    413: SettingsError,
    422: DataError,
    429: UnavailableError,
    503: UnavailableError,
}
_CONFLICT = "urn:penchant:problem:conflict"


class Predicted(NamedTuple):
    """A predicted rating; `low` and `high` where an interval was asked for."""

    user: Id
    item: Id
    rating: float
    low: float | None = None
    high: float | None = None


Recommended = Recommendation
"""An item for a user; `probability` is that of being picked and liked."""

GroupRecommended = Shared
"""An item for a group; `pays` likes it least."""


class Neighbour(NamedTuple):
    """An item like another."""

    item: Id
    title: str | None
    correlation: float


class Listed(NamedTuple):
    """An item of a list, with its number of ratings."""

    item: Id
    title: str | None
    ratings: int


class Client:
    """Talks to a server of `penchant serve`.

    What can't be answered raises the error that the library raises for it: `UnknownIdError`,
    `DataError`, `SettingsError`, `UnsupportedError`, `ConflictError`; `UnavailableError` where the
    server is away or busy, and `SourceError` where it refuses the key or fails. A write that gets
    no answer is sent again with the same idempotency key, so that it is done once. Answers hold all
    that this client wrote before, whichever process of the server gives them.

    Args:
        url: the server's address.
        key: ``id.secret``, as ``penchant keys add`` shows it; None where the server has no keys.
        seconds: to wait for an answer.
        transport: for tests; see httpx.

    >>> client = Client("http://127.0.0.1:8000", key="5f0c9a1e77b2.secret")
    >>> client
    Client('http://127.0.0.1:8000')
    >>> client.close()
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=seconds, transport=transport
        )
        self._url = url
        self._position, self._changing = 0, threading.Lock()

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def model(self) -> dict[str, Any]:
        """Return the card of the active model."""
        return self._get("/v1/model")

    def predict(
        self, user: Id, items: Sequence[Id], *, interval: float | None = None
    ) -> list[Predicted]:
        """Predict a user's ratings of items, with intervals of a level if one is given."""
        body = {"user": user, "items": list(items), "interval": interval}
        return [Predicted(**one) for one in self._post("/v1/predict", body)["ratings"]]

    def predict_pairs(
        self, pairs: Iterable[tuple[Id, Id]], *, interval: float | None = None
    ) -> list[Predicted]:
        """Predict the ratings of pairs of user and item."""
        body = {"pairs": [list(pair) for pair in pairs], "interval": interval}
        return [Predicted(**one) for one in self._post("/v1/predict", body)["ratings"]]

    def recommend(self, user: Id, n: int = 10, **settings: Any) -> list[Recommended]:
        """Recommend n items to a user; settings are those of the library's `recommend`."""
        body = {"user": user, "n": n, **settings}
        return [Recommended(**one) for one in self._post("/v1/recommend", body)["items"]]

    def recommend_group(
        self, users: Sequence[Id], n: int = 10, how: str = "average", **settings: Any
    ) -> list[GroupRecommended]:
        """Recommend n items that suit a group."""
        body = {"users": list(users), "n": n, "how": how, **settings}
        found = self._post("/v1/recommend/group", body)["items"]
        return [GroupRecommended(*map(one.get, GroupRecommended._fields)) for one in found]

    def explain(self, user: Id, item: Id) -> dict[str, Any]:
        """Return what the prediction for a user and an item is made of."""
        return self._post("/v1/explain", {"user": user, "item": item})

    def interview(
        self,
        answers: Mapping[Id, float] | None = None,
        skipped: Iterable[Id] = (),
        n: int = 5,
        **settings: Any,
    ) -> dict[str, Any]:
        """Return what to ask a newcomer next, and what to recommend after the answers so far."""
        answered = [{"item": item, "rating": rating} for item, rating in (answers or {}).items()]
        body = {"answers": answered, "skipped": list(skipped), "n": n, **settings}
        return self._post("/v1/interview", body)

    def items(self, search: str = "", page: int = 1, size: int = 20) -> list[Listed]:
        """List items whose title or id holds a text, those with the most ratings first."""
        query = {"search": search, "page": page, "size": size}
        return [Listed(**one) for one in self._get("/v1/items", query)["items"]]

    def item(self, item: Id) -> dict[str, Any]:
        """Return one item with its side columns."""
        return self._get(f"/v1/items/{_part(item)}")

    def similar(self, item: Id, n: int = 10) -> list[Neighbour]:
        """Return the items most like one."""
        found = self._get(f"/v1/items/{_part(item)}/similar", {"n": n})
        return [Neighbour(**one) for one in found["items"]]

    def ratings(self, user: Id) -> list[dict[str, Any]]:
        """Return what a user has rated, newest first."""
        found: list[dict[str, Any]] = self._get(f"/v1/users/{_part(user)}/ratings")["ratings"]
        return found

    def rate(
        self, ratings: Iterable[tuple[Id, Id, float]], *, key: str | None = None
    ) -> dict[str, Any]:
        """Take in ratings, each of user, item and rating; they are in the next answer.

        Args:
            ratings: the ratings.
            key: an idempotency key of yours, such as an order's number; a new one if None.
        """
        body = [{"user": user, "item": item, "rating": value} for user, item, value in ratings]
        return self._written(self._send("POST", "/v1/ratings", body, key))

    def unrate(self, pairs: Iterable[tuple[Id, Id]], *, key: str | None = None) -> dict[str, Any]:
        """Take ratings out, by user and item."""
        body = [{"user": user, "item": item} for user, item in pairs]
        return self._written(self._send("DELETE", "/v1/ratings", body, key))

    def forget(self, user: Id, *, key: str | None = None) -> dict[str, Any]:
        """Forget a user, and return the receipt."""
        return self._send("DELETE", f"/v1/users/{_part(user)}", None, key)

    def receipt(self, id: str) -> dict[str, Any]:
        """Return a receipt again, as things stand."""
        return self._get(f"/v1/receipts/{_part(id)}")

    def models(self) -> list[dict[str, Any]]:
        """List the models that the server keeps."""
        found: list[dict[str, Any]] = self._get("/v1/models")["models"]
        return found

    def activate(self, name: str) -> dict[str, Any]:
        """Make a model active."""
        return self._send("POST", f"/v1/models/{_part(name)}/activate", None, None)

    def roll_back(self) -> dict[str, Any]:
        """Make the model active that was active before."""
        return self._send("POST", "/v1/models/roll-back", None, None)

    def compact(self) -> dict[str, Any]:
        """Save the model with all ratings that came since."""
        return self._send("POST", "/v1/models/compact", None, None)

    def ready(self) -> bool:
        """Return whether the server is ready to answer."""
        try:
            return self._http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _written(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Note how far the log goes, for the reads that follow."""
        with self._changing:
            self._position = max(self._position, answer["position"])
        return answer

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._read("GET", path, params=query)

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._read("POST", path, json=_without_none(body))

    def _read(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Ask for an answer that holds all that this client wrote, whichever process answers."""
        headers = {"Penchant-Position": str(self._position)} if self._position else {}
        return self._answer(self._http.build_request(method, path, headers=headers, **sent))

    def _send(self, method: str, path: str, body: Any, key: str | None) -> dict[str, Any]:
        """Send a write, with one idempotency key for all tries."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        sent = {} if body is None else {"json": body}
        return self._answer(self._http.build_request(method, path, headers=headers, **sent))

    def _answer(self, request: httpx.Request) -> dict[str, Any]:
        again = request.method == "GET" or "Idempotency-Key" in request.headers
        for tries in range(1, _TRIES + 1):
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if again and tries < _TRIES:
                    time.sleep(0.1 * 2**tries)
                    continue
                raise UnavailableError(
                    f"The server at {self._url} can't be reached: {error}. Check the address, "
                    f"and that penchant serve runs there."
                ) from error
            if response.status_code in (429, 503):
                wait = min(2.0, _wait(response))
            elif _is_behind(request, response):
                wait = 0.1 * 2**tries
            else:
                break
            if tries < _TRIES:
                time.sleep(wait)
        if response.is_success and _is_behind(request, response):
            raise UnavailableError(
                f"The server at {self._url} answers without what this client wrote: its log is "
                f"away, or was replaced by an older copy. Try again, or make a new Client to read "
                f"what there is."
            )
        return _found(response)


def _found(response: httpx.Response) -> dict[str, Any]:
    """Return what an answer says, or raise the error that it tells of."""
    try:
        said = response.json()
    except ValueError:
        said = None
    if response.is_success and isinstance(said, dict):
        return said
    told = said if isinstance(said, dict) else {}
    detail = str(told.get("detail") or f"The answer was {response.status_code}, and no JSON.")
    kind = _ERRORS.get(response.status_code, SourceError)
    raise (ConflictError if told.get("type") == _CONFLICT else kind)(detail)


def _is_behind(request: httpx.Request, response: httpx.Response) -> bool:
    """Return whether an answer doesn't hold all that was asked for."""
    wanted, reached = (one.headers.get("Penchant-Position") for one in (request, response))
    return wanted is not None and reached is not None and int(reached) < int(wanted)


def _wait(response: httpx.Response) -> float:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdigit() else 1.0


def _part(id_: Id) -> str:
    return quote(str(id_), safe="")


def _without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
