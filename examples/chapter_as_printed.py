"""What the printed note measured: the chapter's network trained on a target of four columns.

The table of ratings has four columns: user, item, rating, time. Where the target of the training
is the whole table less the mean, in place of its rating column less the mean, the times drown the
ratings. Another slip reads alike: Keras hands a metric the target as it came, and a target of
shape (n,) against a prediction of (n, 1) is compared all with all.

    python examples/chapter_as_printed.py
"""

import argparse
import sys

import numpy as np

import penchant as pc
from penchant.metrics import rmse
from penchant.networks.backend import load_keras
from penchant.networks.mf import matrix_factorization
from penchant.tables import text_table

FACTORS, L2, BATCH = 200, 0.01, 256
RATING = 2  # the place of the rating among the four columns


def four_columns(ratings):
    """Return user, item, rating and time, (n, 4) float64, as the note's table has them."""
    parts = (ratings.user_rows, ratings.item_rows, ratings.values, ratings.timestamps)
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in parts])


def inputs(table):
    """Return the network's two inputs, (n, 1) int32 each."""
    return [table[:, column, None].astype(np.int32) for column in (0, 1)]


def batch_rmse(truth, predicted):
    """Return the root of the mean squared error of one batch, as the chapter's loss and metric."""
    ops = load_keras().ops
    return ops.sqrt(ops.mean(ops.square(truth - predicted)))


def train(ratings, target, epochs, seed):
    """Fit the chapter's network to a target with plain Keras and return it."""
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    network = matrix_factorization(
        ratings.user_ids.size,
        ratings.item_ids.size,
        FACTORS,
        mean=0.0,  # the chapter subtracts the mean outside
        l2=L2,
        l2_bias=L2,
        l2_on="table",
        seed=seed,
    )
    network.compile(optimizer=keras.optimizers.SGD(), loss=batch_rmse, metrics=[batch_rmse])
    network.fit(
        inputs(four_columns(ratings)),
        target.astype(np.float32),
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
    )
    return network


def predict(network, table, mean):
    """Return the predicted ratings of all rows, (n,) float64."""
    return network.predict(inputs(table), batch_size=4096, verbose=0)[:, 0].astype(float) + mean


def keras_metric(network, table, target):
    """Return what Keras prints: the mean of the batches' RMSEs."""
    network.compile(loss=batch_rmse, metrics=[batch_rmse])  # afresh: for a target of this shape
    target = target.astype(np.float32)
    answers = network.evaluate(inputs(table), target, BATCH, verbose=0, return_dict=True)
    return answers["batch_rmse"]


def main():
    """Train both ways and print both measures of each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default="ml-100k", help="a set, a file, 'synthetic'")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    ratings = pc.synthetic() if options.source == "synthetic" else pc.load(options.source)
    if ratings.timestamps is None:
        sys.exit("The mistake takes a fourth column: choose ratings with timestamps.")
    train_part, test_part = pc.split(ratings, test=0.2, seed=2021)
    mean, table, test = train_part.mean, four_columns(train_part), four_columns(test_part)
    column = (test[:, RATING] - mean)[:, None]  # (n, 1)

    printed = train(train_part, table - mean, options.epochs, options.seed)
    repaired = train(train_part, (table[:, RATING] - mean)[:, None], options.epochs, options.seed)
    truth, flat = test[:, RATING], np.full(len(test), mean)
    answers = predict(printed, test, mean), predict(repaired, test, mean)
    runs = [
        ("no network: the mean for all", flat, None),
        ("target of four columns, as printed", answers[0], keras_metric(printed, test, column)),
        ("target of ratings, (n, 1)", answers[1], keras_metric(repaired, test, column)),
        (
            "the same, measured against (n,)",
            answers[1],
            keras_metric(repaired, test, column[:, 0]),
        ),
    ]
    columns = ("trained on", "true RMSE", "Keras' metric", "mean answer", "spread")
    rows = [
        [name, rmse(truth, answer), metric, answer.mean(), answer.std()]
        for name, answer, metric in runs
    ]
    form = dict.fromkeys(columns[1:], ".4f")
    print(text_table(columns, rows, formats=form, title=f"{ratings.name}, {options.epochs} epochs"))
    print("\ntrue RMSE: over all test rows at once. Keras' metric: the mean of the batches' RMSEs.")


if __name__ == "__main__":
    main()
