"""Tables in memory as block stores."""

import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penchant as pc
from penchant.blocks.write import write_blocks
from penchant.errors import DataError, SettingsError, SourceError
from penchant.ratings import Ratings
from penchant.store import BlockStore, segment_rows


def sorted_table(ratings):
    order = np.lexsort((ratings.item_rows, ratings.user_rows))
    return ratings.take(order)


def assert_same(ratings, other):
    for name in ("user_rows", "item_rows", "values", "timestamps"):
        ours, theirs = getattr(ratings, name), getattr(other, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
    for side in ("user", "item"):
        assert getattr(ratings, f"{side}_ids").array == getattr(other, f"{side}_ids").array
        table = getattr(other, f"{side}_table")
        assert (getattr(ratings, f"{side}_table") is None) == (table is None)
        assert table is None or getattr(ratings, f"{side}_table").equals(table)
    assert ratings.scale == other.scale
    assert ratings.repeats == other.repeats


def test_a_store_holds_the_table(films, tmp_path):
    store = write_blocks(films, tmp_path / "films", blocks=5, by_item=True)
    assert_same(store.ratings(), sorted_table(films))
    assert store.mean == films.mean
    assert (store.n_ratings, len(store), store.n_test) == (3000, 3000, 0)
    assert (store.n_users, store.n_items) == (400, 90)
    assert store.has_timestamps
    assert store.name == films.name
    assert store.verify() > 0
    assert repr(store) == (
        "BlockStore(3,000 ratings, 400 users, 90 items, blocks: 5 and 5 by item, scale 1 to 5)"
    )
    assert not len(store.test_block(0))
    np.testing.assert_array_equal(
        store.user_counts, np.bincount(films.user_rows, minlength=films.user_ids.size)
    )
    np.testing.assert_array_equal(
        store.item_counts, np.bincount(films.item_rows, minlength=films.item_ids.size)
    )


def test_the_copy_by_item_is_the_same_table(films, tmp_path):
    store = write_blocks(films, tmp_path / "films", blocks=4, by_item=True, test=0.3, seed=8)
    blocks = [store.by_item(j) for j in range(len(store.item_spans))]
    triples = {
        (user, item, value, time)
        for block in blocks
        for user, item, value, time in zip(
            block.indices, block.rows, block.values, block.timestamps, strict=True
        )
    }
    table = store.ratings()
    assert triples == set(
        zip(table.user_rows, table.item_rows, table.values, table.timestamps, strict=True)
    )
    for block in blocks:
        same = block.rows[1:] == block.rows[:-1]
        assert (np.diff(block.indices)[same] > 0).all()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_gives_the_same_table(data, tmp_path):
    n_users, n_items = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 20))
    count = data.draw(st.integers(1, n_users * n_items))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    pairs = rng.permutation(n_users * n_items)[:count]
    table = Ratings.from_columns(pairs % n_users, pairs // n_users, rng.integers(1, 6, count))
    blocks = data.draw(st.integers(1, 9))
    place = tmp_path / str(len(list(tmp_path.iterdir())))
    store = write_blocks(table, place, blocks=blocks, by_item=data.draw(st.booleans()))
    assert_same(store.ratings(), sorted_table(table))
    assert len(store.user_spans) <= blocks
    assert store.segment == segment_rows(n_users + 1)
    assert all(span.start % store.segment == 0 for span in store.user_spans)
    edges = [(span.start, span.stop) for span in store.user_spans]
    assert [start for start, _ in edges] == [0] + [stop for _, stop in edges[:-1]]
    assert edges[-1][1] == table.user_ids.size
    store.verify()


def test_blocks_are_balanced_by_ratings(films, tmp_path):
    store = write_blocks(films, tmp_path / "films", ratings_per_block=500)
    sizes = [span.ratings for span in store.user_spans]
    assert len(sizes) == 6
    assert max(sizes) < 2 * min(sizes)


def test_held_out_ratings_are_those_of_the_split(films, tmp_path):
    store = write_blocks(films, tmp_path / "films", blocks=3, test=0.2, seed=7)
    train, test = pc.split(films, test=0.2, how="pair", seed=7)
    assert_same(store.ratings(), sorted_table(train))
    assert_same(store.test_ratings(), sorted_table(test))
    assert store.n_test == len(test)
    assert store.mean == train.mean
    assert "held out" in repr(store)


def test_a_store_travels_as_its_path(films, tmp_path):
    store = write_blocks(films, tmp_path / "films")
    raw = pickle.dumps(store)
    assert len(raw) < 300
    assert pickle.loads(raw).fingerprint == store.fingerprint


def test_the_fingerprint_is_of_the_data_and_the_cut(films, tmp_path):
    one = write_blocks(films, tmp_path / "one", blocks=3)
    assert write_blocks(films, tmp_path / "two", blocks=3).fingerprint == one.fingerprint
    assert write_blocks(films, tmp_path / "cut", blocks=2).fingerprint != one.fingerprint
    less = films.take(np.arange(2999))
    assert write_blocks(less, tmp_path / "less", blocks=3).fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"blocks": 0}, "blocks must be a whole number of at least 1"),
        ({"ratings_per_block": 0}, "ratings_per_block must be a whole number"),
        ({"blocks": 2, "ratings_per_block": 5}, "not both"),
        ({"test": 1.0}, "test is below 1, seed below 2⁶⁴"),
        ({"test": -0.2}, "test must be a number above 0"),
        ({"test": 0.2, "seed": -1}, "seed must be a whole number"),
    ],
)
def test_settings_that_make_no_sense(films, tmp_path, given, message):
    with pytest.raises(SettingsError, match=message):
        write_blocks(films, tmp_path / "films", **given)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(films, tmp_path):
    (tmp_path / "films").mkdir()
    with pytest.raises(SettingsError, match="is there already, and nothing is overwritten"):
        write_blocks(films, tmp_path / "films")
    with pytest.raises(SettingsError, match="There is no folder"):
        write_blocks(films, tmp_path / "none" / "films")


def test_a_part_that_comes_out_empty_is_refused(tmp_path):
    few = Ratings.from_columns([1, 2], [1, 1], [3, 4])
    with pytest.raises(DataError, match="leaves 2 ratings to train on and 0 to test with"):
        write_blocks(few, tmp_path / "few", test=1e-6)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(films, small_disk):
    disk = small_disk("64k")
    with pytest.raises(SourceError, match=r"The disk is full: .*films isn't written. Make room"):
        write_blocks(films, disk / "films", blocks=4, by_item=True)
    assert not list(disk.iterdir())


def test_opening_reads_only_the_index(films, tmp_path):
    place = write_blocks(films, tmp_path / "films", blocks=2).folder
    for file in place.glob("*.parquet"):
        file.unlink()
    assert BlockStore.open(place).n_ratings == 3000
