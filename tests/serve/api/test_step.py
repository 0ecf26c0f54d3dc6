import numpy as np
import pytest

from penchant.ratings import Scale
from penchant.serve.api.step import step_of


@pytest.mark.parametrize(
    ("values", "scale", "step"),
    [
        ([1, 2, 5], (1, 5), 1),
        ([0.5, 5], (0.5, 5), 0.5),
        ([1, 3.5], (1, 5), 0.5),
        ([1, 10], (1, 10), 1),
        ([0, 37, 100], (0, 100), 1),
        ([0, 40, 100], (0, 100), 10),
        ([0, 45, 100], (0, 100), 5),
        ([0, 5, 10], (0, 10), 1),
        ([-10, 3.3], (-10, 10), 0.1),
        ([-9.97, 0.123], (-10, 10), 0.2),
        ([], (1, 5), 1),
        ([3, 3], (3, 3), 1),
        ([1], (1, 4.5), 0.5),
    ],
)
def test_steps_of_usual_scales(values, scale, step):
    assert step_of(np.array(values, np.float32), Scale(*scale)) == pytest.approx(step)


def test_of_very_many_ratings_evenly_spread_ones_are_looked_at():
    values = np.full(2_500_001, 3, np.float32)

    values[3 * 800_000] = 4.25
    assert step_of(values, Scale(1, 5)) == 0.25
