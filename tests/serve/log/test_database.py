"""The database of a log: addresses, versions of its tables, how safely it writes."""

import builtins
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from penchant.errors import ConflictError, MissingExtraError, SettingsError, UnavailableError
from penchant.serve.log import events, schema
from penchant.serve.log.database import opened
from penchant.serve.log.events import EventLog
from penchant.serve.log.replay import Said


@pytest.fixture
def log(tmp_path):
    database = opened(f"sqlite:///{tmp_path / 'events.sqlite'}")
    yield EventLog(database)
    database.close()


def appended(log, *effects):
    for effect in effects:
        with log.appending() as append:
            append.add(effect)


def test_the_migrations_make_the_tables_of_the_queries(log):
    with log.database.reading() as connection:
        inspector = sa.inspect(connection)
        assert set(inspector.get_table_names()) == {*schema.metadata.tables, "alembic_version"}
        for name, table in schema.metadata.tables.items():
            found = {
                c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)
            }
            dialect = connection.dialect
            wanted = {c.name: (c.type.compile(dialect), bool(c.nullable)) for c in table.columns}
            assert found == wanted, name


def test_a_log_is_opened_by_many_at_once(tmp_path):
    url, made = f"sqlite:///{tmp_path / 'events.sqlite'}", []
    threads = [threading.Thread(target=lambda: made.append(opened(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({EventLog(database).head().identity for database in made}) == 1
    for database in made:
        database.close()


def test_a_log_of_a_newer_version_is_refused(tmp_path, log):
    with log.database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '99'"))
    with pytest.raises(UnavailableError, match=r"newer Penchant .* version '99'.* Upgrade"):
        opened(f"sqlite:///{tmp_path / 'events.sqlite'}")


def test_what_is_acknowledged_is_synced_and_what_is_deleted_is_overwritten(log):
    with log.database.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("no url", "cannot be read"),
        ("mysql://somewhere/ratings", "received mysql://"),
        ("sqlite://", "received sqlite://"),
    ],
)
def test_a_wrong_address(url, told):
    with pytest.raises(SettingsError, match=told):
        opened(url)


def test_a_folder_that_isnt_there(tmp_path):
    with pytest.raises(UnavailableError, match=r"No such file.*Choose a folder"):
        opened(f"sqlite:///{tmp_path / 'nowhere' / 'events.sqlite'}")


def test_postgresql_without_its_driver(monkeypatch):
    load = builtins.__import__

    def without(name, *rest):
        if name == "psycopg":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"penchant\[postgres\]"):
        opened("postgresql://ann@nowhere/ratings")


def test_without_the_extra_the_import_names_it():
    program = (
        "import sys; sys.modules['alembic'] = None\n"
        "from penchant.errors import MissingExtraError\n"
        "try:\n    import penchant.serve\n"
        "except MissingExtraError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'penchant[serve]'" in done.stdout, done.stderr


def test_ids_of_both_types_stay_apart(log):
    appended(log, {(5, "5"): Said(1.0, None), ("5", 5): Said(2.0, 7), ("é\x00\n'", 5): None})
    assert dict(log.since(0)[1]) == {
        (5, "5"): Said(1.0, None),
        ("5", 5): Said(2.0, 7),
        ("é\x00\n'", 5): None,
    }


def test_events_come_to_the_last_word_in_the_order_of_the_first(log):
    first, second = {(1, 1): Said(1.0, None)}, {(2, 2): Said(2.0, None)}
    appended(log, first, second, {(1, 1): Said(5.0, None)}, {(2, 2): None, (3, 3): Said(4.0, 9)})
    head, effect = log.since(0)
    assert list(effect.items()) == [
        ((1, 1), Said(5.0, None)),
        ((2, 2), None),
        ((3, 3), Said(4.0, 9)),
    ]
    assert head.position == 5
    assert list(log.since(3)[1]) == [(2, 2), (3, 3)]
    assert log.since(5)[1] == {}


def test_an_error_leaves_nothing(log):
    def fail():
        with log.appending() as append:
            append.add({(1, 1): Said(1.0, None)})
            append.remember("k", [], {})
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    assert log.since(0) == (log.head(), {})
    assert log.head().position == 0


def test_the_last_keys_are_kept(log, monkeypatch):
    monkeypatch.setattr(events, "KEYS_KEPT", 3)
    for n in range(5):
        with log.appending() as append:
            append.remember(f"key {n}", ["body", n], {"n": n})
    with log.appending() as append:
        assert [append.answered(f"key {n}", ["body", n]) for n in range(5)] == [
            None,
            None,
            {"n": 2},
            {"n": 3},
            {"n": 4},
        ]
        with pytest.raises(ConflictError, match="came before with another body"):
            append.answered("key 4", ["body", 5])


def test_keys_and_bodies_cannot_be_read_in_the_log(tmp_path, log):
    with log.appending() as append:
        append.remember("secret-key", ["rate", [["ann-the-user", 1, 5.0]]], {})
    log.database.clean()
    raw = (tmp_path / "events.sqlite").read_bytes()
    assert b"secret-key" not in raw
    assert b"ann-the-user" not in raw


def test_another_reader_keeps_the_write_ahead_log(log, monkeypatch):
    appended(log, {(1, 1): Said(1.0, None)})
    monkeypatch.setattr("penchant.serve.log.database.PATIENCE", 0.05)
    log.database.engine.dispose()
    with log.database.reading() as connection:
        connection.execute(sa.select(schema.log)).all()
        with pytest.raises(UnavailableError, match="It is tried again"):
            log.database.clean()
    log.database.clean()
