"""Severities and suspects: variances that are known, faults that are planted."""

import numpy as np
import pytest

from penchant.checking.effects import effects_of
from penchant.checking.people import severities, suspects
from penchant.checking.random_raters import _signs
from penchant.ratings import Ratings


def crossed(seed, user=0.5, item=0.7, rest=0.9):
    """Ratings of crossed effects, unbalanced: popular items and busy users."""
    rng = np.random.default_rng(seed)
    shares = rng.gamma(1.0, size=400)
    filled = rng.random((600, 400)) < rng.random((600, 1)) * shares / shares.max()
    rows, columns = np.nonzero(filled)
    users, items = rng.normal(0, user, 600), rng.normal(0, item, 400)
    values = 3 + users[rows] + items[columns] + rng.normal(0, rest, len(rows))
    return Ratings.from_columns(rows, columns, values), users, items


def found(ratings):
    return suspects(ratings, effects_of(ratings))


def test_the_variances_are_those_that_were_drawn():
    made = [effects_of(crossed(seed)[0]) for seed in range(6)]
    for name, truth in (("rest", 0.9), ("user_variance", 0.5), ("item_variance", 0.7)):
        drawn = np.mean([getattr(effects, name) for effects in made])
        assert drawn**0.5 == pytest.approx(truth, rel=0.03), name


def test_a_full_table_gives_the_classical_analysis_of_variance():
    values = np.random.default_rng(0).normal(0, 1, (5, 7)) + 2 * np.arange(5)[:, None]
    values += np.arange(7)
    users, items = np.nonzero(np.ones_like(values))
    effects = effects_of(Ratings.from_columns(users, items, values.ravel()))
    rows, columns, mean = values.mean(1), values.mean(0), values.mean()
    rest = ((values - rows[:, None] - columns + mean) ** 2).sum() / (4 * 6)
    assert effects.rest == pytest.approx(rest, rel=1e-5)
    assert effects.user_variance == pytest.approx(rows.var(ddof=1) - rest / 7, rel=1e-5)
    assert effects.item_variance == pytest.approx(columns.var(ddof=1) - rest / 5, rel=1e-5)


def test_the_signs_are_those_of_a_regression():
    ratings, *_ = crossed(1)
    effects = effects_of(ratings)
    scatter, slope, spread = _signs(ratings, effects, ratings.user_ids.size)
    row = int(np.bincount(ratings.user_rows).argmax())
    at = np.flatnonzero(ratings.user_rows == row)
    q, v = effects.items[ratings.item_rows[at]], ratings.values[at].astype(float)
    assert slope[row] == pytest.approx(np.polyfit(q, v, 1)[0])
    assert scatter[row] == pytest.approx((v - q).var(ddof=1))
    assert spread[row] == pytest.approx(len(at) * q.var())


def test_the_effects_are_those_that_were_drawn():
    ratings, _, items = crossed(0)
    effects = effects_of(ratings)
    told = np.array(ratings.item_ids.ids(np.arange(1, ratings.item_ids.size, dtype=np.int32)))
    assert np.corrcoef(items[told], effects.items[1:])[0, 1] > 0.9


def test_the_shares_add_up_and_say_so():
    ratings, *_ = crossed(2)
    finding = severities(ratings, effects_of(ratings))
    shares = [finding.numbers[f"{part}_share"] for part in ("user", "item", "rest")]
    assert sum(shares) == pytest.approx(1)
    assert "taste and noise (0.9" in finding.text
    assert finding.level == "ok"


@pytest.mark.parametrize(
    "columns", [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [1, 1, 1]), ([1, 2, 3], [4, 5, 6])]
)
def test_what_cannot_be_told_apart_is_all_rest(columns):
    effects = effects_of(Ratings.from_columns(*columns, [1, 2, 3]))
    assert (effects.user_variance, effects.item_variance) == (0, 0)
    assert effects.rest == pytest.approx(2 / 3)


def test_users_of_one_value_are_counted():
    ratings = Ratings.from_columns([1, 1, 2, 2, 3], [1, 2, 1, 2, 1], [4, 4, 1, 5, 3])
    finding = severities(ratings, effects_of(ratings))
    assert finding.numbers["one_value_users"] == 1  # 3 has one rating only
    assert finding.level == "note"


def test_none_planted_none_found(world):
    finding = found(world)
    assert finding.level == "ok"
    assert [finding.numbers[name] for name in ("constant", "random", "copied", "bursts")] == [0] * 4
    assert finding.advice == ""


def test_constant_raters_are_found(planted, some_items):
    bad = [(9000 + n, some_items(30, n), [n % 5 + 1.0] * 30) for n in range(5)]
    few = [(9990, some_items(19, 7), [5.0] * 19)]  # too few to suspect
    finding = found(planted(bad + few))
    assert finding.numbers["constant_users"] == [9000, 9001, 9002, 9003, 9004]
    assert finding.level == "warning"
    assert "no proof" in finding.advice


def test_random_raters_are_found_with_few_false_alarms(planted, some_items):
    rng = np.random.default_rng(0)
    bad = [
        (9000 + n, some_items(80, n), rng.integers(1, 6, 80).astype(float).tolist())
        for n in range(12)
    ]
    finding = found(planted(bad))
    named = finding.numbers["random_users"]
    assert sum(user >= 9000 for user in named) >= 8
    assert sum(user < 9000 for user in named) <= 2


def test_copied_rows_are_found_in_another_order(world, planted):
    users, items = np.array(world.users), np.array(world.items)
    busiest = int(np.bincount(users).argmax())
    mine = np.flatnonzero(users == busiest)[::-1]
    theirs, values = items[mine].tolist(), world.values[mine].tolist()
    almost = [6 - values[0], *values[1:]]  # 3 becomes 3: the busiest user's first is another
    assert almost[0] != values[0]
    finding = found(planted([(9000, theirs, values), (9001, theirs, almost)]))
    assert sorted(finding.numbers["copied_users"]) == [busiest, 9000]


def test_a_burst_is_a_note_only():
    users, items = [1] * 60 + [2] * 60, list(range(60)) * 2
    values = np.random.default_rng(0).integers(1, 6, 120)
    stamps = [7] * 50 + list(range(100, 110)) + [7] * 49 + list(range(100, 111))
    finding = found(Ratings.from_columns(users, items, values, stamps))
    assert (finding.level, finding.numbers["bursts"]) == ("note", 1)
    assert "1 user gave 50 ratings or more in one second" in finding.text


def test_ids_move_no_cursor():
    users = ["a\x1b[2J"] * 20 + ["b"] * 20
    ratings = Ratings.from_columns(users, list(range(20)) * 2, [3.0] * 20 + [1, 5] * 10)
    finding = found(ratings)
    assert finding.numbers["constant"] == 1
    assert "\x1b" not in str(finding)
