"""The inner loops of stochastic gradient descent (SGD) on a fixed grid of disjoint blocks.

Users and items are dealt to G bands each, and the ratings sorted into the G × G blocks that the
bands make; block g G + h holds band g of the users and band h of the items. Blocks that share no
band touch different rows and can be worked on side by side: an epoch is G rounds of G such blocks
(Gemulla, Nijkamp, Haas & Sismanis 2011, "Large-scale matrix factorization with distributed
stochastic gradient descent"). The order of the ratings in a block is a pure function of (seed,
epoch, block), so that the bits don't depend on the number of threads.

`penchant.kernels.plain.sgd` holds the twins in NumPy.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel, kernel_with
from penchant.kernels.rng import philox
from penchant.kernels.simd.vector import at, prefetch

AHEAD = 16
"""The factors of the rating so many steps ahead are asked for."""

_f = np.float32
_SHUFFLE = np.uint32(0x5364)  # keeps these draws apart from others under the same seed

# These sums may be reordered, to run in as many lanes as the processor has. The order depends on
# K alone: no bit depends on the threads, or on where a block starts.
_wide = kernel_with("contract", "reassoc", allocates=True)


@kernel_with("contract", allocates=True)
def sort_into_blocks(  # type: ignore[no-untyped-def]
    user_band, item_band, bands, users, items, values, sorted_users, sorted_items, sorted_values
):
    """Copy the ratings block by block, those of a block in their given order.

    Args:
        user_band: (M,) int32, the band of each user row, 0 … G-1.
        item_band: (N,) int32, the band of each item row.
        bands: G.
        users: (n,) int32 rows.
        items: (n,) int32 rows.
        values: (n,) float32, or uint8 codes.
        sorted_users: (n,) int32, filled.
        sorted_items: (n,) int32, filled.
        sorted_values: (n,) as the values are, filled.

    Returns:
        Where each block starts, (G² + 1,) int64.
    """
    starts = np.zeros(bands * bands + 1, np.int64)
    for j in range(len(values)):
        starts[user_band[users[j]] * bands + item_band[items[j]] + 1] += 1
    for b in range(bands * bands):
        starts[b + 1] += starts[b]
    place = starts.copy()
    for j in range(len(values)):
        b = user_band[users[j]] * bands + item_band[items[j]]
        to = place[b]
        sorted_users[to], sorted_items[to], sorted_values[to] = users[j], items[j], values[j]
        place[b] = to + 1
    return starts


@kernel_with("contract", allocates=True)
def shuffle(order, block, epoch, key):  # type: ignore[no-untyped-def]
    """Fill `order`, (n,) int32, with a random order of 0 … n-1 (Fisher & Yates).

    Step j from n-1 down to 1 swaps places j and ⌊(j + 1) w / 2³²⌋, w being word j % 4 of counter
    j // 4. `key` is (2,) uint32.
    """
    n = len(order)
    words = np.empty((n + 3) // 4 * 4, np.uint32)
    for c in range(len(words) // 4):  # by itself, this loop runs in many lanes
        a, b, d, e = philox(
            np.uint32(c), np.uint32(block), np.uint32(epoch), _SHUFFLE, key[0], key[1]
        )
        words[4 * c], words[4 * c + 1], words[4 * c + 2], words[4 * c + 3] = a, b, d, e
    for j in range(n):
        order[j] = j
    for j in range(n - 1, 0, -1):
        to = np.int64((np.uint64(words[j]) * np.uint64(j + 1)) >> np.uint64(32))
        order[j], order[to] = order[to], order[j]


@kernel
def _ask(x, o, K):  # type: ignore[no-untyped-def]
    """Ask for the K numbers from place o on."""
    for k in range(0, K, 16):
        prefetch(x, o + k)


@_wide
def sgd_blocks(  # type: ignore[no-untyped-def]
    blocks,
    starts,
    users,
    items,
    values,
    mean,
    scale,
    user_bias,
    item_bias,
    P,
    Q,
    rate,
    l2,
    l2_bias,
    epoch,
    key,
):
    """Move the factors along each rating of some blocks, once, in a random order.

    ``e = s (r - mean) - b_u - b_i - p_u · q_i``, then ``p ← p + η(e q - λ p)``,
    ``q ← q + η(e p - λ q)`` with the p before, and ``b ← b + η(e - λ_b b)``.

    Args:
        blocks: (m,) int64, the blocks to work on, in this order.
        starts: (G² + 1,) int64 of `sort_into_blocks`.
        users: (n,) int32 rows, sorted by block.
        items: (n,) int32 rows.
        values: (n,) ratings, as `penchant.kernels.byte_values` has them.
        mean: their mean, float32.
        scale: s, one over their standard deviation, float32.
        user_bias: (M,) float32, changed.
        item_bias: (N,) float32, changed.
        P: (M, K) float32 user factors, changed.
        Q: (N, K) float32 item factors, changed.
        rate: η, float32.
        l2: λ of the factors, charged for each rating, float32.
        l2_bias: λ of the biases, charged for each rating, float32.
        epoch: from 1.
        key: (2,) uint32 of the seed.
    """
    keep, keep_bias = _f(1) - rate * l2, _f(1) - rate * l2_bias
    longest = (starts[blocks + 1] - starts[blocks]).max()
    order, target = np.empty(longest, np.int32), np.empty(longest, np.float32)
    user, item = np.empty(longest, np.int32), np.empty(longest, np.int32)
    K, flat_p, flat_q = P.shape[1], P.reshape(-1), Q.reshape(-1)
    for block in blocks:
        start = starts[block]
        length = starts[block + 1] - start
        shuffle(order[:length], block, epoch, key)
        for j in range(length):  # in order, which the memory is quick at; out of order below
            user[j], item[j] = users[start + j], items[start + j]
            target[j] = scale * (at(values, start + j) - mean)
        for j in range(length):
            here, later = order[j], order[min(j + AHEAD, length - 1)]
            _ask(flat_p, np.intp(user[later]) * K, K)
            _ask(flat_q, np.intp(item[later]) * K, K)
            u, i = user[here], item[here]
            p, q = P[u], Q[i]
            dot = _f(0)
            for k in range(K):
                dot += p[k] * q[k]
            g = rate * (target[here] - user_bias[u] - item_bias[i] - dot)
            for k in range(K):
                a, b = p[k], q[k]
                p[k] = keep * a + g * b
                q[k] = keep * b + g * a
            user_bias[u] = keep_bias * user_bias[u] + g
            item_bias[i] = keep_bias * item_bias[i] + g


@_wide
def predict_pairs(users, items, mean, deviation, user_bias, item_bias, P, Q, out):  # type: ignore[no-untyped-def]
    """Fill `out`, (n,) float32, with ``mean + deviation (b_u + b_i + p_u · q_i)``, pair by pair."""
    K, flat_p, flat_q = P.shape[1], P.reshape(-1), Q.reshape(-1)
    for j in range(len(out)):
        later = min(j + AHEAD, len(out) - 1)
        _ask(flat_p, np.intp(users[later]) * K, K)
        _ask(flat_q, np.intp(items[later]) * K, K)
        u, i = users[j], items[j]
        p, q = P[u], Q[i]
        dot = _f(0)
        for k in range(len(p)):
            dot += p[k] * q[k]
        out[j] = mean + deviation * (user_bias[u] + item_bias[i] + dot)
