"""The peers, each as one function: a split and settings in, predictions of the test rows out.

Runs in the peer's own virtual environment, which need not know Penchant. What a library wants its
data to be is made before the clock starts; ours are timed from the table of ratings on.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

Split = dict[str, Any]


def libmf(split: Split, clock: Any, threads: int, *, center: bool, **options: Any) -> Any:
    """Fit LIBMF; its Python `predict` is broken, so the factors are multiplied here."""
    from libmf import mf

    mean = split["train_values"].mean() if center else 0.0
    table = np.column_stack(
        [split["train_users"], split["train_items"], split["train_values"] - mean]
    )
    with clock():
        engine = mf.MF(nr_threads=threads, quiet=True, **options)
        engine.fit(table)
    P, Q = engine.p_factors(), engine.q_factors()
    users, items = split["test_users"], split["test_items"]
    known = (users < len(P)) & (items < len(Q))
    out = np.full(len(users), split["train_values"].mean())
    dots = (P[users[known]] * Q[items[known]]).sum(axis=1)
    out[known] = np.where(np.isfinite(dots), dots + mean, out[known])
    return out


def cmfrec(split: Split, clock: Any, threads: int, *, side: bool = False, **options: Any) -> Any:
    """Fit cmfrec: collective matrix factorisation by ALS."""
    import pandas as pd
    from cmfrec import CMF

    table = pd.DataFrame(
        {
            "UserId": split["train_users"],
            "ItemId": split["train_items"],
            "Rating": split["train_values"],
        }
    )
    more = {}
    if side:
        for key, name in (("U", "user"), ("I", "item")):
            frame = pd.DataFrame(split[f"{name}_side"]).add_prefix("f")
            frame.insert(0, f"{name.title()}Id", np.arange(len(frame)))
            more[key] = frame[1:]
    with clock():
        model = CMF(method="als", use_float=True, nthreads=threads, verbose=False, **options)
        model.fit(table, **more)
    return model.predict(split["test_users"], split["test_items"])


def myfm(
    split: Split, clock: Any, threads: int, *, rank: int, iterations: int, bags: bool = False,
    side: bool = False, days: bool = False, probit: bool = False,
) -> Any:  # fmt: skip
    """Fit myFM: a Bayesian factorisation machine by Gibbs sampling; it uses one thread."""
    import myfm as library
    import scipy.sparse as sp
    from myfm import RelationBlock

    u, i = split["train_users"], split["train_items"]
    M, N = len(split["user_side"]), len(split["item_side"])
    rated = sp.csr_matrix((np.ones(len(u)), (u, i)), shape=(M, N))

    def block(one: Any, bag: Any, table: Any) -> Any:
        parts, sizes = [sp.identity(one, format="csr")], [one]
        if bags:
            counts = np.maximum(np.asarray(bag.sum(axis=1)).ravel(), 1)
            parts.append(sp.diags(1 / np.sqrt(counts)) @ bag)
            sizes.append(bag.shape[1])
        if side:
            parts.append(sp.csr_matrix(table))
            sizes.append(table.shape[1])
        return sp.hstack(parts, format="csr"), sizes

    users, user_sizes = block(M, rated, split["user_side"])
    items, item_sizes = block(N, rated.T.tocsr(), split["item_side"])
    day, day_sizes = _days(split) if days else ({"train": None, "test": None}, [])
    blocks = {
        part: [
            RelationBlock(split[f"{part}_users"], users),
            RelationBlock(split[f"{part}_items"], items),
        ]
        for part in ("train", "test")
    }
    groups = [g for g, n in enumerate([*day_sizes, *user_sizes, *item_sizes]) for _ in range(n)]
    kind = library.MyFMOrderedProbit if probit else library.MyFMRegressor
    values = split["train_values"] - (1 if probit else 0)
    with clock():
        model = kind(rank=rank, random_seed=1)
        model.fit(
            day["train"], values.astype(int) if probit else values, X_rel=blocks["train"],
            n_iter=iterations, n_kept_samples=iterations - 20, group_shapes=None,
            grouping=groups,
        )  # fmt: skip
    if probit:
        chances = model.predict_proba(day["test"], X_rel=blocks["test"])
        return chances @ np.arange(1, chances.shape[1] + 1)
    return model.predict(day["test"], X_rel=blocks["test"])


def _days(split: Split) -> tuple[Split, list[int]]:
    """One column for each user and day, the same for both parts."""
    import scipy.sparse as sp

    keys = {p: split[f"{p}_users"] * 100_000 + split[f"{p}_days"] for p in ("train", "test")}
    known = np.unique(keys["train"])
    made = {}
    for part, key in keys.items():
        at = np.minimum(np.searchsorted(known, key), len(known) - 1)
        rows = np.flatnonzero(known[at] == key)
        shape = (len(key), len(known))
        made[part] = sp.csr_matrix((np.ones(len(rows)), (rows, at[rows])), shape=shape)
    return made, [len(known)]


def surprise(split: Split, clock: Any, threads: int, *, algorithm: str, **options: Any) -> Any:
    """Fit Surprise; it uses one thread."""
    import surprise as library
    from surprise.dataset import DatasetAutoFolds

    rows = zip(split["train_users"], split["train_items"], split["train_values"], strict=True)
    reader = library.Reader(rating_scale=(1, 5))
    data = DatasetAutoFolds(reader=reader, df=_Frame(list(rows)))
    trainset = data.build_full_trainset()
    if algorithm == "KNNBaseline":
        options = {"sim_options": {"name": "pearson_baseline", "user_based": False}, **options}
        options["verbose"] = False
    elif algorithm == "SVD":
        options["random_state"] = 0
    with clock():
        model = getattr(library, algorithm)(**options)
        model.fit(trainset)
    pairs = zip(split["test_users"], split["test_items"], strict=True)
    return np.array([model.predict(u, i, clip=False).est for u, i in pairs])


class _Frame:
    """The little of a data frame that Surprise asks for."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows

    def itertuples(self, index: bool = False) -> Any:
        return iter(self.rows)

    def __iter__(self) -> Any:
        return iter(self.rows)


def cornac(split: Split, clock: Any, threads: int, **options: Any) -> Any:
    """Fit the biased MF of Cornac by SGD."""
    from cornac.data import Dataset
    from cornac.models import MF

    parts = (split[f"train_{name}"].tolist() for name in ("users", "items", "values"))
    data = Dataset.from_uir(zip(*parts, strict=True), seed=0)
    with clock():
        model = MF(use_bias=True, num_threads=threads, verbose=False, seed=0, **options)
        model.fit(data)
    users, items = data.uid_map, data.iid_map
    mean = float(split["train_values"].mean())
    u = np.array([users.get(x, -1) for x in split["test_users"].tolist()])
    i = np.array([items.get(x, -1) for x in split["test_items"].tolist()])
    out = np.full(len(u), mean)
    out += np.where(u >= 0, model.u_biases[u], 0) + np.where(i >= 0, model.i_biases[i], 0)
    dots = (model.u_factors[u] * model.i_factors[i]).sum(axis=1)
    return out + np.where((u >= 0) & (i >= 0), dots, 0)


def keras(
    split: Split, clock: Any, threads: int, *, factors: int, l2: float, l2_bias: float,
    learning_rate: float, batch_size: int, epochs: int,
) -> Any:  # fmt: skip
    """Fit plain Keras on JAX: two embeddings and two biases, by Adamax with a cosine decay."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras as library
    from keras import layers, ops

    library.utils.set_random_seed(0)
    mean = split["train_values"].mean()
    sizes = {"user": len(split["user_side"]), "item": len(split["item_side"])}

    def rmse(truth: Any, predicted: Any) -> Any:
        return ops.sqrt(ops.mean(ops.square(truth - predicted)))

    with clock():
        inputs = {name: layers.Input((1,), dtype="int32") for name in sizes}
        wide = [
            layers.Embedding(n, factors, embeddings_regularizer=library.regularizers.L2(l2))(
                inputs[name]
            )
            for name, n in sizes.items()
        ]
        biases = [
            layers.Embedding(n, 1, embeddings_regularizer=library.regularizers.L2(l2_bias))(
                inputs[name]
            )
            for name, n in sizes.items()
        ]
        dot = layers.Dot(axes=2)(wide)
        out = layers.Flatten()(layers.Add()([dot, *biases]))
        model = library.Model(list(inputs.values()), out)
        steps = epochs * -(-len(split["train_values"]) // batch_size)
        rate = library.optimizers.schedules.CosineDecay(learning_rate, steps)
        model.compile(optimizer=library.optimizers.Adamax(rate), loss=rmse)
        columns = [split["train_users"][:, None], split["train_items"][:, None]]
        target = (split["train_values"] - mean)[:, None]
        model.fit(columns, target, batch_size=batch_size, epochs=epochs, verbose=0)
    columns = [split["test_users"][:, None], split["test_items"][:, None]]
    return model.predict(columns, batch_size=4096, verbose=0).ravel() + mean


PEERS = {function.__name__: function for function in (libmf, cmfrec, myfm, surprise, cornac, keras)}
