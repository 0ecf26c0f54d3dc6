"""Choose the default settings of SGD on validation rows; see `choosing`.

python benchmarks/choose_sgd.py [--minutes 15] [--seed 0]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from choosing import choose, logarithmic

from penchant.solvers.sgd.solver import SGD


def draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "epochs": int(rng.choice([30, 45, 60])),
        "learning_rate": logarithmic(rng, 0.01, 0.05),
        "decay": float(rng.choice([0.8, 0.9, 1.0])),
        "l2": round(float(rng.uniform(0.04, 0.09)), 3),
        "l2_bias": logarithmic(rng, 0.01, 0.2),
        "start": logarithmic(rng, 0.005, 0.1),
    }


if __name__ == "__main__":
    choose(SGD, draw)
