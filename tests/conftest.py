import atexit
import os
import shutil
import signal
import tempfile

import pytest
from hypothesis import settings
from tests import services

# The first call of a kernel compiles it, and machines for tests are slow and shared.
settings.register_profile("penchant", deadline=None)
settings.load_profile("penchant")

# A job in the background is started with Ctrl-C ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# JAX compiles a network once for all tests of a process and for the processes that they start.
_compiled = tempfile.mkdtemp(prefix="penchant-tests-")
atexit.register(shutil.rmtree, _compiled, ignore_errors=True)
os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


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
