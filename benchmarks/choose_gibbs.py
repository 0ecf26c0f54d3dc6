"""Choose the default settings of Gibbs on validation rows; see `choosing`.

python benchmarks/choose_gibbs.py [--minutes 15] [--seed 0]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from choosing import choose

from penchant.solvers.gibbs.solver import Gibbs


def draw(rng: np.random.Generator) -> dict[str, Any]:
    sweeps = int(rng.choice([100, 150, 200, 300]))
    return {
        "rank": int(rng.choice([8, 12, 16, 24, 32])),
        "sweeps": sweeps,
        "burn_in": int(sweeps * rng.choice([0.1, 0.2, 0.4])),
        "heads": int(rng.choice([32, 64])),
        "weights": bool(rng.random() < 0.8),
    }


if __name__ == "__main__":
    choose(Gibbs, draw)
