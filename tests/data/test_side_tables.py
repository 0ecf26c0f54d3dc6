import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

import penchant
from penchant.errors import DataError, SourceError

RATINGS = pa.table(
    {"user": ["ann", "bob", "ann"], "movieId": [63, 63, 7], "rating": [5.0, 3.0, 4.0]}
)


def load(**settings):
    return penchant.load(RATINGS, quiet=True, **settings)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_rows_of_the_table_are_rows_of_the_embeddings(make):
    films = make({"title": ["올드보이", "Ran"], "movieId": [7, 63], "year": [2003, 1985]})
    ratings = load(items=films)
    assert ratings.item_table.column_names == ["title", "year"]
    for item, title in ((7, "올드보이"), (63, "Ran")):
        assert ratings.item_table["title"][ratings.item_ids.row(item)].as_py() == title
    assert ratings.item_table.slice(0, 1).to_pylist() == [{"title": None, "year": None}]
    assert ratings.item_table.num_rows == ratings.item_ids.size
    assert ratings.user_table is None


def test_ids_without_ratings_become_cold_and_are_counted(capsys):
    films = pa.table({"movieId": [1, 7, 2, 63], "title": list("abcd")})
    ratings = penchant.load(RATINGS, items=films)
    assert ratings.item_ids.array.to_pylist() == [63, 7, 1, 2]
    assert ratings.item_table["title"].to_pylist() == [None, "d", "b", "a", "c"]
    told = "the side table: 2 of 4 items have no ratings; they are known, but cold."
    assert told in ratings.notices
    assert told in capsys.readouterr().err
    assert ratings.item_rows.tolist() == [1, 1, 2]


def test_ids_that_the_table_lacks_are_empty():
    ratings = load(users=pa.table({"user": ["bob"], "age": [30]}))
    assert ratings.user_table["age"].to_pylist() == [None, None, 30]
    assert "the side table: users by 'user', with age." in ratings.notices


def test_the_id_column_is_found_by_name_or_is_the_first():
    both = pa.table({"age": [30, 20], "user_id": ["ann", "bob"]})
    assert load(users=both).user_table["age"].to_pylist() == [None, 30, 20]
    first = pa.table({"who": ["ann", "bob"], "age": [30, 20]})
    assert load(users=first).user_table["age"].to_pylist() == [None, 30, 20]
    named = pa.table({"a": [1, 2], "key": [7, 63], "movieId": [2, 1]})
    renamed = RATINGS.rename_columns(["user", "key", "rating"])
    ratings = penchant.load(renamed, items=named, columns={"item": "key"}, quiet=True)
    assert ratings.item_table["a"].to_pylist() == [None, 2, 1]


def test_a_file_as_side_table(tmp_path):
    path = tmp_path / "movies.csv"
    text = (
        "movieId,title,genres,zip,score,room,empty\n"
        '63,"Ran, or Chaos",Drama|War,01,1.5,00.5,\n'
        "7,괴물,,22,,1,\n"
    )
    path.write_text(text, encoding="utf-8")
    table = load(items=path).item_table
    assert table.to_pylist()[1:] == [
        {
            "title": "Ran, or Chaos",
            "genres": ["Drama", "War"],
            "zip": "01",
            "score": 1.5,
            "room": "00.5",
            "empty": None,
        },
        {
            "title": "괴물",
            "genres": None,
            "zip": "22",
            "score": None,
            "room": "1",
            "empty": None,
        },
    ]
    assert table.schema.field("score").type == pa.float64()


def test_a_parquet_file_as_side_table(tmp_path):
    path = tmp_path / "movies.parquet"
    pa.parquet.write_table(pa.table({"movieId": [63, 7], "title": ["a", "b"]}), path)
    assert load(items=str(path)).item_table["title"].to_pylist() == [None, "a", "b"]


def test_ids_of_a_file_are_text_where_those_of_the_ratings_are(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("user,age\n1,30\n007,20\n")
    ratings = pa.table({"user": ["1", "007"], "item": [1, 1], "rating": [3, 4]})
    loaded = penchant.load(ratings, users=path, quiet=True)
    assert loaded.user_table["age"].to_pylist() == [None, 30, 20]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"movieId": [7, 63, 7], "title": list("abc")},
            r"the side table: 1 item ids stand there more than once, such as 7\. Keep one row",
        ),
        (
            {"movieId": [7, None], "title": list("ab")},
            r"the side table: 1 of 2 item ids are missing, the first at position 1",
        ),
        (
            {"movieId": ["7", "63"], "title": list("ab")},
            r"the side table: The known item ids are of type int, but '7' is of type str",
        ),
    ],
)
def test_tables_that_do_not_fit(table, message):
    with pytest.raises(DataError, match=message):
        load(items=pa.table(table))


def test_files_that_do_not_fit(tmp_path):
    with pytest.raises(SourceError, match=r"There is no file .*none\.csv to read a side table"):
        load(items=tmp_path / "none.csv")
    path = tmp_path / "movies.csv"
    path.write_text("movieId,title,title\n63,a,b\n")
    with pytest.raises(DataError, match=r"movies\.csv has two columns named 'title'"):
        load(items=path)
    path.write_text("movieId,title\nx7,a\n63,1\n")
    with pytest.raises(DataError, match=r"movies\.csv: .*of type int, but 'x7' is of type str"):
        load(items=path)


def test_a_column_of_mixed_types_is_refused():
    films = pd.DataFrame({"movieId": [7, 63], "title": [1, "x"]})
    with pytest.raises(DataError, match=r"column 'title' has entries of mixed types"):
        load(items=films)
