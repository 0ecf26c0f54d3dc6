"""The commands: their text, their JSON, their exit codes, and what they say of mistakes."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import typer

import penchant as pc
from penchant.solvers.registry import SOLVERS

WORLD = pc.synthetic(n_users=40, n_items=30, n_ratings=500, factors=2, noise=0.5, seed=1)


@pytest.fixture
def answer(penchant):
    """Run a command with --json: one object on standard output and nothing else there."""

    def run(*arguments, code=0):
        ended, out, err = penchant(*arguments, "--json")
        assert ended == code, err
        assert out.count("\n") == 1
        return json.loads(out)

    return run


@pytest.fixture(scope="session")
def home(tmp_path_factory, write_data):
    """A folder with u.data, titles.csv and a bundle films.penchant."""
    folder = tmp_path_factory.mktemp("home")
    write_data(folder / "u.data", WORLD)
    titles = [f"{k},{'쉬리' if k == 3 else f'Film {k}'}" for k in range(1, 31)]
    (folder / "titles.csv").write_text("\n".join(["item,title", *titles]) + "\n")
    ratings = pc.load(folder / "u.data", items=folder / "titles.csv", quiet=True)
    train, _ = pc.split(ratings, test=0.2, seed=2021)
    model = pc.MatrixFactorization(4, pc.SGD(epochs=5), seed=0).fit(train, progress=False)
    model.save(folder / "films.penchant")
    return folder


@pytest.fixture
def here(home, tmp_path, monkeypatch):
    """A copy of home, which is the current folder."""
    folder = shutil.copytree(home, tmp_path / "home")
    monkeypatch.chdir(folder)
    return folder


BUNDLE = "films.penchant"


class TestFit:
    def test_trains_scores_and_saves(self, here, penchant):
        code, out, err = penchant("fit", "u.data", "--solver", "sgd", "--factors", 5)
        assert code == 0, err
        assert "400 training ratings, 432 parameters" in out
        assert "random split, test=0.2, seed=2021" in out
        assert re.search(r"RMSE +0\.\d{4}\n95 % interval +0\.\d{4} to 0\.\d{4}", out)
        assert re.search(r"Always answering the mean gives an RMSE of \d\.\d{4}\.", out)
        assert "Saved u.penchant and its curves, u.curves.png." in out
        told = re.search(r"Next: penchant (recommend u\.penchant \d+)$", out.strip()).group(1)
        assert err.startswith("u.data: separated by tabs, no header; ")
        assert re.search(r"^epoch  1/45  train RMSE .* test RMSE .* s$", err, re.MULTILINE)
        assert (here / "u.curves.png").read_bytes().startswith(b"\x89PNG")
        assert penchant(*told.split())[0] == 0  # what comes next works

    def test_in_json(self, here, answer):
        told = answer("fit", "u.data", "--solver", "sgd", "--factors", 5, "--seed", 3)
        assert told["bundle"] == "u.penchant"
        assert told["parameters"] == 432
        assert told["protocol"] == "random split, test=0.2, seed=3"
        assert told["interrupted"] is False
        assert len(told["history"]["records"]) == 45
        train, test = pc.split(pc.load("u.data", quiet=True), test=0.2, seed=3)
        assert told["scores"]["rmse"] == pytest.approx(pc.open("u.penchant").evaluate(test).rmse)
        assert told["scores"]["n"] == len(test)
        assert len(told["scores"]["interval"]) == 2
        same = pc.MatrixFactorization(5, "sgd", seed=3).fit(train, progress=False)
        np.testing.assert_array_equal(
            pc.open("u.penchant").predict([1, 2], [3, 4]), same.predict([1, 2], [3, 4])
        )

    def test_replaces_its_own_bundle_and_nothing_else(self, here, penchant):
        fit = ("fit", "u.data", "--solver", "bias", "--factors", 1, "--out")
        assert penchant(*fit, BUNDLE)[0] == 0
        assert pc.open(BUNDLE).factors == 1
        code, out, err = penchant(*fit, "titles.csv")
        assert (code, out) == (2, "")
        assert "--out: titles.csv is there and is no bundle. Choose another name." in err
        assert (here / "titles.csv").is_file()
        code, _, err = penchant(*fit, "no/where.penchant")
        assert code == 2
        assert "--out: there is no folder no. Make it first." in err

    def test_a_folder_that_cannot_be_written_is_told_before_the_training(
        self, here, penchant, monkeypatch
    ):
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        code, _, err = penchant("fit", "u.data", "--solver", "sgd")
        assert code == 2
        assert "can't be written to. Choose another folder." in err
        assert "epoch" not in err

    def test_without_test_ratings(self, here, answer):
        told = answer("fit", "u.data", "--solver", "bias", "--test", 0)
        assert told["scores"] is None
        assert told["protocol"] == "no test ratings"

    def test_the_chapter(self, here, penchant):
        code, out, err = penchant("fit", "u.data", "--chapter", "--out", "chapter.penchant")
        assert code == 0, err
        names = (
            "user (InputLayer)", "item (InputLayer)", "user_factors", "item_factors", "dot (Dot)",
            "user_bias (Embedding)", "item_bias (Embedding)", "add (Add)", "flatten (Flatten)",
            "rating (Rescaling)",
        )  # fmt: skip
        places = [out.index(f"│ {name}") for name in names]
        assert places == sorted(places)
        assert f"Total params: {(41 + 31) * 201:,}" in out
        assert all(
            line[-1] in "┓┃┩│┤┘" for line in out.splitlines() if line[:1] in "┏┃┡│├└" and line
        )
        assert len(re.findall(r"^epoch .*loss .*train RMSE .*test RMSE", err, re.MULTILINE)) == 60
        assert pc.open("chapter.penchant").get_params()["solver"].settings["l2_on"] == "table"
        code, _, err = penchant("fit", "u.data", "--chapter", "--factors", 3)
        assert code == 2
        assert "leave --model, --solver and --factors out, or leave --chapter out" in err
        assert penchant("fit", "u.data", "--chapter", "--model", "blend")[0] == 2

    def test_its_help_names_the_solvers(self, penchant):
        code, out, _ = penchant("fit", "--help")
        assert code == 0
        listed = re.search(r"What trains a matrix factorisation: ([\w,\s]+)\.", out).group(1)
        assert set(re.findall(r"\w+", listed)) - {"or"} == set(SOLVERS)


class TestAsking:
    def test_predict(self, here, penchant, answer):
        expected = float(pc.open(BUNDLE).predict(1, 3)[0])
        told = {"user": 1, "item": 3, "title": "쉬리", "rating": expected, "strangers": []}
        assert answer("predict", BUNDLE, 1, 3) == told
        code, out, err = penchant("predict", BUNDLE, 1, 3)
        assert (code, err) == (0, "")
        assert out == f"User 1 would rate item 3 (쉬리) {expected:.2f} on the scale 1 to 5.\n"

    def test_strangers_are_told(self, here, penchant, answer):
        assert answer("predict", BUNDLE, 999, 3)["strangers"] == ["user"]
        assert answer("recommend", BUNDLE, 999)["stranger"] is True
        assert answer("recommend", BUNDLE, 1)["stranger"] is False
        code, out, err = penchant("predict", BUNDLE, 999, 888)
        assert code == 0
        assert err == (
            "The model has never seen user 999: this is its answer for a stranger.\n"
            "The model has never seen item 888: this is its answer for a stranger.\n"
        )
        assert out.startswith("User 999 would rate item 888 ")

    def test_recommend(self, here, penchant, answer):
        best = pc.open(BUNDLE).recommend(2, n=4)
        told = answer("recommend", BUNDLE, 2, "-n", 4)
        assert told["results"] == best.to_json()
        assert len(answer("recommend", BUNDLE, 2, "-n", 99, "--include-rated")["results"]) == 30
        code, out, _ = penchant("recommend", BUNDLE, 2, "-n", 4)
        assert code == 0
        heading, *rows = out.splitlines()
        assert heading.split() == ["item", "title", "rating", "probability"]
        assert [int(row.split()[0]) for row in rows] == [entry.item for entry in best]

    def test_group(self, here, penchant, answer):
        best = pc.open(BUNDLE).recommend_group([2, 1, 999], 4, "least misery")
        told = answer("group", BUNDLE, 2, 1, 999, "-n", 4, "--how", "least misery")
        assert told["results"] == best.to_json()
        assert (told["users"], told["strangers"]) == ([2, 1, 999], [999])
        code, out, _ = penchant("group", BUNDLE, 2, 1, "-n", 3)
        assert code == 0
        assert out.splitlines()[0].split() == [
            "item", "title", "score", "lowest", "highest", "pays",
        ]  # fmt: skip
        assert len(out.splitlines()) == 4

    def test_similar(self, here, penchant, answer):
        nearest = pc.open(BUNDLE).similar_items(3, n=5)
        assert answer("similar", BUNDLE, 3, "-n", 5) == {"item": 3, "results": nearest.to_json()}
        assert penchant("similar", BUNDLE, 3)[0] == 0

    def test_evaluate_leaves_out_what_was_trained_on(self, here, penchant, answer):
        told = answer("evaluate", BUNDLE, "u.data")
        assert told["left_out"] == 400
        assert told["scores"]["n"] == 100
        assert answer("evaluate", BUNDLE, "u.data", "--all")["scores"]["n"] == 500
        code, out, err = penchant("evaluate", BUNDLE, "u.data")
        assert code == 0
        assert "Left out 400 of 500 ratings: the model was trained on those pairs." in err
        assert re.search(r"^RMSE +\d\.\d{4}$", out, re.MULTILINE)

    def test_evaluate_on_training_ratings_alone_is_refused(self, here, penchant, write_data):
        train, _ = pc.split(pc.load("u.data", quiet=True), test=0.2, seed=2021)
        write_data(here / "train.data", train)
        code, _, err = penchant("evaluate", BUNDLE, "train.data")
        assert code == 2
        assert "All 400 ratings are of pairs that the model was trained on" in err

    def test_titles_move_no_cursor(self, here, penchant):
        (here / "titles.csv").write_text("item,title\n3,Fi\x1b[2Jlm\x07\n4,b\n")
        fit = ("fit", "u.data", "--solver", "bias", "--items", "titles.csv", "--out", "x.penchant")
        assert penchant(*fit)[0] == 0
        for command in (("predict", "x.penchant", 1, 3), ("similar", "x.penchant", 4, "-n", 30)):
            out = penchant(*command)[1]
            assert "\x1b" not in out
            assert "Fi[2Jlm" in out

    def test_ids_that_are_text(self, here, answer):
        (here / "t.csv").write_text("user,item,rating\n" + "".join(
            f"사람{u},영화{i},{(u * i) % 5 + 1}\n" for u in range(9) for i in range(7)
        ))  # fmt: skip
        answer("fit", "t.csv", "--solver", "bias")
        assert answer("recommend", "t.penchant", "사람1", "--include-rated")["stranger"] is False
        assert answer("recommend", "t.penchant", "1")["stranger"] is True


class TestData:
    def test_a_file(self, here, penchant, answer):
        told = answer("data", "u.data")
        assert (told["ratings"], told["users"], told["items"]) == (500, 40, 30)
        assert told["scale"] == [1, 5]
        assert sum(told["values"].values()) == 500
        assert told["notices"][0].startswith("u.data: separated by tabs")
        code, out, _ = penchant("data", "u.data", "--items", "titles.csv")
        assert code == 0
        assert re.search(r"^ratings +500$", out, re.MULTILINE)
        assert re.search(r"^item columns +title$", out, re.MULTILINE)

    def test_the_named_sets(self, penchant, answer):
        assert "ml-100k" in {entry["name"] for entry in answer("data")["sets"]}
        assert "ml-100k" in penchant("data")[1]


class TestDoctor:
    def test_tells_of_the_installation(self, penchant, answer, monkeypatch, tmp_path):
        monkeypatch.setenv("PENCHANT_CACHE", str(tmp_path))
        told = answer("doctor")
        assert told["penchant"] == pc.__version__
        assert told["libraries"]["keras"] == importlib.metadata.version("keras")
        assert told["threads"] >= 1
        assert told["cache folder"].startswith(str(tmp_path))
        assert set(told["extras"]) >= {"tensorflow"}
        code, out, _ = penchant("doctor")
        assert code == 0
        assert re.search(rf"^penchant +{re.escape(pc.__version__)}$", out, re.MULTILINE)


MISTAKES = [
    (("predict", BUNDLE, "x", 1), "user ids of this model are whole numbers, such as"),
    (("predict", BUNDLE, 1, "9" * 30), "item ids must be whole numbers of at most 64 bits"),
    (("similar", BUNDLE, 999), "The model knows no item 999; it knows 30 items, such as"),
    (("recommend", "nothing", 1), "There is no saved recommender nothing."),
    (("recommend", "titles.csv", 1), "titles.csv is no saved recommender, but a file."),
    (("recommend", ".", 1), ". is no saved recommender, but a folder without card.json."),
    (("evaluate", BUNDLE, "nothing.csv"), "There is no file or folder 'nothing.csv'"),
    (("fit", "nothing.csv"), "There is no file or folder 'nothing.csv'"),
    (("fit", "titles.csv"), "rating"),
    (("fit", "u.data", "--columns", "user=0,item=nine"), "'nine'"),
    (("fit", "u.data", "--columns", "user"), "--columns is a list such as user=0,item=1,rating=2"),
    (("fit", "u.data", "--scale", "1"), "--scale is two numbers such as 1,5; received '1'"),
    (("fit", "u.data", "--scale", "1,3"), "is outside the scale 1 to 3"),
    (("fit", "u.data", "--duplicates", "first"), "duplicates must be one of 'last', 'mean'"),
    (("group", BUNDLE, 1, "--how", "vote"), "how must be one of 'average'"),
    (("group", BUNDLE, 1, 1), "The group names user 1 twice"),
    (("fit", "u.data", "--solver", "magic"), "solver must be one of 'als'"),
    (("fit", "u.data", "--test", "1"), "--test is a share between 0 and 1, not 1"),
    (("fit", "u.data", "--test", "-0.5"), "--test is a share between 0 and 1, not -0.5"),
    (("fit", "u.data", "--validation", "2"), "validation must be a number above 0 and at most 1"),
    (("data", "u.data", "--users", "nothing.csv"), "nothing.csv"),
]  # fmt: skip
USAGE = [
    ("recommend", BUNDLE),
    ("group", BUNDLE),
    ("recommend", BUNDLE, 1, "-n", 0),
    ("recommend", BUNDLE, 1, "--what"),
    ("fit", "u.data", "--factors", "x"),
    ("fit", "u.data", "--seed", -1),
    ("nonsense",),
]


class TestMistakes:
    @pytest.mark.parametrize(("command", "message"), MISTAKES, ids=str)
    def test_of_input_end_with_2_and_leave_nothing_behind(self, here, penchant, command, message):
        before = sorted(os.listdir())
        code, out, err = penchant(*command)
        assert (code, out) == (2, "")
        assert re.search(r"^Error: ", err, re.MULTILINE)
        assert message in err
        assert "Traceback" not in err
        assert sorted(os.listdir()) == before

    @pytest.mark.parametrize(("command", "message"), MISTAKES, ids=str)
    def test_of_input_are_one_object_in_json(self, here, answer, command, message):
        told = answer(*command, code=2)
        assert message in told["error"]["message"]
        assert told["error"]["kind"].endswith("Error")
        assert set(told) == {"error"}

    @pytest.mark.parametrize("command", USAGE, ids=str)
    def test_of_usage_end_with_2(self, here, penchant, answer, command):
        code, out, err = penchant(*command)
        assert (code, out) == (2, "")
        assert err.startswith("Usage: ")
        assert "Error: " in err
        told = answer(*command, code=2)
        assert told["error"]["kind"] == "UsageError"
        assert re.search(r"\. See .*penchant.* --help\.$", told["error"]["message"])

    def test_a_tampered_bundle_is_refused(self, here, penchant, answer):
        file = here / BUNDLE / "weights.safetensors"
        raw = bytearray(file.read_bytes())
        raw[-1] ^= 1
        file.write_bytes(raw)
        code, out, err = penchant("recommend", BUNDLE, 1)
        assert (code, out) == (2, "")
        assert "weights.safetensors" in err
        assert answer("recommend", BUNDLE, 1, code=2)["error"]["kind"] == "BundleError"

    def test_without_the_ratings_the_way_out_is_told(self, here, penchant, answer):
        pc.open(BUNDLE).save("bare.penchant", ratings=False)
        for command in (("recommend", "bare.penchant", 1), ("evaluate", "bare.penchant", "u.data")):
            code, _, err = penchant(*command)
            assert code == 1
            assert "--include-rated and --all on the command line" in err
        assert penchant("recommend", "bare.penchant", 1, "--include-rated")[0] == 0
        assert answer("evaluate", "bare.penchant", "u.data", "--all")["left_out"] == 0

    def test_a_full_disk_is_no_traceback(self, here, penchant, answer, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device", "u.curves.png")

        monkeypatch.setattr("penchant.history.History.plot", full)
        code, _, err = penchant("fit", "u.data", "--solver", "bias")
        assert code == 1
        assert err.endswith("Error: No space left on device: u.curves.png.\n")
        told = answer("fit", "u.data", "--solver", "bias", code=1)
        assert told["error"] == {
            "kind": "OSError",
            "message": "No space left on device: u.curves.png.",
        }

    def test_control_c_before_there_is_a_model(self, here, penchant, answer, monkeypatch):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("penchant.solvers.sgd.solver.SGD.fit", interrupt)
        code, out, err = penchant("fit", "u.data", "--solver", "sgd")
        assert (code, out) == (130, "")
        assert err.endswith("Error: Stopped by Ctrl-C before it was done.\n")
        assert (
            answer("fit", "u.data", "--solver", "sgd", code=130)["error"]["kind"] == "Interrupted"
        )
        assert not (here / "u.penchant").exists()

    def test_an_abort_of_typers_is_the_same(self, penchant, monkeypatch):
        def abort(**_):
            raise typer.Abort  # what Typer of older versions makes of Ctrl-C

        monkeypatch.setattr("penchant.cli.app.app", abort)
        assert penchant("doctor") == (130, "", "Error: Stopped by Ctrl-C before it was done.\n")

    def test_control_c_in_a_training_saves_what_there_is(self, here, penchant, monkeypatch):
        from penchant.recommender import progress

        def interrupt(name, number, *rest):
            if number == 3:
                raise KeyboardInterrupt
            return ""

        monkeypatch.setattr(progress, "_line", interrupt)
        code, out, err = penchant("fit", "u.data", "--solver", "sgd")
        assert code == 0
        assert "Stopped by Ctrl-C: this is the model of the last whole round." in err
        assert "Saved u.penchant" in out
        opened = pc.open("u.penchant")
        assert opened.history.interrupted
        assert len(opened.history) == 2


class TestTheProgram:
    """In a process of its own."""

    @staticmethod
    def run(*arguments, **options):
        command = [sys.executable, "-m", "penchant", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, **options
        )

    def test_version_and_help(self):
        assert self.run("--version").stdout == f"penchant {pc.__version__}\n"
        told = self.run("-h")
        assert told.returncode == 0
        commands = re.findall(r"^  (\w+) ", told.stdout.split("Commands:")[1], re.MULTILINE)
        assert set(commands) >= {
            "fit", "evaluate", "predict", "recommend", "similar", "data", "doctor",
        }  # fmt: skip

    def test_answers_and_errors(self, here):
        done = self.run("recommend", BUNDLE, "1", "--json", cwd=here)
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["results"]) == 10
        assert done.stderr == ""
        done = self.run("recommend", "nothing", "1", "--json", cwd=here)
        assert done.returncode == 2
        assert json.loads(done.stdout)["error"]["kind"] == "BundleError"
        assert done.stderr == ""

    def test_a_reader_that_goes_away_is_no_traceback(self, here):
        command = f"{sys.executable} -m penchant recommend {BUNDLE} 1 -n 30 | true"
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=600, check=False
        )
        assert "Traceback" not in done.stderr

    def test_on_a_terminal(self, here):
        pty = pytest.importorskip("pty")  # Windows has none
        mine, theirs = pty.openpty()
        done = subprocess.Popen(
            [sys.executable, "-m", "penchant", "fit", "u.data", "--solver", "sgd"],
            stdout=theirs,
            stderr=theirs,
            cwd=here,
        )
        os.close(theirs)
        seen = b""
        while True:
            try:
                chunk = os.read(mine, 65_536)
            except OSError:  # Linux' end of a terminal
                break
            if not chunk:
                break
            seen += chunk
        os.close(mine)
        assert done.wait(timeout=600) == 0
        lines = seen.decode().split("\r\n")
        rounds = [line for line in lines if "epoch" in line]
        assert len(rounds) == 45
        assert all(line.startswith("\r\x1b[2Kepoch ") for line in rounds)
        assert lines[-2].startswith("Next: penchant recommend u.penchant ")
