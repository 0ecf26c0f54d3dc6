import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from tests import services

ROOT = Path(__file__).parent.parent

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
