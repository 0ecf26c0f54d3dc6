"""The documentation's site: built strictly, complete, whole without any other host."""

import doctest
import functools
import http.server
import importlib.util
import os
import re
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from typer.main import get_command

import penchant
from penchant.cli.app import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MARKDOWN = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
PATIENCE = 600_000  # milliseconds, for a browser on a busy machine


def load(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hooks = load("hooks")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where a server of this process serves the site."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def pages_in_nav(entries=None):
    if entries is None:
        config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
        entries = yaml.safe_load(config)["nav"]
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from [value] if isinstance(value, str) else pages_in_nav(value)


def test_each_page_of_the_docs_is_in_the_navigation():
    named = list(pages_in_nav())
    assert len(named) == len(set(named)), "a page stands in nav twice"
    missing = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - set(named)
    assert not missing, (
        f"Add {', '.join(sorted(missing))} to nav in mkdocs.yml, under the heading where a reader "
        f"would look for it: '- Title: {min(missing)}'."
    )


def test_what_the_site_has_from_outside_the_docs_is_in_the_navigation():
    made = {place for source, place in hooks.COPIES.items() if source.endswith(".md")}
    made |= {f"reference/{name}.md" for name in (*hooks.API, "commands")}
    assert made <= set(pages_in_nav())


def test_each_public_name_has_its_place_in_the_reference(site):
    pages = "\n".join(
        page.read_text(encoding="utf-8") for page in (site / "reference").rglob("*.html")
    )
    for name in penchant._HOMES:
        assert f'id="{hooks.public_path(name)}"' in pages, (
            f"pc.{name} is not in the reference: see API in docs/hooks.py"
        )
    assert "&gt;&gt;&gt; " in pages or ">>>" in pages
    assert "default: <code>FACTORS" not in pages


def all_commands(command, path="penchant"):
    inner = getattr(command, "commands", {})
    if not inner:
        yield path, command
    for name, one in inner.items():
        yield from all_commands(one, f"{path} {name}")


def test_the_commands_are_those_of_the_program_with_all_their_options():
    text = hooks.commands()
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    found = {path: one for path, one in all_commands(get_command(app)) if not one.hidden}
    assert list(sections) == list(found)
    for path, command in found.items():
        assert " ".join(command.help.split())[:60].split("\\")[0] in " ".join(
            sections[path].replace("\\", "").split()
        )
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert getattr(parameter, "hidden", False) or option in sections[path]


@pytest.mark.parametrize("name", ["hooks", "docstrings"])
def test_examples_of_the_builders(name):
    found = doctest.testmod(load(name))
    assert found.attempted
    assert not found.failed


def test_links_of_the_readme_lead_to_pages_of_the_site():
    moved = hooks.moved
    text = "[a](docs/data.md#files), [b](CHANGELOG.md), [c](https://x.org/docs/a.md), [d](#run-it)"
    assert moved(text, "README.md", "readme.md") == (
        "[a](data.md#files), [b](changelog.md), [c](https://x.org/docs/a.md), [d](#run-it)"
    )
    assert moved("[a](../../README.md)", "docs/ko/x.md", "ko/x.md") == "[a](../readme.md)"
    assert moved("[a](LICENSE)", "README.md", "readme.md") == "[a](licences/penchant.txt)"


def test_korean_pages_say_that_they_are_korean(site):
    assert '<html lang="ko"' in (site / "ko" / "chapter" / "index.html").read_text(encoding="utf-8")
    assert '<html lang="en"' in (site / "chapter" / "index.html").read_text(encoding="utf-8")


def test_no_page_asks_another_host(site):
    outside = re.compile(r"(?:src|srcset)=[\"']?(?:https?:)?//|<link[^>]+href=[\"']?(?:https?:)?//")
    for page in site.rglob("*.html"):
        assert not outside.search(page.read_text(encoding="utf-8")), page
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", text), sheet


@pytest.mark.slow
def test_each_page_in_a_browser(address, browser, site):
    """Nothing is asked of another host, no page is wider than a phone, and search finds."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    outside, faults = [], []
    page.on("request", lambda ask: outside.append(ask.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    for file in sorted(site.rglob("index.html")):
        place = file.parent.relative_to(site).as_posix()
        page.goto(f"{address}{place}/", wait_until="load")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{place} is {width} pixels wide on a phone"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(address)
    page.locator(".md-search__input").click()
    page.get_by_text("Type to start searching").wait_for(state="attached")  # it listens
    page.locator(".md-search__input").press_sequentially("DivergedError")
    page.locator(".md-search-result__item a").first.wait_for()
    context.close()
    assert not faults
    assert [url for url in outside if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_by_all(address, browser, scheme):
    """Contrast, names, order of headings: axe finds nothing but a doubled name of the theme's."""
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for place in ("", "tutorials/3-newcomer/"):
        page.goto(f"{address}{place}", wait_until="load")
        faults = Axe().run(page).response["violations"]
        told = [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults]
        assert [one for one in told if one[0] != "landmark-unique"] == [], place
    context.close()


def anchors(text):
    """The anchors of a page on a code host: of each heading, lower case, hyphens for spaces."""
    found = set()
    for title in re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M):
        plain = re.sub(r"`|\*|\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        kept = "".join(c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LNM")
        found.add(kept.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_on_a_code_host(page):
    """Each relative link leads to a file of the repository, each anchor to a heading in it."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}, which isn't there"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page.name}: {target}"
