"""A Keras network of your own, with Penchant's training, answers and bundles.

python examples/own_network.py
"""

import argparse
import tempfile
from pathlib import Path

import penchant as pc


def build(n_users, n_items):
    """Return two towers of 16 numbers each, multiplied; row 0 of each table is the stranger's."""
    import keras

    def tower(name, rows, size):
        table = keras.layers.Embedding(size, 32, name=f"{name}_embedding")(rows)
        flat = keras.layers.Flatten(name=f"{name}_flat")(table)
        hidden = keras.layers.Dense(32, activation="relu", name=f"{name}_hidden")(flat)
        return keras.layers.Dense(16, name=f"{name}_tower")(hidden)

    user = keras.Input((1,), dtype="int32", name="user")
    item = keras.Input((1,), dtype="int32", name="item")
    product = keras.layers.Multiply(name="product")(
        [tower("user", user, n_users), tower("item", item, n_items)]
    )
    middle = keras.initializers.Constant(3.5)  # near the mean rating: a good place to start
    rating = keras.layers.Dense(1, bias_initializer=middle, name="rating")(product)
    return keras.Model([user, item], rating, name="two_towers")


def main():
    """Train the network, judge it, save it and open it again."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default="ml-100k", help="a set, a file, 'synthetic'")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()

    ratings = pc.synthetic() if options.source == "synthetic" else pc.load(options.source)
    train, test = pc.split(ratings, test=0.2, seed=2021)
    model = pc.NeuralRating(network=build, learning_rate=0.002, epochs=options.epochs)
    model.fit(train, validation=0.1, watch=test)
    print(model.evaluate(test))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "two_towers.penchant"
        model.save(path)  # numbers by name, and no code
        opened = pc.open(path, network=build)
        print(opened.recommend(train.users[0], n=3))


if __name__ == "__main__":
    main()
