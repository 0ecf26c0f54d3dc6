"""Training on a Ray cluster of two nodes, with workers, a node and the driver killed for real.

One cluster serves all tests: `cluster.py` runs on a loopback device of its own and prints what
came of each training; the tests say what should have come.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.blocks.write import write_blocks

pytestmark = pytest.mark.slow

HERE = pathlib.Path(__file__).parent
SOURCE = str(pathlib.Path(pc.__file__).parents[1])


def world():
    """Ratings with side columns on both sides."""
    ratings = pc.synthetic(n_users=320, n_items=60, n_ratings=6000, factors=2, noise=0.4, seed=5)
    random = np.random.default_rng(5)
    ages = [None, *random.integers(18, 80, len(ratings.user_ids)).tolist()]
    kinds = [None, *random.choice(["film", "series"], len(ratings.item_ids)).tolist()]
    return dataclasses.replace(
        ratings, user_table=pa.table({"age": ages}), item_table=pa.table({"kind": kinds})
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    tried = ["unshare", "-n", "true"]
    if (
        not shutil.which("unshare")
        or subprocess.run(tried, check=False, capture_output=True).returncode
    ):
        if os.environ.get("CI"):
            pytest.fail("CI is to permit unshare -n")
        pytest.skip("no network of its own: unshare -n is missing or not permitted")
    folder = tmp_path_factory.mktemp("ray")
    for name, blocks in (("one", 1), ("five", 5)):
        write_blocks(world(), folder / name, blocks=blocks, test=0.1, seed=1)
    path = os.pathsep.join([SOURCE, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        ["unshare", "-n", sys.executable, str(HERE / "cluster.py"), str(folder)],
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("solver", ["als", "als by count", "gibbs"])
def test_two_nodes_and_five_blocks_give_the_bits_of_one_thread_and_one_block(results, solver):
    assert results["two nodes"][solver] == results["alone"][solver]


def test_the_memory_of_both_nodes_is_told(results):
    assert results["two nodes"]["memory"] == 2


@pytest.mark.parametrize("solver", ["als", "als by count", "gibbs"])
def test_a_worker_killed_in_a_sweep_changes_nothing(results, solver):
    assert results["worker was killed"]
    assert results["worker killed"][solver] == results["alone"][solver]


def test_a_node_removed_in_a_sweep_changes_nothing(results):
    assert results["node removed"] == results["alone"]["gibbs"]


def test_a_killed_driver_goes_on_from_its_checkpoint_to_the_same_bits(results):
    assert results["driver killed"]["sweeps"] == [5, 6, 7]
    assert results["driver killed"]["checksums"] == results["alone"]["gibbs"]


def test_a_corrupt_block_is_named(results):
    told = results["damaged block"]
    assert told["said"].startswith("ChecksumError")
    assert told["name"] in told["said"]


def test_workers_that_always_die_end_the_training_with_an_error_of_ours(results):
    assert results["always killed"].startswith("UnavailableError: The Ray cluster lost a task")


def test_no_cluster_at_the_address(results):
    assert results["no cluster"].startswith("UnavailableError: There is no Ray cluster at")


def test_lists_for_all_users_are_the_same_files(results):
    assert results["batch"] == results["batch alone"]
