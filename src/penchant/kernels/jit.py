"""How the kernels are compiled: one place for the options, so that all of them keep the contracts.

`nogil` lets Python threads run kernels side by side; `cache` keeps the machine code on disk. Of the
liberties with floating point only `contract` (a multiplication and an addition in one rounding) is
taken: it does not reorder sums, so a row's bits cannot depend on where its block starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a function on arrays and numbers with Numba, at its first call."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
    return cast("F", compiled(function))
