"""A virtual environment for each peer, outside the repository; and a worker in it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

NEEDS = {
    "libmf": ["libmf"],
    "cmfrec": ["cmfrec", "threadpoolctl"],
    "myfm": ["myfm"],
    "surprise": ["scikit-surprise"],
    "cornac": ["cornac"],
    "keras": ["keras", "jax"],
    "penchant": [str(HERE.parent.parent)],
}


def cache() -> Path:
    """Return the folder of environments and splits: PENCHANT_PEERS, or one in the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("PENCHANT_PEERS", home / "penchant-peers"))


def python_of(solver: str) -> Path:
    """Return the interpreter of a solver's own environment, which is made if it is missing."""
    folder = cache() / solver
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"making an environment for {solver}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "numpy", "scipy"]
        subprocess.run([*install, *NEEDS[solver]], check=True)
        (folder / "ready").touch()
    return python


def refresh() -> None:
    """Install Penchant as it stands in this folder into its environment."""
    install = [str(python_of("penchant")), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--force-reinstall", *NEEDS["penchant"]], check=True)


def versions(solver: str) -> str:
    """Return the name and version of what a solver's environment holds."""
    code = (
        "import sys; from importlib.metadata import version; "
        "print(*(f'{n} {version(n)}' for n in sys.argv[1:]))"
    )
    names = ["penchant"] if solver == "penchant" else NEEDS[solver][:1]
    done = subprocess.run(
        [str(python_of(solver)), "-c", code, *names], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def work(split: Path, job: dict[str, Any], *, limit: float = 1800) -> dict[str, Any]:
    """Run a job in its environment; return its fits, and wall and CPU time of the process."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        command = [str(python_of(job["solver"])), str(HERE / "worker.py"), str(split), file.name]
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{job}\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**answer, "process_wall": wall, "process_cpu": cpu}
