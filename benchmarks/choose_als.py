"""Choose the default settings of ALS on validation rows; see `choosing`.

python benchmarks/choose_als.py [--minutes 15] [--seed 0]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from choosing import choose, logarithmic

from penchant.solvers.als import ALS


def draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "rank": int(rng.choice([16, 24, 32])),
        "sweeps": int(rng.choice([8, 12, 16])),
        "l2": logarithmic(rng, 9, 25),
        "l2_bias": logarithmic(rng, 2, 16),
        "side_l2": logarithmic(rng, 0.05, 3),
        "weights": bool(rng.random() < 0.5),
    }


if __name__ == "__main__":
    choose(ALS, draw)
