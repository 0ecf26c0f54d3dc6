"""The command interview: asked by a person at a terminal, by a pipe, and by a program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import penchant as pc

SRC = str(Path(pc.__file__).parents[1])
WORLD = pc.synthetic(n_users=60, n_items=30, n_ratings=900, factors=2, noise=0.5, seed=1)
QUICK = pc.Gibbs(rank=2, sweeps=10, burn_in=4, heads=3)


@pytest.fixture(scope="module")
def model():
    return pc.MatrixFactorization(4, QUICK).fit(WORLD, progress=False)


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "m.penchant"
    model.save(path)
    return path


def command(*arguments):
    return [sys.executable, "-m", "penchant", "interview", *map(str, arguments)]


def environment():
    return {**os.environ, "PYTHONPATH": SRC}


def test_a_conversation_by_a_pipe(bundle, model):
    first = model.interview(1)[0]
    done = subprocess.run(
        command(bundle, "--answers", 2, "-n", 3),
        input="5\n\nwhat\n9\n2\n",
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Rate what you know, on the scale 1")
    assert lines[1] == f"1/2  {first.title}: 5"
    assert lines[2].startswith("2/2  ")  # skipped
    assert lines[3].split("  ")[1] != lines[2].split("  ")[1]
    assert sum(line.startswith("Please give a number on the scale") for line in lines) == 2
    table = done.stdout.split("90 % of such ratings:\n\n")[1].splitlines()
    assert "because" in table[0]
    assert len([line for line in table[1:] if line.strip()]) in (3, 4)  # a rule, where there is one


def test_a_person_at_a_terminal_sees_each_question_and_may_stop(bundle):
    pty = pytest.importorskip("pty")  # Windows has none
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command(bundle), stdin=child, stdout=child, stderr=child, env=environment()
    )
    os.close(child)
    seen = b""
    for wait, say in ((b"1/10", b"4\n"), (b"2/10", b"q\n")):
        while wait not in seen:
            seen += os.read(parent, 4096)
        os.write(parent, say)
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait() == 0
    assert b"By your 1 answer, with" in seen
    os.close(parent)


def test_the_end_of_the_input_ends_it(bundle):
    done = subprocess.run(
        command(bundle), input="", capture_output=True, text=True, env=environment(), check=True
    )
    assert "By your 0 answers" in done.stdout


def test_json_is_one_object_of_questions_and_recommendations(penchant, bundle, model):
    given = (bundle, "--json", "--answer", "3=5", "--answer", "4=1", "--unknown", "5", "-n", "4")
    code, out, err = penchant("interview", *given)
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert said["answers"] == [{"item": 3, "rating": 5.0}, {"item": 4, "rating": 1.0}]
    assert said["unknown"] == [5]
    talk = model.interview(5, answers={3: 5, 4: 1}, unknown=[5])
    assert [one["item"] for one in said["questions"]] == [one.item for one in talk]
    assert [one["item"] for one in said["recommendations"]] == [
        one.item for one in talk.recommend(4)
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--answer", "3"], "--answer takes ITEM=RATING, not '3'"),
        (["--answer", "3=9"], "must lie on the scale"),
        (["--answer", "999=3"], "999"),
    ],
)
def test_wrong_answers_are_told(penchant, bundle, wrong, told):
    code, out, err = penchant("interview", bundle, "--json", *wrong)
    assert (code, err) == (2, "")
    assert told in json.loads(out)["error"]["message"]


def test_a_model_without_a_posterior_says_so(penchant, tmp_path):
    pc.MatrixFactorization(4, pc.SGD(epochs=2)).fit(WORLD, progress=False).save(tmp_path / "s")
    code, _, err = penchant("interview", tmp_path / "s")
    assert code == 1
    assert "An interview needs a posterior" in err
