"""Matrix factorisation as a Keras graph: the chapter's network, to the parameter."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from penchant.errors import DataError
from penchant.factors import Factors
from penchant.networks.backend import load_keras
from penchant.stars import Stars

L2On = Literal["rows", "table"]

TABLES = ("user_factors", "item_factors", "user_bias", "item_bias")
"""The four layers with weights, by the names of the arrays of `Factors`."""


def matrix_factorization(
    n_user_rows: int,
    n_item_rows: int,
    factors: int,
    mean: float,
    *,
    l2: float = 0.0,
    l2_bias: float = 0.0,
    l2_on: L2On = "rows",
    seed: int = 0,
) -> Any:
    """Build the network ``r̂(u, i) = mean + b_u + b_i + p_u · q_i`` of ten layers.

    A one-hot vector of a user times the (M, K) table P is row u of P: that is what an embedding
    looks up. The inputs `user` and `item` are rows, (batch, 1) int32; the output is (batch, 1).
    The mean is added by a `Rescaling` without weights, so (M + N)(K + 1) parameters are trained.

    Args:
        n_user_rows: M, the stranger's row 0 counted.
        n_item_rows: N, the stranger's row 0 counted.
        factors: K.
        mean: what the network's dot and biases are added to.
        l2: λ of the factors.
        l2_bias: λ of the biases.
        l2_on: what λ is charged on. "table": ``λ Σ w²`` over the whole table in every step,
            whatever the batch holds (Keras' `embeddings_regularizer`). "rows": the mean over
            the batch of ``λ |row|²`` of the rows that it looks up, so that a rating pays for its
            own user and item, as in the papers' objective (Keras' `activity_regularizer`).
        seed: of the random start, uniform in ±0.05 (Keras' default for embeddings).

    Returns:
        A `keras.Model` that is built and not compiled.

    References:
        Koren, Bell, Volinsky: Matrix Factorization Techniques for Recommender Systems, Computer
        42(8), 2009, equation 4.

    >>> network = matrix_factorization(944, 1683, 200, mean=3.53)
    >>> network.count_params(), len(network.layers), network.output_shape
    (528027, 10, (None, 1))
    """
    keras = load_keras()
    layers = keras.layers

    def table(name: str, rows: int, width: int, weight: float) -> Any:
        kind = "activity_regularizer" if l2_on == "rows" else "embeddings_regularizer"
        return layers.Embedding(
            rows,
            width,
            embeddings_initializer=keras.initializers.RandomUniform(
                seed=_table_seed(seed, TABLES.index(name))
            ),
            name=name,
            **({kind: keras.regularizers.L2(weight)} if weight else {}),
        )

    user = keras.Input((1,), dtype="int32", name="user")
    item = keras.Input((1,), dtype="int32", name="item")
    p = table("user_factors", n_user_rows, factors, l2)(user)  # (batch, 1, K)
    q = table("item_factors", n_item_rows, factors, l2)(item)  # (batch, 1, K)
    dot = layers.Dot(axes=2, name="dot")([p, q])  # (batch, 1, 1)
    user_bias = table("user_bias", n_user_rows, 1, l2_bias)(user)  # (batch, 1, 1)
    item_bias = table("item_bias", n_item_rows, 1, l2_bias)(item)  # (batch, 1, 1)
    total = layers.Add(name="add")([dot, user_bias, item_bias])
    flat = layers.Flatten(name="flatten")(total)  # (batch, 1)
    rating = layers.Rescaling(1.0, offset=float(mean), name="rating")(flat)
    return keras.Model([user, item], rating, name="matrix_factorization")


def network_of(factors: Factors, stars: Stars | None = None) -> Any:
    """Build the network that answers with the numbers of `factors`.

    With stars the numbers give latent values, and a layer without weights makes expected ratings
    of them.
    """
    network = matrix_factorization(
        len(factors.user_bias), len(factors.item_bias), factors.n_factors, factors.mean
    )
    for name in TABLES:
        array = getattr(factors, name)
        network.get_layer(name).set_weights([array if array.ndim == 2 else array[:, None]])
    return network if stars is None else _with_stars(network, stars)


def _with_stars(network: Any, stars: Stars) -> Any:
    from penchant.networks.ordinal import expected_rating

    expected = expected_rating(stars)(network.output)  # (batch, 1)
    return load_keras().Model(network.inputs, expected, name="ordinal_matrix_factorization")


def factors_of(network: Any) -> Factors:
    """Read the numbers of a network that `matrix_factorization` built.

    Raises `DataError` where a number is not finite.

    >>> network = matrix_factorization(3, 4, 2, mean=3.0)
    >>> factors_of(network)
    Factors(3 × 4, 2 factors, 21 parameters)
    """
    tables = {name: np.asarray(network.get_layer(name).weights[0].value) for name in TABLES}
    return factors_from(tables, network.get_layer("rating").offset)


def factors_from(tables: dict[str, Any], mean: float) -> Factors:
    """Make `Factors` of the four tables by name; the biases may be (M, 1) or (M,).

    Raises `DataError` where a table is missing or not finite.
    """
    missing = [name for name in TABLES if name not in tables]
    if missing:
        raise DataError(f"The tables {', '.join(missing)} are missing; received {list(tables)}.")
    arrays = {name: np.array(tables[name], dtype=np.float32) for name in TABLES}
    return Factors(
        float(mean),
        arrays["user_bias"].reshape(-1),
        arrays["item_bias"].reshape(-1),
        arrays["user_factors"],
        arrays["item_factors"],
    )


def _table_seed(seed: int, table: int) -> int:
    return int(np.random.SeedSequence((seed, table)).generate_state(1)[0])
