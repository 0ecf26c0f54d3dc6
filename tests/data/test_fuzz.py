"""A small share of the fuzzer: files and archives with changed bytes are read rightly, or refused.

The whole, of 10,000 inputs and more, is `python benchmarks/fuzz_sources.py`.
"""

import dataclasses
import importlib
import struct
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import penchant
from penchant.errors import SourceError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
EACH = 25


def of_benchmarks(name):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


inputs = of_benchmarks("fuzz_inputs")
judges = of_benchmarks("fuzz_judge")


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", None)  # the judge sets it


@pytest.mark.parametrize("kind", inputs.KINDS)
def test_each_is_read_rightly_or_refused(kind, tmp_path):
    faults = []
    for number in range(EACH):
        verdict = judges.judge(kind, number, tmp_path)
        if verdict.outcome not in ("read", "refused"):
            faults.append((number, verdict.outcome, verdict.told))
    assert faults == []


def test_inputs_are_the_same_each_time():
    for kind in inputs.KINDS:
        assert inputs.make(kind, 3) == inputs.make(kind, 3)
        assert inputs.make(kind, 3) != inputs.make(kind, 4)


class TestFound:
    """What the whole run found that its small share would miss."""

    @pytest.fixture
    def table(self):
        return pa.table({"user": ["aaaa", "bbbb", "cccc"], "item": [1, 2, 3], "rating": [3, 4, 5]})

    def test_an_arrow_file_that_points_outside_its_memory(self, tmp_path, table):
        pyarrow.feather.write_feather(table, tmp_path / "a.feather", compression="uncompressed")
        good = (tmp_path / "a.feather").read_bytes()
        offsets = struct.pack("<4i", 0, 4, 8, 12)
        assert good.count(offsets) == 1
        wrong = struct.pack("<4i", 0, 4, 8, 2**30)
        (tmp_path / "a.feather").write_bytes(good.replace(offsets, wrong))
        with pytest.raises(
            SourceError, match=r"a\.feather cannot be read: .*larger than values array"
        ):
            penchant.load(tmp_path / "a.feather", quiet=True)

    def test_a_parquet_file_with_bytes_that_are_no_text(self, tmp_path, table):
        pyarrow.parquet.write_table(table, tmp_path / "a.parquet", compression="none")
        good = (tmp_path / "a.parquet").read_bytes()
        at = good.index(b"bbbb")
        (tmp_path / "a.parquet").write_bytes(good[:at] + b"b\xffbb" + good[at + 4 :])
        with pytest.raises(SourceError, match=r"a\.parquet cannot be read: .*UTF8"):
            penchant.load(tmp_path / "a.parquet", quiet=True)


class TestTheJudge:
    """It would see what it is there for."""

    def verdict(self, tmp_path):
        return judges.judge("csv", 1, tmp_path)

    @pytest.fixture(autouse=True)
    def a_good_input(self, monkeypatch):
        given = inputs.Input("r.csv", b"user,item,rating\n1,2,3\n4,5,1\n", {("1", "2"): 3.0})
        monkeypatch.setattr(judges, "make", lambda *_: given)
        self.given = given

    def test_reads_a_good_one(self, tmp_path):
        assert self.verdict(tmp_path).outcome == "read"
        assert list(tmp_path.iterdir()) == []

    def test_sees_an_error_of_another(self, tmp_path, monkeypatch):
        def fail(*_, **__):
            raise ValueError("not ours")

        monkeypatch.setattr(penchant, "load", fail)
        verdict = self.verdict(tmp_path)
        assert verdict.outcome == "another's error"
        assert "ValueError: not ours" in verdict.told

    def test_takes_an_error_of_ours_with_a_message(self, tmp_path, monkeypatch):
        for message, outcome in (("why", "refused"), ("", "an empty message")):

            def fail(*_, message=message, **__):
                raise SourceError(message)

            monkeypatch.setattr(penchant, "load", fail)
            assert self.verdict(tmp_path).outcome == outcome

    def test_sees_a_changed_row(self, tmp_path, monkeypatch):
        given = dataclasses.replace(self.given, rows={("1", "2"): 2.0})
        monkeypatch.setattr(judges, "make", lambda *_: given)
        assert self.verdict(tmp_path).outcome == "wrong"
        allowed = dataclasses.replace(given, touched=1)
        monkeypatch.setattr(judges, "make", lambda *_: allowed)
        assert self.verdict(tmp_path).outcome == "read"

    def test_sees_ratings_that_break_their_own_rules(self, tmp_path, monkeypatch):
        good = penchant.Ratings.from_columns([1, 4], [2, 5], [3, 1])
        for broken in (
            {"values": good.values * float("nan")},
            {"user_rows": good.user_rows * 0},
            {"item_rows": good.item_rows + 9},
            {"user_rows": good.user_rows[[0, 0]], "item_rows": good.item_rows[[0, 0]]},
            {"scale": penchant.Scale(1, 2)},
            {"timestamps": good.values},
        ):
            monkeypatch.setattr(
                penchant, "load", lambda *_, b=broken, **__: dataclasses.replace(good, **b)
            )
            assert self.verdict(tmp_path).outcome == "wrong", broken

    def test_sees_a_file_that_is_left(self, tmp_path, monkeypatch):
        load = penchant.load

        def litter(source, **options):
            source.with_name("left.tmp").write_bytes(b"")
            return load(source, **options)

        monkeypatch.setattr(penchant, "load", litter)
        assert self.verdict(tmp_path).outcome == "files left or changed"
