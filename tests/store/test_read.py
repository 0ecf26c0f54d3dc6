"""What a block store refuses: damage, and an index that somebody else has written."""

import hashlib
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import penchant as pc
from penchant.blocks.write import write_blocks
from penchant.errors import ChecksumError, DataError, SettingsError, SourceError
from penchant.store import BlockStore, is_store
from penchant.store.parquet import read_block, read_table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store of three blocks with everything in it, as bytes by name."""
    films = pc.synthetic(n_users=200, n_items=40, n_ratings=900, factors=2, seed=1)
    folder = tmp_path_factory.mktemp("made") / "films"
    write_blocks(films, folder, blocks=3, by_item=True, test=0.2)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it to spoil."""
    place = tmp_path / "films"
    place.mkdir()
    for name, raw in made.items():
        (place / name).write_bytes(raw)
    return place


def change(folder, edit):
    facts = json.loads((folder / "index.json").read_text())
    edit(facts)
    (folder / "index.json").write_text(json.dumps(facts))


def enter(folder, name, table=None, rows=None, **options):
    """Write another table into a file, and let the index agree."""
    path = folder / name
    if table is not None:
        plain = {"compression": "none", "use_dictionary": False, "store_schema": False}
        pq.write_table(table, path, **{**plain, **options})
    raw = path.read_bytes()

    def edit(facts):
        entry = facts["files"][name]
        entry |= {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        if rows is not None:
            entry["rows"] = rows

    change(folder, edit)


def block_table(folder, name, **columns):
    table = pq.read_table(folder / name)
    for column, values in columns.items():
        at = table.column_names.index(column)
        old = table.schema.field(column)
        table = table.set_column(at, old, pa.array(values(table[column].to_numpy()), old.type))
    return table


def read_all(folder):
    return BlockStore.open(folder).verify()


def files(kind):
    return [f"{kind}-0000{number}.parquet" for number in range(3)]


ALL = [*files("user"), *files("item"), *files("test"), "users.parquet", "items.parquet"]
ALL += ["user_columns.parquet", "item_columns.parquet"]


@pytest.mark.parametrize("name", ALL)
def test_one_changed_bit_is_named(folder, name):
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 3] ^= 4
    (folder / name).write_bytes(raw)
    with pytest.raises(ChecksumError, match=f"{name} was changed after it was written"):
        read_all(folder)


@pytest.mark.parametrize("name", ALL)
def test_a_truncated_file_is_named(folder, name):
    raw = (folder / name).read_bytes()
    (folder / name).write_bytes(raw[:-7])
    message = f"{name} can't be used: it has {len(raw) - 7:,} bytes where the index says"
    with pytest.raises(SourceError, match=message):
        read_all(folder)


@pytest.mark.parametrize("name", ALL)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(SourceError, match=f"{name} can't be used: it is missing"):
        read_all(folder)


def test_a_file_that_grew(folder):
    with (folder / "user-00001.parquet").open("ab") as file:
        file.write(b"more")
    with pytest.raises(SourceError, match=r"user-00001.parquet can't be used: it has .* expected"):
        read_all(folder)


def test_a_link_in_place_of_a_file(folder, tmp_path):
    block = folder / "user-00000.parquet"
    block.rename(tmp_path / "elsewhere")
    block.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="it is a link or no plain file"):
        read_all(folder)


def test_no_right_to_read(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    store = BlockStore.open(folder)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match=r"user-00000.parquet cannot be read: Permission denied"):
        store.block(0)


def deeper(facts):
    for _ in range(40):
        facts["notices"] = [facts["notices"]]


def spoil(*path, value):
    def edit(facts):
        for key in path[:-1]:
            facts = facts[key]
        facts[path[-1]] = value

    return edit


def renamed(facts):
    facts["files"]["../../evil.parquet"] = facts["files"].pop("user-00000.parquet")


def more(name):
    return lambda facts: facts["files"].update({name: dict(facts["files"]["users.parquet"])})


HOSTILE = {
    "another format": (spoil("format", value="zip"), "it is of another format"),
    "a later version": (spoil("version", value=2), "it is of version 2; version 1 is known"),
    "another entry": (spoil("evil", value=1), "its entries are evil"),
    "no entry": (lambda facts: facts.pop("mean"), "its entries are files, held_out"),
    "no format": (lambda facts: facts.pop("format"), "no entry 'format'"),
    "a path that leaves the folder": (renamed, "it names no user-00000.parquet"),
    "a path besides": (more("../evil.parquet"), r"it names '\.\./evil.parquet', which is no file"),
    "an absolute path": (more("/etc/passwd"), "it names '/etc/passwd', which is no file"),
    "no ids": (lambda facts: facts["files"].pop("users.parquet"), "it names no users.parquet"),
    "absurd bytes": (spoil("files", "users.parquet", "bytes", value=2**70), "the size of 'users"),
    "negative bytes": (spoil("files", "users.parquet", "bytes", value=-1), "the size of 'users"),
    "absurd rows": (spoil("files", "users.parquet", "rows", value=2**40), "the rows of 'users"),
    "rows that are no number": (spoil("files", "users.parquet", "rows", value="9"), "the rows of"),
    "true for a number": (spoil("files", "users.parquet", "rows", value=True), "the rows of"),
    "no digest": (spoil("files", "users.parquet", "sha256", value="../x"), "the SHA-256 of 'users"),
    "an entry with more": (spoil("files", "users.parquet", "path", value="/"), "unexpected"),
    "a mean that is none": (spoil("mean", value="3"), "its mean is '3'"),
    "an infinite mean": (spoil("mean", value=float("inf")), "Infinity is no number"),
    "a name that is none": (spoil("name", value=3), "its name is no text"),
    "times": (spoil("timestamps", value=1), "its timestamps are not true or false"),
    "notices": (spoil("notices", value=[1]), "its notices"),
    "depth": (deeper, "it is no JSON object"),
    "a scale": (spoil("scale", value={"low": 5, "high": 1}), "A rating scale runs from"),
    "a scale of text": (spoil("scale", value={"low": "a", "high": "b"}), "its scale"),
    "a scale of true": (spoil("scale", "low", value=True), "its scale"),
    "repeats": (spoil("repeats", value={"pairs": 1}), "missing"),
    "a share": (spoil("held_out", "test", value=2.5), "held_out is"),
    "a seed": (spoil("held_out", "seed", value=-3), "held_out is"),
    "no test blocks": (lambda f: f["files"].pop("test-00001.parquet"), "it names no test-00001"),
    "sides": (lambda facts: facts["spans"].pop("item"), "its spans are not of users and items"),
    "spans of another side": (spoil("spans", "film", value=[]), "no entry 'film'"),
    "a span of text": (spoil("spans", "user", 0, value="0-9"), "user span '0-9'"),
    "a span of two": (spoil("spans", "user", 0, value=[0, 9]), r"user span \[0, 9\]"),
    "a gap": (spoil("spans", "user", 1, 0, value=176), "doesn't begin at"),
    "a step off": (spoil("spans", "user", 0, 1, value=63), "user span"),
    "spans that end early": (lambda facts: facts["spans"]["user"].pop(), "its user spans end at"),
    "no spans": (spoil("spans", "user", value=[]), "its user spans end at 0"),
    "no list": (spoil("spans", "user", value={}), "its user spans"),
    "another count": (spoil("spans", "user", 0, 2, value=3), "rows, and its span 3"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_index_is_refused(folder, kind):
    edit, message = HOSTILE[kind]
    change(folder, edit)
    with pytest.raises(SourceError, match="no index of a block store that this version") as error:
        BlockStore.open(folder)
    assert error.match(message)
    assert len(str(error.value)) < 700


def test_segments_are_kept(folder):
    def edit(facts):
        facts["spans"]["user"][0][1] = facts["spans"]["user"][1][0] = 65

    change(folder, edit)
    with pytest.raises(SourceError, match="doesn't begin at a segment's start"):
        BlockStore.open(folder)


def test_sums_that_differ(folder):
    def edit(facts):
        for j, span in enumerate(facts["spans"]["item"]):
            span[2] += 1
            facts["files"][f"item-0000{j}.parquet"]["rows"] += 1

    change(folder, edit)
    with pytest.raises(SourceError, match="users and items differ in sum"):
        BlockStore.open(folder)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_an_index_that_is_none(folder, raw):
    (folder / "index.json").write_bytes(raw)
    with pytest.raises(SourceError, match="is no index of a block store"):
        BlockStore.open(folder)


def test_an_index_without_end(folder, monkeypatch):
    monkeypatch.setattr("penchant.store.block_store.MAX_INDEX_BYTES", 100)
    with pytest.raises(SourceError, match=r"index.json can't be used: it has .* bytes where 100"):
        BlockStore.open(folder)


CONTENT = {
    "rows that descend": ({"user_row": lambda v: v[::-1]}, "its rows don't ascend from"),
    "rows of another block": ({"user_row": lambda v: v + 150}, "its rows don't ascend from"),
    "the stranger": ({"user_row": lambda v: np.append(0, v[1:])}, "don't ascend from 1 to"),
    "an item beyond": ({"item_row": lambda v: np.append(v[:-1], 900)}, "other rows aren't between"),
    "a negative item": ({"item_row": lambda v: np.append(-1, v[1:])}, "other rows aren't between"),
    "a pair twice": ({"item_row": lambda v: np.full(len(v), 3)}, "its pairs don't ascend"),
    "not finite": ({"rating": lambda v: np.append(np.nan, v[1:])}, "ratings that are not finite"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTENT)
def test_content_that_no_writer_makes(folder, kind):
    columns, message = CONTENT[kind]
    enter(folder, "user-00000.parquet", block_table(folder, "user-00000.parquet", **columns))
    with pytest.raises(SourceError, match=message):
        read_all(folder)


def test_columns_of_another_form(folder):
    table = pq.read_table(folder / "user-00000.parquet").drop_columns(["timestamp"])
    enter(folder, "user-00000.parquet", table)
    with pytest.raises(SourceError, match="its columns are user_row"):
        read_all(folder)


def test_ids_that_unfold_to_far_more_than_the_file(folder):
    """One long text, said once and meant 200 times: 40 MB of 200 kB."""
    table = pa.table({"id": ["long" * 50_000] * 200, "ratings": np.zeros(200, np.int64)})
    enter(folder, "users.parquet", table, use_dictionary=["id"])
    with pytest.raises(SourceError, match="bytes unfold to more than"):
        len(BlockStore.open(folder).user_ids)


@pytest.mark.parametrize("name", ["user-00000.parquet", "users.parquet", "item_columns.parquet"])
def test_any_bytes_are_read_or_refused(made, name, tmp_path):
    """Changed at random, digests that fit: other numbers, or an error of ours, never a crash."""
    rng, raw, refused = np.random.default_rng(5), made[name], 0
    index = json.loads(made["index.json"])
    span, rows = index["spans"]["user"][0], index["files"][name]["rows"]
    for _ in range(300):
        changed = bytearray(raw)
        for at in rng.integers(0, len(raw), rng.integers(1, 4)):
            changed[at] = rng.integers(0, 256)
        cut = int(rng.integers(0, 8 * len(raw)))
        changed = bytes(changed[:cut] + changed[cut + 9 :])
        try:
            if name.startswith("user-"):
                read_block(tmp_path, changed, "user", *span[:2], rows, 41, timed=True)
            else:
                read_table(tmp_path, changed, rows)
        except SourceError:
            refused += 1
    assert refused > 50


def test_more_rows_than_the_file_can_hold(folder):
    """A column of one value takes next to nothing: 3 million rows in some hundred bytes."""
    count = 3_000_000
    table = pa.table({"a": pa.array(np.zeros(count, np.int32))})
    pq.write_table(table, folder / "users.parquet", compression="none", use_dictionary=["a"])
    enter(folder, "users.parquet", rows=count)
    change(folder, lambda facts: facts["spans"].update(user=[[0, count + 1, 0]]))

    def edit(facts):
        for name in [*files("user")[1:], *files("test")[1:]]:
            facts["files"].pop(name)
        facts["files"]["user-00000.parquet"]["rows"] = 0
        facts["spans"]["item"] = []
        for name in files("item"):
            facts["files"].pop(name)

    change(folder, edit)
    with pytest.raises(SourceError, match="3,000,000 rows are more than"):
        len(BlockStore.open(folder).user_ids)


def test_another_number_of_rows(folder):
    enter(folder, "users.parquet", pq.read_table(folder / "users.parquet").slice(1))
    with pytest.raises(SourceError, match="it has 199 rows where the index says 200"):
        read_all(folder)


def test_a_footer_without_end(folder):
    path = folder / "users.parquet"
    raw = path.read_bytes()
    path.write_bytes(raw[:-8] + (2**31).to_bytes(4, "little") + b"PAR1")
    enter(folder, "users.parquet")
    with pytest.raises(SourceError, match="its footer is larger than"):
        read_all(folder)


def test_no_parquet_at_all(folder):
    (folder / "users.parquet").write_bytes(b"hello, world")
    enter(folder, "users.parquet")
    with pytest.raises(SourceError, match=r"users.parquet can't be used: "):
        read_all(folder)


def ids_table(folder, side):
    return pq.read_table(folder / f"{side}s.parquet")


IDS = {
    "twice": (lambda t: t.set_column(0, "id", pa.array([1] * len(t))), "199 of 200 user ids"),
    "missing": (
        lambda t: t.set_column(0, "id", pa.array([None, *range(1, len(t))], pa.int64())),
        "1 of 200 user ids are missing",
    ),
    "floats": (lambda t: t.set_column(0, "id", t["id"].cast(pa.float64())), "its columns are id"),
    "another name": (lambda t: t.rename_columns(["key", "ratings"]), "its columns are key"),
    "counts of text": (
        lambda t: t.set_column(1, "ratings", t["ratings"].cast(pa.string())),
        "its counts are string",
    ),
    "other counts": (
        lambda t: t.set_column(1, "ratings", pa.array(np.zeros(len(t), np.int64))),
        "its counts are not those of the blocks",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", IDS)
def test_ids_that_are_none(folder, kind):
    edit, message = IDS[kind]
    enter(folder, "users.parquet", edit(ids_table(folder, "user")))
    with pytest.raises(SourceError, match=message):
        read_all(folder)


def test_side_columns_of_another_length(folder):
    table = pq.read_table(folder / "item_columns.parquet").slice(1)
    enter(folder, "item_columns.parquet", table, rows=len(table))
    with pytest.raises(SourceError, match=r"item_columns.parquet can't be used: it has 40 rows"):
        read_all(folder)


def test_what_is_not_there(folder, tmp_path):
    films = pc.Ratings.from_columns([1, 2], [1, 1], [3, 4])
    store = write_blocks(films, tmp_path / "plain")
    with pytest.raises(SettingsError, match="has no copy by item"):
        store.by_item(0)
    with pytest.raises(DataError, match="holds out no ratings"):
        store.test_ratings()
    for ask in (store.block, store.test_block):
        with pytest.raises(SettingsError, match="has user blocks 0 to 0; received 5"):
            ask(5)
    with pytest.raises(SettingsError, match="has item blocks 0 to 2; received -1"):
        BlockStore.open(folder).by_item(-1)
    with pytest.raises(SourceError, match=r"is no block store: it has no index.json"):
        BlockStore.open(tmp_path)
    assert is_store(folder)
    assert not is_store(tmp_path)


def test_load_takes_a_store_for_what_it_is(folder):
    ratings = pc.load(folder, quiet=True)
    store = BlockStore.open(folder)
    assert len(ratings) == store.n_ratings
    assert ratings.notices[0] == (
        f"films: a block store, {store.n_ratings} ratings in 3 blocks; the {store.n_test} held-out "
        f"ratings stay aside; scale 1 to 5."
    )
    assert pc.load(folder, timestamps=False, quiet=True).timestamps is None
    with pytest.raises(SettingsError, match="scale= was settled when it was written"):
        pc.load(folder, scale=(1, 5))


@pytest.mark.parametrize("value", [99.0, -1.0, float("nan")])
def test_ratings_off_the_scale(folder, value):
    """A store with a rating of 99 on a scale from 1 to 5 was called sound."""

    def spoilt(values):
        values = values.copy()
        values[3] = value
        return values

    enter(folder, "user-00000.parquet", block_table(folder, "user-00000.parquet", rating=spoilt))
    with pytest.raises(SourceError, match=r"user-00000.parquet can't be used: .*(scale|finite)"):
        BlockStore.open(folder).verify()
