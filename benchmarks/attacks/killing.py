"""Processes that are killed at random moments; what was acknowledged is there, once."""

import os
import random
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path

from serving import saved

from penchant.recommender import opening
from penchant.serve import Rating, Service

FIRST = 4_711_000_000_000_000  # ids whose bytes are nowhere by chance


def run(folder: Path, kills: int) -> None:
    """Kill each operation so often, and print what was found afterwards."""
    bundle, rng = saved(folder), random.Random(1)
    model = opening.open(bundle)  # so that each process is a copy that has loaded what it needs
    model.add_ratings([901], [1], [5.0])
    model.forget(901)
    for operation in ("write", "compact", "activate", "forget"):
        state = {"done": 0, "forgotten": set(), "begun": set()}
        home = folder / operation
        home.mkdir()
        place = home / "films.penchant"
        shutil.copytree(bundle, place)
        for _ in range(kills):
            _killed(place, operation, state, rng)
        _, lines = _child(partial(_verified, place, state), None)
        assert lines[-1:] == ["sound"], lines
        print(
            f"{operation}: {kills} kills, {state['done']} acknowledged, "
            f"{len(state['forgotten'])} forgotten, nothing lost, twice or left",
            flush=True,
        )


def _killed(place: Path, operation: str, state: dict, rng: random.Random) -> None:
    wait = rng.uniform(0.0, 0.5)
    ended, lines = _child(lambda out: _work(place, operation, state, out), wait)
    assert ended == -signal.SIGKILL, lines
    for line in lines:
        what, _, value = line.partition(" ")
        assert what != "left", line
        if what == "wrote":
            state["done"] = int(value)
        if what in ("begun", "forgot"):
            state["begun"].symmetric_difference_update({int(value)})
        if what == "forgot":
            state["forgotten"].add(int(value))


def _work(place: Path, operation: str, state: dict, out) -> None:
    with Service.open(place, compact_after=None) as service:
        _clean(service)
        left = [one for one in state["forgotten"] if _traces(place.parent, one)]
        print(*(["left", *left] if left else ["open"]), file=out, flush=True)
        for user in state["begun"]:  # which had no answer
            _forget(service, user, out)
        n = state["done"]
        while True:
            n += 1
            service.rate([Rating(FIRST + n, 1, 4.0)], key=str(n))
            print("wrote", n, file=out, flush=True)
            if operation == "compact" or (operation == "forget" and n % 3 == 0):
                service.compact()
            if operation == "activate":
                service.activate(service.models()[-1].name)
            if operation == "forget" and n % 2 == 0:
                print("begun", FIRST + n, file=out, flush=True)
                _forget(service, FIRST + n, out)


def _forget(service: Service, user: int, out) -> None:
    service.forget(user, key=str(user))
    print("forgot", user, file=out, flush=True)


def _clean(service: Service) -> None:
    end = time.monotonic() + 60
    while (head := service._log.head()).forgetting or head.unclean:
        assert time.monotonic() < end, "it isn't cleaned"
        time.sleep(0.02)


def _verified(place: Path, state: dict, out) -> None:
    with Service.open(place, compact_after=None) as service:
        for user in state["begun"]:
            _forget(service, user, out)
            state["forgotten"].add(user)
        _clean(service)
        service.rate([Rating(FIRST + state["done"] + 1, 1, 4.0)], key=str(state["done"] + 1))
        users = [FIRST + n for n in range(1, state["done"] + 1)]
        with service.reading() as model:
            known = model.knowledge.user_ids.rows(users)
            wrong = [
                u
                for u, row in zip(users, known, strict=True)
                if bool(row) == (u in state["forgotten"])
            ]
        twice = service.position - (state["done"] + 1)
        left = [one for one in state["forgotten"] if _traces(place.parent, one)]
        print("wrong", wrong, "twice", twice, "left", left, file=out, flush=True)
        if not (wrong or twice or left):
            print("sound", file=out, flush=True)


def _traces(folder: Path, user: int) -> list[str]:
    forms = (user.to_bytes(8, "little"), str(user).encode())
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file.name for file in files if any(form in file.read_bytes() for form in forms)]


def _child(work, wait: float | None) -> tuple[int, list[str]]:
    """Run something in a copy of this process, and kill it after a while; return what it said."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(read)
            with os.fdopen(write, "w") as out:
                work(out)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as told:
        first = told.readline()
        if wait is not None:
            time.sleep(wait)
            os.kill(child, signal.SIGKILL)
        lines = [first.strip(), *(line.strip() for line in told)]
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), lines
