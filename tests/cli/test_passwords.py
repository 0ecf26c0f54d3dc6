"""No password of a URL shows, whatever the command does with it: with a real PostgreSQL."""

import inspect
import itertools
import typing
from pathlib import Path

import psycopg
import pytest
import typer

import penchant as pc
from penchant.cli import keys
from penchant.cli.app import app
from penchant.cli.source import Source

WORLD = pc.synthetic(n_users=30, n_items=20, n_ratings=400, factors=1, noise=0.5, seed=0)
SECRETS = ("s3cr%25t%2Fpass", "s3cr%t/pass", "s3cr", "0ther-secret")
QUERY = ("--query", "select user_id, item_id, rating from films order by user_id, item_id")
BUNDLE = "films.penchant"

SUCCEEDING = {
    "blocks": ("{url}", "films.blocks", *QUERY),
    "compare": ("{url}", "--solver", "bias", *QUERY),
    "data": ("{url}", *QUERY),
    "evaluate": (BUNDLE, "{url}", "--all", *QUERY),
    "fit": ("{url}", "--solver", "bias", *QUERY),
    "report": (BUNDLE, "{url}", *QUERY),
    "tune": ("{url}", "--solver", "als", "--factors", "2", "--trials", "1", *QUERY),
}
"""How each command that takes a source succeeds."""

FAILING = {
    "a wrong query": ("{url}", "--query", "select nothing from films"),
    "no query": ("{url}",),
    "a wrong password": ("{wrong}", *QUERY),
    "nobody there": ("{absent}", *QUERY),
    "an unknown scheme": ("{unknown}", *QUERY),
    "letters that aren't encoded": ("{raw}", *QUERY),
}


def commands():
    """Each command of the program, those of groups too, by name."""
    pending = [((), typer.main.get_command(app))]
    while pending:
        name, command = pending.pop()
        for below, inner in getattr(command, "commands", {}).items():
            pending.append(((*name, below), inner))
        if not hasattr(command, "commands"):
            yield name, command


COMMANDS = dict(commands())


def mentions(annotation):
    return annotation is Source or any(map(mentions, typing.get_args(annotation)))


def takes_source(command):
    signature = inspect.signature(command, eval_str=True)
    return any(mentions(one.annotation) for one in signature.parameters.values())


@pytest.fixture(scope="module")
def urls(postgresql):
    with psycopg.connect(postgresql) as connection, connection.cursor() as cursor:
        cursor.execute("create table films (user_id int, item_id int, rating real)")
        rows = zip(WORLD.users, WORLD.items, WORLD.values.tolist(), strict=True)
        cursor.executemany("insert into films values (%s, %s, %s)", list(rows))
    whole = f"{postgresql}&sslpassword=0ther-secret"
    return {
        "url": whole,
        "wrong": whole.replace("ann:", "ann:x"),
        "absent": "postgresql://ann:s3cr%25t%2Fpass@127.0.0.1:1/films?password=0ther-secret",
        "unknown": "mysql://ann:s3cr%25t%2Fpass@localhost/films?password=0ther-secret",
        "raw": "postgresql://ann:s3cr%t/pass@127.0.0.1:1/films",
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pc.MatrixFactorization(solver="bias").fit(WORLD, progress=False).save(BUNDLE)
    return tmp_path


def require_hidden(*outputs, folder=Path()):
    """No secret in what was written, wherever."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = [*outputs, *map(str, files), *(path.read_bytes().decode("latin-1") for path in files)]
    for text, secret in itertools.product(texts, SECRETS):
        assert secret not in text, text[:2000]


def test_each_command_that_takes_a_source_is_here():
    registered = [*app.registered_commands, *keys.app.registered_commands]
    assert len(registered) == len(COMMANDS)
    assert {one.name for one in registered if takes_source(one.callback)} == {*SUCCEEDING}


@pytest.mark.parametrize("name", SUCCEEDING)
@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
def test_where_it_succeeds(here, penchant, urls, name, json):
    arguments = [argument.format(**urls) for argument in SUCCEEDING[name]]
    code, out, err = penchant(name, *arguments, *json)
    assert code == 0, err
    require_hidden(out, err)
    if name == "fit":  # a name made of the URL, and so are the others
        assert pc.open("postgres.penchant").kind == "matrix_factorization"


def test_where_a_check_succeeds(here, penchant, urls):
    for json in ((), ("--json",)):
        code, out, err = penchant("data", urls["url"], "--check", *QUERY, *json)
        assert code == 0, err
        require_hidden(out, err)


@pytest.mark.parametrize("name", SUCCEEDING)
def test_where_it_fails(here, penchant, urls, name):
    place = SUCCEEDING[name].index("{url}")
    before, after = SUCCEEDING[name][:place], SUCCEEDING[name][place + 1 :]
    for given, json in itertools.product(FAILING.values(), ((), ("--json",))):
        own = [one for one in after if one not in QUERY]
        arguments = [argument.format(**urls) for argument in (*before, *given, *own)]
        code, out, err = penchant(name, *arguments, *json)
        assert code == 2, (arguments, err)
        require_hidden(out, err)


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_at_every_other_place(here, penchant, urls, name):
    """A URL in the place of each argument and option, where most make no sense."""
    params = [param for param in COMMANDS[name].params if param.name not in ("json", "help")]
    for param in params:
        if getattr(param, "is_flag", False):
            continue
        for url, json in itertools.product((urls["absent"], urls["raw"]), ((), ("--json",))):
            given = [url] if param.param_type_name == "argument" else [param.opts[0], url]
            arguments = [
                argument
                for other in params
                if other.param_type_name == "argument"
                for argument in (given if other is param else [BUNDLE])
            ]
            if param.param_type_name == "option":
                arguments += given
            _, out, err = penchant(*name, *arguments, *json)
            require_hidden(out, err)


def test_too_many_arguments_are_told_without_it(here, penchant, urls):
    for json in ((), ("--json",)):
        code, out, err = penchant("doctor", urls["absent"], *json)
        assert code == 2
        require_hidden(out, err)


def test_of_a_log(here, penchant, urls):
    for json in ((), ("--json",)):
        code, out, err = penchant("compact", BUNDLE, "--log", urls["url"], *json)
        assert code == 0, (out, err)
        require_hidden(out, err)
        for name, which in itertools.product(("compact", "serve"), ("wrong", "absent", "raw")):
            code, out, err = penchant(name, BUNDLE, "--log", urls[which], *json)
            assert code in (1, 2)
            require_hidden(out, err)
