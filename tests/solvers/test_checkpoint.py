import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from penchant.errors import BundleError, SettingsError, SourceError
from penchant.ratings import Ratings
from penchant.solvers.checkpoint import StateFile
from penchant.solvers.sgd.solver import SGD
from penchant.solvers.task import Checkpoint

RATINGS = Ratings.from_columns([1, 1, 2], [1, 2, 2], [3, 4, 5])
ARRAYS = {"a": np.arange(4, dtype=np.float32), "b": np.ones((2, 2), np.float32)}


def state_file(folder, solver=None, ratings=RATINGS, validation=None, factors=2, seed=0, every=2):
    checkpoint = Checkpoint(folder, every)
    return StateFile(checkpoint, solver or SGD(), ratings, validation, factors=factors, seed=seed)


def test_what_is_written_is_read(tmp_path):
    file = state_file(tmp_path / "new" / "folder")
    assert file.read() is None
    file.write(ARRAYS, {"records": [{"epoch": 1}]})
    state = file.read()
    assert state.progress == {"records": [{"epoch": 1}]}
    assert state.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(state.arrays[name], array)


def test_a_state_is_due_each_so_many_rounds(tmp_path):
    file = state_file(tmp_path, every=3)
    assert [number for number in range(1, 10) if file.due(number)] == [3, 6, 9]


@pytest.mark.parametrize(
    ("named", "other"),
    [
        ("settings", {"solver": SGD(epochs=7)}),
        ("ratings", {"ratings": dataclasses.replace(RATINGS, values=RATINGS.values[::-1].copy())}),
        ("validation", {"validation": RATINGS}),
        ("factors", {"factors": 3}),
        ("seed", {"seed": 1}),
    ],
)
def test_the_state_of_another_training_is_refused(tmp_path, named, other):
    state_file(tmp_path).write(ARRAYS, {})
    message = f"belongs to another training: its {named} is .*Choose another folder"
    with pytest.raises(SettingsError, match=message):
        state_file(tmp_path, **other).read()


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def damage_no_header(path):
    save_file(load_file(path), path)


def damage_header(path):
    save_file(load_file(path), path, metadata={"penchant": json.dumps([1])})


def damage_number(path):
    raw = bytearray(path.read_bytes())
    raw[-2] ^= 1
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("damage", [damage_cut, damage_no_header, damage_header, damage_number])
def test_a_damaged_state_is_refused(tmp_path, damage):
    file = state_file(tmp_path)
    file.write(ARRAYS, {})
    damage(tmp_path / "state.safetensors")
    with pytest.raises(BundleError, match=r"is damaged: .*Delete it to start afresh"):
        file.read()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SourceError, match=r"can't be written: .*choose another folder"):
        state_file(tmp_path / "taken").write(ARRAYS, {})


def test_every_is_a_count(tmp_path):
    with pytest.raises(SettingsError, match=r"checkpoint\.every must be a whole number"):
        state_file(tmp_path, every=0)
