"""Waiting for what another thread or process is to do."""

import time


def until(condition, seconds=600.0):
    """Wait until a condition holds; fail where it doesn't in a time that is ample."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.01)
