"""What a new user waits for: how much is compiled, counted in functions and not in seconds."""

import json
import os
import subprocess
import sys

PROGRAM = """
import json
import numpy as np
import pandas as pd
from numba.core import event
import penchant as pc

compiled = []

class Listener(event.Listener):
    def on_start(self, event):
        function = event.data["dispatcher"].py_func
        compiled.append(f"{function.__module__}.{function.__name__}")

    def on_end(self, event):
        pass

random = np.random.default_rng(0)
table = pd.DataFrame({"user": random.integers(0, 40, 900), "item": random.integers(0, 30, 900),
                      "rating": random.integers(1, 6, 900)}).drop_duplicates(["user", "item"])
train, test = pc.split(pc.load(table), test=0.2, seed=0)
with event.install_listener("numba:compile", Listener()):
    mf = pc.MatrixFactorization(factors=20, solver=pc.Gibbs(sweeps=4, burn_in=2, heads=2))
    mf.fit(train, watch=test)
    mf.predict([0, 1], [0, 1])
print(json.dumps(compiled))
"""


def test_a_first_training_compiles_few_functions_and_each_once(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    again = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", PROGRAM],
                env=environment, stdout=subprocess.PIPE, check=True, text=True,
            ).stdout.splitlines()[-1]
        )
        for _ in range(2)
    ]  # fmt: skip
    first, second = again
    ours = [name for name in first if name.startswith("penchant.")]
    assert len(ours) == len(set(ours)) <= 16, ours
    assert len(first) <= 24, first  # Numba's own functions that they call are compiled, too
    assert not second
