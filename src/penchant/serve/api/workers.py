"""Where the work is done: on a few threads, so that the event loop stays free."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from fastapi import Response

from penchant.recommender.base import Recommender
from penchant.serve.gate.limits import BUSY, CALLER, Limits
from penchant.serve.gate.logs import LOGGER
from penchant.serve.gate.problems import Problem
from penchant.serve.log.replay import Said, put_in, takes_ratings

T = TypeVar("T")

MOST_REMEMBERED = 32 * 2**20
"""So many bytes of answers of one state of the model are kept."""
_OF_AN_ENTRY = 500  # bytes that an answer takes beside its own


class Desk:
    """Asks the service on threads of its own, and remembers answers as long as they hold.

    An answer holds until the model changes: a rating that comes or goes, and another model, make
    another object of it, and all answers are found anew.
    """

    def __init__(self, service: Any, limits: Limits) -> None:
        self.service = service
        self.metrics: Any = None
        self._most = limits.concurrent
        self._waiting = 0
        self._counting = threading.Lock()
        self._pool = concurrent.futures.ThreadPoolExecutor(limits.threads, "penchant-desk")
        self._share = max(1, limits.threads - 1)
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._memo: OrderedDict[Hashable, bytes] = OrderedDict()
        self._remembered = 0
        self._holds_for: Recommender | None = None

    def close(self) -> None:
        """End the threads when they have done what they work on."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def warm(self) -> None:
        """Begin to load what the first request would wait for: kernels, tables by user."""
        self._pool.submit(self._warmed)

    def _warmed(self) -> None:
        try:
            with self.service.reading() as model:
                known = model.knowledge
                user = known.user_ids.ids([1])[0]
                model.recommend(user, 1, exclude_rated=False)
                if takes_ratings(model):
                    item = known.item_ids.ids([1])[0]
                    put_in(model, {(user, item): Said(known.scale.high, None)})
        except Exception:  # a request that meets it tells its caller
            LOGGER.exception("warming up failed")

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run something on a thread; one caller leaves one thread to others.

        Raises `Problem` where too much waits already, also of requests that were given up.
        """
        if self._waiting >= self._most:
            raise Problem(503, BUSY, kind="busy", headers={"Retry-After": "1"})
        self._count(1)
        turns = self._turns_of(CALLER.get())
        try:
            await turns.acquire()
        except BaseException:
            self._count(-1)
            raise
        loop, future = asyncio.get_running_loop(), self._pool.submit(work, *arguments)

        def done(_: Any) -> None:
            self._count(-1)
            loop.call_soon_threadsafe(turns.release)

        future.add_done_callback(done)  # of the work itself, whoever still waits for it
        return await asyncio.wrap_future(future)

    def _turns_of(self, caller: str) -> asyncio.Semaphore:
        turns = self._turns.get(caller)
        if turns is None:
            turns = self._turns[caller] = asyncio.Semaphore(self._share)
        return turns

    def _count(self, change: int) -> None:
        with self._counting:
            self._waiting += change

    async def answer(
        self, work: Callable[[Recommender], Any], remember: Hashable = None
    ) -> Response:
        """Return what a reading of the model gives, as JSON.

        Args:
            work: reads the model and returns JSON-able values.
            remember: what the answer depends on beside the model, to be remembered by; None for
                an answer that isn't worth it.
        """
        if remember is None:
            return json_response(await self.do(self._read, work))
        with self.service.reading() as model:
            memo = self._memo_of(model)
        body = memo.get(remember)
        if body is None:
            body = await self.do(self._read, work)
            with self.service.reading() as now:
                if now is model and self._memo is memo:
                    self._remember(remember, body)
        return json_response(body)

    def _read(self, work: Callable[[Recommender], Any]) -> bytes:
        with self.service.reading() as model:
            return encoded(work(model))

    def _remember(self, what: Hashable, body: bytes) -> None:
        """Keep an answer, and drop the oldest ones beyond the bytes that there are for them."""
        memo = self._memo
        self._remembered += len(body) + _OF_AN_ENTRY if what not in memo else 0
        memo[what] = body
        while self._remembered > MOST_REMEMBERED:
            self._remembered -= len(memo.popitem(last=False)[1]) + _OF_AN_ENTRY

    def _memo_of(self, model: Recommender) -> OrderedDict[Hashable, bytes]:
        """Return the answers that hold for this state of the model."""
        if self._holds_for is not model:
            self._memo, self._holds_for, self._remembered = OrderedDict(), model, 0
        return self._memo


def encoded(values: Any) -> bytes:
    """Return JSON of values; a number that isn't finite is an error."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def json_response(body: bytes, status: int = 200) -> Response:
    """Return a response of JSON."""
    return Response(body, status, media_type="application/json")
