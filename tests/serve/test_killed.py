"""Real processes, killed with SIGKILL: what was acknowledged is there, once; a start is whole."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serve.killed import USER

import penchant as pc
from penchant.serve import Rating, Service

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PLACE = {"env": {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}, "text": True}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of POSIX"),
]


def test_acknowledged_ratings_survive_kills(films):
    acknowledged, kills = {}, [50, 200, 301]
    for kill in kills:
        command = [sys.executable, HERE / "writing.py", films, str(len(acknowledged)), "300", ""]
        with subprocess.Popen(command, stdout=subprocess.PIPE, **PLACE) as process:
            for line in process.stdout:  # what was printed before the end is read to the end
                n, position = map(int, line.split())
                assert n == len(acknowledged)
                acknowledged[n] = position
                if len(acknowledged) == kill:
                    process.send_signal(signal.SIGKILL)
        assert process.returncode == (0 if kill == kills[-1] else -signal.SIGKILL)
    assert list(acknowledged) == list(range(300))
    with Service.open(films) as service:
        assert service.status().position == 300  # none twice
        assert sorted(acknowledged.values()) == list(range(1, 301))
        with service.reading() as model:  # none lost
            assert all(model.knowledge.user_ids.rows(list(range(1000, 1300))))


@pytest.fixture
def films(tmp_path):
    """A bundle one of whose users has an id that can be searched for."""
    world = pc.synthetic(n_users=40, n_items=30, n_ratings=600, factors=2, noise=0.4, seed=1)
    users = [USER if user == 7 else int(user) for user in world.users]
    items, times = [int(item) for item in world.items], world.timestamps
    ratings = pc.Ratings.from_columns(users, items, world.values, times, scale=(1, 5))
    solver = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
    model = pc.MatrixFactorization(factors=4, solver=solver, seed=0)
    model.fit(ratings, progress=False).save(tmp_path / "films.penchant")
    return tmp_path / "films.penchant"


@pytest.fixture
def written(films, tmp_path_factory):
    """A bundle with three ratings in the log, one of them in a second model; counted and summed."""
    with Service.open(films) as service:
        service.rate([Rating(801, 1, 5.0), Rating(802, 900, 2.0)])
        service.compact()
        service.rate([Rating(801, 2, 1.0)])
        with service.reading() as model:
            ratings = model.knowledge.ratings
    return [len(ratings), round(float(ratings.values.sum()), 3)]


WRITE = ["penchant.serve.log.events:Append.add"]
COMPACTION = {  # where it is killed, and which model answers after the next start
    "penchant.storage.bundle.writer:_fill": "0002",
    "penchant.atomic:_place": "0002",
    "penchant.serve.log.catalogue:change": "0002",
    "penchant.serve.log.catalogue:activate": "0002",
    "penchant.serve.service.upkeep:_drop_superseded": "0003",
    "penchant.serve.log.events:Append.drop_superseded": "0003",
}
ACTIVATION = {
    "penchant.serve.service.live:Live.loaded": "0002",
    "penchant.serve.log.catalogue:activate": "0002",
    "penchant.serve.service.live:Live.switch": "0001",
}
NOT_FORGOTTEN = [
    "penchant.serve.log.events:Append.drop_user",
    "penchant.serve.log.catalogue:activate",
]
FORGOTTEN = [
    "penchant.serve.service.forgetting:_out_of_bundles",
    "penchant.atomic:_place",
    "penchant.atomic:_remove",  # of the old bundle, after the exchange
    "penchant.serve.service.forgetting:_note_digest",
    "penchant.serve.service.forgetting:_source_without",
    "penchant.serve.service.forgetting:clean",
    "penchant.serve.log.database:SQLite.clean",
    "penchant.serve.receipts:strike_off",
]
TAKEN_AGAIN = {
    "penchant.serve.service.forgetting:_note_digest": "0003"
}  # the given bundle, as if new


def test_killed_at_each_step(films, written):
    steps = {
        "rate": WRITE,
        "compact": list(COMPACTION),
        "activate": list(ACTIVATION),
        "forget": [*NOT_FORGOTTEN, *FORGOTTEN],
    }
    asked = [f"{operation}@{point}" for operation, points in steps.items() for point in points]
    command = [sys.executable, HERE / "killed.py", films.parent, films.name, *asked]
    done = subprocess.run(command, capture_output=True, check=False, timeout=900, **PLACE)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(asked)
    for one, found in zip(asked, lines, strict=True):
        operation, _, point = one.partition("@")
        assert found["folders"] == sorted({"0001", "0002", found["active"]}), one
        assert found["folders"] == sorted(name for name, *_ in found["models"]), one
        assert all(problem is None for *_, problem in found["models"]), one
        assert found["position"] == 4, one  # nothing came into the log, nothing left its count
        if operation == "forget" and point in FORGOTTEN:
            assert not found["user"], one
            assert found["traces"] == [], one
            assert found["ratings"][0] < written[0], one
        else:
            assert found["user"], one
            assert {"users.arrow"} <= set(found["traces"]), one
            assert found["ratings"] == written, one
        expected = {"compact": COMPACTION, "activate": ACTIVATION, "forget": TAKEN_AGAIN}.get(
            operation, {}
        )
        assert found["active"] == expected.get(point, "0002"), one
