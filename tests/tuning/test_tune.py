"""tune: what it tries, what it keeps, how it goes on; settings as files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import penchant as pc
from penchant.errors import DataError, MissingExtraError, SettingsError, SourceError
from penchant.recommender.settings_file import open_settings, recorded, save_settings
from penchant.tuning import Choice, Range, tune
from penchant.tuning.result import Finalist, Trial, Tuned
from penchant.tuning.space import SPACES, settings_of, space_of, with_settings
from penchant.tuning.trial import LaggingError, Part, judge

SRC = str(Path(pc.__file__).parents[1])
WORLD = pc.synthetic(n_users=150, n_items=80, n_ratings=6000, factors=3, noise=0.3, seed=1)
BAD = pc.ALS(rank=4, sweeps=8, l2=100.0)  # regularised so much that it learns biases alone


def model(solver=BAD, factors=4):
    return pc.MatrixFactorization(factors, solver, seed=0)


SPACE = {"l2": Range(1, 100, log=True), "sweeps": Range(5, 12, whole=True)}


def search(**more):
    return tune(model(), WORLD, **{"trials": 8, "space": SPACE, "progress": False, **more})


@pytest.fixture(scope="module")
def found():
    return search()


class TestSearch:
    def test_it_mends_bad_settings(self, found):
        assert found.changed
        assert found.after < 0.97 * found.before
        assert found.model.solver.l2 == found.settings["l2"] < 50
        assert found.model.solver.sweeps == found.settings["sweeps"]

    def test_the_present_settings_are_the_first_try(self, found):
        assert found.trials[0].settings == {"l2": 100.0, "sweeps": 8}
        assert [trial.number for trial in found.trials] == list(range(8))

    def test_a_value_is_the_rmse_on_the_validation_part(self, found):
        train, validation = pc.split(WORLD, test=0.1, seed=0)
        fitted = model().fit(train, progress=False)
        assert found.trials[0].rmse == pytest.approx(fitted.evaluate(validation).rmse)

    def test_finalists_are_judged_on_parts_that_were_not_tried_on(self, found):
        for n, score in enumerate(found.finalists[0].scores):
            train, validation = pc.split(WORLD, test=0.1, seed=n + 1)
            fitted = pc.MatrixFactorization(4, BAD, seed=n).fit(train, progress=False)
            assert score == pytest.approx(fitted.evaluate(validation).rmse)

    def test_what_lags_is_given_up(self):
        many = tune(model(), WORLD, trials=25, space=SPACE, progress=False)
        assert any(trial.rmse is None for trial in many.trials)
        assert many.after <= many.before

    def test_the_same_seed_gives_the_same_settings(self, found):
        again = search()
        assert again.settings == found.settings
        assert [t.rmse for t in again.trials] == [t.rmse for t in found.trials]
        assert [t.rmse for t in search(seed=1).trials] != [t.rmse for t in found.trials]

    def test_good_settings_stay(self):
        kept = tune(model("als"), WORLD, trials=4, space={"l2": Range(50, 90)}, progress=False)
        assert not kept.changed
        assert recorded(kept.model) == recorded(model("als"))
        assert "The present settings stay" in str(kept)

    def test_folds_judge_by_each_fold(self):
        made = search(trials=1, folds=3)
        scores = [
            model().fit(train, progress=False).evaluate(test).rmse
            for train, test in pc.folds(WORLD, k=3, seed=0)
        ]
        # each fold has a seed of its own
        assert made.trials[0].rmse == pytest.approx(np.mean(scores), rel=0.01)

    def test_two_jobs_try_as_many(self):
        assert len(search(jobs=2).trials) == 8

    def test_settings_that_do_not_go_together_are_given_up(self):
        solver = pc.Gibbs(rank=2, sweeps=20, burn_in=10, heads=2)
        space = {"burn_in": Choice((5, 50))}
        made = tune(model(solver), WORLD, trials=5, space=space, progress=False)
        assert {t.settings["burn_in"] for t in made.trials if t.rmse is not None} <= {5, 10}

    def test_the_test_part_is_not_needed(self, found):
        assert "validation share of 0.1, seed=0" in str(found)


class TestStorage:
    def test_a_search_goes_on(self, tmp_path, found):
        file = tmp_path / "search.log"
        assert len(search(trials=3, storage=file).trials) == 3
        whole = search(trials=6, storage=file)
        assert len(whole.trials) == 6
        assert [t.rmse for t in whole.trials[:3]] == [t.rmse for t in found.trials[:3]]
        assert len(search(trials=2, storage=file).trials) == 6  # nothing more to do

    def test_a_killed_search_goes_on(self, tmp_path):
        file = tmp_path / "search.log"
        code = (
            "import penchant as pc\n"
            "from penchant.tuning import Range\n"
            "w = pc.synthetic(n_users=150, n_items=80, n_ratings=6000, factors=3, noise=0.3, "
            "seed=1)\n"
            "m = pc.MatrixFactorization(4, pc.ALS(rank=4, sweeps=8, l2=100.0), seed=0)\n"
            "s = {'l2': Range(1, 100, log=True), 'sweeps': Range(5, 12, whole=True)}\n"
            f"pc.tune(m, w, trials=100000, space=s, storage={str(file)!r}, progress=False)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": SRC}
        )
        until = time.monotonic() + 600
        while time.monotonic() < until and (not file.exists() or file.stat().st_size < 3000):
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        lines = file.read_text().splitlines()
        assert len(lines) > 5
        made = search(trials=1, storage=file)
        assert len(made.trials) >= 1
        assert made.trials[0].settings == {"l2": 100.0, "sweeps": 8}

    def test_a_storage_of_other_data_is_refused(self, tmp_path):
        file = tmp_path / "search.log"
        search(trials=1, storage=file)
        with pytest.raises(SettingsError, match=r"search.log is a search of another data"):
            tune(model(), pc.split(WORLD, test=0.5, seed=0)[0], trials=1, space=SPACE,
                 storage=file, progress=False)  # fmt: skip
        with pytest.raises(SettingsError, match="of another space"):
            search(space={"l2": Range(0, 1)}, storage=file)

    def test_a_storage_that_is_none_is_refused(self, tmp_path):
        with pytest.raises(SettingsError, match="there is no folder"):
            search(storage=tmp_path / "no" / "file")
        file = tmp_path / "ratings.csv"
        file.write_text("user,item,rating\n1,2,3\n")
        with pytest.raises(SettingsError, match=r"ratings.csv holds no search that can go on"):
            search(storage=file)
        assert file.read_text() == "user,item,rating\n1,2,3\n"


class TestSpace:
    @pytest.mark.parametrize("name", sorted(SPACES))
    def test_the_usual_space_of_a_solver_names_its_settings(self, name):
        made = model(name)
        space = space_of(made, None)
        assert set(space) <= set(settings_of(made))
        for part_name, part in space.items():
            ends = part.values if isinstance(part, Choice) else part[:2]
            for value in ends:
                with_settings(made, {part_name: int(value) if part_name == "rank" else value}, 1)

    @pytest.mark.parametrize("name", sorted(SPACES))
    def test_the_defaults_of_a_solver_lie_in_its_space(self, name):
        from penchant.tuning.study import _present

        made = pc.MatrixFactorization(200, name)
        assert set(_present(made, SPACES[name])) == set(SPACES[name])

    @pytest.mark.parametrize(
        ("space", "told"),
        [
            ({}, "names no setting"),
            ({"size": Range(1, 2)}, "'size' is no setting to tune; there are: .*sweeps"),
            ({"l2": Range(2, 1)}, "goes from low to high"),
            ({"l2": Range(0, 1, log=True)}, "starts above 0"),
            ({"l2": (0, 1)}, "give a Range or a Choice"),
            ({"l2": Choice(())}, "a Choice is of plain values"),
            ({"l2": Choice(([],))}, "a Choice is of plain values"),
        ],
    )
    def test_a_space_that_makes_no_sense(self, space, told):
        with pytest.raises(SettingsError, match=told):
            search(space=space)

    def test_a_model_without_a_usual_space(self):
        with pytest.raises(SettingsError, match="no range of settings for 'bias': say what to try"):
            tune(model("bias"), WORLD, progress=False)

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"trials": 0}, "trials must be"),
            ({"jobs": 0}, "jobs must be"),
            ({"folds": 1}, "folds must be"),
            ({"validation": 1.0}, "must leave ratings to train on"),
            ({"seconds": 0}, "seconds must be"),
        ],
    )
    def test_arguments_that_make_no_sense(self, wrong, told):
        with pytest.raises(SettingsError, match=told):
            search(**wrong)

    def test_too_few_ratings(self):
        with pytest.raises((SettingsError, DataError)):
            tune(model(), WORLD.take([0]), trials=1, space=SPACE, progress=False)

    def test_without_optuna_the_extra_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "optuna", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[tune\]'"):
            search()


class TestChoice:
    def settled(self, present, other):
        finalists = [Finalist({"l2": 1.0}, present, 0.0), Finalist({"l2": 2.0}, other, 0.0)]
        return Tuned.of(model(), [Trial(0, 1.0, {"l2": 1.0}, 0.1)], finalists, {}, "p")

    def test_others_are_chosen_only_if_surely_better(self):
        assert self.settled([1.0, 1.1, 1.2], [0.9, 1.0, 1.1]).changed
        assert not self.settled([1.0, 1.1, 1.2], [0.6, 1.3, 1.3]).changed
        assert not self.settled([1.0, 1.1], [1.0, 1.1]).changed
        assert not self.settled([1.0, 1.1], [0.99999, 1.09999]).changed  # surely, but by nothing
        assert self.settled([np.inf, np.inf], [1.0, 1.1]).changed
        assert not self.settled([1.0, 1.1], [np.inf, 0.9]).changed

    def test_judging_stops_where_it_lags(self):
        part = Part(*pc.split(WORLD, test=0.2, seed=0))
        told = []

        def report(so_far, step):
            told.append((so_far, step))
            return step >= 5

        with pytest.raises(LaggingError):
            judge(model(pc.SGD(epochs=20)), {}, [part], 0, threads=1, report=report)
        assert [step for _, step in told] == [1, 2, 3, 4, 5]

    def test_a_training_that_diverges_is_as_bad_as_can_be(self):
        part = Part(*pc.split(WORLD, test=0.2, seed=0))
        wild = pc.SGD(epochs=5, learning_rate=1e6)
        assert judge(model(wild), {}, [part], 0, threads=1) == [float("inf")]


class TestFiles:
    def test_settings_come_back(self, tmp_path, found):
        file = tmp_path / "s.json"
        found.save(file)
        assert recorded(open_settings(file)) == recorded(found.model)
        assert open_settings(file, 7).seed == 7
        again = open_settings(file).fit(WORLD, progress=False)
        first = found.model.fit(WORLD, progress=False)
        assert again.predict([1], [2]) == first.predict([1], [2])

    def test_all_solvers_can_be_written(self, tmp_path):
        for name in (*SPACES, "bias"):
            save_settings(model(name), tmp_path / "s.json")
            assert recorded(open_settings(tmp_path / "s.json")) == recorded(model(name))

    def test_a_setting_that_is_no_plain_value(self, tmp_path):
        blend = pc.Blend([model("bias"), model("als")])
        with pytest.raises(SettingsError, match="is no plain value, and can't be written"):
            save_settings(blend, tmp_path / "s.json")
        assert not list(tmp_path.iterdir())

    def test_a_place_that_is_none(self, tmp_path, found):
        with pytest.raises(SourceError, match="can't be written"):
            found.save(tmp_path / "no" / "s.json")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{", "is no JSON file"),
            ("[]", "must hold one JSON object, not list"),
            ("{}", "must hold kind, one of"),
            ('{"kind": "os", "settings": {}}', "kind 'os'"),
            ('{"kind": "matrix_factorization", "settings": {"size": 3}}', "no setting 'size'"),
            ('{"kind": "matrix_factorization", "settings": {"solver": "als"}}', "must have a name"),
            (
                '{"kind": "matrix_factorization", '
                '"settings": {"solver": {"name": "als", "settings": {"rank": -1}}}}',
                "rank must be",
            ),
            (
                '{"kind": "matrix_factorization", '
                '"settings": {"solver": {"name": "os", "settings": {}}}}',
                "solver must be one of",
            ),
            ("[" * 100_000, "is no JSON file"),
        ],
    )
    def test_files_that_make_no_sense(self, tmp_path, text, told):
        file = tmp_path / "s.json"
        file.write_text(text)
        with pytest.raises(SettingsError, match=told):
            open_settings(file)

    def test_a_file_that_is_not_there_or_too_large(self, tmp_path):
        with pytest.raises(SettingsError, match="can't be read: No such file"):
            open_settings(tmp_path / "s.json")
        (tmp_path / "s.json").write_text(" " * 1_000_001)
        with pytest.raises(SettingsError, match="too large"):
            open_settings(tmp_path / "s.json")

    def test_the_result_is_json_and_a_picture(self, tmp_path, found):
        said = json.loads(json.dumps(found.to_json(), allow_nan=False))
        assert said["tuned"] == dict(found.settings)
        assert len(said["trials"]) == 8
        assert sum(found.importance.values()) == pytest.approx(1)
        found.plot(tmp_path / "p.png")
        assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
