"""Steps on the rows that a batch looks up: what a step costs doesn't grow with the tables.

Each large embedding table's rows of a batch, and the optimiser's slots of them, are gathered into
small tables, stepped on, and put back. Rows that stand in a batch several times are one row of the
small table, so their gradients add up, as they do in the large one. With plain SGD that is the very
step of the whole table; an optimiser with momentum leaves the rows that a batch doesn't hold where
they are ("lazy" Adam), where Keras moves every row in every step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from penchant.networks.backend import load_keras
from penchant.networks.layers import embeddings
from penchant.solvers.keras.losses import Loss

LARGE = 16
"""A table is large if it has this many times the rows that a step can look up.

At half of that a step saves a tenth of its time, and an optimiser with momentum loses more by the
rows that it leaves alone.
"""


class Split(NamedTuple):
    """A network cut where large tables are looked up.

    Attributes:
        tables: the Embedding layers.
        sources: for each, which of `lookups` its rows come from.
        lookups: the model from the network's inputs to rows, or None where that are inputs.
        places: for each lookup, the place of the input that it is, or of the model's output.
        upper: the model from inputs and looked-up embeddings to the network's output.
    """

    tables: list[Any]
    sources: list[int]
    lookups: Any
    places: list[tuple[bool, int]]
    upper: Any


def split(network: Any, optimizer: Any, batch_size: int) -> Split | None:
    """Return the network cut at its large tables; None where there are none."""
    tables = [t for t in embeddings(network) if _is_large(t, batch_size)]
    whole = {tuple(v.shape) for v in network.trainable_variables} | {()}
    fits = all(tuple(v.shape) in whole for v in optimizer.variables)
    if not tables or not fits or optimizer.use_ema:
        return None
    inputs, keras = list(network.inputs), load_keras()
    rows: list[Any] = []
    for table in tables:
        if not any(table.input is row for row in rows):
            rows.append(table.input)
    sources = [next(k for k, row in enumerate(rows) if table.input is row) for table in tables]
    made = [row for row in rows if not any(row is given for given in inputs)]
    lookups = keras.Model(inputs, made) if made else None
    if lookups is not None and lookups.trainable_variables:
        return None
    places = [
        next(((True, k) for k, given in enumerate(inputs) if row is given), None)
        or (False, next(k for k, each in enumerate(made) if row is each))
        for row in rows
    ]
    upper = keras.Model([*inputs, *(table.output for table in tables)], network.outputs[0])
    return Split(tables, sources, lookups, places, upper)


def _is_large(table: Any, batch_size: int) -> bool:
    wide = 1
    for size in table.input.shape[1:]:
        wide *= size
    regularised = table.embeddings_regularizer or table.embeddings_constraint
    return not regularised and bool(table.trainable and table.input_dim > LARGE * batch_size * wide)


class LazySteps:
    """The step of a network cut by `split`, for batches of one size.

    Args:
        network: the network.
        optimizer: its optimiser, built; its variables hold the slots of whole tables.
        loss: of (truth, predicted).
        cut: what `split` returned.
        batch: ratings in a step.
    """

    def __init__(self, network: Any, optimizer: Any, loss: Loss, cut: Split, batch: int) -> None:
        self._network = network
        self._cut = cut
        self._loss = loss
        trainable = network.trainable_variables
        self._table_at = [_place(trainable, table.weights[0]) for table in cut.tables]
        keras = load_keras()
        small, twins = {}, list(trainable)
        for k, table in enumerate(cut.tables):
            wide = 1
            for size in table.input.shape[1:]:
                wide *= size
            shape = (batch * wide, table.output_dim)
            small[k] = keras.Variable(jnp.zeros(shape), name=f"small_table_{k}")
            twins[self._table_at[k]] = small[k]
        self._optimizer = type(optimizer).from_config(optimizer.get_config())
        self._optimizer.build(twins)
        self._slots_of = [_slots(self._optimizer, variable) for variable in small.values()]

    def __call__(self, state: Any, batch: Any) -> Any:
        """Return the state after a step on a batch, and its loss."""
        trainable, non_trainable, slots = state
        *inputs, target = batch
        rows, back = self._rows(inputs, non_trainable)
        small, small_slots = list(trainable), list(slots)
        for k, at in enumerate(self._table_at):
            mine = rows[self._cut.sources[k]]
            small[at] = _gathered(trainable[at], mine)
            for slot in self._slots_of[k]:
                small_slots[slot] = _gathered(slots[slot], mine)

        def objective(small: Any) -> Any:
            return self._objective(small, non_trainable, inputs, target, back)

        (value, fresh), gradients = jax.value_and_grad(objective, has_aux=True)(small)
        small, small_slots = self._optimizer.stateless_apply(small_slots, gradients, small)
        trainable, slots = _taken_up(trainable, small), _taken_up(slots, small_slots)
        for k, at in enumerate(self._table_at):
            mine = rows[self._cut.sources[k]]
            trainable[at] = _put_back(state[0][at], mine, small[at])
            for slot in self._slots_of[k]:
                slots[slot] = _put_back(state[2][slot], mine, small_slots[slot])
        return [trainable, fresh, slots], value

    def _rows(self, inputs: Any, non_trainable: Any) -> tuple[list[Any], list[Any]]:
        """Return the different rows of each lookup, filled up past the end, and each one's place.

        The places, of the lookup's shape, say which of the different rows stands there.
        """
        cut, made = self._cut, []
        if cut.lookups is not None:
            values = self._values(cut.lookups.non_trainable_variables, non_trainable)
            made, _ = cut.lookups.stateless_call([], values, inputs)
            made = made if isinstance(made, (list, tuple)) else [made]
        found, back = [], []
        for number, (given, place) in enumerate(cut.places):
            looked_up = inputs[place] if given else made[place]
            table = cut.tables[cut.sources.index(number)]
            rows, places = jnp.unique(
                looked_up.reshape(-1),
                size=looked_up.size,
                fill_value=table.input_dim,
                return_inverse=True,
            )
            found.append(rows)
            back.append(places.reshape(looked_up.shape))
        return found, back

    def _objective(
        self, small: Any, non_trainable: Any, inputs: Any, target: Any, back: list[Any]
    ) -> Any:
        cut, network = self._cut, self._network
        tables = zip(self._table_at, cut.sources, strict=True)
        looked_up = [small[at][back[source]] for at, source in tables]
        mine = [
            small[_place(network.trainable_variables, v)] for v in cut.upper.trainable_variables
        ]
        data = self._values(cut.upper.non_trainable_variables, non_trainable)
        predicted, fresh, penalties = cut.upper.stateless_call(
            mine, data, [*inputs, *looked_up], training=True, return_losses=True
        )
        for table, values in zip(cut.tables, looked_up, strict=True):
            if table.activity_regularizer is not None:
                penalties = [*penalties, table.activity_regularizer(values) / len(values)]
        kept = list(non_trainable)
        for variable, value in zip(cut.upper.non_trainable_variables, fresh, strict=True):
            kept[_place(network.non_trainable_variables, variable)] = value
        return self._loss(target, predicted) + sum(penalties), kept

    def _values(self, variables: Any, non_trainable: Any) -> list[Any]:
        known = self._network.non_trainable_variables
        return [non_trainable[_place(known, variable)] for variable in variables]


def _place(variables: Any, wanted: Any) -> int:
    return next(k for k, variable in enumerate(variables) if variable is wanted)


def _slots(optimizer: Any, variable: Any) -> list[int]:
    """Return the places of the optimiser's variables that belong to one it trains."""
    begin = f"{variable.path.replace('/', '_')}_"
    return [k for k, slot in enumerate(optimizer.variables) if slot.name.startswith(begin)]


def _gathered(table: Any, rows: Any) -> Any:
    return jnp.take(table, rows, axis=0, mode="clip")


def _put_back(table: Any, rows: Any, values: Any) -> Any:
    return table.at[rows].set(values, mode="drop", indices_are_sorted=True)


def _taken_up(whole: Any, stepped: Any) -> list[Any]:
    """Return the stepped values; the caller puts those of tables back into the whole."""
    return [new if new.shape == old.shape else old for old, new in zip(whole, stepped, strict=True)]
