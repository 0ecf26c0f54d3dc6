"""A model, an application and a server for the tests of the HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx

import penchant as pc
from penchant.serve import Service
from penchant.serve.app import create_app
from penchant.serve.gate.access import Access
from penchant.serve.gate.door import Door
from penchant.serve.gate.keys import KeyFile, Verifier
from penchant.serve.gate.limits import Limits

SRC = str(Path(pc.__file__).parents[1])
HOME = "http://127.0.0.1"
GENEROUS = Limits(rate=1e9, burst=10**9, concurrent=1_000)


@functools.cache
def model(**settings):
    """A small trained model with titles."""
    world = pc.synthetic(n_users=40, n_items=30, n_ratings=600, factors=2, noise=0.4, seed=1)
    gibbs = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
    made = pc.MatrixFactorization(**{"factors": 4, "solver": gibbs, "seed": 0, **settings})
    return made.fit(world, validation=0.1, progress=False)


class InThread(httpx.BaseTransport):
    """Sends requests to an application that runs in an event loop of its own."""

    def __init__(self, app, address="127.0.0.1"):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        inner = app._app
        self.life = inner.router.lifespan_context(inner)
        self.run(self.life.__aenter__())
        self.asgi = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(600)

    def handle_request(self, request):
        request.read()

        async def answered():
            response = await self.asgi.handle_async_request(request)
            return response, await response.aread()

        response, body = self.run(answered())
        return httpx.Response(
            response.status_code, headers=response.headers, stream=httpx.ByteStream(body)
        )

    def close(self):
        self.run(self.life.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def access_of(file):
    """Who may come in, by a file of keys, to a server that listens on this machine alone."""
    verifier = Verifier(file)
    return Access(verifier, Door(open_=not verifier.keyed))


def app_of(bundle, limits=GENEROUS):
    """The application of a bundle."""
    return create_app(Service.open(bundle), access_of(KeyFile.beside(bundle)), limits)


@contextlib.contextmanager
def client_of(bundle, limits=GENEROUS, address="127.0.0.1"):
    """A client of an application without a socket."""
    transport = InThread(app_of(bundle, limits), address)
    with httpx.Client(transport=transport, base_url=HOME) as client:
        yield client


PATIENT = """
import json, sys
from penchant.serve.gate.limits import Limits
from penchant.serve.running import Serving, serve
limits = Limits(seconds=600, header_seconds=600, body_seconds=600)
tell = lambda url, keys, open_: print(json.dumps({"url": url}), flush=True)
serve(Serving(sys.argv[1], port=0, limits=limits), tell)
"""
"""A server that waits for slow machines."""


@contextlib.contextmanager
def server(bundle, *options, program=None):
    """A server in a process of its own: (process, address); its log is `server.log` beside it."""
    command = [sys.executable, "-m", "penchant", "serve", str(bundle), "--port", "0", "--json"]
    if program is not None:
        command = [sys.executable, "-c", program, str(bundle)]
    with (
        bundle.with_name("server.log").open("w+") as log,
        subprocess.Popen(
            [*command, *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": SRC},
        ) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line, bundle.with_name("server.log").read_text()
            yield process, json.loads(line)["url"]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
