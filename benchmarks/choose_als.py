"""Choose the default settings of ALS on validation rows; see `choosing`.

python benchmarks/choose_als.py [--minutes 15] [--seed 0]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from choosing import choose, logarithmic

from penchant.solvers.als.solver import ALS


def draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "rank": int(rng.choice([16, 24, 32])),
        "sweeps": int(rng.choice([8, 12])),
        "l2": logarithmic(rng, 11, 22),
        "l2_bias": logarithmic(rng, 2, 16),
        "l2_bags": logarithmic(rng, 0.3, 3),
        "l2_side": logarithmic(rng, 1, 40),
        "weights": bool(rng.random() < 0.3),
    }


if __name__ == "__main__":
    choose(ALS, draw)
