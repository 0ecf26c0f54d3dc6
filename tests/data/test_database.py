"""Databases: SQLite, and a PostgreSQL server of our own that runs while these tests do."""

import sqlite3
import sys
import tracemalloc

import pytest

import penchant
from penchant.errors import DataError, MissingExtraError, SettingsError, SourceError

ROWS = [(1, "B00A", 4.5, 1577836800), (2, "B00A", 3.0, 1577836801), (1, "B00B", 5.0, 1577836802)]
QUERY = "select user_id, asin, stars, rated_at from ratings order by rated_at"


def load(url, query=QUERY, **settings):
    return penchant.load(url, query=query, quiet=True, **settings)


def rows_of(ratings):
    columns = (ratings.users, ratings.items, ratings.values, ratings.timestamps)
    return list(zip(*map(list, columns), strict=True))


@pytest.fixture
def sqlite_url(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table ratings (user_id, asin text, stars real, rated_at integer)"
        )
        connection.executemany("insert into ratings values (?, ?, ?, ?)", ROWS)
    connection.close()
    return f"sqlite:///{path}"


def test_sqlite(sqlite_url):
    ratings = load(sqlite_url)
    assert rows_of(ratings) == ROWS
    assert ratings.notices[0].startswith(f"{sqlite_url}: a query; user = 'user_id', item = 'asin'")
    named = {"user": "asin", "item": "user_id"}
    assert load(sqlite_url, columns=named).users == ["B00A", "B00A", "B00B"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select none from ratings", r"shop\.db cannot be read: no such column: none"),
        ("delete from ratings", r"cannot be read: not authorized"),
        ("select user_id, asin, 'x' as stars from ratings", r"row 0: the rating 'x' is no finite"),
        ("select user_id, asin, stars from ratings where stars > 9", r"holds no ratings"),
        ("select null as user_id, asin, stars from ratings", r"row 0: the user id is missing"),
        (
            "select case when stars > 3 then 1 else 'x' end as user_id, asin, stars from ratings",
            r"user ids are of mixed types: int \(1 at position 0\) and str",
        ),
        ("select asin, stars from ratings", r"no column is recognised as the user"),
    ],
)
def test_queries_that_give_no_ratings(sqlite_url, query, message):
    with pytest.raises((DataError, SourceError), match=message):
        load(sqlite_url, query)
    assert len(load(sqlite_url)) == 3


def test_what_a_database_needs(sqlite_url, tmp_path):
    with pytest.raises(
        SettingsError, match=r"A database needs a query .* load\('sqlite:///.*query="
    ):
        penchant.load(sqlite_url)
    with pytest.raises(SettingsError, match=r"query= is for databases"):
        load(tmp_path)
    with pytest.raises(SourceError, match=r"There is no database 'sqlite:////no/such\.db'"):
        load("sqlite:////no/such.db")


def test_rows_of_a_database_are_never_held_as_a_whole(tmp_path):
    path = tmp_path / "large.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table ratings (user_id, item_id, rating)")
        many = ((at % 50_000, at % 1999, at % 5 + 1) for at in range(400_000))
        connection.executemany("insert into ratings values (?, ?, ?)", many)
    connection.close()
    tracemalloc.start()
    ratings = load(f"sqlite:///{path}", "select * from ratings")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(ratings) == 400_000
    assert peak < 60e6  # as Python's objects alone they are above 100 MB


def test_the_driver_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[postgres\]'"):
        load("postgresql://ann:secret@localhost/shop")


@pytest.fixture(scope="module")
def shop(postgresql):
    import psycopg

    with psycopg.connect(postgresql) as connection:
        connection.execute(
            "create table ratings (user_id bigint, asin text, stars numeric(3, 1), "
            "rated_at timestamptz, key uuid default gen_random_uuid())"
        )
        connection.cursor().executemany(
            "insert into ratings values (%s, %s, %s, to_timestamp(%s))", ROWS
        )
    return postgresql


def test_postgresql(shop):
    ratings = load(shop, QUERY + ";")
    assert rows_of(ratings) == ROWS
    assert "s3cr" not in "".join(ratings.notices)
    keys = load(shop.replace("postgresql://", "postgresql+psycopg://"),
                "select key as user_id, asin as item_id, stars as rating from ratings")  # fmt: skip
    assert len(keys.user_ids) == 3
    assert keys.user_ids.kind == "str"


def test_postgresql_streams(shop):
    query = (
        "select n % 5000 as user_id, n / 5000 as item_id, n % 5 + 1 as rating "
        "from generate_series(0, 199999) as n"
    )
    ratings = load(shop, query)
    assert (len(ratings), len(ratings.user_ids), len(ratings.item_ids)) == (200_000, 5000, 40)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select nothing from ratings", r'column "nothing" does not exist'),
        ("with gone as (delete from ratings returning *) select * from gone", r"cannot be read"),
        ("select user_id, asin, 'NaN'::float as stars from ratings", r"row 0: the rating nan is"),
    ],
)
def test_postgresql_refuses(shop, query, message):
    with pytest.raises((DataError, SourceError), match=message) as error:
        load(shop, query)
    assert "s3cr" not in str(error.value)
    assert len(load(shop)) == 3


def test_a_password_is_never_shown(shop):
    wrong = shop.replace("s3cr%25t%2Fpass", "hunter2")
    malformed = shop.replace("s3cr%25t%2Fpass", "hun%ter2")
    absent = "postgresql://ann:hunter2@127.0.0.1:1/shop?sslpassword=other2"
    for url in (wrong, malformed, absent):
        with pytest.raises(SourceError, match=r"^postgresql://.* cannot be read: ") as error:
            load(url)
        told = str(error.value)
        assert not any(secret in told for secret in ("hunter2", "hun%ter2", "other2"))


@pytest.mark.parametrize(
    "query", ["vacuum into '{}'", "attach '{}' as other", "pragma user_version"]
)
def test_a_query_does_nothing_but_select(tmp_path, query):
    """A file was written by a query to a database that was opened to be read."""
    made = tmp_path / "made.db"
    sqlite3.connect(tmp_path / "films.db").close()
    with pytest.raises(SourceError, match=r"cannot be read: .*authoriz"):
        penchant.load(f"sqlite:///{tmp_path / 'films.db'}", query=query.format(made))
    assert not made.exists()


def test_a_query_may_use_all_of_a_select(tmp_path):
    connection = sqlite3.connect(tmp_path / "films.db")
    connection.execute("create table t (u, i, r)")
    connection.executemany(
        "insert into t values (?, ?, ?)", [(u, i, 3) for u in range(9) for i in range(9)]
    )
    connection.commit()
    connection.close()
    query = (
        "with recursive n(k) as (select 1 union all select k + 1 from n where k < 5) select u as "
        "user, i as item, avg(r) + (select max(k) from n) as rating from t group by u, i order by u"
    )
    ratings = penchant.load(f"sqlite:///{tmp_path / 'films.db'}", query=query)
    assert (len(ratings), set(ratings.values)) == (81, {8.0})
