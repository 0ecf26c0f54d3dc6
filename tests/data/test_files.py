"""Ratings files as they are met in the wild: each is written to disk and read as it stands."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penchant
from penchant.ratings import Scale

ROWS = [(612, 54, 3.0, 902135000), (88, 913, 3.5, 899000123), (612, 913, 1.0, 902135001)]


def written(folder, name, content, encoding="utf-8"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def load(path, **settings):
    return penchant.load(path, quiet=True, **settings)


def rows_of(ratings):
    stamps = [None] * len(ratings) if ratings.timestamps is None else ratings.timestamps.tolist()
    return list(zip(ratings.users, ratings.items, ratings.values.tolist(), stamps, strict=True))


def lines(separator, end="\n", last=True):
    text = end.join(separator.join(f"{field:g}" if field < 9e5 else str(field) for field in row)
                    for row in ROWS)  # fmt: skip
    return text + end * last


HEADER = "userId,movieId,rating,timestamp"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.data", lines("\t")),
        ("u.data", lines("\t", last=False)),
        ("u.data", lines("\t", end="\r\n") + "\r\n\r\n"),
        ("ratings.dat", lines("::")),
        ("ratings.txt", lines(" ")),
        ("ratings.txt", lines("|")),
        ("ratings.csv", lines(";")),
        ("ratings.csv", f"{HEADER}\n" + lines(",")),
        ("ratings.csv", f"{HEADER}\r\n" + lines(",", end="\r\n")),
        ("ratings.csv", f"\ufeff{HEADER}\n" + lines(",")),
        ("ratings.csv", "\ufeff" + lines(",")),
        ("ratings.csv", f"\n{HEADER}\n\n" + lines(",", end="\n\n")),
        ("a.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + lines("\t")),
        ("ratings[1]*?.csv", f"{HEADER}\n" + lines(",")),
        ("it's.csv", f"{HEADER}\n" + lines(",")),
        ("u.gz", gzip.compress(lines("\t").encode())),
        ("utf16.csv", (f"{HEADER}\n" + lines(",")).encode("utf-16")),
        ("q.csv", '"userId","movieId","rating","timestamp"\n"612","54","3","902135000"\n'
                  '"88","913","3.5","899000123"\n"612","913","1","902135001"\n'),
        ("q.tsv", '"612"\t"54"\t3\t902135000\n"88"\t"913"\t3.5\t899000123\n'
                  '"612"\t"913"\t1\t902135001\n'),
    ],
)  # fmt: skip
def test_layouts_in_the_wild_give_the_same_ratings(tmp_path, name, content):
    ratings = load(written(tmp_path, name, content))
    assert rows_of(ratings) == ROWS
    assert ratings.user_ids.kind == ratings.item_ids.kind == "int"
    assert ratings.scale == Scale(1, 3.5)
    assert ratings.name == name


def test_what_was_guessed_is_told_in_one_line(tmp_path, capsys):
    path = written(
        tmp_path, "ratings.csv", "uid;isbn;date;stars\n1;B;2020-01-01;4\n2;A;2020-01-02;5"
    )
    ratings = penchant.load(path)
    told = (
        "ratings.csv: separated by semicolons, header; user = 'uid', item = 'isbn', "
        "rating = 'stars', timestamp = 'date'; scale 4 to 5."
    )
    captured = capsys.readouterr()
    assert (captured.err, captured.out) == (told + "\n", "")
    assert ratings.notices == (told,)
    assert penchant.load(path, quiet=True).notices == (told,)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("reviewerID,asin,reviewerName,overall,unixReviewTime,reviewTime", (0, 1, 3, 4)),
        ("rating,title,text,asin,parent_asin,user_id,timestamp", (5, 4, 0, 6)),
        ("User-ID,ISBN,Book-Rating", (0, 1, 2, None)),
        ("date,stars,business_id,user_id,review_id", (3, 2, 1, 0)),
        ("customer,movie,rating,date", (0, 1, 2, 3)),
        ("user_id,anime_id,rating", (0, 1, 2, None)),
    ],
)
def test_names_of_columns_in_the_wild(tmp_path, header, roles):
    width = header.count(",") + 1
    values = [[f"x{at}", f"y{at}"] for at in range(width)]
    user, item, rating, time = roles
    values[rating] = ["1", "5"]
    if time is not None:
        values[time] = ["10", "20"]
    body = "\n".join(",".join(line) for line in zip(*values, strict=True))
    ratings = load(written(tmp_path, "r.csv", f"{header}\n{body}\n"))
    stamps = [10, 20] if time is not None else [None, None]
    expected = [(values[user][at], values[item][at], [1, 5][at], stamps[at]) for at in (0, 1)]
    assert rows_of(ratings) == expected


def test_the_guess_can_be_overridden(tmp_path):
    path = written(tmp_path, "r.csv", "x9|7,4,alice\nx8|7,2,bob\n")
    ratings = load(path, separator=",", columns={"user": 2, "item": 0, "rating": 1})
    assert rows_of(ratings) == [("alice", "x9|7", 4, None), ("bob", "x8|7", 2, None)]
    path = written(tmp_path, "h.csv", "who,what,much,when\n1,2,3,4\n5,6,7,8\n")
    named = {"user": "what", "item": "who", "rating": "when", "timestamp": "much"}
    assert rows_of(load(path, columns=named)) == [(2, 1, 4, 3), (6, 5, 8, 7)]
    named["timestamp"] = None
    assert load(path, columns=named).timestamps is None
    assert load(path, columns={"user": 0, "item": 1, "rating": 2}).users == [1, 5]
    texts = written(tmp_path, "t.csv", "ann,bob,3\ncid,dan,4\n")
    assert load(texts, header=True, columns={"user": 0, "item": 1, "rating": 2}).users == ["cid"]
    assert load(texts, header=False).users == ["ann", "cid"]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("1,a|b,3,2020-01-01 10:00:00\n2,c|d,4,2020-01-02 10:00:00\n", "commas"),
        ("1;a b;3;x, y\n2;c d;4;z, w\n", "semicolons"),
        ("1\ta, b\t3\n2\tc, d\t4\n", "tabs"),
        ("1::a, b c::3\n2::d, e f::4\n", "'::'"),
        ('1,"a;b;c;d",3\n2,"e;f;g",4\n', "commas"),
        ("1 a 3\n2 b 4\n", "spaces"),
        ("1|a:b|3\n2|c::d|4\n", "pipes"),
    ],
)
def test_the_separator_is_the_one_that_cuts_every_line_alike(tmp_path, content, separator):
    ratings = load(written(tmp_path, "r.txt", content))
    assert ratings.notices[0].startswith(f"r.txt: separated by {separator}, no header")
    assert (ratings.users, ratings.values.tolist()) == ([1, 2], [3, 4])


def test_times_can_be_left_out(tmp_path):
    assert load(written(tmp_path, "u.data", lines("\t")), timestamps=False).timestamps is None


@pytest.mark.parametrize("time", ["", "nice film", "4 of 5 found this helpful"])
def test_a_fourth_column_that_is_no_time_is_left_alone(tmp_path, time):
    path = written(tmp_path, "r.tsv", f"1\t2\t3\t{time}\n1\t3\t4\t{time}\n")
    if time:
        assert load(path).timestamps is None


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (["1577836800", "1577836801"], [1577836800, 1577836801]),
        (["1577836800.9", "1.577836801e9"], [1577836800, 1577836801]),
        (["1577836800123", "1577836801999"], [1577836800, 1577836801]),
        (["2020-01-01", "2020-01-02"], [1577836800, 1577923200]),
        (["2020-01-01 00:00:01", "2020-01-01T01:00:00"], [1577836801, 1577840400]),
        (["2020-01-01T00:00:00Z", "2020-01-01 02:00:00+02:00"], [1577836800, 1577836800]),
        (["-5", "0"], [-5, 0]),
    ],
)
def test_times_in_the_wild(tmp_path, times, seconds):
    path = written(tmp_path, "r.csv", f"1,2,3,{times[0]}\n1,3,4,{times[1]}\n")
    ratings = load(path)
    assert ratings.timestamps.tolist() == seconds
    assert ("read as milliseconds" in ratings.notices[0]) == (len(times[0]) == 13)


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["1", "20"], "int"),
        (["-3", "0"], "int"),
        (["007", "42"], "str"),
        (["12", "x7"], "str"),
        (["B00007L9", "0"], "str"),
        (["+1", "2"], "str"),
        (["1.0", "2.0"], "str"),
        (["1_0", "2"], "str"),
        (["9223372036854775807", "1"], "int"),
        (["9223372036854775808", "1"], "str"),
        (["이영희", "김철수"], "str"),
        (["😀", "e\u0301"], "str"),
    ],
)
def test_ids_are_whole_numbers_only_if_all_are_written_so(tmp_path, ids, kind):
    path = written(tmp_path, "r.csv", f"user,item,rating\n{ids[0]},1,3\n{ids[1]},1,4\n")
    ratings = load(path)
    assert ratings.user_ids.kind == kind
    assert list(map(str, ratings.users)) == ids


def test_an_id_of_another_kind_far_down_makes_the_column_text(tmp_path):
    many = "".join(f"{at},{at % 7},3\n" for at in range(60_000))
    path = written(tmp_path, "r.csv", "user,item,rating\n" + many + "007,x7,4\n")
    ratings = load(path)
    assert (ratings.user_ids.kind, ratings.item_ids.kind) == ("str", "str")
    assert (ratings.users[0], ratings.users[-1], ratings.items[-1]) == ("0", "007", "x7")


def test_latin1_is_seen_early_and_late(tmp_path):
    early = written(tmp_path, "a.dat", "1::Amélie::4\n2::Ran::5\n", "latin-1")
    assert load(early).items == ["Amélie", "Ran"]
    many = "".join(f"{at}::Ran::4\n" for at in range(60_000))
    late = written(tmp_path, "b.dat", many + "1::Amélie::4\n", "latin-1")
    ratings = load(late)
    assert ratings.items[-1] == "Amélie"
    assert "Latin-1" in ratings.notices[0]


def test_hangul_survives_quotes_and_separators(tmp_path):
    path = written(
        tmp_path, "r.csv", '사용자,영화,평점\n"이, 영희","올드""보이""",4.5\n김,괴물,3\n'
    )
    ratings = load(path, columns={"user": "사용자", "item": "영화", "rating": "평점"})
    assert ratings.users == ["이, 영희", "김"]
    assert ratings.items == ['올드"보이"', "괴물"]


def test_line_ends_inside_quotes_and_of_two_kinds(tmp_path):
    path = written(tmp_path, "r.csv", '\ufeffuser,item,rating\r\n1,"a\nb",3\n2,c,4\r\n')
    assert load(path).items == ["a\nb", "c"]


def test_long_reviews_beside_the_ratings(tmp_path):
    review = "line\n" * 60_000
    path = written(tmp_path, "r.csv", f'user,item,rating,review\n1,a,4,"{review}"\n2,b,5,x\n')
    assert load(path).items == ["a", "b"]
    mixed = path.read_bytes().replace(b"\n2,b", b"\r\n2,b")
    assert load(written(tmp_path, "m.csv", mixed)).items == ["a", "b"]


def test_quotes_that_are_letters(tmp_path):
    path = written(tmp_path, "r.csv", 'user,item,rating\n1,5" disk,4\n2,"b",5\n')
    assert load(path).items == ['5" disk', "b"]


def test_scales_in_the_wild(tmp_path):
    path = written(tmp_path, "r.csv", "user,item,rating\n1,1,-10\n1,2,+9.75\n2,1,1e1\n")
    assert load(path).scale == Scale(-10, 10)
    assert load(path, scale=(-10, 10.5)).scale == Scale(-10, 10.5)
    assert load(path, scale=(-10, 10.5)).notices[0].endswith("scale -10 to 10.5 (given).")


def test_parquet(tmp_path):
    path = tmp_path / "r.parquet"
    columns = dict(zip(("user", "item", "rating", "time"), zip(*ROWS, strict=True), strict=True))
    pa.parquet.write_table(pa.table({name: list(values) for name, values in columns.items()}), path)
    assert rows_of(load(path)) == ROWS


def test_repeated_pairs_are_counted(tmp_path, capsys):
    path = written(tmp_path, "r.csv", "user,item,rating,time\n1,2,5,20\n1,2,1,10\n1,3,3,5\n")
    ratings = penchant.load(path)
    assert rows_of(ratings) == [(1, 2, 5, 20), (1, 3, 3, 5)]
    told = "1 of 3 ratings repeat a pair of user and item: kept the newest of each."
    assert ratings.notices[1] == told
    assert told in capsys.readouterr().err
    assert load(path, duplicates="mean").values.tolist() == [3, 3]


def test_one_user_goes_on_with_a_notice(tmp_path):
    ratings = load(written(tmp_path, "r.csv", "user,item,rating\nann,a,1\nann,b,2\n"))
    assert ratings.notices[1].startswith("All 2 ratings are by one user, 'ann': nothing can be")
    ratings = load(written(tmp_path, "r.csv", "user,item,rating\nann,a,1\nbob,a,2\n"))
    assert ratings.notices[1].startswith("All 2 ratings are of one item, 'a': nothing can be")


FIELD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
TABLES = st.lists(
    st.tuples(FIELD, FIELD, st.floats(-100, 100, width=32), st.integers(0, 2**31)),
    min_size=2, max_size=30, unique_by=lambda row: (row[0].strip(), row[1].strip()),
)  # fmt: skip


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLES, st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_what_is_written_is_read(tmp_path, rows, separator, header):
    import csv

    path = tmp_path / "r.csv"
    rows = [(f"u{u.strip()}", f"i{i.strip()}", r, t) for u, i, r, t in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerows([["user", "item", "rating", "time"]] * header + rows)
    settings = {"duplicates": "error", "unrated": "nothing"}
    ratings = load(path, separator=separator, header=header, **settings)
    assert rows_of(ratings) == [(u, i, np.float32(r), t) for u, i, r, t in rows]
