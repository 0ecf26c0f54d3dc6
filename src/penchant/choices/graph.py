"""The whole recommender as one Keras graph: the rating, and the probability of being picked."""

from __future__ import annotations

from typing import Any

from penchant.arrays import F32
from penchant.choices.model import FLOOR, Choices
from penchant.networks.backend import load_keras


def with_picks(network: Any, choices: Choices, shares: F32) -> Any:
    """Give a network of ratings a second answer: how probable it is that the user picks the item.

    A second pair of embeddings, their dot product, and the bounds of `Choices`; the two halves
    share their inputs and nothing else. Of an item that the user has picked already it says what it
    would of any other.

    Args:
        network: from `user` and `item` rows, (batch, 1) int32 each, to the rating, (batch, 1).
        choices: the numbers.
        shares: (N,) which share of all users picked each item.

    Returns:
        A `keras.Model` with the outputs "rating" and "picked", (batch, 1) each.
    """
    keras = load_keras()
    user, item = network.inputs

    def table(name: str, rows: F32, of: Any) -> Any:
        layer = keras.layers.Embedding(*rows.shape, trainable=False, name=name)
        found = layer(of)  # (batch, 1, width)
        layer.set_weights([rows])
        return found

    a = table("user_choices", choices.users, user)
    c = table("item_choices", choices.items, item)
    share = keras.layers.Flatten(name="share")(table("item_shares", shares[:, None], item))
    score = keras.layers.Flatten(name="score")(keras.layers.Dot(axes=2, name="pick")([a, c]))
    least = keras.ops.maximum(choices.gain * score, float(FLOOR) * share)
    likely = keras.ops.minimum(least, 1.0)
    somebody = keras.ops.any(keras.ops.not_equal(a, 0.0), axis=-1)  # who has picked something
    picked = keras.ops.where(somebody, likely, share)
    outputs = {"rating": network.output, "picked": picked}
    return keras.Model([user, item], outputs, name="recommender")
