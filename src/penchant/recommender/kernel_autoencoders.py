"""SparseFC and GLocal-K: autoencoders of items with kernel weights, as recommenders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from penchant.network.weights import Shapes, require_shapes
from penchant.recommender.coded import CodedItems
from penchant.recommender.knowledge import Knowledge
from penchant.solvers.base import Trained
from penchant.solvers.kernel_autoencoder import KernelAutoencoding


class _KernelAutoencoder(CodedItems):
    """What both have in common."""

    def _trainer(self) -> KernelAutoencoding:
        return KernelAutoencoding(**self._for_trainer())

    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        require_shapes(trained.more, {})
        return super()._shapes(trained, known)


class SparseFC(_KernelAutoencoder):
    """An autoencoder from an item's ratings to all users', its weights thinned by kernels.

    Prediction: ``x̂_i = f(x_i)`` with x_i item i's ratings, 1 for the lowest of the scale to 5 for
    the highest and 0 where it has none; each layer is ``g(x (W ∘ K) + b)`` with
    ``K_jk = max(0, 1 − |u_j − v_k|²)``, g the sigmoid but in the last layer, u and v vectors of 5
    numbers. Clipped to the scale.

    Objective: ``½ Σ (x − x̂)² + Σ over layers (λ |W|² + λ_k |K|²) / 2``, the first sum over the
    ratings. It is lowered over all ratings at once by L-BFGS; an epoch is `iterations` of them, and
    begins without a memory of those before, as the authors' does: that regularises too.

    The whole table of users and items is held densely. After training the last hidden layer's
    output h_i of every item is kept, so that predictions are ``b_u + v_u · h_i`` and need neither
    ratings nor Keras. The stranger's row 0 among items, and items without ratings, have the code of
    an empty input; row 0 among users, and users without ratings, the mean of the others' b and v.

    Args:
        layers: widths of the hidden layers.
        l2: λ, of the weights.
        l2_kernel: λ_k, of the kernels.
        iterations: of L-BFGS in an epoch.
        epochs: at the most; with validation rows the best is kept.
        patience: epochs without a better validation RMSE before training stops.
        seed: of the random start; on one machine the same seed gives the same model.

    Raises `UnsupportedError` in `fit` where users × items are more than 2²⁸ cells.

    References:
        Müller, Martel, Indiveri: Kernelized Synaptic Weight Matrices, ICML 2018. λ as in
        Han et al. (see `GLocalK`), who train the same layers.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> model = pc.SparseFC(layers=(8,), epochs=2, l2=1.0).fit(ratings, progress=False)
    >>> model.predict([1, 1], [2, 3]).shape, model.n_parameters
    ((2,), 877)
    """

    kind: ClassVar[str] = "sparse_fc"

    def __init__(
        self,
        layers: Sequence[int] = (500, 500),
        l2: float = 20.0,
        l2_kernel: float = 0.006,
        iterations: int = 5,
        epochs: int = 40,
        patience: int = 20,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.l2 = l2
        self.l2_kernel = l2_kernel
        self.iterations = iterations
        self.epochs = epochs
        self.patience = patience
        self.seed = seed


class GLocalK(_KernelAutoencoder):
    """`SparseFC`, then trained further on a table that one global kernel has moved.

    After `epochs` the network reads ``relu(R * G)`` in place of the table R of items and users: the
    convolution with ``G = Σ_i a_i C_i``, a small square kernel, a_i the mean of item i's
    reconstructed ratings at that time and C_i trained with all other numbers for `global_epochs`
    more. The objective is that of `SparseFC`.

    A convolution looks at neighbours in the table, so that here the order of users and items
    matters: that of their first appearance in the ratings.

    Args:
        layers: widths of the hidden layers.
        l2: λ, of the weights.
        l2_kernel: λ_k, of the layers' kernels.
        iterations: of L-BFGS in an epoch.
        epochs: before the global kernel, at the most.
        global_epochs: with it.
        window: how many rows and columns the global kernel has, an odd number.
        patience: epochs without a better validation RMSE before training stops.
        seed: of the random start; on one machine the same seed gives the same model.

    Raises `UnsupportedError` in `fit` where users × items are more than 2²⁸ cells.

    References:
        Han, Lim, Long, Burgstaller, Poon: GLocal-K: Global and Local Kernels for Recommender
        Systems, CIKM 2021; λ, epochs and window as there for MovieLens 100K.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> model = pc.GLocalK(layers=(8,), epochs=2, global_epochs=2).fit(ratings, progress=False)
    >>> model.predict([1, 1], [2, 3]).shape, len(model.history)
    ((2,), 4)
    """

    kind: ClassVar[str] = "glocal_k"

    def __init__(
        self,
        layers: Sequence[int] = (500, 500),
        l2: float = 20.0,
        l2_kernel: float = 0.006,
        iterations: int = 5,
        epochs: int = 30,
        global_epochs: int = 30,
        window: int = 3,
        patience: int = 20,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.l2 = l2
        self.l2_kernel = l2_kernel
        self.iterations = iterations
        self.epochs = epochs
        self.global_epochs = global_epochs
        self.window = window
        self.patience = patience
        self.seed = seed
