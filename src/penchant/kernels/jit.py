"""How the kernels are compiled: one place for the options, so that all of them keep the contracts.

`nogil` lets Python threads run kernels side by side; `cache` keeps the machine code on disk. Of the
liberties with floating point a `kernel` takes only `contract` (a multiplication and an addition in
one rounding): it does not reorder sums, so a row's bits cannot depend on where its block starts.
What takes more, with `kernel_with`, says why that is so there too.

A new user waits for the compiler, and it takes its time for each function, for each combination of
types that one is called with, and again for each function that calls it. So what only makes a
kernel readable is a `part`, scratch arrays come from Python, and a literal number is not handed to
a kernel by a kernel: it would be another type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel_with(
    *liberties: str, allocates: bool = False, inner: bool = False, **inlining: Any
) -> Callable[[F], F]:
    """Compile with these liberties of LLVM's fast-math, such as "reassoc", and no others.

    A function that makes no arrays counts no references to them: its callers hold them. An `inner`
    one is called by kernels alone. The rest says how it is inlined.
    """
    options: dict[str, Any] = {
        "cache": True,
        "nogil": True,
        "error_model": "numpy",
        "fastmath": set(liberties),
        "no_cfunc_wrapper": True,  # no one calls them from C
        "no_cpython_wrapper": inner,
        "_nrt": allocates,
        **inlining,
    }
    return cast("Callable[[F], F]", numba.njit(**options))


def kernel(function: F) -> F:
    """Compile a function on arrays and numbers with Numba, at its first call."""
    return kernel_with("contract")(function)


def part(function: F) -> F:
    """Write a function out in the kernels that call it, before those are compiled.

    No call is left, which would hand over each array as seven words. For what has few branches, or
    is called in one place: Numba copies it for each.
    """
    return kernel_with("contract", inline="always")(function)


def inlined(function: F) -> F:
    """Compile a function for itself, and let LLVM write it out in those that call it.

    For large parts, of which Numba is slow to make copies.
    """
    return kernel_with("contract", inner=True, forceinline=True)(function)


def inner(function: F) -> F:
    """Compile a function that kernels alone call, seldom enough for a call."""
    return kernel_with("contract", inner=True)(function)
