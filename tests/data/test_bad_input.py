"""What cannot be read as ratings: the error names the place, the value and the way out."""

import gzip
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import penchant
from penchant.errors import DataError, SettingsError, SourceError

HEADER = b"user,item,rating,time\n"


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"r\.csv is empty: there are no ratings in it"),
        (b"\n \n\r\n", r"r\.csv is empty"),
        (HEADER, r"r\.csv has a header \(user,item,rating,time\) and no ratings below it"),
        (HEADER + b"1,2,x,4\n", r"r\.csv, line 2: the rating 'x' is no finite number \(1 of 1 are"),
        (HEADER + b"1,2,3,4\n\n1,3,nan,4\n", r"r\.csv, line 4: the rating 'nan' is no finite"),
        (HEADER + b"1,2,3,4\n1,3,-inf,4\n", r"r\.csv, line 3: the rating '-inf' is no finite"),
        (HEADER + b"1,2,3,4\n1,3,1e39,4\n", r"r\.csv, line 3: the rating '1e39' is no finite"),
        (HEADER + b"1,2,3,4\n1,3,,4\n1,4,,4\n", r"line 3: the rating '' is no .* \(2 of 3 are"),
        (HEADER + b'1,2,3.5,4\n1,3,"3,5",4\n', r"line 3: the rating '3,5' is no finite number"),
        (HEADER + b"1,2,3,4\n1,3,4\n", r"r\.csv, line 3: 3 fields instead of 4: '1,3,4'"),
        (HEADER + b"1,2,3,4\n1,3,4,5,6\n", r"r\.csv, line 3: 5 fields instead of 4: '1,3,4,5,6'"),
        (HEADER + b"1,2,3,4\n,3,4,5\n", r"r\.csv, line 3: the user id is missing \(1 of 2 are"),
        (HEADER + b'1,2,3,4\n1,"",4,5\n', r"r\.csv, line 3: the item id is missing"),
        (HEADER + b"1,2,3,4\n1, ,4,5\n", r"r\.csv, line 3: the item id is missing"),
        (HEADER + b"1,2,3,4\n1,3,4,soon\n", r"line 3: the timestamp 'soon' is neither seconds"),
        (HEADER + b"1,2,3,4\n1,3,4,\n", r"line 3: the timestamp '' is neither .*timestamps=False"),
        (HEADER + b'1,2,3,4\n1,"2,3,4\n5,6,7,8\n', r"line 3: the quotes don't fit .*written twice"),
        (b"1\t2\t3\t4\r\n\r\n1\t3\t4\r\n", r"r\.csv, line 3: 3 fields instead of 4: '1\\t3\\t4'"),
        (b"1::2::3::4\n1::3::x::4\n", r"r\.csv, line 2: the rating 'x' is no finite number"),
        ("1::é::3\n1::b::x\n".encode("latin-1"), r"r\.csv, line 2: the rating 'x' is no finite"),
        (b"name,age,town\nann,3,Rome\n", r"no column is recognised as the user and the item and"),
        (
            b"user,item,remark\nann,3,4\n",
            r"recognised as the rating; it has 'user', 'item', 'remark'",
        ),
        (b"1\t2\n3\t4\n", r"r\.csv has 2 columns, and ratings need three: user, item, rating"),
        (b"12\n13\n", r"No separator is found in .*, whose first line is '12'"),
    ],
)
def test_text_files(tmp_path, content, message):
    path = written(tmp_path, "r.csv", content)
    with pytest.raises(DataError, match=message):
        penchant.load(path, quiet=True)


def test_places_are_right_after_quoted_line_ends_and_far_down(tmp_path):
    many = b"".join(b'%d,"a\nb",3,5\n' % at for at in range(30_000))
    path = written(tmp_path, "r.csv", HEADER + many + b"1,c,?,5\n")
    with pytest.raises(DataError, match=r"line 60,002: the rating '\?' is no .* \(1 of 30,001"):
        penchant.load(path, quiet=True)
    path = written(tmp_path, "s.csv", HEADER + many + b"1,c,5\n")
    with pytest.raises(DataError, match=r"line 60,002: 3 fields instead of 4"):
        penchant.load(path, quiet=True)


def test_off_the_given_scale(tmp_path):
    path = written(tmp_path, "r.csv", HEADER + b"1,2,3,4\n1,3,6,4\n1,4,0,4\n")
    with pytest.raises(
        DataError, match=r"line 3: the rating '6' is outside the scale 1 to 5 \(2 of"
    ):
        penchant.load(path, scale=(1, 5), quiet=True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", b"QK\x03\x04\0\0", r"holds bytes that are no text \(a zero byte at 4\)"),
        (
            "r.csv.gz",
            b"no archive",
            r"r\.csv\.gz cannot be read: it is no gzip file, though its name",
        ),
        ("r.csv.gz", gzip.compress(HEADER * 99)[:-9], r"r\.csv\.gz cannot be read: Compressed"),
        ("r.parquet", b"no parquet", r"r\.parquet cannot be read"),
    ],
)
def test_bytes_that_are_no_text(tmp_path, name, content, message):
    path = written(tmp_path, name, content)
    with pytest.raises(SourceError, match=message):
        penchant.load(path, quiet=True)


def test_an_archive_that_ends_too_early_far_down(tmp_path):
    import random

    draw = random.Random(0)
    rows = b"".join(b"%d,%d,3,%d\n" % (at, at, draw.getrandbits(60)) for at in range(90_000))
    path = written(tmp_path, "r.csv.gz", gzip.compress(HEADER + rows)[:-1000])
    with pytest.raises(SourceError, match=r"r\.csv\.gz cannot be read: .* cut short\?"):
        penchant.load(path, quiet=True)


def test_a_damaged_letter_in_utf8_is_not_taken_for_latin1(tmp_path):
    rows = "".join(f"{at},별들의 고향,3,5\n" for at in range(20_000)).encode()
    path = written(tmp_path, "r.csv", HEADER + rows + b"1,\xeb\xb3,4,5\n")
    with pytest.raises(SourceError, match=r"line 20,002: bytes that are no text, though 20,000"):
        penchant.load(path, quiet=True)


@pytest.mark.parametrize("name", ["ml-11m", "no/such/file.csv", "missing.csv"])
def test_what_is_not_there(name):
    with pytest.raises(SourceError, match=rf"no file or folder '{name}', .* the sets are: ml-100k"):
        penchant.load(name)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = written(tmp_path, "r.csv", HEADER)

    def refused(*args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.open", refused)
    with pytest.raises(SourceError, match=r"r\.csv cannot be read: .*Permission denied"):
        penchant.load(path)


def test_a_folder_without_ratings(tmp_path):
    with pytest.raises(
        SourceError, match=r"to hold MovieLens. files .* but it holds no file of ratings"
    ):
        penchant.load(tmp_path)
    for name in ("a.inter", "b.inter", "c.csv"):
        written(tmp_path, name, b"")
    with pytest.raises(SourceError, match=r"holds 2 \.inter files"):
        penchant.load(tmp_path)
    for name in ("a.inter", "b.inter"):
        (tmp_path / name).unlink()
    written(tmp_path, "d.json", b"")
    with pytest.raises(SourceError, match=r"but it holds 1 \.csv files, 1 \.json files"):
        penchant.load(tmp_path)


@pytest.mark.parametrize("source", [7, None, [1, 2], {"user": [1]}])
def test_what_is_no_source(source):
    kind = type(source).__name__
    with pytest.raises(SettingsError, match=rf"name of a set, a path or a data frame.*not {kind}"):
        penchant.load(source)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": {"users": 0}}, r"keys user, item, rating, timestamp; received 'users'"),
        ({"columns": {"user": None}}, r"columns must name the user column, not None"),
        ({"separator": ""}, r"separator must be 1 to 4 characters, not ''"),
        ({"separator": ",,,,,"}, r"separator must be 1 to 4 characters"),
        ({"separator": "\n"}, r"separator must be 1 to 4 characters"),
        ({"scale": (5, 1)}, r"A rating scale runs from a finite low to a finite high, not 5 to 1"),
        ({"scale": 5}, r"A rating scale has two ends"),
        ({"duplicates": "first"}, r"duplicates must be one of 'last', 'mean', 'error'"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, settings, message):
    path = written(tmp_path, "r.csv", HEADER + b"1,2,3,4\n")
    with pytest.raises(SettingsError, match=message):
        penchant.load(path, quiet=True, **settings)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": "who"}, r"has no column 'who': it has user, item, rating, time"),
        ({"user": 4}, r"has no column 4: it has 4, counted from 0 to 3"),
        ({"user": -1}, r"has no column -1: it has 4"),
        ({"user": "item", "item": "item"}, r"one column cannot play two roles; received user = 'i"),
    ],
)
def test_columns_that_are_not_there(tmp_path, columns, message):
    path = written(tmp_path, "r.csv", HEADER + b"1,2,3,4\n")
    with pytest.raises(DataError, match=message):
        penchant.load(path, columns=columns, quiet=True)


def test_names_need_a_header(tmp_path):
    path = written(tmp_path, "r.csv", b"1,2,3,4\n")
    with pytest.raises(DataError, match=r"has no column 'user': it has no header"):
        penchant.load(path, columns={"user": "user"}, quiet=True)


def test_a_header_that_is_none(tmp_path):
    path = written(tmp_path, "r.csv", HEADER + b"1,2,3,4\n")
    with pytest.raises(DataError, match=r"line 1: the rating 'rating' is no finite number"):
        penchant.load(path, header=False, quiet=True)


FRAMES = [
    pd.DataFrame,
    pl.DataFrame,
    pa.table,
    lambda data: pl.LazyFrame(data),
]


@pytest.mark.parametrize("make", FRAMES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rating": [1.0, None]}, r"the frame, row 1: the rating .* is no finite number"),
        ({"rating": [1.0, float("inf")]}, r"the frame, row 1: the rating inf is no finite number"),
        ({"rating": ["4", "x"]}, r"the frame, row 1: the rating 'x' is no finite number"),
        ({"user": ["a", None]}, r"the frame, row 1: the user id is missing \(1 of 2 are\)"),
        ({"time": ["2020-01-01", "soon"]}, r"the frame, row 1: the timestamp 'soon' is neither"),
        ({"user": [1.5, 2.0]}, r"user ids must be whole numbers"),
    ],
)
def test_frames(make, change, message):
    data = {"user": [1, 2], "item": ["a", "b"], "rating": [3, 4], "time": [1, 2]} | change
    with pytest.raises(DataError, match=message):
        penchant.load(make(data), quiet=True)


def test_ids_of_mixed_types_in_a_frame():
    frame = pd.DataFrame({"user": [1, "x7"], "item": [1, 2], "rating": [3, 4]})
    message = r"mixed types: int \(1 at position 0\) and str \('x7' at position 1\)"
    with pytest.raises(DataError, match=message):
        penchant.load(frame)


def test_ratings_of_mixed_types_in_a_frame():
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [3, "x"]})
    with pytest.raises(DataError, match=r"the frame, row 1: the rating 'x' is no finite number"):
        penchant.load(frame)


def test_an_empty_frame():
    frame = pa.table({"user": [], "item": [], "rating": []})
    with pytest.raises(DataError, match=r"holds no ratings\. Check it, or the filter before it"):
        penchant.load(frame)


def test_a_frame_with_one_name_twice():
    frame = pd.DataFrame([[1, 2, 3]], columns=["user", "user", "rating"])
    with pytest.raises(SourceError, match=r"A DataFrame cannot be read as a data frame .*user"):
        penchant.load(frame)


def test_no_error_is_a_bare_one(tmp_path):
    """Whatever the bytes are: ratings, or an error of ours."""
    import random

    draw = random.Random(2021)
    start = HEADER + b"1,2,3,4\n5,6,2,8\n" * 3
    for at in range(120):
        content = bytearray(start)
        for _ in range(draw.randrange(1, 6)):
            content[draw.randrange(len(content))] = draw.choice(b'\0\n\r",;\t\xff\xe9 x9.-')
        path = written(tmp_path, f"{at}.csv", bytes(content))
        try:
            found = len(penchant.load(path, quiet=True))
        except (DataError, SourceError) as error:
            found = str(error)
        assert found in range(1, 8) or path.name in found


def test_a_line_without_end(tmp_path):
    """However much a small file unpacks to: refused in bounded memory, and its line is named."""
    path = written(
        tmp_path, "r.csv.gz", gzip.compress(HEADER + b"1,2,3,4\n" * 9 + b"1" * 90_000_000)
    )
    tracemalloc.start()
    with pytest.raises(DataError, match=r"line 11 is longer than 16 MB: it is no record"):
        penchant.load(path, quiet=True)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


@pytest.mark.parametrize(("separator", "quoted"), [(b",", True), (b"::", False)])
def test_a_line_with_too_few_fields_far_down(tmp_path, separator, quoted):
    """Found by counting separators; and right where quotes stand before it."""
    lines = [b"%d,%d,4,1" % (at % 99_991, at % 997) for at in range(200_001)]
    if quoted:
        lines[7] = b'1,"a ""b"" c",4,1'
    content = HEADER + b"\n".join([*lines, b"1,2,3", *lines[:9]])
    path = written(tmp_path, "r.csv", content.replace(b",", separator))
    with pytest.raises(DataError, match=r"r\.csv, line 200,003: 3 fields instead of 4"):
        penchant.load(path, quiet=True)


def test_a_million_repeated_pairs(tmp_path):
    """Columns of few different entries. A merge of each with each would never end."""
    pa_int = pa.array(np.arange(1_000_000, dtype=np.int64) % 1000)
    columns = {"user": pa_int, "item": pa.array(np.zeros(1_000_000, np.int8)),
               "rating": pc.add(pc.bit_wise_and(pa_int, 3), 1)}  # fmt: skip
    ratings = penchant.load(pa.table(columns), quiet=True)
    assert len(ratings) == 1000
    assert ratings.notices[1].startswith("999,000 of 1,000,000 ratings repeat a pair")
