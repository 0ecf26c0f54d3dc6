"""A program that kills processes in the middle of what they do, and tells what a start finds then.

    python killed.py FOLDER BUNDLE OPERATION@POINT …

For each point, such as ``compact@penchant.atomic:_place``, a copy of the folder is served by a
process that does the operation and kills itself (SIGKILL) when it gets there; another process
starts on what is left and prints what it finds as a line of JSON. `FOLDER` holds the bundle and
its server's folder.
"""

import importlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.serve.waiting import until

from penchant.errors import UnknownIdError
from penchant.recommender import opening
from penchant.serve import Rating, Service
from penchant.serve.log import database

USER = 4_711_000_000_000_007
"""An id whose bytes are nowhere by chance: 8 of them in a bundle, its digits in the log."""

OPERATIONS = {
    "compact": lambda service: service.compact(),
    "activate": lambda service: service.activate("0001"),
    "forget": lambda service: service.forget(USER),
    "rate": lambda service: service.rate([Rating(901, 1, 5.0)]),
}


def killing_at(point):
    """Replace a function, ``module:name``, by one that kills the process."""
    module, _, name = point.partition(":")
    owner = importlib.import_module(module)
    *outer, name = name.split(".")
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))


def found(bundle):
    """What a start finds: the models, the ratings, the user, files that are too many."""
    with Service.open(bundle, compact_after=None) as service:
        until(lambda: not (service._live.log.head().forgetting or service._live.log.head().unclean))
        with service.reading() as model:
            known = model.knowledge
            ratings = known.ratings
            sums = [len(ratings), round(float(ratings.values.sum()), 3)]
            try:
                user = len(known.rated(known.user_ids.row(USER)))
            except UnknownIdError:
                user = 0
        models = [[info.name, info.position, info.problem] for info in service.models()]
        shelf = bundle.with_name(f"{bundle.name}.serving") / "models"
        traces = traces_in(bundle.parent)
        active, written = service.status().active, service.rate([Rating(902, 1, 5.0)])
    folders = sorted(p.name for p in (*shelf.iterdir(), *bundle.parent.glob(".*")))
    return {"active": active, "models": models, "ratings": sums, "user": user,
            "folders": folders, "position": written.position, "traces": traces}  # fmt: skip


def traces_in(folder):
    """The files that hold a byte of the user's id."""
    forms = (USER.to_bytes(8, "little"), str(USER).encode())
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sorted(file.name for file in files if any(form in file.read_bytes() for form in forms))


def forked(work):
    """Do something in a copy of this process; return how it ended."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def served(bundle, operation, point):
    with Service.open(bundle, compact_after=None) as service:
        killing_at(point)
        OPERATIONS[operation](service)


def warmed(bundle):
    """Load what the processes need, so that each of them is a copy that has it already."""
    model = opening.open(bundle)
    model.add_ratings([901], [1], [5.0])
    model.forget(USER)


database.PATIENCE = 600.0  # for slow machines


def main(folder, bundle, *asked):
    warmed(Path(folder) / bundle)
    for number, one in enumerate(asked):
        operation, _, point = one.partition("@")
        copy = Path(folder).with_name(f"{Path(folder).name}-{number}")
        shutil.copytree(folder, copy)
        there = copy / bundle
        ended = forked(lambda there=there, w=(operation, point): served(there, *w))
        assert ended == -signal.SIGKILL, f"{one} isn't on the way ({ended})"
        if forked(lambda there=there: print(json.dumps(found(there)), flush=True)):  # noqa: T201
            sys.exit(f"the start after {one} failed")
        shutil.rmtree(copy)


if __name__ == "__main__":
    main(*sys.argv[1:])
