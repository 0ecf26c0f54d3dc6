"""A small model with everything a report can tell, and titles that try to break out."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.model.provenance import Provenance, versions
from penchant.report import report

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"'><svg onload=alert(3)>",
    "{{7*7}} ${7*7} &amp; <b>",
    "\u202egnp.exe\u0000 쉬리\nBrat",
    "W" * 400,
)


def with_titles(ratings):
    n = ratings.item_ids.size
    titles = [None, *HOSTILE, *(f"Film {k}" for k in range(len(HOSTILE) + 1, n))]
    return dataclasses.replace(ratings, item_table=pa.table({"title": titles}))


@pytest.fixture(scope="session")
def world():
    ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=1400, factors=2, noise=0.5, seed=4)
    return with_titles(dataclasses.replace(ratings, name="<b>films</b>"))


@pytest.fixture(scope="session")
def parts(world):
    return pc.split(world, test=0.2, seed=11)


@pytest.fixture(scope="session")
def model(parts):
    train, test = parts
    solver = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
    made = pc.MatrixFactorization(3, solver, seed=11)
    made.fit(train, watch=test, validation=0.1, progress=False)
    scores = made.evaluate(test)
    noted = Provenance("films.csv", 0.2, 11, 0.1, scores.n, scores.rmse, "2026-11-24", versions())
    made.note(noted)
    return made


@pytest.fixture(scope="session")
def told(model, world):
    """The report's numbers."""
    return report(model, source=world).numbers


@pytest.fixture(scope="session")
def file(model, world, tmp_path_factory):
    """The report as a file."""
    path = tmp_path_factory.mktemp("report") / "films.html"
    report(model, path, source=world)
    return path


@pytest.fixture(scope="session")
def predicted(model, parts):
    """Clipped predictions of the test ratings, by the public way."""
    test = parts[1]
    return model.predict(test.users, test.items).astype(np.float64)
