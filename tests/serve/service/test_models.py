"""The models that a server keeps: compaction, activation, rolling back; damaged ones beside."""

import shutil

import pytest
from tests.serve.waiting import until

import penchant as pc
from penchant.errors import (
    BundleError,
    DataError,
    UnavailableError,
    UnknownIdError,
    UnsupportedError,
)
from penchant.serve import Rating, Service
from penchant.serve.service.models import copied


def shelf(films):
    return films.parent / "films.penchant.serving" / "models"


def trained_again(small_model, films, seed=7):
    """Put a newly trained model in the place of the first one."""
    ratings = small_model.knowledge.ratings
    solver = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
    model = pc.MatrixFactorization(factors=4, solver=solver, seed=seed)
    model.fit(ratings, progress=False).save(films, overwrite=True)


def damage(folder):
    """Change one byte in the middle of the weights."""
    file = folder / "weights.safetensors"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def test_compaction_changes_no_answer_and_shortens_the_replay(films, service, tables, same):
    service.rate([Rating(1, 2, 5.0), Rating(801, 3, 2.0), Rating(802, 950, 4.0)])
    before = tables(service)
    info = service.compact()
    assert (info.name, info.position, info.active, info.problem) == ("0002", 3, True, None)
    assert info.kind == "matrix_factorization"
    assert info.scores["train_rmse"] < 1
    assert same(tables(service), before)
    assert service.status().events == 0
    assert service.compact() == info  # nothing came since
    service.rate([Rating(802, 3, 1.0)])
    with Service.open(films) as again:
        assert same(tables(again), tables(service))
        assert (again.status().events, again.status().active) == (1, "0002")


def test_superseded_events_leave_the_log(service, films, tables, same):
    for value in (1.0, 2.0, 3.0):
        service.rate([Rating(1, 2, value)])
    service.rate([Rating(1, 3, 4.0)])
    service.compact()
    assert dict(service._log.since(0)[1]).keys() == {(1, 2), (1, 3)}
    with service._log.database.reading() as connection:
        left = connection.exec_driver_sql("SELECT position FROM events ORDER BY 1").scalars().all()
    assert left == [3, 4]
    service.activate("0001")  # all that is left is put into the first bundle again
    with service.reading() as model:
        assert model.knowledge.rated(model.knowledge.user_ids.row(1)).size
    assert service.rate([Rating(1, 4, 4.0)]).position == 5  # a position never comes twice


def test_so_many_are_kept_and_the_active_one(service, films):
    for item in range(2, 7):
        service.rate([Rating(1, item, 5.0)])
        service.compact()
    assert [info.name for info in service.models()] == ["0006", "0005", "0004"]
    assert sorted(p.name for p in shelf(films).iterdir()) == ["0004", "0005", "0006"]
    service.activate("0004")
    service.rate([Rating(2, 2, 5.0)])
    service.compact()
    assert [info.name for info in service.models()] == ["0007", "0006", "0005"]


def test_activation_and_rolling_back_keep_what_was_written(small_model, films, tables, same):
    with Service.open(films) as service:
        service.rate([Rating(801, 3, 2.0)])
    trained_again(small_model, films)
    with Service.open(films) as service, Service.open(films) as other:
        assert service.status().active == "0002"
        second = tables(service)
        service.rate([Rating(801, 4, 5.0)])
        info = service.roll_back()
        assert (info.name, info.active) == ("0001", True)
        assert [i.active for i in service.models()] == [False, True]
        assert not same(tables(service), second)
        for one in (service, other):
            until(lambda one=one: one.status().active == "0001" and one.status().position == 2)
            with one.reading() as model:
                assert len(model.knowledge.rated(model.knowledge.user_ids.row(801))) == 2
        assert same(tables(service), tables(other))
        with pytest.raises(UnknownIdError, match="No model is kept that is older than 0001"):
            service.roll_back()
        service.activate("0002")
        service.activate("0002")
        assert service.status().active == "0002"
    with Service.open(films) as service:  # the given bundle is known: nothing changes
        assert service.status().active == "0002"


def test_a_bundle_that_was_put_there_can_be_activated(small_model, films, service):
    service.rate([Rating(801, 3, 2.0)])
    small_model.save(shelf(films) / "by-hand")
    assert "by-hand" in [info.name for info in service.models()]
    assert service.activate("by-hand").active
    with service.reading() as model:
        assert model.knowledge.user_ids.row(801)
    with pytest.raises(UnknownIdError, match=r"no model '\.\./films'; there are: by-hand, 0001"):
        service.activate("../films")


def test_a_damaged_bundle_is_told_and_refused(small_model, films, service, tables, same):
    trained_again(small_model, shelf(films) / "bad")
    damage(shelf(films) / "bad")
    (shelf(films) / "empty").mkdir()
    told = {info.name: info.problem for info in service.models()}
    assert told["0001"] is None
    assert "SHA-256 does not match" in told["bad"]
    assert "No such file" in told["empty"]
    before = tables(service)
    for name in ("bad", "empty"):
        with pytest.raises(BundleError, match=name):
            service.activate(name)
    assert same(tables(service), before)
    assert service.status().active == "0001"
    service.rate([Rating(1, 2, 3.0)])


def test_a_model_that_the_log_doesnt_fit_is_refused(films, service):
    service.rate([Rating(801, 3, 2.0)])
    ratings = pc.Ratings.from_columns(["a", "b", "a"], [1, 1, 2], [5, 1, 4])
    pc.MatrixFactorization(factors=2, solver=pc.Bias()).fit(ratings, progress=False).save(
        shelf(films) / "other-ids"
    )
    with pytest.raises(DataError, match=r"log don't fit model other-ids: .*801 is of type int"):
        service.activate("other-ids")
    assert service.status().active == "0001"


def test_a_damaged_active_bundle_doesnt_stop_the_good_one(films, service, tables):
    service.rate([Rating(801, 3, 2.0)])
    service.compact()
    service.rate([Rating(801, 4, 2.0)])
    damage(shelf(films) / "0002")
    with Service.open(films) as again:
        assert again.status().active == "0001"
        assert "0002 cannot be used" in again.status().problems[0]
        with again.reading() as model:  # the log has it all
            assert len(model.knowledge.rated(model.knowledge.user_ids.row(801))) == 2
        assert again.rate([Rating(801, 5, 2.0)]).position == 3
        assert again.compact().active
        until(lambda: not again.status().problems)
    damage(shelf(films) / "0001")
    for name in ("0002", "0003"):
        shutil.rmtree(shelf(films) / name)
    with pytest.raises(BundleError, match="No model can be used"):
        Service.open(films)


def test_without_a_bundle_there_is_no_service(tmp_path, films):
    with pytest.raises(BundleError, match=r"nowhere.* cannot be used"):
        Service.open(tmp_path / "nowhere")
    with Service.open(films) as service:
        service.rate([Rating(801, 3, 2.0)])
    shutil.rmtree(films)  # what is served is a copy
    with Service.open(films) as service:
        assert "films.penchant" in service.status().problems[0]
        assert service.status().position == 1


def test_models_that_outlived_their_log_answer(films, small_model):
    with Service.open(films) as service:
        service.rate([Rating(801, 3, 2.0)])
        service.compact()
    (films.parent / "films.penchant.serving" / "events.sqlite").unlink()
    trained_again(small_model, films)
    with Service.open(films) as service:
        assert service.status().active == "0002"
        assert "The log is new" in service.status().problems[0]
        with service.reading() as model:
            assert model.knowledge.user_ids.row(801)
        service.rate([Rating(802, 3, 2.0)])
        assert [info.name for info in service.models()] == ["0003", "0002", "0001"]
        assert service.compact().name == "0004"


def test_a_bundle_without_ratings_has_nothing_to_compact(tmp_path, small_model):
    small_model.save(tmp_path / "films.penchant", ratings=False)
    told = pytest.raises(UnsupportedError, match="saved without them")
    with Service.open(tmp_path / "films.penchant") as service, told:
        service.compact()


def test_compaction_in_the_background(films):
    with Service.open(films, compact_after=5) as service:
        for item in range(1, 7):
            service.rate([Rating(801, item, 2.0)])
        until(lambda: service.status().active == "0002")
        until(lambda: service.status().events < 5)


def test_a_damaged_bundle_is_not_taken(films):
    damage(films)
    with pytest.raises(BundleError, match="SHA-256 does not match"):
        Service.open(films)
    shutil.rmtree(films)
    with pytest.raises(BundleError, match="No such file"):  # its server's folder has no model
        Service.open(films)


def test_one_changes_the_models_at_a_time(service):
    models = service._models
    told = pytest.raises(UnavailableError, match="being changed by another process")
    with models.alone(), told, models.alone(0.0):
        pass
    with models.alone(0.0):
        pass


def test_a_copy_that_fails_leaves_nothing(films, tmp_path):
    (films / "stranger").write_text("no file of a bundle")
    with pytest.raises(BundleError, match="'stranger', which is no file of a bundle"):
        copied(films, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["films.penchant"]
