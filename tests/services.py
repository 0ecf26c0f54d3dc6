"""Programs that tests talk to: a PostgreSQL server and a browser, both real."""

from __future__ import annotations

import contextlib
import glob
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest


def _absent(what: str) -> None:
    """Skip on a developer's machine; CI is to have it."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is to have {what}")
    pytest.skip(f"{what} isn't installed")


def _server_folder() -> str:
    found = shutil.which("initdb")
    folders = [os.path.dirname(os.path.realpath(found))] if found else []
    folders = [*sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True), *folders]
    folder = next((f for f in folders if os.path.exists(f"{f}/initdb")), None)
    if folder is None:
        _absent("a server of PostgreSQL")
    return str(folder)


class Cluster:
    """A private cluster behind a Unix socket: no port, no rights but the user's."""

    def __init__(self, data: pathlib.Path) -> None:
        self.folder, self.data, self.as_user = _server_folder(), data, list[str]()
        self.url = f"postgresql://ann:s3cr%25t%2Fpass@/postgres?host={data}"
        if os.getuid() == 0:  # the server refuses to run as root
            program = ["useradd", "--system", "penchant-test"]
            subprocess.run(program, check=False, capture_output=True)
            self.as_user = ["setpriv", "--reuid=penchant-test", "--clear-groups"]
            shutil.chown(data, "penchant-test")
        password = data / "password"
        password.write_text("s3cr%t/pass")
        password.chmod(0o644)
        self._run(
            *("initdb", "-D", f"{data}/cluster", "-U", "ann", "--auth=scram-sha-256", "-N"),
            f"--pwfile={password}",
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self.as_user, f"{self.folder}/{program}", *arguments]
        subprocess.run(command, check=True, cwd=self.data, stdout=subprocess.DEVNULL)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", f"{self.data}/cluster", "-w", *arguments)

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.data} -c fsync=off"
        self._control("-o", options, "-l", f"{self.data}/log", "start")

    def stop(self) -> None:
        self._control("-m", "immediate", "stop")


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A started cluster, gone afterwards."""
    data = pathlib.Path(tempfile.mkdtemp(prefix="pg"))  # short: the path of a socket has a limit
    try:
        made = Cluster(data)
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
                made.stop()
    finally:
        shutil.rmtree(data)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium of this machine, driven by Playwright."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        _absent("Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        options = {"executable_path": program, "args": ["--no-sandbox"], "timeout": 600_000}
        browser = driver.chromium.launch(**options)
        try:
            yield browser
        finally:
            browser.close()
