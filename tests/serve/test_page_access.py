"""Everyone can use the page: no violation that axe finds, in both themes, on a phone and a desk."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.serve.visiting import DESK, PHONE, gibbs, serving, visit, world

AXE = Axe()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    bundle = tmp_path_factory.mktemp("access") / "films.penchant"
    gibbs(world(hostile=True), validation=0.1).save(bundle)
    with serving(bundle) as url:
        yield url


@pytest.mark.parametrize(("theme", "window"), [("light", PHONE), ("dark", DESK)])
def test_no_violation_anywhere(browser, url, theme, window):
    settings = {"color_scheme": theme, "viewport": window, "reduced_motion": "reduce"}
    with visit(browser, url, **settings) as one:
        for way, ready in WAYS.items():
            page = one.go(way)
            page.locator(ready).first.wait_for()
            one.settled()
            UNFOLD.get(way, lambda page: None)(page)
            one.settled()
            require_access(page, way)


WAYS = {
    "": ".chips a",
    "new": ".question .star",
    "for/7": ".entry",
    "items": ".tiles a",
    "items/7": ".neighbours a",
    "map": ".atlas .plain a",
    "admin": ".chart",
}


def unfold_list(page):
    page.get_by_text("Order and variety").click()
    page.locator(".entry button").first.click()
    page.get_by_text("What adds up", exact=True).click()
    page.locator(".rated .given").first.click()
    page.locator(".changing").wait_for()


def unfold_map(page):
    page.locator("canvas.plane").focus()
    page.locator(".tip").wait_for()


def unfold_admin(page):
    page.locator("tr.active").wait_for()
    page.locator(".figures").wait_for()
    for summary in page.locator("summary").all():
        summary.click()
    page.get_by_label("A user's id").fill("7")
    page.get_by_role("button", name="Forget…").click()
    page.get_by_role("dialog").wait_for()
    require_access(page, "the dialog")
    page.get_by_role("button", name="Keep them").click()


UNFOLD = {"for/7": unfold_list, "map": unfold_map, "admin": unfold_admin}


def require_access(page, where):
    found = AXE.run(page).response["violations"]
    told = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]
    assert told == [], where
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, f"{where} is wider than the window"


def test_without_movement_where_none_is_wished(browser, url):
    with visit(browser, url, reduced_motion="reduce") as one:
        page = one.go("new")
        page.locator(".entry").first.wait_for()
        page.locator(".question .star").nth(4).click()
        page.locator(".rated .given").wait_for()
        one.settled()
        assert page.evaluate("document.getAnimations().length") == 0
