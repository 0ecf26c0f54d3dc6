"""Bundles, servers and visitors for the tests of the page."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from playwright.sync_api import expect

import penchant as pc

AMPLE = 600_000  # milliseconds that a condition may take on a slow, busy machine
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
LOADING = "Failed to load resource"
"""How a browser's console begins to tell of an answer that is an error, or of none."""

HOSTILE = (
    '<img src="x" onerror="window.harmed = 1">',
    "</title><script>window.harmed = 1</script>",
    "{{7*7}} ${window.harmed = 1} ' \" & < >",
    "A long story " * 25,
    "쉬리 & Zoë \u202eback to front",
)

expect.set_options(timeout=AMPLE)


def world(hostile=False, **settings):
    """Synthetic ratings; some of the titles are hostile, those of the most rated items."""
    made = {"n_users": 60, "n_items": 40, "n_ratings": 900, "factors": 2, "noise": 0.4, "seed": 1}
    ratings = pc.synthetic(**{**made, **settings})
    if not hostile:
        return ratings
    titles = ratings.item_table["title"].to_pylist()
    often = np.bincount(ratings.item_rows, minlength=len(titles)).argsort()[::-1]
    for row, title in zip(often.tolist(), HOSTILE, strict=False):
        titles[row] = title
    return with_items(ratings, {"title": titles})


def with_items(ratings, columns):
    """The same ratings with other side columns of the items; None for none."""
    table = ratings.item_table
    for name, values in (columns or {}).items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values))
    return dataclasses.replace(ratings, item_table=None if columns is None else table)


def gibbs(ratings, **fit):
    solver = pc.Gibbs(rank=2, sweeps=16, burn_in=6, heads=4)
    model = pc.MatrixFactorization(factors=4, solver=solver, seed=0)
    return model.fit(ratings, progress=False, **fit)


@contextlib.contextmanager
def serving(bundle):
    """The address of a server in a process of its own; what it logs goes to a file."""
    command = [sys.executable, "-m", "penchant", "serve", str(bundle), "--port", "0", "--json"]
    generous = ["--rate", "100000", "--burst", "100000", "--seconds", "600"]
    with (
        open(f"{bundle}.log", "wb") as log,
        subprocess.Popen(
            [*command, *generous],
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(Path(pc.__file__).parents[1])},
        ) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line, Path(f"{bundle}.log").read_text()
            yield json.loads(line)["url"]
        finally:
            process.kill()
            process.wait()


class Visit:
    """One visitor in a browser context of their own; what the console says is kept."""

    def __init__(self, browser, url, **settings):
        self.context = browser.new_context(**{"viewport": DESK, "base_url": url, **settings})
        self.context.set_default_timeout(AMPLE)
        self.page = self.context.new_page()
        self.said = []
        self.page.on(
            "console", lambda m: m.type in ("error", "warning") and self.said.append(m.text)
        )
        self.page.on("pageerror", lambda error: self.said.append(f"thrown: {error}"))

    def go(self, way=""):
        """Open a view by its address, as one who comes from elsewhere."""
        self.page.goto("about:blank")
        self.page.goto(f"/#/{way}")
        return self.page

    def tab_to(self, selector, most=80):
        """Press Tab until the focus is within what a selector finds, once that is there."""
        self.page.locator(selector).first.wait_for()
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.focus_in(selector):
                return
        raise AssertionError(f"Tab never comes to {selector}")

    def focus_in(self, selector):
        return self.page.evaluate("s => Boolean(document.activeElement.closest(s))", selector)

    def until_focus_in(self, selector):
        self.page.wait_for_function("s => Boolean(document.activeElement.closest(s))", arg=selector)

    def settled(self):
        """Wait until nothing waits for the server."""
        self.page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')")

    def close(self, allow=None):
        """End the visit; the console may have said nothing but what begins as allowed."""
        self.context.close()
        rest = [text for text in self.said if allow is None or not text.startswith(allow)]
        assert rest == []


@contextlib.contextmanager
def visit(browser, url, *, allow=None, **settings):
    """A visit; the test fails too where the console said more than is allowed."""
    one = Visit(browser, url, **settings)
    try:
        yield one
    except BaseException:
        one.context.close()
        raise
    one.close(allow)
