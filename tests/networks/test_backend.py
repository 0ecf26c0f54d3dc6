"""Which backend Keras gets, each in a process of its own."""

import os
import subprocess
import sys

import pytest

from penchant.networks.backend import load_keras


def run(code, **environment):
    base = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**base, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


LOAD = "from penchant.networks.backend import load_keras as load; print(load().backend.backend())"


@pytest.mark.skipif(load_keras().backend.backend() != "jax", reason="needs JAX")
def test_it_is_jax_unless_the_user_says_else():
    assert run(LOAD).stdout.strip() == "jax"


def test_the_users_choice_is_kept():
    chosen = load_keras().backend.backend()
    assert run(LOAD, KERAS_BACKEND=chosen).stdout.strip() == chosen


def test_a_backend_that_is_not_installed_is_named_with_its_extra():
    hide = "import sys; sys.modules['tensorflow'] = None\n"
    done = run(hide + LOAD, KERAS_BACKEND="tensorflow")
    assert "MissingExtraError: KERAS_BACKEND is 'tensorflow', and its package 'tensorflow" in (
        done.stderr
    )
    assert "Install penchant[tensorflow], or set KERAS_BACKEND=jax." in done.stderr


def test_a_backend_that_penchant_does_not_train_on_is_refused():
    done = run(LOAD, KERAS_BACKEND="numpy")
    assert "UnsupportedError: Penchant trains Keras networks on jax or tensorflow" in done.stderr
    assert "KERAS_BACKEND is 'numpy'. Set it to one of them before Keras is imported." in (
        done.stderr
    )
