"""Pictures of the page for the docs: python benchmarks/page_pictures.py [BUNDLE].

Serves a bundle (without one, a model of MovieLens 100K is trained), visits it as a newcomer in
Chromium, and writes docs/images/page-{light,dark,phone,admin}.png.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import penchant as pc

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ANSWERS = 6
LIKED = ("Star Wars", "Fargo", "Empire", "Raiders", "Jedi", "Brazil", "2001", "Pulp", "Alien")
"""What the newcomer gives five stars; Contact gets four, everything else two."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "films.penchant"
        if len(sys.argv) > 1:
            shutil.copytree(sys.argv[1], bundle)
        else:
            pc.MatrixFactorization(seed=0).fit(pc.load("ml-100k"), validation=0.1).save(bundle)
        with serving(bundle) as url, sync_playwright() as driver:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
            draw(browser, url)
            browser.close()


@contextlib.contextmanager
def serving(bundle: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "penchant", "serve", str(bundle), "--port", "0", "--json"]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **options) as process:
        try:
            yield json.loads(process.stdout.readline())["url"]  # type: ignore[union-attr]
        finally:
            process.terminate()


def draw(browser: Any, url: str) -> None:
    desk = {"width": 1200, "height": 860}
    page = visit(browser, url, "light", desk)
    newcomer(page)
    page.locator(".entry button").first.click()
    page.locator(".said li").first.wait_for()
    keep(page, "light")
    page.goto(f"{url}/#/admin")
    page.locator(".chart").wait_for()
    page.locator("tr.active").wait_for()
    page.set_viewport_size({"width": 1200, "height": 1320})
    keep(page, "admin")

    page = visit(browser, url, "dark", desk)
    newcomer(page)
    page.goto(f"{url}/#/map")
    page.locator(".atlas .plain a").first.wait_for()
    keep(page, "dark")

    page = visit(
        browser, url, "light", {"width": 360, "height": 1000}, is_mobile=True, has_touch=True
    )
    newcomer(page)
    keep(page, "phone")


def visit(browser: Any, url: str, theme: str, window: dict[str, int], **more: Any) -> Page:
    context = browser.new_context(
        color_scheme=theme,
        viewport=window,
        device_scale_factor=1.5,
        reduced_motion="reduce",
        **more,
    )
    page: Page = context.new_page()
    page.goto(url)
    return page


def newcomer(page: Page) -> None:
    """Answer some questions as somebody with a taste does."""
    page.get_by_role("link", name="Start rating").click()
    for _ in range(ANSWERS):
        page.locator(".question .star").first.wait_for()
        asked = page.locator(".asked").text_content() or ""
        rating = 5 if asked.startswith(LIKED) else 4 if asked.startswith("Contact") else 2
        page.locator(".question .star").nth(rating - 1).click()
        script = "asked => document.querySelector('.asked').textContent !== asked"
        page.wait_for_function(script, arg=asked)


def keep(page: Page, name: str) -> None:
    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
    page.mouse.move(0, 0)
    page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')")
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = IMAGES / f"page-{name}.png"
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
