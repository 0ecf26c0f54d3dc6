"""What a server meets: a database that goes away, a full disk, a clock that jumps, others."""

import contextlib
import datetime
import gc
import os
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
from tests.data.conftest import small_disk as small_disk
from tests.serve.test_killed import HERE, PLACE
from tests.serve.waiting import until

from penchant.errors import BundleError, UnavailableError
from penchant.serve import Rating, Service
from penchant.serve.log import database


def log_file(films):
    return films.parent / "films.penchant.serving" / "events.sqlite"


def test_the_file_of_the_log_goes_away_and_comes_back(films, service):
    service.rate([Rating(801, 1, 5.0)])
    log_file(films).rename(films.parent / "elsewhere")
    with pytest.raises(UnavailableError, match=r"Nothing was stored\. Put the file back"):
        service.rate([Rating(801, 2, 5.0)])
    until(lambda: not service.status().reachable)
    assert "No such file" in service.status().problems[0]
    with service.reading() as model:  # answers go on
        assert len(model.recommend(801, n=3)) == 3
        assert model.knowledge.rated(model.knowledge.user_ids.row(801)).size == 1
    assert not log_file(films).exists()  # no empty one was put in its place
    (films.parent / "elsewhere").rename(log_file(films))
    assert service.rate([Rating(801, 2, 5.0)]).position == 2
    until(lambda: service.status().reachable and not service.status().problems)


def test_an_older_copy_of_the_log_is_put_in_its_place(films, service):
    service.rate([Rating(801, 1, 5.0)])
    service._log.database.clean()  # all is in the file, and nothing in the one beside it
    copy = log_file(films).read_bytes()
    service.rate([Rating(802, 1, 5.0)])
    service._log.database.clean()
    (films.parent / "restored").write_bytes(copy)
    (films.parent / "restored").rename(log_file(films))
    until(lambda: service.status().position == 1)
    with service.reading() as model:  # the log is what counts
        assert model.knowledge.user_ids.rows([801, 802]).astype(bool).tolist() == [True, False]
    assert service.rate([Rating(803, 1, 5.0)]).position == 2


def test_the_file_is_replaced_while_it_is_written(films, service):
    def act(append, view):
        copy = films.parent / "copy"
        copy.write_bytes(log_file(films).read_bytes())
        copy.rename(log_file(films))
        return view.model, append.head, None

    with pytest.raises(UnavailableError, match=r"replaced in the middle.*is not known"):
        service._live.write(act)


def test_another_program_holds_the_lock(films, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 1.0)
    with Service.open(films) as service:
        locked, let_go = threading.Event(), threading.Event()

        def hold():
            with service._log.appending():
                locked.set()
                let_go.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        locked.wait()
        try:
            with pytest.raises(UnavailableError, match=r"database is locked\. Nothing was stored"):
                service.rate([Rating(801, 1, 5.0)])
        finally:
            let_go.set()
            thread.join()
        assert service.rate([Rating(801, 1, 5.0)]).position == 1


def test_no_database_in_the_file(films):
    with Service.open(films):
        pass
    log_file(films).write_bytes(b"no database" * 1000)
    with pytest.raises(UnavailableError, match="file is not a database"):
        Service.open(films)


def fill(service, tables):
    """Write until the disk is full; return the tables after the last write that was stored."""
    before = tables(service)
    with pytest.raises(UnavailableError, match=r"full\. Nothing was stored"):  # noqa: PT012
        for n in range(2000):  # what the files have room for goes first
            service.rate([Rating(1000 + n, 1, 5.0)])
            before = tables(service)
    return before


def test_the_disk_is_full(small_model, small_disk, tables, same):
    disk = small_disk("2m")
    films = disk / "films.penchant"
    small_model.save(films)
    with Service.open(films, compact_after=None) as service:
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096) == 4096:
                pass
        before = fill(service, tables)
        assert same(tables(service), before)
        position = service._log.head().position
        assert position == service.status().position
        os.truncate(filler, filler.stat().st_size - 64_000)  # room for the log, not for a bundle
        position = service.rate([Rating(4000, 1, 5.0)]).position
        with pytest.raises(BundleError, match="No space left on device"):
            service.compact()
        assert [info.name for info in service.models()] == ["0001"]
        filler.unlink()
        written = service.rate([Rating(5000, 1, 5.0)])
        assert written.position == position + 1
        assert service.compact().position == written.position
        expected = tables(service)
    with Service.open(films) as again:
        assert same(tables(again), expected)


def test_a_clock_that_jumps_changes_no_order(films, monkeypatch, tables, same):
    now = [4e9]

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(now[0], tz)

    with Service.open(films) as service, monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now[0])
        patched.setattr(datetime, "datetime", Jumping)
        for value, jump in ((5.0, -3e9), (4.0, 2e9), (1.0, -2.5e9)):
            service.rate([Rating(801, 1, value, int(now[0]))], key=f"{value}")
            service.compact()
            now[0] += jump
        assert service.rate([Rating(801, 1, 5.0, 4_000_000_000)], key="5.0").position == 1
        expected = tables(service)
        assert service._log.since(0)[1][801, 1].value == 1.0
        assert [info.name for info in service.models()] == ["0004", "0003", "0002"]
    with Service.open(films) as again:
        assert same(tables(again), expected)


def test_forgetting_while_another_process_writes(films, tables, same):
    command = [sys.executable, HERE / "writing.py", films, "0", "60", ""]
    with Service.open(films, compact_after=None) as service:
        with subprocess.Popen(command, stdout=subprocess.PIPE, **PLACE) as process:
            for n, _ in enumerate(process.stdout):
                service.rate([Rating(3000 + n, 1, 4.0)])
                if n == 15:
                    receipt = service.forget(7)
                if n == 30:
                    service.compact()
        assert process.returncode == 0
        assert receipt.ratings > 0
        assert service.status().position == 120
        with service.reading() as model:
            assert model.knowledge.user_ids.rows([7]).tolist() == [0]
            for first in (1000, 3000):
                assert all(model.knowledge.user_ids.rows(list(range(first, first + 60))))
        with Service.open(films) as again:
            with again.reading() as model:
                assert model.knowledge.user_ids.rows([7]).tolist() == [0]
            one, other = tables(again), tables(service)
            assert all(np.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_a_long_sequence_of_writes_takes_no_memory(films):
    with Service.open(films, compact_after=None) as service:

        def write(times):
            for n in range(times):
                service.rate([Rating(1 + n % 20, 1 + n % 7, 1.0 + n % 5)])

        def traced():
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        write(50)
        tracemalloc.start()
        try:
            before = traced()
            write(100)
            grown = traced() - before
        finally:
            tracemalloc.stop()
        assert grown < 100 * 2000  # a model that stays with each write would be more
