"""The chapter through the library: its network, its settings, its two curves.

python examples/chapter.py
"""

import argparse
import dataclasses

import penchant as pc
from penchant.plots import plot_history


def main():
    """Train the chapter's network on the chapter's split, judge it and draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default="ml-100k", help="a set, a file, 'synthetic'")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--picture", help="where to draw the curves: PNG, SVG or PDF")
    options = parser.parse_args()

    ratings = pc.synthetic() if options.source == "synthetic" else pc.load(options.source)
    train, test = pc.split(ratings, test=0.2, seed=2021)

    solver = dataclasses.replace(pc.Keras.chapter(), epochs=options.epochs)
    model = pc.MatrixFactorization(factors=200, solver=solver)
    model.fit(train, watch=test)

    model.network.summary()
    print(model.evaluate(test))
    if options.picture:
        plot_history(model.history, options.picture, title=f"The chapter on {ratings.name}")


if __name__ == "__main__":
    main()
