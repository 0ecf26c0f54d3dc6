import functools
import os
import re
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from tests import services

TESTS = Path(__file__).parent
ROOT = TESTS.parent

# The first call of a kernel compiles it, and machines for tests are slow and shared.
settings.register_profile("penchant", deadline=None)
settings.load_profile("penchant")

# A job in the background is started with Ctrl-C ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Programs that tests start run this code, not what is installed, and share its compiled kernels.
_paths = [str(ROOT / "src"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(_paths))

# JAX compiles a network once: for all workers, the programs that they start, and the next run.
# `pytest --cache-clear` empties the folder.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "d" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def pytest_make_parametrize_id(val, argname):
    """Name no test after packed bytes, which hold the second when each worker packed them."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture(autouse=True)
def _interrupts():
    """Ctrl-C ends the tests, also after a command in this process, which takes none at its end."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


# What takes long to load, to compile or to start: Keras, servers, browsers, other programs. A file
# that speaks of none of them is quick, but for its slow tests; so is what is marked in a file.
LONG = re.compile(
    r"\b(AutoRec|browser|CliRunner|DeepRating|keras|Keras|load_keras|NeuralRating|"
    r"penchant\.networks|postgresql|report|Service|serving|subprocess|tune)\b|mark\.network"
)


@functools.cache
def is_quick(path):
    """Whether all tests of a file are quick; None where only those are that it marks."""
    text = path.read_text(encoding="utf-8")
    return None if "mark.quick" in text else path.is_relative_to(TESTS) and not LONG.search(text)


def pytest_collection_modifyitems(items):
    for item in items:
        if is_quick(item.path) and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.quick)


def pytest_ignore_collect(collection_path, config):
    """Load no file for `pytest -m quick` that has no quick test: loading Keras alone takes long."""
    if config.option.markexpr == "quick" and collection_path.suffix == ".py":
        return True if is_quick(collection_path) is False else None
    return None


@pytest.fixture(scope="module")
def postgresql():
    """The address of a private server of PostgreSQL."""
    with services.cluster() as cluster:
        yield cluster.url


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, driven by Playwright.

    It goes with the module: as long as it is there an event loop runs, and asyncio.run can't.
    """
    with services.chromium() as browser:
        yield browser
