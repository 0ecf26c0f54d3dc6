"""The step between two neighbouring ratings, so that a page can offer those that there are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.ratings import Scale

_STEPS = (10.0, 5.0, 1.0, 0.5, 0.25, 0.1)
_FEWEST = 4  # steps above 1 need so many in the scale: three films with 0, 5 and 10 prove nothing
_FINE = 100  # steps in a scale whose ratings stand on no grid
_MOST = 1_000_000  # ratings that are looked at


def step_of(values: npt.NDArray[np.floating], scale: Scale) -> float:
    """Return the widest of a few usual steps on which all ratings stand, counted from the low end.

    A hundredth of the scale where they stand on none; 1 where there are no ratings to look at.

    Args:
        values: (n,) ratings on the scale; of more than a million, evenly spread ones are looked at.
        scale: the rating scale.

    >>> step_of(np.array([0.5, 3.0, 4.5]), Scale(0.5, 5)), step_of(np.array([1, 4.0]), Scale(1, 5))
    (0.5, 1.0)
    """
    width = scale.high - scale.low
    looked = values[:: -(-len(values) // _MOST) or 1].astype(np.float64) - scale.low
    for step in _STEPS:
        if step > 1 and width < _FEWEST * step:
            continue
        at = np.append(looked, width) / step  # the high end stands on the grid too
        if np.abs(at - at.round()).max() < 1e-4:
            return step
    return width / _FINE
