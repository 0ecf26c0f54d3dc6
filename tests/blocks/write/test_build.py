"""Files of any kind as block stores, out of core: the same as of the table in memory."""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import penchant as pc
from penchant.blocks.write import build, write_blocks
from penchant.blocks.write.mapping import Limits, database
from penchant.errors import DataError, SettingsError, SourceError
from penchant.store import BlockStore

CUT = {"blocks": 4, "by_item": True, "test": 0.25, "seed": 5}


def lines(ratings, mark=",", times=str, users=str, values=lambda v: f"{v:g}"):
    rows = zip(ratings.users, ratings.items, ratings.values, ratings.timestamps, strict=True)
    return "\n".join(mark.join((users(u), f"{i}", values(v), times(t))) for u, i, v, t in rows)


def as_day(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%d/%m/%Y %H:%M")


def repeated(ratings):
    """The table with 300 of its pairs once or twice more, some at the same time."""
    at = np.concatenate([np.arange(3000), np.arange(300) * 7, np.arange(100) * 7])
    stamps = ratings.timestamps[at].copy()
    stamps[3000:3200] += np.tile([-5, 0, 5, 10], 50)
    values = ratings.values[at].copy()
    values[3000:] = np.tile([1, 2, 3, 4], 100)
    order = np.random.default_rng(3).permutation(len(at))
    users, items = np.array(ratings.users)[at][order], np.array(ratings.items)[at][order]
    return pa.table(
        {"user": users, "item": items, "rating": values[order], "timestamp": stamps[order]}
    )


def write_parts(folder, table, count, change=lambda part, number: part):
    folder.mkdir()
    step = -(-len(table) // count)
    for number in range(count):
        part = change(table.slice(number * step, step), number)
        pq.write_table(part, folder / f"part-{number}.parquet")
    return folder


def as_text(part, number):
    users = part["user"].cast(pa.string())
    return part.set_column(0, "user", users) if number == 1 else part


def named(part, number):
    """The second part has names for the users of the first."""
    if number != 1:
        return part
    return part.set_column(0, "user", pa.array([f" ann{u} " for u in part["user"].to_pylist()]))


SOURCES = {
    "tabs": lambda f, p: (p / "u.data").write_text(lines(f, "\t")) and p / "u.data",
    "header": lambda f, p: (
        (p / "r.csv").write_text("user,item,rating,timestamp\n" + lines(f)) and p / "r.csv"
    ),
    "text ids": lambda f, p: (
        (p / "r.csv").write_text(lines(f, "::", users=lambda u: f"u{u}")) and p / "r.csv"
    ),
    "decimal commas": lambda f, p: (
        (p / "r.csv").write_text(lines(f, ";", values=lambda v: f"{v:.1f}".replace(".", ",")))
        and p / "r.csv"
    ),
    "of twenty": lambda f, p: (
        (p / "r.csv").write_text(lines(f, "\t", values=lambda v: f"{v:g}/20")) and p / "r.csv"
    ),
    "milliseconds": lambda f, p: (
        (p / "r.csv").write_text(lines(f, times=lambda t: f"{t}123")) and p / "r.csv"
    ),
    "dates": lambda f, p: (
        (p / "r.csv").write_text("user,item,rating,timestamp\n" + lines(f, times=as_day))
        and p / "r.csv"
    ),
    "latin-1": lambda f, p: (
        (p / "r.csv").write_bytes(lines(f, users=lambda u: f"Zoë{u}").encode("latin-1"))
        and p / "r.csv"
    ),
    "parts": lambda f, p: write_parts(p / "parts", repeated(f), 3),
    "parts of other types": lambda f, p: write_parts(p / "parts", repeated(f), 3, as_text),
    "parts of ints and names": lambda f, p: write_parts(p / "parts", repeated(f), 3, named),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_gives_the_store_that_its_table_gives(kind, films, tmp_path):
    source = SOURCES[kind](films, tmp_path)
    table = pc.load(source, quiet=True)
    store = build(source, tmp_path / "built", quiet=True, **CUT)
    wanted = write_blocks(table, tmp_path / "wanted", **CUT)
    assert_same(store.ratings(), wanted.ratings())
    assert_same(store.test_ratings(), wanted.test_ratings())
    assert store.index.notices == wanted.index.notices
    assert store.mean == wanted.mean
    if table.repeats is None:  # where pairs repeat, the cut is by the ratings before they merge
        assert store.index == wanted.index
        assert store.fingerprint == wanted.fingerprint
    assert not (store.folder / ".unfinished").exists()
    store.verify()


def assert_same(ratings, wanted):
    for name in ("user_rows", "item_rows", "values", "timestamps"):
        np.testing.assert_array_equal(getattr(ratings, name), getattr(wanted, name))
    for side in ("user", "item"):
        assert getattr(ratings, f"{side}_ids").array == getattr(wanted, f"{side}_ids").array
    assert (ratings.repeats is None) == (wanted.repeats is None)
    if wanted.repeats is not None:
        assert ratings.repeats.to_json() == pytest.approx(wanted.repeats.to_json())


@pytest.mark.parametrize("duplicates", ["last", "mean"])
@pytest.mark.parametrize("timestamps", [True, False])
def test_repeated_pairs_by_the_policy(films, tmp_path, duplicates, timestamps):
    source = write_parts(tmp_path / "parts", repeated(films), 4)
    settings = {"duplicates": duplicates, "timestamps": timestamps, "quiet": True}
    table = pc.load(source, **settings)
    store = build(source, tmp_path / "built", **settings, **CUT)
    wanted = write_blocks(table, tmp_path / "wanted", **CUT)
    assert_same(store.ratings(), wanted.ratings())
    assert_same(store.test_ratings(), wanted.test_ratings())
    assert store.index.notices == wanted.index.notices
    assert table.repeats.ratings == 400


def test_repeated_pairs_may_be_an_error(films, tmp_path):
    source = write_parts(tmp_path / "parts", repeated(films), 2)
    with pytest.raises(DataError, match=r"repeat a pair of user and item, such as user \d+ and"):
        build(source, tmp_path / "built", duplicates="error", quiet=True)


def test_side_tables_come_along(films, tmp_path):
    source = tmp_path / "r.csv"
    source.write_text("user,item,rating,timestamp\n" + lines(films))
    ids = [*films.item_ids.array.to_pylist(), 7001, 7002]
    titles = pa.table({"item": ids, "title": [f"Film {j}" for j in ids], "year": ids})
    table = pc.load(source, items=titles, quiet=True)
    store = build(source, tmp_path / "built", items=titles, quiet=True, blocks=3)
    assert store.item_table.equals(table.item_table)
    assert store.item_ids.array == table.item_ids.array
    assert store.user_table is None
    assert store.n_items == len(table.item_ids) == store.ratings().item_ids.size - 1
    assert store.index.notices == table.notices
    assert pc.load(store.folder, quiet=True).item_table.equals(table.item_table)


def test_a_folder_of_movielens_brings_its_own(tmp_path):
    folder = tmp_path / "ml"
    folder.mkdir()
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,10,4.5,964982703\n2,10,3,964982704\n1,20,0.5,964982705\n"
    )
    (folder / "movies.csv").write_text(
        "movieId,title,genres\n10,Heat (1995),Action|Crime\n20,Alien (1979),Horror\n"
        "30,Cold (2001),Drama\n"
    )
    store = build(folder, tmp_path / "built", quiet=True)
    table = pc.load(folder, quiet=True)
    assert store.item_table.equals(table.item_table)
    assert store.n_items == 3
    assert store.index.notices == table.notices


def test_unrated_entries_are_left_out(films, tmp_path):
    zeros = lines(films, values=lambda value: f"{value * (value > 3):g}")
    (tmp_path / "r.csv").write_text(zeros)
    with pytest.raises(DataError, match=r"ratings are 0, and the others run from 4 to 5"):
        build(tmp_path / "r.csv", tmp_path / "asked", quiet=True)
    table = pc.load(tmp_path / "r.csv", unrated=0, quiet=True)
    store = build(tmp_path / "r.csv", tmp_path / "built", unrated=0, quiet=True, **CUT)
    assert store.index.files == write_blocks(table, tmp_path / "wanted", **CUT).index.files
    assert store.index.notices == table.notices
    with pytest.raises(DataError, match="no ratings but unrated entries"):
        build(tmp_path / "r.csv", tmp_path / "none", unrated=[0, 4, 5], quiet=True)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7,8,soon,964982703", "line 2,802: the rating 'soon' is no finite number"),
        (",8,4,964982703", "line 2,802: the user id is missing"),
        ("7,8,4,soon", "line 2,802: the timestamp 'soon' is neither seconds nor a date"),
        ("7,8,4", "line 2,802: 3 fields instead of 4"),
    ],
)
def test_bad_rows_are_named_by_their_line(films, tmp_path, row, message):
    text = lines(films).splitlines()
    text.insert(2800, row)
    (tmp_path / "r.csv").write_text("\n".join(["user,item,rating,timestamp", *text]))
    with pytest.raises(DataError, match=message):
        build(tmp_path / "r.csv", tmp_path / "built", quiet=True)


def test_bad_rows_of_a_later_part(films, tmp_path):
    def broken(part, number):
        values = part["rating"].to_pylist()
        return part.set_column(2, "rating", pa.array([np.nan if number else 4.0, *values[1:]]))

    source = write_parts(tmp_path / "parts", repeated(films), 2, broken)
    with pytest.raises(DataError, match=r"part-1.parquet, row 0: the rating nan is no finite"):
        build(source, tmp_path / "built", quiet=True)


def test_parts_with_and_without_times_are_refused(films, tmp_path):
    source = write_parts(
        tmp_path / "parts", repeated(films), 2, lambda part, n: part.select(range(4 - n))
    )
    with pytest.raises(DataError, match="Some files of parts have times and others none"):
        build(source, tmp_path / "built", quiet=True)


def test_frames_and_named_sources_are_written_too(films, tmp_path):
    frame = repeated(films)
    store = build(frame, tmp_path / "built", quiet=True, **CUT)
    wanted = write_blocks(pc.load(frame, quiet=True), tmp_path / "wanted", **CUT)
    assert store.index == wanted.index


def test_what_is_told_on_the_way(films, tmp_path, capsys):
    (tmp_path / "r.csv").write_text("user,item,rating,timestamp\n" + lines(films))
    build(tmp_path / "r.csv", tmp_path / "built", by_item=True)
    told = capsys.readouterr().err.splitlines()
    assert told[:4] == [
        "Read 3,000 ratings of 1 files.",
        f"Found {len(set(films.users))} users and {len(set(films.items))} items.",
        "Wrote 1 blocks by user.",
        "Wrote 1 blocks by item.",
    ]
    assert "user = 'user'" in told[4]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": 1}, "memory must be a whole number of at least 128"),
        ({"threads": 0}, "threads must be a whole number"),
        ({"duplicates": "first"}, "duplicates must be one of"),
        ({"query": "select 1"}, "query= is for databases"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, given, message):
    (tmp_path / "r.csv").write_text("1,2,3\n")
    with pytest.raises(SettingsError, match=message):
        build(tmp_path / "r.csv", tmp_path / "built", **given)
    assert not (tmp_path / "built").exists()


def test_places_that_can_not_be_written(tmp_path):
    (tmp_path / "r.csv").write_text("1,2,3\n")
    with pytest.raises(SettingsError, match=r"There is no folder .*none to write built into"):
        build(tmp_path / "r.csv", tmp_path / "none" / "built")
    with pytest.raises(SettingsError, match="is there already, and nothing is overwritten"):
        build(tmp_path / "r.csv", tmp_path / "r.csv")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is there already, and nothing is overwritten"):
        build(tmp_path / "r.csv", tmp_path / "other")
    assert (tmp_path / "other" / "note.txt").read_text() == "mine"
    with pytest.raises(SourceError, match="There is no file or folder"):
        build(tmp_path / "none.csv", tmp_path / "built")


def test_sorting_spills_where_memory_is_short(tmp_path):
    """128 MB for a million and a half ratings of half a million people with long names."""
    rng = np.random.default_rng(0)
    count = 1_500_000
    users = pa.array(rng.integers(0, 500_000, count))
    names = pa.compute.binary_join_element_wise(
        "somebody of the name of", users.cast(pa.string()), " "
    )
    table = {
        "user": names,
        "item": rng.integers(0, 500, count),
        "rating": rng.integers(1, 6, count),
    }
    pq.write_table(pa.table(table), tmp_path / "r.parquet")
    store = build(tmp_path / "r.parquet", tmp_path / "built", memory=128, threads=1, quiet=True)
    loaded = pc.load(tmp_path / "r.parquet", quiet=True)
    assert store.user_ids.array == loaded.user_ids.array
    order = np.lexsort((loaded.item_rows, loaded.user_rows))
    np.testing.assert_array_equal(store.ratings().values, loaded.values[order])


def test_long_queries_draw_no_bar_on_standard_output(tmp_path):
    with database(tmp_path / "spill", Limits(memory=128, threads=1)) as connection:
        query = "select current_setting('enable_progress_bar')"
        assert connection.execute(query).fetchone()[0] in (False, "false")


def test_the_number_of_threads_changes_no_byte(films, tmp_path):
    source = write_parts(tmp_path / "parts", repeated(films), 3)
    stores = [
        build(source, tmp_path / f"by{threads}", threads=threads, memory=512, quiet=True, **CUT)
        for threads in (1, 4)
    ]
    assert stores[0].index == stores[1].index


def test_folders_of_any_name(films, tmp_path):
    source = write_parts(tmp_path / "it's [all] of *them*?", repeated(films), 2)
    store = build(source, tmp_path / "a 'block' [1]*? store", quiet=True, **CUT)
    plain = write_parts(tmp_path / "parts", repeated(films), 2)
    assert store.index.files == build(plain, tmp_path / "built", quiet=True, **CUT).index.files
    assert BlockStore.open(store.folder).verify()
