"""Trainings on a Ray cluster of two nodes, with faults; prints what came of each as JSON.

`test_ray.py` runs it where there is a loopback device alone, as `unshare -n` gives one: there Ray
takes no other address for 127.0.0.1, and nothing leaves the machine.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

os.environ |= {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_METRICS_COLLECTION": "0",
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_health_check_initial_delay_ms": "120000",  # a slow machine is no dead one
    "RAY_health_check_timeout_ms": "60000",
}

import numpy as np
import ray
from ray.cluster_utils import Cluster

import penchant as pc
from penchant.blocks.engines.local import LocalEngine
from penchant.blocks.engines.ray import RayEngine
from penchant.blocks.train.start import train_blocks
from penchant.errors import PenchantError
from penchant.recommender.recommend_blocks import recommend_blocks
from penchant.solvers.task import Checkpoint
from penchant.store import BlockStore

PATIENCE = 900.0  # seconds for what another process is about to do
SOLVERS = {
    "als": pc.ALS(rank=4, sweeps=5),
    "als by count": pc.ALS(rank=4, sweeps=4, scaling="count", l2=0.25, l2_bias=0.1),
    "gibbs": pc.Gibbs(rank=4, sweeps=7, burn_in=3, heads=4),
}
MEMORY = 80 * 2**20


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


class Faulty(RayEngine):
    """An engine whose sweep tasks meet with something first."""

    def __init__(self, fault, **settings):
        super().__init__(**settings)
        self._fault = fault

    def map(self, task, parts, *shared, outputs=None):
        if task.__name__ == "users_half":
            task = functools.partial(self._fault, task)
        return super().map(task, parts, *shared, outputs=outputs)


def node():
    return ray.get_runtime_context().get_node_id()


def meet(folder, task, part, facts, items):
    """In sweep 2, wait until both nodes are at work."""
    if items.sweep == 2:
        pathlib.Path(folder, node()).touch()
        wait_for(lambda: len(os.listdir(folder)) >= 2, "two nodes at work")
    return task(part, facts, items)


def die_once(marker, task, part, facts, items):
    """In sweep 3, the first worker to come here is killed."""
    if items.sweep == 3:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return task(part, facts, items)


def die_always(task, part, facts, items):
    os.kill(os.getpid(), signal.SIGKILL)


def be_caught(marker, victim, task, part, facts, items):
    """In sweep 3, the victim node's task hangs until the node is removed; the other's waits."""
    if items.sweep == 3 and not os.path.exists(f"{marker}.removed"):
        if node() == victim:
            pathlib.Path(marker).touch()
        wait_for(lambda: os.path.exists(f"{marker}.removed"), "the removal of a node")
        while node() == victim:
            time.sleep(0.05)
    return task(part, facts, items)


def checksums(fitted):
    posterior = {} if fitted.posterior is None else fitted.posterior.arrays()
    named = fitted.factors.arrays() | posterior
    rows = np.arange(1, 40, dtype=np.int32)
    named["predictions"] = fitted.factors.predict(rows, rows)
    return {
        name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in sorted(named.items())
    }


def train(store, solver, engine, **more):
    return train_blocks(SOLVERS[solver], store, factors=6, seed=3, engine=engine, **more)


def outcome(store, solver, engine, **more):
    return checksums(train(store, solver, engine, **more))


def removed_node(folder, store, cluster, second):
    marker = str(folder / "caught")
    fault = functools.partial(be_caught, marker, second.node_id)

    def remove():
        wait_for(lambda: os.path.exists(marker), "a task on the second node")
        pathlib.Path(f"{marker}.removed").touch()
        cluster.remove_node(second, allow_graceful=False)

    thread = threading.Thread(target=remove)
    thread.start()
    result = outcome(store, "gibbs", Faulty(fault))
    thread.join()
    return result


def killed_driver(folder, store, cluster):
    """Kill a process that trains after some sweeps; go on here from its checkpoint."""
    state = folder / "kept"
    code = (
        "import sys, time, penchant as pc; sys.path.insert(0, sys.argv[4]);"
        "from cluster import SOLVERS, train, Checkpoint; from penchant.store import BlockStore;"
        "from penchant.blocks.engines.ray import RayEngine;"
        "slow = lambda record: time.sleep(3600) if record['sweep'] == 5 else None;"
        "train(BlockStore.open(sys.argv[1]), 'gibbs', RayEngine(sys.argv[2]),"
        " checkpoint=Checkpoint(sys.argv[3], 1), callbacks=[slow])"
    )
    here = str(pathlib.Path(__file__).parent)
    arguments = [sys.executable, "-c", code, str(store.folder), cluster.address, str(state), here]
    process = subprocess.Popen(arguments, env=dict(os.environ))
    file = state / "state.safetensors"

    def kept():
        if process.poll() is not None:
            raise RuntimeError(f"the driver ended by itself: {process.returncode}")
        return file.exists() and b'\\"sweep\\": 4' in file.read_bytes()[:65536]

    wait_for(kept, "the checkpoint of sweep 4")
    process.kill()
    process.wait()
    seen = []
    result = outcome(
        store,
        "gibbs",
        RayEngine(),
        checkpoint=Checkpoint(state, 1),
        callbacks=[lambda record: seen.append(record["sweep"])],
    )
    return {"checksums": result, "sweeps": seen}


def damaged(folder, store):
    copy = folder / "damaged"
    shutil.copytree(store.folder, copy)
    victim = copy / "user-00002.parquet"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    return said(lambda: outcome(BlockStore.open(copy), "als", RayEngine())), victim.name


def said(work):
    try:
        work()
    except PenchantError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def batch(folder, store, engine, name):
    model = pc.MatrixFactorization(factors=6, solver=SOLVERS["als"], seed=3)
    model.fit(store, progress=False)
    paths = recommend_blocks(model, store, folder / name, n=5, engine=engine, progress=False)
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


class Results(dict):
    """What came of each; told on standard error as it comes."""

    began = time.monotonic()

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        sys.stderr.write(f"{time.monotonic() - self.began:.1f} s: {name}\n")
        sys.stderr.flush()


def loopback_up():
    """Raise the loopback device, which a new network has down."""
    flags = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, flags)  # SIOCSIFFLAGS


def main(folder):
    loopback_up()
    five, one = (BlockStore.open(folder / name) for name in ("five", "one"))
    results = Results()
    results["no cluster"] = said(lambda: RayEngine("127.0.0.1:1").__enter__())
    results["alone"] = {name: outcome(one, name, LocalEngine(1)) for name in SOLVERS}
    results["batch alone"] = batch(folder, five, LocalEngine(1), "lists-alone")
    nodes = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=nodes)
    second = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    ray.init(cluster.address, log_to_driver=False, logging_level="error")
    results["up"] = True
    try:
        place = folder / "meeting"
        place.mkdir()
        both = Faulty(functools.partial(meet, str(place)))
        fitted = train(five, "als", both)
        results["two nodes"] = {
            "als": checksums(fitted),
            **{name: outcome(five, name, RayEngine()) for name in ("als by count", "gibbs")},
            "memory": max(sum(n.startswith("memory_") for n in r) for r in fitted.history),
        }
        fault = functools.partial(die_once, str(folder / "died"))
        results["worker killed"] = {name: outcome(five, name, Faulty(fault)) for name in SOLVERS}
        results["worker was killed"] = (folder / "died").exists()
        results["batch"] = batch(folder, five, RayEngine(), "lists")
        text, name = damaged(folder, five)
        results["damaged block"] = {"said": text, "name": name}
        results["driver killed"] = killed_driver(folder, five, cluster)
        results["always killed"] = said(lambda: outcome(five, "als", Faulty(die_always, retries=1)))
        results["node removed"] = removed_node(folder, five, cluster, second)
    finally:
        ray.shutdown()
        cluster.shutdown()
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    place = tempfile.mkdtemp(prefix="r")  # a short name: Ray puts sockets there
    os.environ["RAY_TMPDIR"] = place
    try:
        main(pathlib.Path(sys.argv[1]))
    finally:
        shutil.rmtree(place, ignore_errors=True)
