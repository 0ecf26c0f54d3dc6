"""Ctrl-C at every line of the loop: the model is always that of the last record's round."""

import sys

import numpy as np
import pytest

import penchant as pc
from penchant.solvers import loop, stopping
from penchant.solvers.checkpoint import State
from penchant.solvers.loop import Loop, Round, Rounds
from penchant.solvers.task import Task

RATINGS = pc.synthetic(n_users=5, n_items=4, n_ratings=12, factors=1, noise=0.1, seed=1)
SCORES = (0.9, 0.8, 0.85, 0.7)


class Counting(Rounds):
    """Its model is the number of its round."""

    def __init__(self, scored):
        self.number, self._scored = np.zeros(1), scored

    def run(self, number):
        self.number[0] = number
        told = {"validation_rmse": SCORES[number - 1]} if self._scored else {}
        return Round({"train_rmse": 1.0, **told})

    def state(self):
        return State({"number": self.number}, {})

    def restore(self, now, kept):
        raise AssertionError

    def fitted(self, kept, history):
        return int(kept.arrays["number"][0]), history


def interrupted(at, scored):
    """Train, with a Ctrl-C before the line number `at` of the loop's; None once there are fewer."""
    files, seen = {loop.__file__, stopping.__file__}, 0

    def trace(frame, event, argument):
        nonlocal seen
        if frame.f_code.co_filename not in files:
            return None
        seen += event == "line"
        if event == "line" and seen == at:
            raise KeyboardInterrupt
        return trace

    training = Loop(pc.SGD(epochs=len(SCORES)), Task(RATINGS), patience=9 if scored else None)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = training.train(Counting(scored))
    except KeyboardInterrupt:
        found = None
    finally:
        sys.settrace(before)
    return found, seen >= at


@pytest.mark.parametrize("scored", [False, True])
def test_the_model_is_that_of_the_last_record_or_the_best(scored):
    checked = 0
    for at in range(1, 1000):
        found, came = interrupted(at, scored)
        if not came:
            break
        if found is None:  # before the first whole round, or when all was made
            continue
        number, history = found
        scores = history.column("validation_rmse") if scored else np.arange(len(history), 0, -1)
        assert number == int(np.argmin(scores)) + 1, at
        checked += 1
    assert checked > 20
