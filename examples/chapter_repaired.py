"""What repairs the chapter: the same network, one setting or solver after the other.

The test rows are watched here to explain, not to choose: the settings stand fixed beforehand.

    python examples/chapter_repaired.py
"""

import argparse
import dataclasses

import numpy as np

import penchant as pc
from penchant.tables import text_table


def shortened(solver, rounds):
    """Return the solver's settings with so many epochs, or a few sweeps, for a quick look."""
    if solver.round_name == "sweep":
        return dataclasses.replace(solver, sweeps=rounds + 2, burn_in=1, heads=1)
    return dataclasses.replace(solver, epochs=rounds)


def main():
    """Train the variants on the chapter's split and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default="ml-100k", help="a set, a file, 'synthetic'")
    parser.add_argument("--epochs", type=int, help="or sweeps, instead of each one's own")
    parser.add_argument("--picture", help="where to draw the curves of pc.Keras()")
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
        "another solver: pc.SGD()": pc.SGD(),
        "another solver: pc.Gibbs()": pc.Gibbs(),
    }
    rows = []
    for name, solver in variants.items():
        if options.epochs:
            solver = shortened(solver, options.epochs)
        model = pc.MatrixFactorization(factors=200, solver=solver).fit(train, watch=test)
        if name.startswith("the repair: ") and options.picture:
            model.history.plot(options.picture)
        largest = float(np.abs(model.trained.user_factors).max())
        last = model.history.records[-1]
        score = model.evaluate(test).rmse
        rows.append([name, len(model.history), last["train_rmse"], score, largest])
    columns = ("trained", "rounds", "train RMSE", "test RMSE", "largest user factor")
    form = {"train RMSE": ".4f", "test RMSE": ".4f", "largest user factor": ".2g"}
    print(text_table(columns, rows, formats=form, title=ratings.name))


if __name__ == "__main__":
    main()
