"""How the kernels are compiled: one place for the options, so that all of them keep the contracts.

`nogil` lets Python threads run kernels side by side; `cache` keeps the machine code on disk. Of the
liberties with floating point a `kernel` takes only `contract` (a multiplication and an addition in
one rounding): it does not reorder sums, so a row's bits cannot depend on where its block starts.
What takes more, with `kernel_with`, says why that is so there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel_with(*liberties: str, inlined: bool = False) -> Callable[[F], F]:
    """Compile with these liberties of LLVM's fast-math, such as "reassoc", and no others."""
    compiler = numba.njit(
        cache=True,
        nogil=True,
        error_model="numpy",
        fastmath=set(liberties),
        forceinline=inlined,
    )
    return cast("Callable[[F], F]", compiler)


def kernel(function: F) -> F:
    """Compile a function on arrays and numbers with Numba, at its first call."""
    return kernel_with("contract")(function)


def part(function: F) -> F:
    """Compile a function that becomes part of the kernels that call it.

    A call hands over each array as seven words: too many for what is called for each row.
    """
    return kernel_with("contract", inlined=True)(function)
