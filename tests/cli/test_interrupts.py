"""Ctrl-C at any moment of a real process: told in one sentence, and nothing half written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import penchant
from penchant.cli.interrupts import Interrupts

TOLD = "Error: Stopped by Ctrl-C before it was done.\n"
SRC = str(Path(penchant.__file__).parents[1])

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signal for one process")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a file whose reading takes about as long as the loading of the modules."""
    folder = tmp_path_factory.mktemp("reading")
    draw = np.random.default_rng(0)
    n = 800_000
    columns = (draw.integers(1, 6_041, n), draw.integers(1, 3_953, n), draw.integers(1, 6, n))
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    (folder / "films.dat").write_text("".join(f"{u}::{i}::{r}\n" for u, i, r in rows))
    line = '{"user":%d,"item":%d,"rating":%d}\n'
    (folder / "films.jsonl").write_text("".join(line % row for row in rows[:300_000]))
    return folder


def begin(folder, *arguments):
    """Start a command whose SIGINT isn't ignored, as it is in jobs of the background."""
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from penchant.cli import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SRC},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped(folder, seconds, *arguments):
    """Stop a command after so many seconds: (exit code, standard output, standard error)."""
    process = begin(folder, *arguments)
    try:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, out, err


def duration(folder, *arguments):
    """How long a command takes when nobody stops it."""
    start = time.monotonic()
    process = begin(folder, *arguments)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return time.monotonic() - start


@posix
@pytest.mark.parametrize("name", ["films.dat", "films.jsonl"])
def test_while_modules_load_and_a_file_is_read(folder, name):
    """Six moments from just after the start to just before the end."""
    whole = duration(folder, "data", name)
    early = 0
    for part in np.linspace(0.1, 0.85, 6):
        code, out, err = stopped(folder, part * whole, "data", name)
        if code == 0:  # a machine that became faster had it done before
            early += 1
            continue
        assert (code, out) == (130, "")
        assert err.endswith(TOLD), err
        assert "Traceback" not in err
    assert early <= 2


@posix
def test_in_json(folder):
    code, out, _ = stopped(folder, 0.6, "data", "films.dat", "--json")
    assert code == 130
    told = {"kind": "Interrupted", "message": TOLD.removeprefix("Error: ").strip()}
    assert json.loads(out) == {"error": told}


@posix
def test_nothing_is_half_written(folder, tmp_path):
    """Stopped at any moment, a fit leaves a whole bundle with its curves, or none."""
    fit = ("fit", str(folder / "films.jsonl"), "--solver", "bias", "--out", "films.penchant")
    whole = duration(tmp_path, *fit)
    made = {path.name for path in tmp_path.iterdir()}
    for number, part in enumerate(np.linspace(0.3, 1, 4)):
        place = tmp_path / str(number)
        place.mkdir()
        code, _, err = stopped(place, part * whole, *fit)
        left = {path.name for path in place.iterdir()}
        assert "Traceback" not in err
        if "films.penchant" in left:
            penchant.open(place / "films.penchant")
        assert left <= made
        assert code == 0 or (code == 130 and err.endswith(TOLD)), err


def test_an_import_ends_first(tmp_path, monkeypatch):
    """Code that catches all while it is imported can't lose it."""
    (tmp_path / "greedy.py").write_text(
        "import signal, time\n"
        "try:\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    whole = True\n"
        "except BaseException:\n"
        "    whole = False\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "greedy", raising=False)
    with ours(), Interrupts() as interrupts:
        import greedy

        assert greedy.whole
        assert interrupts.arrived
        with pytest.raises(KeyboardInterrupt):
            time.sleep(60)


def test_a_destructor_does_not_lose_it():
    class Slow:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    with ours(), Interrupts():
        Slow()
        with pytest.raises(KeyboardInterrupt):
            time.sleep(60)


def test_where_it_is_ignored_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
        assert not interrupts.arrived
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


class ours:
    """SIGINT as Python has it, whatever it is for the tests."""

    def __enter__(self):
        self.before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, self.before)
