"""Forgetting: nothing of the user is left, and the model is as one that never knew them."""

from __future__ import annotations

import dataclasses
import json
import uuid

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.errors import UnknownIdError, UnsupportedError
from penchant.fold_in.by_posterior import encoded, user_matrix
from penchant.posterior import without_user
from penchant.solvers.gibbs import finish
from penchant.threads import Threads

GIBBS = pc.Gibbs(rank=3, sweeps=60, burn_in=20, heads=16)
WHOM = 7  # the row of the user to forget


def made(seed=1):
    """Ratings by users with UUIDs for ids, with side columns that name them too."""
    table = pc.synthetic(n_users=80, n_items=40, n_ratings=1800, factors=2, noise=0.4, seed=seed)
    random = np.random.default_rng(seed)
    names = [str(uuid.UUID(bytes=random.bytes(16))) for _ in range(len(table.user_ids))]
    columns = (np.array(names)[table.user_rows - 1], table.item_rows, table.values)
    ratings = pc.Ratings.from_columns(*columns, np.arange(len(table)) * 7_000)
    mails = [None, *(f"{name}@example.org" for name in ratings.user_ids.array.to_pylist())]
    side = pa.table({"mail": pa.array(mails).dictionary_encode()})
    return dataclasses.replace(ratings, user_table=side)


RATINGS = made()
ID = RATINGS.user_ids.ids([WHOM])[0]
OTHERS = RATINGS.take(np.flatnonzero(RATINGS.user_rows != WHOM))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    solvers = {"gibbs": GIBBS, "sgd": pc.SGD(epochs=10), "als": pc.ALS(rank=3, sweeps=4)}
    solvers["days"] = dataclasses.replace(GIBBS, contexts=("day",))
    for name, solver in solvers.items():
        model = pc.MatrixFactorization(factors=12, solver=solver, seed=0)
        model.fit(RATINGS, progress=False).save(folder / name)
    return folder


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("name", ["gibbs", "days", "als", "sgd"])
def test_no_byte_of_the_id_is_left(bundles, tmp_path, name):
    texts = [ID.encode(), ID.encode("utf-16-le"), ID.encode("utf-16-be"), uuid.UUID(ID).bytes]
    found = b"".join(bytes_of(bundles / name).values())
    assert ID.encode() in found  # in ids and in the mail: the test can see them
    model = pc.open(bundles / name)
    receipt = model.forget(ID)
    model.save(tmp_path / "after")
    for file, content in bytes_of(tmp_path / "after").items():
        for text in texts:
            assert text not in content, file
    assert ID not in json.dumps(receipt.to_json()) + str(receipt) + repr(receipt)
    before, after = (
        json.loads((folder / "card.json").read_bytes())["data"]["fingerprint"]
        for folder in (bundles / name, tmp_path / "after")
    )
    assert before != after


@pytest.mark.parametrize("name", ["gibbs", "als", "sgd"])
def test_the_id_is_a_strangers_and_the_others_keep_theirs(bundles, name):
    model = pc.open(bundles / name)
    model.forget(ID)
    known = model.knowledge
    items = RATINGS.item_ids.array.to_pylist()
    np.testing.assert_array_equal(model.predict(ID, items), model.predict("nobody", items))
    assert known.user_ids.array.to_pylist() == [
        one for one in RATINGS.user_ids.array.to_pylist() if one != ID
    ]
    assert len(model.trained.user_bias) == 80
    assert sorted(zip(known.ratings.users, known.ratings.items, strict=True)) == sorted(
        zip(OTHERS.users, OTHERS.items, strict=True)
    )
    other = RATINGS.user_ids.ids([60])[0]
    at = known.user_ids.row(other)
    assert known.user_table["mail"][at].as_py() == f"{other}@example.org"
    assert known.user_counts[at] == (RATINGS.user_rows == 60).sum()
    assert len(model.recommend(other, 40)) == 40 - known.user_counts[at]
    model.add_ratings([ID], [items[0]], [RATINGS.scale.high])  # and may come back, as anyone
    assert model.knowledge.user_ids.row(ID) == 80


def test_the_receipt(bundles):
    model = pc.open(bundles / "gibbs")
    receipt = model.forget(ID)
    n = int((RATINGS.user_rows == WHOM).sum())
    assert (receipt.ratings, receipt.items) == (n, n)
    assert receipt.users > 60
    assert set(receipt.before) == set(receipt.after) >= {"item_factors", "posterior.items.draws"}
    for array in ("user_factors", "item_factors", "posterior.items.draws"):
        assert receipt.before[array] != receipt.after[array]
    assert receipt.before["posterior.users.mean"] == receipt.after["posterior.users.mean"]
    assert receipt.when.endswith("+00:00")
    assert len(receipt.remains) == 2
    assert f"{n} ratings, the user's row and id" in str(receipt)
    assert json.loads(json.dumps(receipt.to_json()))["items"] == n
    with pytest.raises(dataclasses.FrozenInstanceError):
        receipt.ratings = 0
    again = pc.open(bundles / "gibbs").forget(ID)
    assert dict(again.after) == dict(receipt.after)  # the same bits each time


def test_the_columns_of_the_user_are_gone(bundles):
    model = pc.open(bundles / "gibbs")
    before = model.posterior
    model.forget(ID)
    after = model.posterior
    np.testing.assert_array_equal(
        after.items.weights, np.delete(before.items.weights, WHOM, axis=1)
    )
    np.testing.assert_array_equal(after.users.draws, np.delete(before.users.draws, WHOM, axis=1))
    np.testing.assert_array_equal(
        after.noise.user_weights, np.delete(before.noise.user_weights, WHOM)
    )


def test_it_says_what_a_solver_without_posterior_keeps(bundles):
    model = pc.open(bundles / "sgd")
    items = model.trained.item_factors
    receipt = model.forget(ID)
    assert receipt.items == 0
    assert "only a new training ends that" in str(receipt)
    np.testing.assert_array_equal(model.trained.item_factors, items)


def predictions(model):
    return model.predict(OTHERS.users, OTHERS.items)


def distance(one, other):
    return float(np.sqrt(np.mean((predictions(one) - predictions(other)) ** 2)))


def test_it_is_near_a_model_that_never_knew_the_user(bundles):
    fits = [
        pc.MatrixFactorization(factors=12, solver=GIBBS, seed=seed).fit(OTHERS, progress=False)
        for seed in (0, 1)
    ]
    model = pc.open(bundles / "gibbs")
    before = distance(model, fits[0])
    model.forget(ID)
    assert distance(model, fits[0]) < before
    assert distance(model, fits[0]) < distance(*fits)


def test_where_no_draws_are_kept_means_serve(bundles, monkeypatch):
    monkeypatch.setattr(finish, "DRAWS_KEPT", 0)
    model = pc.MatrixFactorization(factors=12, solver=GIBBS, seed=0).fit(RATINGS, progress=False)
    assert not model.posterior.users.draws.size
    kept = pc.open(bundles / "gibbs")
    model.forget(ID)
    kept.forget(ID)
    assert 0 < distance(model, kept) < 0.03
    model.add_ratings(["new"], [RATINGS.items[0]], [RATINGS.scale.high])
    model.refresh(1)


def test_where_nothing_is_taken_out_nothing_changes(bundles):
    model = pc.open(bundles / "gibbs")
    posterior, state = model.posterior, model.predictor.state
    items = {}
    for row in (1, 5, 9):
        rated = state.ledger.of_item(row)
        none = np.zeros(len(rated.rows), dtype=bool)
        deviations = rated.values - np.float32(posterior.mean)
        items[row] = without_user.Ratings(rated.rows, deviations, none, np.zeros(0, np.float32))
    nobody = user_matrix(posterior, [], np.zeros(0, np.int32), 41)
    columns = encoded(posterior.users.encoder, None, np.zeros(0, np.int32))
    with Threads(2) as threads:
        after, Q = without_user.without_ratings(
            posterior, model.trained.item_factors, items, (nobody, columns), threads
        )
    np.testing.assert_allclose(after.items.draws, posterior.items.draws, atol=1e-5)
    np.testing.assert_allclose(Q, model.trained.item_factors, atol=1e-5)


def test_a_newcomer_leaves_no_trace(bundles):
    model = pc.open(bundles / "gibbs")
    before = {name: array.copy() for name, array in model.trained.arrays().items()}
    model.add_ratings(["new", "new"], RATINGS.items[:2], [RATINGS.scale.high] * 2)
    receipt = model.forget("new")
    assert (receipt.ratings, receipt.items, receipt.users) == (2, 0, 0)
    for name, array in model.trained.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_ratings_that_training_never_saw_are_not_taken_out_of_the_draws(bundles):
    model = pc.open(bundles / "gibbs")
    rated = set(RATINGS.item_rows[RATINGS.user_rows == WHOM].tolist())
    extra = next(row for row in range(1, 41) if row not in rated)
    draws = model.posterior.items.draws[:, extra].copy()
    model.add_ratings([ID], RATINGS.item_ids.ids([extra]), [RATINGS.scale.low])
    receipt = model.forget(ID)
    assert (receipt.ratings, receipt.items) == (len(rated) + 1, len(rated))
    np.testing.assert_array_equal(model.posterior.items.draws[:, extra], draws)


def test_ratings_removed_before_are_taken_out_of_the_draws(bundles):
    plain, model = pc.open(bundles / "gibbs"), pc.open(bundles / "gibbs")
    item = RATINGS.items[int(np.flatnonzero(RATINGS.user_rows == WHOM)[0])]
    model.remove_ratings([ID], [item])
    model.forget(ID)
    plain.forget(ID)
    np.testing.assert_array_equal(model.posterior.items.draws, plain.posterior.items.draws)
    assert distance(model, plain) == 0


def test_items_that_only_the_user_brought_go_too(bundles):
    model = pc.open(bundles / "gibbs")
    model.add_ratings([ID, ID], [9001, 9002], [3.0, 3.0])
    model.add_ratings(["other"], [9002], [3.0])
    model.forget(ID)
    assert model.knowledge.item_ids.array.to_pylist()[-1] == 9002
    assert model.knowledge.item_counts[-1] == 1
    model.remove_ratings(["other"], [9002])
    assert len(model.knowledge.item_ids) == 40


def test_all_but_one_can_be_forgotten():
    few = pc.Ratings.from_columns([1, 1, 2, 2], [1, 2, 1, 2], [1, 5, 2, 4])
    model = pc.MatrixFactorization(factors=2, solver=pc.Gibbs(rank=2, sweeps=6, burn_in=2))
    model.fit(few, progress=False).forget(1)
    assert np.isfinite(model.predict(2, [1, 2])).all()
    with pytest.raises(UnsupportedError, match="only user"):
        model.forget(2)
    with pytest.raises(UnknownIdError, match="knows no user 1"):
        model.forget(1)
