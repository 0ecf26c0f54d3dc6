"""A recommender trained on a block store is one like any other."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import penchant as pc
from penchant.blocks.write import write_blocks
from penchant.errors import DataError, SettingsError, SourceError, UnsupportedError
from penchant.recommender.recommend_blocks import recommend_blocks

ALS = pc.ALS(rank=4, sweeps=4)
COUNTED = pc.ALS(rank=4, sweeps=4, scaling="count", l2=0.25, l2_bias=0.1)
GIBBS = pc.Gibbs(rank=4, sweeps=6, burn_in=2, heads=3)


def world():
    ratings = pc.synthetic(n_users=120, n_items=40, n_ratings=2500, factors=2, noise=0.4, seed=2)
    titles = [None, *(f"Film {n}" for n in ratings.item_ids.ids(range(1, 41)))]
    kinds = [None, *(["film", "series"] * 20)]
    return dataclasses.replace(ratings, item_table=pa.table({"title": titles, "kind": kinds}))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores") / "films"
    return write_blocks(world(), folder, blocks=3, test=0.1, seed=1)


def trained(store, solver=ALS, **more):
    model = pc.MatrixFactorization(factors=5, solver=solver, seed=1)
    return model.fit(store, progress=False, **more)


@pytest.fixture(scope="module")
def model(store):
    return trained(store)


@pytest.mark.parametrize("solver", [ALS, COUNTED, GIBBS])
@pytest.mark.parametrize("ratings", [True, False])
def test_saved_and_opened_it_answers_the_same(store, solver, ratings, tmp_path):
    model = trained(store, solver)
    model.save(tmp_path / "films.penchant", ratings=ratings)
    opened = pc.open(tmp_path / "films.penchant")
    test = store.test_ratings()
    pairs = test.users, test.items
    np.testing.assert_array_equal(opened.predict(*pairs), model.predict(*pairs))
    assert opened.knowledge.fingerprint == store.fingerprint
    assert opened.history.records[-1] == model.history.records[-1]
    user = test.users[0]
    if ratings:
        assert list(opened.recommend(user, n=3)) == list(model.recommend(user, n=3))
        if solver is not COUNTED:
            both = opened.predict(*pairs, interval=0.9), model.predict(*pairs, interval=0.9)
            np.testing.assert_array_equal(both[0].low, both[1].low)
    else:
        assert len(opened.recommend(user, n=3, exclude_rated=False)) == 3


def test_what_a_user_rated_is_read_from_the_block(store, model):
    ratings = store.ratings()
    for row in (0, 1, 63, 120):
        rated = np.sort(ratings.item_rows[ratings.user_rows == row])
        np.testing.assert_array_equal(model.knowledge.rated(row), rated)


@pytest.mark.parametrize("solver", [ALS, GIBBS])
def test_a_user_s_row_is_the_row_of_that_user_s_ratings(store, solver):
    model = trained(store, solver)
    ratings = store.ratings()
    mine = ratings.take(np.flatnonzero(ratings.user_rows == 5))
    side = model.posterior.users.encoder.encode(store.user_table, 121).toarray()[5]
    solved = model.posterior.row(mine.item_rows, mine.values, side.astype(np.float32))
    np.testing.assert_allclose(solved.factors, model.trained.user_factors[5], atol=2e-5)


@pytest.mark.parametrize("solver", [ALS, COUNTED, GIBBS])
def test_it_lives_on(store, solver):
    model = trained(store, solver)
    user, items = store.user_ids.ids([3])[0], store.item_ids.ids([1, 2])
    told = model.explain(user, items[0])
    assert sum(term.share for term in told.terms) == pytest.approx(told.prediction, abs=1e-4)
    model.add_ratings([10**6], items[:1], [4.0])
    assert len(model.recommend(10**6, n=3)) == 3
    model.forget(user)
    if solver is COUNTED:
        assert model.posterior is None
    else:
        assert len(model.interview(2)) == 2


@pytest.mark.parametrize("solver", [ALS, COUNTED])
def test_the_scores_of_the_held_out_ratings_are_those_that_the_history_tells(store, solver):
    model = trained(store, solver)
    scores = model.evaluate(store.test_ratings())
    told = model.history.records[-1]["network_watch_rmse"]
    assert scores.rmse == pytest.approx(told, abs=1e-6)


def test_a_stopped_fit_goes_on(store, model, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(record):
        if record["sweep"] == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        trained(store, resume=tmp_path, callbacks=[stop])
    seen = []
    again = trained(store, resume=tmp_path, callbacks=[seen.append])
    assert [record["sweep"] for record in seen] == [3, 4]
    for name, array in model.trained.arrays().items():
        np.testing.assert_array_equal(again.trained.arrays()[name], array, err_msg=name)


def test_a_state_at_a_url(store, tmp_path):
    url = f"memory://from-blocks-{tmp_path.name}/state"
    trained(store, resume=url)
    seen = []
    trained(store, resume=url, callbacks=[seen.append])
    assert not seen


def test_progress_tells_the_memory(store, capfd):
    pc.MatrixFactorization(factors=5, solver=ALS).fit(store, engine="threads", threads=1)
    assert "GiB" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"validation": 0.1}, "leave validation and watch out"),
        ({"watch": world()}, "leave validation and watch out"),
        ({"engine": "spark"}, "engine must be one of"),
        ({"callbacks": 3}, "callbacks must be a list"),
    ],
)
def test_what_a_store_is_not_trained_with(store, given, message):
    with pytest.raises(SettingsError, match=message):
        trained(store, **given)


def test_ratings_in_memory_take_no_engine():
    with pytest.raises(SettingsError, match="engine= says where the blocks of a store"):
        trained(world(), engine="threads")


# Lists for all users


@pytest.mark.parametrize("settings", [{}, {"exclude_rated": False, "min_ratings": 20}])
def test_lists_from_blocks_are_those_of_recommend_all(store, model, settings, tmp_path):
    paths = recommend_blocks(model, store, tmp_path / "lists", n=4, **settings)
    assert [path.name for path in paths] == [f"part-{n:05}.parquet" for n in range(3)]
    made = pa.concat_tables([pq.read_table(path) for path in paths])
    wanted = model.recommend_all(4, progress=False, **settings)
    assert made.column_names == ["user", "item", "rank", "rating"]
    assert made["user"].to_pylist() == wanted["user"].to_pylist()
    assert made["item"].to_pylist() == wanted["item"].to_pylist()
    assert made["rank"].to_pylist() == wanted["rank"].to_pylist()
    np.testing.assert_array_equal(made["rating"].to_numpy(), wanted["rating"].to_numpy())


def test_lists_are_of_the_model_s_own_store(store, model, tmp_path):
    other = write_blocks(world(), tmp_path / "other", blocks=2, seed=1)
    with pytest.raises(DataError, match="was trained on other ratings"):
        recommend_blocks(model, other, tmp_path)


@pytest.mark.parametrize(
    ("solver", "where"), [(pc.SGD(epochs=1), lambda store: world()), (COUNTED, lambda store: store)]
)
def test_lists_need_a_posterior(store, solver, where, tmp_path):
    model = pc.MatrixFactorization(factors=3, solver=solver)
    model.fit(where(store), progress=False)
    with pytest.raises(UnsupportedError, match="need a model of solver='als'"):
        recommend_blocks(model, store, tmp_path)


def test_lists_that_cannot_be_written(store, model, tmp_path):
    (tmp_path / "part-00001.parquet").mkdir()
    (tmp_path / "part-00001.parquet" / "in the way").touch()
    with pytest.raises(SourceError, match=r"part-00001\.parquet can't be written"):
        recommend_blocks(model, store, tmp_path, progress=False)


def test_a_damaged_block_is_named(store, model, tmp_path, monkeypatch):
    block = store.user_spans and store.folder / "user-00002.parquet"
    content = block.read_bytes()
    try:
        block.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(SourceError, match=r"user-00002\.parquet"):
            recommend_blocks(model, store, tmp_path, progress=False)
    finally:
        block.write_bytes(content)
