"""What arrays are called: by what they hold, and how wide it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int32]
"""Places in the tables of users or items; 0 is the stranger."""
