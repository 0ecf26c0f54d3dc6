"""A service: writes that are in the next answer, in the log, and there again after a start."""

import pytest

import penchant as pc
from penchant.errors import (
    ConflictError,
    DataError,
    SettingsError,
    UnavailableError,
    UnknownIdError,
    UnsupportedError,
)
from penchant.serve import Rating, Service
from penchant.serve.log.replay import put_in


def test_a_rating_is_in_the_next_answer(service):
    with service.reading() as before:
        best = before.recommend(1, n=30)[0].item
    written = service.rate([Rating(1, best, 5.0), Rating(777, 3, 2.0), Rating(777, 999, 4.0)])
    assert (written.position, written.added, written.users, written.items) == (3, 3, 1, 1)
    with service.reading() as model:
        assert best not in [r.item for r in model.recommend(1, n=30)]
        assert model.knowledge.user_ids.row(777)
    with pytest.raises(UnknownIdError):  # whoever reads on sees what was there
        before.knowledge.user_ids.row(777)
    assert service.unrate([(777, 3)]).removed == 1
    assert service.status().position == 4


def test_a_start_puts_in_what_the_log_has(films, service, tables, same):
    service.rate([Rating(1, 2, 5.0), Rating(801, 3, 2.0), Rating(802, 4, 4.0)])
    service.rate([Rating(1, 2, 1.0), Rating(803, 950, 3.0)])
    service.unrate([(801, 3)])
    with Service.open(films) as again:
        assert same(tables(again), tables(service))
        assert again.status().events == 6


def test_the_last_word_on_a_pair_counts_whatever_its_time(service):
    service.rate([Rating(1, 2, 5.0, 2_000_000_000), Rating(1, 2, 1.0, 5)])
    with service.reading() as model:
        rated = model.knowledge.ratings
        here = (rated.user_rows == model.knowledge.user_ids.row(1)) & (
            rated.item_rows == model.knowledge.item_ids.row(2)
        )
        assert rated.values[here].tolist() == [1.0]


@pytest.mark.parametrize(
    ("ratings", "told"),
    [
        ([Rating(1, 2, 9.0)], "outside the scale 1 to 5, the first at position 0: 9"),
        ([Rating(1, 2, float("nan"))], "finite"),
        ([Rating("1", 2, 3.0)], "'1' is of type str"),
        ([Rating(1, 2.0, 3.0)], "received 2.0, which is of type float"),
        ([Rating(True, 2, 3.0)], "received True, which is of type bool"),
        ([], "no ratings in this write"),
    ],
)
def test_a_wrong_rating_leaves_nothing(service, ratings, told, tables, same):
    before = tables(service)
    with pytest.raises(DataError, match=told):
        service.rate(ratings)
    assert same(tables(service), before)
    assert service._log.head().position == 0


def test_what_isnt_there_cannot_be_taken_out(service):
    service.rate([Rating(1, 2, 3.0)])
    with pytest.raises(UnknownIdError, match="User 999 has no rating of item 2"):
        service.unrate([(1, 2), (999, 2)])
    with pytest.raises(DataError, match="no ratings in this write"):
        service.unrate([])
    assert service.status().position == 1


def test_a_key_writes_once(service):
    first = service.rate([Rating(1, 2, 3.0)], key="k")
    service.rate([Rating(1, 2, 4.0)])
    assert service.rate([Rating(1, 2, 3.0)], key="k") == first
    assert service.status().position == 2
    with pytest.raises(ConflictError, match="came before with another body"):
        service.rate([Rating(1, 2, 5.0)], key="k")
    with pytest.raises(ConflictError, match="came before with another body"):
        service.unrate([(1, 2)], key="k")
    for key in ("", "k" * 256):
        with pytest.raises(SettingsError, match="1 to 255 characters"):
            service.rate([Rating(1, 2, 5.0)], key=key)


def test_a_model_that_cannot_learn_is_served_for_reading(tmp_path, small_model):
    small_model.save(tmp_path / "without.penchant", ratings=False)
    with Service.open(tmp_path / "without.penchant") as service:
        assert not service.status().takes_ratings
        with service.reading() as read:
            assert len(read.predict([1], [2])) == 1
        with pytest.raises(UnsupportedError, match="saved without them"):
            service.rate([Rating(1, 2, 3.0)])
        assert service._log.head().position == 0


def test_another_kind_is_served_for_reading(tmp_path, small_model):
    train, rest = pc.split(small_model.knowledge.ratings, test=0.3, seed=0)
    model = pc.AutoRec(layers=(4,), epochs=1)
    model.fit(train, validation=rest, progress=False).save(tmp_path / "films.penchant")
    with Service.open(tmp_path / "films.penchant") as service:
        with service.reading() as read:
            assert len(read.recommend(1, n=3)) == 3
        for write in (
            lambda: service.rate([Rating(1, 2, 3.0)]),
            lambda: service.unrate([(1, 2)]),
            lambda: service.forget(1),
            service.compact,
        ):
            with pytest.raises(UnsupportedError, match="A AutoRec can't take in ratings after"):
                write()
        assert (service.status().takes_ratings, service._log.head().position) == (False, 0)


def test_a_place_that_cannot_be_used(films):
    films.with_name("films.penchant.serving").write_text("in the way")
    with pytest.raises(UnavailableError, match="cannot be made: File exists"):
        Service.open(films)


def test_put_in_leaves_the_given_model_alone(small_model, same):
    before = small_model.trained.arrays()
    user, item = small_model.knowledge.ratings.users[0], small_model.knowledge.ratings.items[0]
    made, record = put_in(small_model, {(user, item): None, (user, -1): None})
    assert record.removed == 1
    assert not same(made.trained.arrays(), before)
    assert same(small_model.trained.arrays(), before)
