from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant
from penchant.errors import BundleError
from penchant.ids import IdMap
from penchant.storage import bundle
from penchant.storage.bundle import card

SOURCE = Path(penchant.__file__).parents[1]


def test_all_that_is_written_is_read(saved, sample, differ):
    assert differ(bundle.read(saved), sample) == []


def test_the_folder_holds_these_files_and_no_other(saved):
    assert sorted(path.name for path in saved.iterdir()) == [
        "card.json",
        "items.arrow",
        "posterior.safetensors",
        "ratings.parquet",
        "users.arrow",
        "weights.safetensors",
    ]
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_what_is_optional_can_be_left_out(tmp_path, sample, differ):
    bare = dataclasses.replace(
        sample, user_table=None, item_table=None, ratings=None, posterior=None, card={}
    )
    bundle.write(tmp_path / "bare", bare)
    made = bundle.read(tmp_path / "bare")
    assert differ(made, bare) == []
    assert not made.has_ratings
    assert not made.has_posterior


def test_ratings_without_timestamps_and_none_at_all(tmp_path, sample, differ):
    for number, ratings in enumerate(
        [
            sample.ratings._replace(timestamps=None),
            bundle.Columns(*[column[:0] for column in sample.ratings]),
        ]
    ):
        wanted = dataclasses.replace(sample, ratings=ratings)
        bundle.write(tmp_path / str(number), wanted)
        assert differ(bundle.read(tmp_path / str(number)), wanted) == []


def test_arrays_of_any_layout_are_written_by_value(tmp_path, sample):
    given = np.arange(12, dtype=">f4").reshape(3, 4)
    weights = {"turned": given.T, "strided": given[:, ::2], "empty": np.zeros((0, 3), np.int64)}
    bundle.write(tmp_path / "a", dataclasses.replace(sample, weights=weights))
    made = bundle.read(tmp_path / "a").weights
    assert made["turned"].tolist() == given.T.tolist()
    assert made["strided"].tolist() == given[:, ::2].tolist()
    assert made["empty"].shape == (0, 3)
    assert made["turned"].dtype == np.float32
    assert all(array.flags.writeable for array in made.values())


def test_types_that_the_format_lacks_become_their_nearest(tmp_path, sample):
    times = pa.array([None, *range(7)], pa.timestamp("ns")).cast(pa.timestamp("us"), safe=False)
    table = pa.table(
        {
            "seen": times.cast(pa.timestamp("ns")),
            "name": pa.array([None, *"abcdefg"], pa.string_view()),
        }
    )
    bundle.write(tmp_path / "a", dataclasses.replace(sample, user_table=table))
    made = bundle.read(tmp_path / "a").user_table
    assert made.schema.types == [pa.timestamp("us"), pa.large_string()]
    assert made["name"].to_pylist() == [None, *"abcdefg"]


def test_anyone_can_check_the_card(saved):
    """The recipe of the package's docstring."""
    text = (saved / "card.json").read_text(encoding="utf-8")
    told = json.loads(text)
    blank = text.replace(told["sha256"], "0" * 64, 1).encode()
    assert hashlib.sha256(blank).hexdigest() == told["sha256"]
    for name, said in told["files"].items():
        raw = (saved / name).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (said["bytes"], said["sha256"])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab0é", max_size=3), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcé0", min_size=1, max_size=8), json_values, max_size=4))
def test_any_json_comes_back_from_the_card(entries):
    made = card.decode(card.encode("kind", entries, {}, "1.0"))
    assert {name: value for name, value in made.items() if name not in card.RESERVED} == entries


class TestRefuses:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"card": {"files": 1}}, "the name 'files' in the card is the format's own"),
            ({"card": {"rmse": float("nan")}}, "the card holds what JSON cannot"),
            ({"card": {"model": object()}}, "the card holds what JSON cannot"),
            ({"card": {"title": "\ud800"}}, "the card holds what JSON cannot"),
            ({"card": {"long": "x" * 2**24}}, "its card has 16,.* bytes, more than 16,777,216"),
            ({"weights": {"user_bias": np.zeros(7, np.float32)}}, r"user_bias is of shape \(7,\)"),
            ({"weights": {"item_x": np.zeros((), np.float32)}}, r"item_x is of shape \(\)"),
            ({"weights": {"a": np.array([np.inf])}}, "a holds numbers that are not finite"),
            ({"weights": {"a": np.array([True])}}, "a is of type bool; known are float16"),
            ({"weights": {"": np.zeros(1)}}, "'' is no name of an array"),
            ({"weights": {"a": np.zeros((1,) * 9)}}, "a has no shape of at most 8 dimensions"),
            (
                {"weights": {str(j): np.zeros(1) for j in range(1025)}},
                "there are 1,025 arrays, more than 1,024",
            ),
            ({"posterior": {"a": np.array([np.nan])}}, "a holds numbers that are not finite"),
            ({"user_table": pa.table({"a": [1]})}, "the user table has 1 rows; 8 are needed"),
            (
                {"item_table": pa.table({"a": pa.array([b"x"] * 6)})},
                "column 'a' is of type binary; numbers, text",
            ),
            (
                {"item_table": pa.table({"a": pa.array([1] * 6, pa.timestamp("s", "UTC"))})},
                "column 'a' is of type timestamp",
            ),
            (
                {"item_table": pa.table({"a": pa.array([1] * 6, pa.timestamp("ns"))})},
                "column 'a' is finer than a microsecond",
            ),
            (
                {"item_table": pa.table({str(j): [1] * 6 for j in range(1024)})},
                "it has 1,025 columns; 1 to 1,024 are allowed",
            ),
        ],
    )
    def test_contents_that_break_a_rule(self, tmp_path, sample, change, message):
        with pytest.raises(BundleError, match=f"films was not written: {message}"):
            bundle.write(tmp_path / "films", dataclasses.replace(sample, **change))
        assert list(tmp_path.iterdir()) == []

    def test_a_card_that_is_nested_too_deep(self, tmp_path, sample):
        deep: list = []
        for _ in range(40):
            deep = [deep]
        with pytest.raises(BundleError, match="nested deeper than 32 levels"):
            bundle.write(tmp_path / "films", dataclasses.replace(sample, card={"deep": deep}))

    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("user_rows", np.full(20, 8, np.int32), "user rows run from 1 to 7; found 8 … 8"),
            ("item_rows", np.zeros(20, np.int32), "item rows run from 1 to 5; found 0 … 0"),
            ("values", np.full(20, np.nan, np.float32), "ratings are not finite"),
            ("timestamps", np.zeros(20), r"timestamps must be int64 of shape \(20,\); received"),
            ("user_rows", np.ones(19, np.int32), r"user_rows must be int32 of shape \(20,\)"),
        ],
    )
    def test_ratings_that_break_a_rule(self, tmp_path, sample, column, value, message):
        ratings = sample.ratings._replace(**{column: value})
        with pytest.raises(BundleError, match=message):
            bundle.write(tmp_path / "films", dataclasses.replace(sample, ratings=ratings))
        assert list(tmp_path.iterdir()) == []

    def test_to_replace_unasked(self, saved, sample):
        with pytest.raises(BundleError, match=r"exists already\. .*overwrite=True"):
            bundle.write(saved, sample)

    @pytest.mark.parametrize("name", ["thesis.tex", "card.json"])
    def test_to_replace_what_is_no_bundle(self, tmp_path, sample, name):
        (tmp_path / "home" / "sub").mkdir(parents=True)
        (tmp_path / "home" / name).write_text("mine")
        with pytest.raises(BundleError, match="is no bundle, or holds other files too"):
            bundle.write(tmp_path / "home", sample, overwrite=True)
        assert (tmp_path / "home" / name).read_text() == "mine"

    def test_to_replace_a_file(self, tmp_path, sample):
        (tmp_path / "films").write_text("mine")
        with pytest.raises(BundleError, match="is no bundle"):
            bundle.write(tmp_path / "films", sample, overwrite=True)
        assert (tmp_path / "films").read_text() == "mine"

    def test_a_parent_that_is_missing(self, tmp_path, sample):
        with pytest.raises(BundleError, match=r"No such file or directory\. Nothing was changed"):
            bundle.write(tmp_path / "no" / "films", sample)


def test_replaces_a_bundle_when_asked(saved, sample, differ):
    other = dataclasses.replace(sample, kind="other", ratings=None)
    bundle.write(saved, other, overwrite=True)
    assert differ(bundle.read(saved), other) == []
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def attempt(path: Path, contents: bundle.Contents, **options) -> str:
    try:
        bundle.write(path, contents, **options)
    except BundleError as error:
        return str(error)
    return "written"


def test_a_full_disk_at_any_point_changes_nothing(small_disk, sample, differ):
    """From a disk without room for one bundle to one with room for two."""
    new = dataclasses.replace(sample, kind="new")
    full = "No space left on device. Nothing was changed"
    outcomes = []
    for pages in range(1, 24):
        disk = small_disk(pages * 4096)
        first = attempt(disk / "films", sample)
        second = attempt(disk / "films", new, overwrite=True) if first == "written" else first
        assert second == "written" or full in second
        if first == "written":
            wanted = new if second == "written" else sample
            assert differ(bundle.read(disk / "films"), wanted) == []
        assert [p.name for p in disk.iterdir()] == (["films"] if first == "written" else [])
        outcomes.append((first == "written", second == "written"))
    assert outcomes == sorted(outcomes)
    assert outcomes.count((False, False)) >= 4
    assert outcomes.count((True, False)) >= 4
    assert outcomes[-1] == (True, True)


STEPS = """
import builtins, dataclasses, io, os, signal, sys
from pathlib import Path
import pyarrow.parquet
from penchant.storage import bundle

way, root = sys.argv[1:]
import penchant.atomic as atomic
exchange = atomic._exchange if way == "exchange" else lambda one, other: False
plain = {n: getattr(os, n) for n in ("mkdir", "open", "fsync", "rename", "unlink", "rmdir")}


def contents(kind):
    made = bundle.read(Path(root, "sample"))
    names = [field.name for field in dataclasses.fields(bundle.Contents)]
    return bundle.Contents(**({n: getattr(made, n) for n in names} | {"kind": kind}))


def run(target, last, new):
    made = []

    def counted(name, call):
        def wrapper(*arguments, **more):
            if len(made) == last:
                os.kill(os.getpid(), signal.SIGKILL)
            made.append(name)
            return call(*arguments, **more)
        return wrapper

    for name, call in plain.items():
        setattr(os, name, counted(name, call))
    io.open = builtins.open = counted("open", open)
    atomic._exchange = counted("exchange", exchange)
    bundle.write(target, new, overwrite=True)


old, new = contents("old"), contents("new")
step, ended = 0, False
while not ended:
    target = Path(root, str(step), "films")
    target.parent.mkdir()
    bundle.write(target, old)
    child = os.fork()
    if not child:
        run(target, step, new)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    ended = os.WIFEXITED(status)
    if not ended and os.WTERMSIG(status) != signal.SIGKILL:
        sys.exit("a child ended in another way")
    step += 1
print(step)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_killed_at_each_step_a_whole_bundle_is_there(tmp_path, sample, way):
    """A real child process dies by SIGKILL before each open, sync, rename and removal."""
    bundle.write(tmp_path / "sample", sample)
    done = subprocess.run(
        [sys.executable, "-c", STEPS, way, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
    )
    steps = int(done.stdout)
    kinds = []
    for step in range(steps):
        made = bundle.read(tmp_path / str(step) / "films")
        assert len(made.ratings.values) == 20
        assert len(made.posterior) == 4
        kinds.append(made.kind)
    assert steps > 25
    assert kinds == ["old"] * kinds.count("old") + ["new"] * kinds.count("new")
    assert set(kinds) == {"old", "new"}
    print(f"\n{way}: {steps - 1} children killed, {kinds.count('old')} left the old")  # noqa: T201


def test_ids_of_both_types_and_none(tmp_path, sample):
    none = dataclasses.replace(
        sample,
        users=IdMap.of([], "user"),
        weights={"user_bias": np.zeros(1, np.float32)},
        user_table=None,
        ratings=None,
    )
    bundle.write(tmp_path / "a", none)
    made = bundle.read(tmp_path / "a")
    assert (len(made.users), made.users.kind, made.items.kind) == (0, "int", "str")
