"""Forgetting: no answer, no event, no file that is kept holds the user afterwards."""

import json
import shutil
import sqlite3

import pytest
from tests.serve.waiting import until

import penchant as pc
from penchant.errors import BundleError, ConflictError, UnknownIdError, UnsupportedError
from penchant.serve import Rating, Receipt, Service, receipts
from penchant.serve.log import database
from penchant.serve.service import forgetting

NAME = "Zsófia-4711"


@pytest.fixture(scope="module")
def named_model():
    """A model whose users are named by texts; one of them is to be forgotten."""
    table = pc.synthetic(n_users=30, n_items=20, n_ratings=400, factors=2, noise=0.4, seed=1)
    users = [NAME if user == 1 else f"user {user}" for user in table.users]
    items = [f"item {item}" for item in table.items]
    ratings = pc.Ratings.from_columns(users, items, table.values, scale=(1, 5))
    solver = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
    return pc.MatrixFactorization(factors=4, solver=solver, seed=0).fit(ratings, progress=False)


@pytest.fixture
def films(named_model, tmp_path):
    named_model.save(tmp_path / "films.penchant")
    return tmp_path / "films.penchant"


def files_that_hold(folder, name):
    """The files in which a name stands, in UTF-8 or as JSON writes it."""
    forms = [name.encode(), json.dumps(name)[1:-1].encode()]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file.name for file in files if any(form in file.read_bytes() for form in forms)]


def knows(service, user):
    with service.reading() as model:
        return bool(model.knowledge.user_ids.rows([user])[0])


def test_no_file_holds_the_user(films, same, tables):
    with Service.open(films) as service, Service.open(films) as other:
        for item in range(3):
            service.rate([Rating(NAME, f"item {item}", 5.0), Rating("new", f"item {item}", 2.0)])
            service.compact()
        service.rate([Rating(NAME, "item 9", 1.0)], key="k")
        assert {"users.arrow", "events.sqlite-wal"} <= set(files_that_hold(films.parent, NAME))
        receipt = service.forget(NAME, key="forget")
        assert files_that_hold(films.parent, NAME) == []
        assert receipt.events == 4
        assert receipt.ratings > 4
        assert receipt.rewritten == ("0004", "0003", "0002", str(films))
        assert receipt.deleted == ()
        assert "backups" in receipt.remains[-1]
        assert NAME not in str(receipt.to_json())
        assert service.forget(NAME, key="forget") == receipt
        with pytest.raises(ConflictError, match="another body"):
            service.forget("new", key="forget")
        with pytest.raises(UnknownIdError, match="knows a user"):
            service.forget(NAME)
        until(lambda: not knows(other, NAME))
        assert not knows(service, NAME)
        service.rate([Rating("new", "item 9", 1.0)])
        until(lambda: other.status().position == service.status().position)
        assert same(tables(other), tables(service))
    with Service.open(films) as again:  # the given bundle is still the one that it was
        assert again.status().active == "0004"
        assert again.rate([Rating(NAME, "item 1", 3.0)]).users == 1  # may come back, as a stranger


def test_a_user_that_only_the_log_or_an_old_bundle_knows(films):
    with Service.open(films) as service:
        service.rate([Rating("guest", "item 1", 5.0)])
        service.compact()
        service.unrate([("guest", "item 1")])
        receipt = service.forget("guest")
        assert (receipt.ratings, receipt.events, receipt.rewritten) == (0, 2, ("0002",))
        assert files_that_hold(films.parent, "guest") == []
        with pytest.raises(UnknownIdError, match="a user 'nobody'"):
            service.forget("nobody")
        with pytest.raises(UnknownIdError, match="a user 5"):
            service.forget(5)


def test_a_bundle_that_cannot_forget_is_deleted(films, named_model):
    with Service.open(films) as service:
        named_model.save(service._models.place("old"), ratings=False)
        shutil.copytree(films, service._models.place("damaged"))
        (service._models.place("damaged") / "weights.safetensors").unlink()
        receipt = service.forget(NAME)
        assert [told.partition(":")[0] for told in receipt.deleted] == ["damaged", "old"]
        assert files_that_hold(films.parent, NAME) == []
        assert [info.name for info in service.models()] == ["0001"]


def test_a_model_that_cannot_forget_says_so(tmp_path, named_model):
    named_model.save(tmp_path / "films.penchant", ratings=False)
    told = pytest.raises(UnsupportedError, match="saved without them")
    with Service.open(tmp_path / "films.penchant") as service, told:
        service.forget(NAME)
    assert files_that_hold(tmp_path / "films.penchant", NAME)


def test_what_was_broken_off_is_finished(films, monkeypatch):
    def killed(*_):
        raise BundleError("films was not written: no space left on device")

    with Service.open(films) as service:
        service.rate([Rating(NAME, "item 1", 5.0)])
        with monkeypatch.context() as patched:
            patched.setattr(forgetting, "_without", killed)
            service._watch.stop()
            with pytest.raises(BundleError, match="no space"):
                service.forget(NAME, key="k")
        with service.reading() as model, pytest.raises(UnknownIdError):
            model.knowledge.user_ids.row(NAME)
        service.rate([Rating(NAME, "item 2", 4.0)])  # comes back as a stranger, and stays
    with Service.open(films) as again:
        with again.reading() as model:
            assert model.knowledge.rated(model.knowledge.user_ids.row(NAME)).size == 1
        until(lambda: not again._live.view.head.forgetting)
        assert again._live.log.head().forgetting == ()
        assert NAME.encode() not in (films / "users.arrow").read_bytes()
        assert NAME.encode() not in (again._models.place("0001") / "users.arrow").read_bytes()
    with Service.open(films) as last:
        with last.reading() as model:
            assert model.knowledge.rated(model.knowledge.user_ids.row(NAME)).size == 1
        assert last.status().active == "0001"


def test_a_retry_goes_on_where_it_was_broken_off(films, monkeypatch):
    with Service.open(films) as service:
        service._watch.stop()
        with monkeypatch.context() as patched:
            patched.setattr(forgetting, "_without", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                service.forget(NAME, key="k")
        receipt = service.forget(NAME, key="k")
        assert receipt.ratings > 4
        assert receipt.rewritten == ("0001", str(films))
        assert service.forget(NAME, key="k") == receipt


def test_a_receipt_survives_json():
    receipt = Receipt("2030-01-01T00:00:00+00:00", ratings=3, rewritten=("0001",), id="a")
    assert Receipt.from_json(receipt.to_json()) == receipt


def read_only(*_):
    raise OSError(30, "no")


def test_who_comes_back_while_bundles_are_to_be_cleaned_stays(films, monkeypatch):
    """A bundle that was saved since holds what the user said since, and no more."""
    with Service.open(films, compact_after=None) as service:
        service._watch.stop()
        with monkeypatch.context() as patched:
            patched.setattr(forgetting, "_source_without", read_only)
            receipt = service.forget(NAME)
        assert receipt.open == (f"{films}, which could not be rewritten: [Errno 30] no",)
        service.rate([Rating(NAME, "item 2", 4.0)])
        service.compact()
        with Service.open(films, compact_after=None) as other, other.reading() as model:
            assert model.knowledge.rated(model.knowledge.user_ids.row(NAME)).size == 1
            until(lambda: not other.receipt(receipt.id).open)
    assert files_that_hold(films, NAME) == []
    with Service.open(films) as again, again.reading() as model:
        assert again.receipt(receipt.id).rewritten == ("0001", str(films))
        assert model.knowledge.rated(model.knowledge.user_ids.row(NAME)).size == 1


def test_a_reader_keeps_the_files_and_they_are_cleaned_when_it_leaves(films, monkeypatch):
    """It was told that this is to be tried again, and nobody did."""
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    with Service.open(films) as service:
        service.rate([Rating(NAME, "item 1", 5.0)])
        reader = sqlite3.connect(films.with_name("films.penchant.serving") / "events.sqlite")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events").fetchall()
        receipt = service.forget(NAME, key="k")
        assert receipt.open == (receipts.FILES,)
        assert service.forget(NAME, key="k") == receipt  # no better certificate than the first
        assert service.receipt(receipt.id) == receipt
        assert files_that_hold(films.parent, NAME) == ["events.sqlite-wal"]
        until(lambda: "another process reads it" in str(service.status().problems))
        reader.close()
        until(lambda: not service.receipt(receipt.id).open)
        assert files_that_hold(films.parent, NAME) == []
        assert service.forget(NAME, key="k") == service.receipt(receipt.id)
        until(lambda: not service.status().problems)
        with pytest.raises(UnknownIdError, match="There is no receipt 'none'"):
            service.receipt("none")


def test_receipts_are_bounded(service, monkeypatch):
    monkeypatch.setattr(receipts, "KEPT", 2)
    made = []
    for n in range(3):
        service.rate([Rating(f"guest {n}", "item 1", 3.0)])
        made.append(service.forget(f"guest {n}").id)
    assert service.receipt(made[2]).id == made[2]
    with pytest.raises(UnknownIdError, match="the last 2 are kept"):
        service.receipt(made[0])
