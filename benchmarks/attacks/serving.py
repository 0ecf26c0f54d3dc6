"""A model to serve, and a server of it in a process of its own."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import penchant as pc
from penchant.serve.gate.keys import KeyFile


def saved(folder: Path, n_users: int = 200, n_items: int = 100, n_ratings: int = 4_000) -> Path:
    """Save a model; return its place."""
    world = pc.synthetic(
        n_users=n_users, n_items=n_items, n_ratings=n_ratings, factors=3, noise=0.4, seed=1
    )
    gibbs = pc.Gibbs(rank=4, sweeps=12, burn_in=4, heads=4)
    pc.MatrixFactorization(8, gibbs).fit(world, progress=False).save(folder / "films.penchant")
    return folder / "films.penchant"


@contextlib.contextmanager
def served(bundle: Path, *options: str) -> Iterator[tuple[str, dict[str, str], int]]:
    """Serve a bundle: (address, a header with a read key, process id)."""
    token = KeyFile.beside(bundle).add("read")[1]
    command = [sys.executable, "-m", "penchant", "serve", str(bundle), "--port", "0", "--json"]
    with (
        bundle.with_name("log").open("w") as log,
        subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield url, {"Authorization": f"Bearer {token}"}, process.pid
        finally:
            process.terminate()
