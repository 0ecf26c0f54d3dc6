"""Writers that are killed, run out of disk, or meet each other."""

import json
import os
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import penchant as pc
from penchant.blocks.write import build
from penchant.blocks.write.journal import Journal
from penchant.errors import ChecksumError, DataError, SettingsError, SourceError
from penchant.store import BlockStore, is_store

CUT = {"blocks": 3, "by_item": True, "test": 0.25, "seed": 5, "quiet": True}
DIES = """
import json, os, signal, sys
from penchant import atomic
from penchant.blocks.write import build

source, folder, dies, settings = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
replace, left = os.replace, [dies]

def counted(*names):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(*names)

os.replace = counted
build(source, folder, **settings)
print(dies - left[0])
"""


@pytest.fixture(scope="module")
def source(films, tmp_path_factory):
    """Three Parquet parts."""
    folder = tmp_path_factory.mktemp("source") / "parts"
    folder.mkdir()
    table = {"user": films.users, "item": films.items, "rating": films.values}
    table = pa.table({**table, "timestamp": films.timestamps})
    for number in range(3):
        pq.write_table(table.slice(number * 1000, 1000), folder / f"part-{number}.parquet")
    return folder


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """The store as an uninterrupted run leaves it."""
    return build(source, tmp_path_factory.mktemp("whole") / "films", **CUT)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(source, folder, dies, settings=CUT):
    return subprocess.run(
        [sys.executable, "-c", DIES, str(source), str(folder), str(dies), json.dumps(settings)],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(pc.__file__))},
    )  # fmt: skip


def test_killed_before_any_of_its_renames_it_goes_on(source, whole, tmp_path):
    """Each file and each note takes its place by a rename: SIGKILL just before one, and again."""
    folder = tmp_path / "films"
    deaths = 0
    while True:  # every run gets some renames further than the last, so that this ends
        done = run(source, folder, dies=8)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        deaths += 1
        assert not (folder / "index.json").exists()
        assert is_store(folder)
        with pytest.raises(SourceError, match="isn't finished: its writer was stopped"):
            BlockStore.open(folder)
        with pytest.raises(SourceError, match="isn't finished"):
            pc.load(folder)
        assert deaths < 30
    assert deaths >= 3
    assert bytes_of(folder) == bytes_of(whole.folder)


def test_killed_while_it_reads_it_starts_that_part_afresh(source, whole, tmp_path):
    folder = tmp_path / "films"
    assert run(source, folder, dies=3).returncode == -9  # the second part has no note yet
    stage = folder / ".unfinished" / "stage"
    assert (stage / "000000.json").exists()
    assert not (stage / "000001.json").exists()
    for path in stage.glob("*.parquet"):
        if not path.name.startswith("0" * 16):
            path.write_bytes(b"half written")
    build(source, folder, **CUT)
    assert bytes_of(folder) == bytes_of(whole.folder)


def test_killed_after_the_index_only_clears_up(source, whole, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(whole.folder, folder)
    done = run(source, tmp_path / "other", dies=1)
    assert done.returncode == -9
    assert run(source, tmp_path / "other", dies=2).returncode == -9
    shutil.copytree(tmp_path / "other" / ".unfinished", folder / ".unfinished")
    assert BlockStore.open(folder).verify()
    build(source, folder, **CUT)
    assert bytes_of(folder) == bytes_of(whole.folder)


def test_a_block_that_was_damaged_between_two_runs_is_named(source, tmp_path):
    folder = tmp_path / "films"
    assert run(source, folder, dies=10).returncode == -9
    assert (folder / ".unfinished" / "user-00000.json").exists()
    block = folder / "user-00000.parquet"
    raw = bytearray(block.read_bytes())
    raw[40] ^= 1
    block.write_bytes(raw)
    with pytest.raises(ChecksumError, match=r"user-00000.parquet was changed after it was written"):
        build(source, folder, **CUT)


def test_another_request_is_refused(source, tmp_path):
    folder = tmp_path / "films"
    assert run(source, folder, dies=3).returncode == -9
    with pytest.raises(SettingsError, match="begun with another blocks and held_out, and isn't"):
        build(source, folder, **CUT | {"blocks": 2, "seed": 6})
    copy = tmp_path / "parts"
    shutil.copytree(source, copy)
    with pytest.raises(SettingsError, match="begun with another source"):
        build(copy, folder, **CUT)


def test_two_writers_at_once(source, tmp_path):
    folder = tmp_path / "films"
    journal = Journal(folder, {})
    with pytest.raises(SourceError, match="Another process is writing"):
        build(source, folder, **CUT)
    journal.close()


@pytest.mark.parametrize("size", ["40k", "60k", "100k"])
def test_a_full_disk_is_told_and_gone_on_from(source, whole, small_disk, size):
    disk = small_disk(size)
    message = "The disk is full: .*films isn't finished. Make room|can't be sorted.*Make room"
    with pytest.raises(SourceError, match=message):
        build(source, disk / "films", **CUT)
    small_disk("60m", more="remount,")
    build(source, disk / "films", **CUT)
    assert bytes_of(disk / "films") == bytes_of(whole.folder)


def test_an_error_in_the_data_leaves_an_unfinished_folder_that_can_go_on(films, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("1,2,3\n1,3,soon\n")
    with pytest.raises(DataError, match="line 2: the rating 'soon'"):
        build(path, tmp_path / "films", quiet=True)
    path.write_text("1,2,3\n1,3,4\n")
    with pytest.raises(SettingsError, match="begun with another source"):
        build(path, tmp_path / "films", quiet=True)


def test_no_right_to_write(source, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("penchant.blocks.write.store_file.new_file", refuse)
    with pytest.raises(SourceError, match="films can't be written: Permission denied"):
        build(source, tmp_path / "films", **CUT)
