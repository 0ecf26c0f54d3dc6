"""What holds for every solver, in memory and from blocks: found by reflection, so none escapes."""

import dataclasses

import numpy as np
import pytest

import penchant as pc
from penchant.blocks.engines.local import LocalEngine
from penchant.blocks.train.start import train_blocks
from penchant.blocks.write import write_blocks
from penchant.errors import DivergedError
from penchant.solvers.base import Fitted
from penchant.solvers.loop import Loop
from penchant.solvers.registry import SOLVERS, solver_of

RATINGS = pc.synthetic(n_users=60, n_items=40, n_ratings=1500, factors=2, noise=0.4, seed=1)
QUICK = {"sweeps": 6, "burn_in": 3, "heads": 2, "rank": 4, "epochs": 6}
MORE = {
    "gibbs of stars": ("gibbs", {"likelihood": "ordinal"}),
    "gibbs with days": ("gibbs", {"contexts": ("day",)}),
    "als by count": ("als", {"scaling": "count"}),
    "keras of stars": ("keras", {"likelihood": "ordinal"}),
}
IN_MEMORY = [*SOLVERS, *MORE]
FROM_BLOCKS = ["als", "als by count", "gibbs"]


def solver(name):
    """The solver with few rounds."""
    name, more = MORE.get(name, (name, {}))
    made = solver_of(name)
    names = {field.name for field in dataclasses.fields(made)}
    return dataclasses.replace(made, **{k: v for k, v in QUICK.items() if k in names}, **more)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_blocks(RATINGS, tmp_path_factory.mktemp("blocks") / "store", blocks=3)


def fit(name, store=None, **how):
    if store is None:
        return solver(name).fit(RATINGS, factors=5, seed=0, threads=1, **how)
    return train_blocks(solver(name), store, factors=5, seed=0, engine=LocalEngine(1), **how)


CASES = [*((name, False) for name in IN_MEMORY), *((name, True) for name in FROM_BLOCKS)]
each = pytest.mark.parametrize(
    ("name", "blocks"), CASES, ids=[f"{n}{' from blocks' * b}" for n, b in CASES]
)


@each
def test_all_that_is_kept_from_a_round_to_the_next_has_one_layout(name, blocks, store, monkeypatch):
    """What a checkpoint gives back lies row after row; in another layout BLAS goes another way."""
    whole, seen = Loop._round, []

    def watched(loop, rounds, number):
        stop = whole(loop, rounds, number)
        for state in (rounds.state(), rounds.kept()):
            seen.extend(state.arrays)
            loose = [n for n, a in state.arrays.items() if not np.asarray(a).flags.c_contiguous]
            assert not loose, f"round {number}: {loose}"
        return stop

    monkeypatch.setattr(Loop, "_round", watched)
    fit(name, store if blocks else None)
    assert seen


@each
@pytest.mark.parametrize("burnt", [False, True], ids=["early", "late"])
def test_a_divergence_leaves_the_last_good_model(name, blocks, burnt, store, monkeypatch):
    """The numbers are spoilt after a round, and the next one is to notice."""
    if solver(name).rounds == 1:
        pytest.skip("one round, before which there is nothing")
    good = 5 if burnt else 2
    whole = Loop._round

    def spoilt(loop, rounds, number):
        stop = whole(loop, rounds, number)
        if number == good:
            arrays = rounds.state().arrays
            for array in arrays.values():
                if array.dtype.kind == "f" and array.flags.writeable:
                    array[...] = np.nan
            if not any(array.flags.writeable for array in arrays.values()):  # Keras' own
                rounds._trainee.loop.network.trainable_variables[0].assign(
                    rounds._trainee.loop.network.trainable_variables[0] * np.nan
                )
        return stop

    monkeypatch.setattr(Loop, "_round", spoilt)
    with pytest.raises(DivergedError, match=f"diverged in .* {good + 1}") as caught:
        fit(name, store if blocks else None)
    kept = caught.value.last_good
    assert isinstance(kept, Fitted)
    assert len(kept.history) == good
    monkeypatch.setattr(Loop, "_round", whole)
    stopped = fit(
        name,
        store if blocks else None,
        callbacks=[lambda record: record.get("epoch", record.get("sweep")) == good],
    )
    for table, array in stopped.factors.arrays().items():
        np.testing.assert_array_equal(array, kept.factors.arrays()[table])


@each
def test_a_stopped_training_goes_on_to_the_same_bits(name, blocks, store, tmp_path):
    where = store if blocks else None
    checkpoint = pc.Checkpoint(tmp_path, every=1)
    fit(
        name,
        where,
        checkpoint=checkpoint,
        callbacks=[lambda record: record.get("epoch", record.get("sweep")) == 4],
    )
    resumed, whole = fit(name, where, checkpoint=checkpoint), fit(name, where)
    assert len(resumed.history) == len(whole.history) == solver(name).rounds
    for table, array in whole.factors.arrays().items():
        np.testing.assert_array_equal(array, resumed.factors.arrays()[table])
