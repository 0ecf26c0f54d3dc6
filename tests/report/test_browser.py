"""The page in a real browser: what it loads, what it says, whether all can read and print it."""

import json
import re

import pytest

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
CALM = {"viewport": DESK, "color_scheme": "light", "reduced_motion": "reduce"}


@pytest.fixture
def opened(browser, file):
    """Open the report in a fresh window; what was asked for and complained of is kept."""
    contexts = []

    def open_(path=file, **settings):
        context = browser.new_context(**{**CALM, **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(600_000)
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_it_asks_for_nothing_and_complains_of_nothing(opened, file):
    page = opened()
    page.locator("#find").fill("film")
    page.locator(".map .dot").first.hover(force=True)
    page.locator("#card").scroll_into_view_if_needed()
    assert page.complaints == []
    asked = [url for url in page.requests if not url.startswith("data:")]
    assert asked == [file.as_uri()]


def test_titles_run_nothing(opened):
    page = opened()
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.locator("#find").fill("<img")
    assert page.locator(".search output").inner_text().startswith("<img src=x onerror=alert(2)>")
    assert page.locator("main img").count() == 0
    assert alerts == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_all_can_read_it(opened, scheme, viewport):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    found = Axe().run(page).response["violations"]
    told = [(one["id"], [node["html"][:150] for node in one["nodes"]][:3]) for one in found]
    assert told == []


def test_it_fits_a_phone(opened):
    page = opened(viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("nav.contents details").get_attribute("open") is None
    sizes = page.evaluate(
        """[...document.querySelectorAll('figure svg text')].filter(t => t.getClientRects().length)
        .map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"""
    )
    assert min(sizes) > 6.5  # CSS pixels: the digits in the cells of the network; else more
    assert sorted(sizes)[len(sizes) // 10] >= 8.5


def test_the_theme_follows_the_system_and_the_switch(opened):
    page = opened(color_scheme="dark")
    dark = background(page)
    page.get_by_label("Light", exact=True).check(force=True)
    light = background(page)
    assert light != dark
    page.get_by_label("Dark", exact=True).check(force=True)
    assert background(page) == dark
    page.reload()  # kept
    assert page.get_by_label("Dark", exact=True).is_checked()
    page.emulate_media(color_scheme="light")
    assert background(page) == dark
    page.get_by_label("Auto", exact=True).check(force=True)
    assert background(page) == light


def test_pictures_follow_the_theme(opened):
    page = opened(color_scheme="dark")
    ask = "getComputedStyle(document.querySelector('#data svg [fill=\"var(--blue)\"]')).fill"
    dark = page.evaluate(ask)
    page.get_by_label("Light", exact=True).check(force=True)
    assert page.evaluate(ask) != dark


def test_it_reads_without_a_script(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#map svg .dot title").count() > 10
    assert not page.locator(".theme").is_visible()
    assert not page.locator(".search").is_visible()
    assert page.locator("#card").is_visible()


def test_the_map_finds_and_tells(opened, told):
    page = opened()
    page.locator("#find").fill("zzz")
    assert page.locator(".search output").inner_text() == "Not on this map."
    page.locator("#find").fill("film 1")
    wanted = [t for t in told["map"]["titles"] if t and "film 1" in t.lower()]
    assert page.locator(".map .found").count() == len(wanted)
    page.locator("#find").fill("")
    assert page.locator(".map .found").count() == 0
    page.locator(".map .dot").last.hover(force=True)  # the most rated lies on top
    page.locator(".tip").wait_for(state="visible")
    assert page.locator(".tip").inner_text().startswith(" ".join(told["map"]["titles"][0].split()))


def test_it_prints(opened, tmp_path):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert background(page) == "rgba(0, 0, 0, 0)"
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert re.fullmatch(r"rgb\((\d\d?), (\d\d?), (\d\d?)\)", ink)  # dark, though the screen is too
    assert not page.locator(".theme").is_visible()
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF-")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 25
    assert page.complaints == []


def test_the_numbers_on_the_page_are_those_of_the_json(opened, told):
    page = opened()
    tile = page.locator(".tile.first .figure").inner_text()
    assert tile == f"{told['errors']['rmse']:.4f}"
    shown = page.locator("#comparison tr.mine td").first.inner_text()
    assert shown == tile
    assert json.dumps(told)
