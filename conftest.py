"""Of the modules for one Keras backend, doctests are collected only under that backend."""

import os

BACKENDS = ("jax", "tensorflow")
chosen = os.environ.get("KERAS_BACKEND", "jax")
collect_ignore = [f"src/penchant/solvers/keras_{name}.py" for name in BACKENDS if name != chosen]
