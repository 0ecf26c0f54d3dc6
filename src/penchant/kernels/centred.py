"""A side's augmented rows x̃ = (factors, own bias) less a mean, in one pass over them."""

from __future__ import annotations

from penchant.kernels.jit import kernel


@kernel
def deviations(factors, bias, mean, active, out):  # type: ignore[no-untyped-def]
    """Fill out with the rows less one mean; zeros where a row is not active.

    Args:
        factors: (M, K) float32.
        bias: (M,) float32.
        mean: (D,) float32.
        active: (M,) bool.
        out: (M, D) float32, written.
    """
    k = len(mean) - 1
    for row in range(len(bias)):
        if active[row]:
            for d in range(k):
                out[row, d] = factors[row, d] - mean[d]
            out[row, k] = bias[row] - mean[k]
        else:
            for d in range(k + 1):
                out[row, d] = 0


@kernel
def unexplained(factors, bias, explained, active, mean, out):  # type: ignore[no-untyped-def]
    """Fill out with the active rows less what is explained of each, less the mean of all that.

    Args:
        factors: (M, K) float32.
        bias: (M,) float32.
        explained: (M, D) float32.
        active: (M,) bool, of which m are True.
        mean: (D,) float64, written: the mean of what is left of the active rows, 0 for none.
        out: (m, D) float64, written.
    """
    m, D = out.shape
    k, n = D - 1, 0
    mean[:] = 0.0
    for row in range(len(bias)):
        if active[row]:
            for d in range(k):
                out[n, d] = factors[row, d] - explained[row, d]
            out[n, k] = bias[row] - explained[row, k]
            for d in range(D):
                mean[d] += out[n, d]
            n += 1
    for d in range(D):
        mean[d] /= max(m, 1)
    for n in range(m):
        for d in range(D):
            out[n, d] -= mean[d]
