"""Numbers for Prometheus: requests, refusals, and where the model stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder in which several workers keep their numbers."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What one worker counts; with several workers `text` gives the sums over all.

    Args:
        state: returns gauges by name and labels of the active model, when asked.
    """

    def __init__(self, state: Callable[[], tuple[dict[str, float], dict[str, str]]]) -> None:
        self._state = state
        self._registry = CollectorRegistry()
        named: dict[str, Any] = {"registry": self._registry}
        self._requests = Counter(
            "penchant_requests", "Requests.", ("method", "route", "status"), **named
        )
        self._seconds = Histogram(
            "penchant_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ("route",),
            buckets=_BUCKETS,
            **named,
        )
        self._refused = Counter(
            "penchant_refused", "Requests that limits or keys turned away.", ("why",), **named
        )
        self._working = Gauge(
            "penchant_requests_working",
            "Requests that are worked on.",
            multiprocess_mode="livesum",
            **named,
        )
        self._known: dict[tuple[str, str, int], Any] = {}
        self._timed: dict[str, Any] = {}

    def begun(self) -> None:
        """Count a request that came."""
        self._working.inc()

    def done(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._working.dec()
        labels = (method, route, status)
        counter = self._known.get(labels)
        if counter is None:  # finding a label's counter takes longer than counting
            counter = self._known[labels] = self._requests.labels(*labels)
        counter.inc()
        timer = self._timed.get(route)
        if timer is None:
            timer = self._timed[route] = self._seconds.labels(route)
        timer.observe(seconds)

    def refused(self, why: str) -> None:
        """Count a request that was turned away."""
        self._refused.labels(why).inc()

    def text(self) -> bytes:
        """Return all numbers as Prometheus reads them."""
        gathered = self._registry
        if os.environ.get(SHARED):
            gathered = CollectorRegistry()
            MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        return generate_latest(gathered) + generate_latest(_Current(self._state))


class _Current:
    """Gauges of this moment."""

    def __init__(self, state: Callable[[], tuple[dict[str, float], dict[str, str]]]) -> None:
        self._state = state

    def collect(self) -> Iterator[Any]:
        numbers, labels = self._state()
        for name, value in numbers.items():
            yield GaugeMetricFamily(
                f"penchant_{name}", f"{name.replace('_', ' ').capitalize()}.", value
            )
        yield InfoMetricFamily("penchant_model", "The active model.", labels)
