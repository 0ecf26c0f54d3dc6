"""The twins of `penchant.kernels.sgd` in plain NumPy: slow, and the same by eye as the papers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.kernels.byte_values import Values, decoded

Held = npt.NDArray[np.float32] | npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]

_LOW = 0xFFFFFFFF


def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Return the four words of a counter under a key (Philox4x32-10), on Python's integers."""
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & _LOW, (p >> 32) ^ c3 ^ k1, p & _LOW
        k0, k1 = (k0 + 0x9E3779B9) & _LOW, (k1 + 0xBB67AE85) & _LOW
    return c0, c1, c2, c3


def sort_into_blocks(
    user_band: Rows, item_band: Rows, bands: int, users: Rows, items: Rows, values: Held
) -> tuple[npt.NDArray[np.int64], Rows, Rows, Held]:
    """Return where each block starts, and the three columns sorted by block."""
    block = user_band[users] * bands + item_band[items]
    order = np.argsort(block, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=bands * bands))])
    return starts, users[order], items[order], values[order]


def shuffle(n: int, block: int, epoch: int, key: Words) -> Rows:
    """Return a random order of 0 … n-1, (n,) int32."""
    order = np.arange(n, dtype=np.int32)
    for j in range(n - 1, 0, -1):
        word = philox(j // 4, block, epoch, 0x5364, int(key[0]), int(key[1]))[j % 4]
        to = (word * (j + 1)) >> 32
        order[[j, to]] = order[[to, j]]
    return order


def sgd_blocks(
    blocks: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    users: Rows,
    items: Rows,
    values: Values,
    mean: np.float32,
    scale: np.float32,
    b: F32,
    c: F32,
    P: F32,
    Q: F32,
    eta: np.float32,
    lam: np.float32,
    lam_b: np.float32,
    epoch: int,
    key: Words,
) -> None:
    """Move the factors along each rating of some blocks, once, in a random order."""
    ratings = decoded(values)
    for block in blocks:
        start, stop = int(starts[block]), int(starts[block + 1])
        for j in start + shuffle(stop - start, int(block), epoch, key):
            u, i = users[j], items[j]
            e = scale * (ratings[j] - mean) - b[u] - c[i] - P[u] @ Q[i]
            P[u], Q[i] = P[u] + eta * (e * Q[i] - lam * P[u]), Q[i] + eta * (e * P[u] - lam * Q[i])
            b[u] += eta * (e - lam_b * b[u])
            c[i] += eta * (e - lam_b * c[i])


def predict_pairs(
    users: Rows,
    items: Rows,
    mean: np.float32,
    deviation: np.float32,
    b: F32,
    c: F32,
    P: F32,
    Q: F32,
) -> F32:
    """Return ``mean + deviation (b_u + b_i + p_u · q_i)`` of each pair of rows, (n,) float32."""
    dots = np.einsum("nk,nk->n", P[users], Q[items])
    return mean + deviation * (b[users] + c[items] + dots)  # type: ignore[no-any-return]
