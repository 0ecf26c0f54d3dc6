"""What is collected, and by how many workers."""

import os

BACKENDS = ("jax", "tensorflow")
chosen = os.environ.get("KERAS_BACKEND", "jax")
# Of the modules for one Keras backend, doctests are collected only under that backend.
collect_ignore = [f"src/penchant/solvers/keras_{name}.py" for name in BACKENDS if name != chosen]


def pytest_xdist_auto_num_workers(config):
    """One for each processor; none for a single file, which is quicker without."""
    files = {argument.partition("::")[0] for argument in config.args}
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    if any(os.path.isdir(file) for file in files):
        return len(usable)
    return min(len(usable), len(files)) if len(files) > 1 else 0
