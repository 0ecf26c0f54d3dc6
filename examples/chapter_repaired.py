"""What repairs the chapter: the same network, one setting after the other.

The test rows are watched here to explain, not to choose: the settings stand fixed beforehand.

    python examples/chapter_repaired.py
"""

import argparse
import dataclasses

import numpy as np

import penchant as pc
from penchant.tables import text_table


def main():
    """Train the variants on the chapter's split and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default="ml-100k", help="a set, a file, 'synthetic'")
    parser.add_argument("--epochs", type=int, help="instead of each variant's own")
    parser.add_argument("--picture", help="where to draw the last variant's curves")
    options = parser.parse_args()

    ratings = pc.synthetic() if options.source == "synthetic" else pc.load(options.source)
    train, test = pc.split(ratings, test=0.2, seed=2021)
    chapter = pc.Keras.chapter()
    variants = {
        "the chapter": chapter,
        "the chapter with Adamax": dataclasses.replace(chapter, optimizer="adamax"),
        "the chapter without l2": dataclasses.replace(chapter, l2=0.0, l2_bias=0.0),
        "the repair, l2 on whole tables": dataclasses.replace(pc.Keras(), l2_on="table"),
        "the repair, plain SGD": dataclasses.replace(pc.Keras(), optimizer="sgd"),
        "the repair: pc.Keras()": pc.Keras(),
    }
    rows = []
    for name, solver in variants.items():
        if options.epochs:
            solver = dataclasses.replace(solver, epochs=options.epochs)
        model = pc.MatrixFactorization(factors=200, solver=solver).fit(train, watch=test)
        largest = float(np.abs(model.trained.user_factors).max())
        last = model.history.records[-1]
        rows.append([name, len(model.history), last["train_rmse"], last["watch_rmse"], largest])
    columns = ("trained", "epochs", "train RMSE", "test RMSE", "largest user factor")
    form = {"train RMSE": ".4f", "test RMSE": ".4f", "largest user factor": ".2g"}
    print(text_table(columns, rows, formats=form, title=ratings.name))
    if options.picture:
        model.history.plot(options.picture)


if __name__ == "__main__":
    main()
