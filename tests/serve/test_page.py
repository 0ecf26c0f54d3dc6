"""Whole journeys on the page, in a real browser against a real server."""

import re

import pytest
from playwright.sync_api import expect
from tests.serve.visiting import HOSTILE, LOADING, gibbs, serving, visit, world


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    bundle = tmp_path_factory.mktemp("page") / "films.penchant"
    gibbs(world(hostile=True), validation=0.1).save(bundle)
    with serving(bundle) as url:
        yield url


def listed(page):
    """The titles of the recommendations, best first."""
    return page.locator(".list .entry .name").all_text_contents()


def until_changed(page, before):
    """Wait until the list is another, by titles or by what is expected of them."""
    script = "before => document.querySelector('.list').textContent !== before"
    page.wait_for_function(script, arg=before)


def answer(page, key):
    """Answer a question by a key, and wait for the next one."""
    asked = page.locator(".asked").text_content()
    page.keyboard.press(key)
    expect(page.locator(".asked")).not_to_have_text(asked)


def test_a_newcomer_by_keyboard_alone(browser, url):
    with visit(browser, url) as one:
        page = one.go()
        one.tab_to("a[href='#/new']")
        page.keyboard.press("Enter")
        one.until_focus_in(".question .star")  # so that the next key is an answer
        answer(page, "5")
        one.until_focus_in(".question .star")
        page.keyboard.press("ArrowRight")
        answer(page, "Enter")  # two stars
        one.until_focus_in(".question .star")
        page.keyboard.press("Tab")
        assert one.focus_in(".question .wide")
        answer(page, "Enter")
        one.until_focus_in(".question .star")
        answer(page, "4")
        expect(page.locator(".rated .given")).to_have_text(["4 stars", "2 stars", "5 stars"])

        one.tab_to(".entry button")
        page.keyboard.press("Enter")
        expect(page.locator(".said li").first).to_contain_text(re.compile("You gave|Nothing"))
        expect(page.locator(".entry .where .small").first).to_contain_text("9 times in 10")

        one.settled()
        before = page.locator(".list").text_content()
        one.tab_to(".rated .given")
        page.keyboard.press("Enter")
        one.until_focus_in(".changing .star")
        page.keyboard.press("1")
        expect(page.locator(".rated .given")).to_have_text(["1 star", "2 stars", "5 stars"])
        until_changed(page, before)
        one.settled()
        expect(page.locator("#said")).to_contain_text("The list has changed")
        user = page.url.rpartition("/")[2]
        after = listed(page)

        page.reload()
        expect(page.locator(".entry")).to_have_count(len(after))
        assert listed(page) == after
        expect(page.locator(".rated .given")).to_have_count(3)
        kept = page.request.get(f"{url}/v1/users/{user}/ratings").json()
        assert sorted(entry["rating"] for entry in kept["ratings"]) == [1, 2, 5]


def test_a_rating_by_finger_and_taken_back(browser, url):
    with visit(browser, url, has_touch=True) as one:
        page = one.go("new")
        page.locator(".question .star").first.wait_for()
        one.settled()
        box = page.locator(".question .star").first.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        page.locator(".question .star").nth(3).tap()
        expect(page.locator(".rated .given")).to_have_text("4 stars")
        one.settled()
        before = page.locator(".list").text_content()
        page.locator(".rated .given").tap()
        page.get_by_role("button", name="Take it back").tap()
        expect(page.locator(".rated")).to_contain_text("None yet")
        until_changed(page, before)


def test_someone_known_with_reasons_and_an_order(browser, url):
    with visit(browser, url) as one:
        page = one.go()
        page.get_by_label("A user's id").fill("7")
        page.locator(".chips a[href='#/for/7']").click()
        expect(page.locator("h1")).to_have_text("For user 7")
        expect(page.locator(".entry")).to_have_count(10)
        page.locator(".entry button").first.click()
        expect(page.locator(".said li").first).to_contain_text("They gave")
        page.get_by_text("What adds up", exact=True).click()
        table = page.locator(".addends")
        shares = [float(t.replace("−", "-")) for t in table.locator(".number").all_text_contents()]
        rows = table.locator("th").all_text_contents()
        total = rows.index("together")
        assert shares[total] == pytest.approx(sum(shares[:total]), abs=0.005 * (total + 1))

        page.get_by_text("Order and variety").click()
        page.get_by_label("Order", exact=True).select_option("low")
        wanted = {"user": 7, "by": "low", "interval": 0.9}
        told = page.request.post(f"{url}/v1/recommend", data=wanted).json()["items"]
        titles = [" ".join(entry["title"].split()) for entry in told]
        expect(page.locator(".entry .name")).to_have_text(titles)


def test_rating_what_is_recommended_takes_it_off_the_list(browser, url):
    with visit(browser, url) as one:
        page = one.go("new")
        page.locator(".entry button").first.click()
        title = page.locator(".entry .name").first.text_content()
        page.locator(".entry .known .star").nth(1).click()
        expect(page.locator(".rated .name")).to_have_text(title)
        expect(page.locator(".entry .name").first).not_to_have_text(title)


def test_search_item_neighbours_and_map(browser, url):
    with visit(browser, url) as one:
        page = one.go("items")
        expect(page.locator(".tiles li")).to_have_count(24)
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".tiles li")).to_have_count(40)
        page.get_by_label("Search").fill("film 1")
        expect(page.locator(".tiles .name").first).to_have_text(re.compile("^Film 1"))
        page.locator(".tiles a").first.click()
        expect(page.locator(".neighbours li")).to_have_count(10)
        title = page.locator("h1").text_content()  # not before the item is there
        expect(page.locator(".inset canvas")).to_be_visible()
        page.get_by_role("link", name="Look at it on the map").click()
        expect(page.locator(".tip a")).to_have_text(title)

        page.locator("canvas.plane").focus()
        moved = [key for key in ("ArrowLeft", "ArrowRight", "ArrowUp") if press(page, key) != title]
        assert moved
        there = page.locator(".tip a").text_content()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(there)
        page.locator(".neighbours a").first.click()
        expect(page.locator("h1")).not_to_have_text(there)


def press(page, key):
    """The title on the map after a key, once it has been drawn."""
    page.keyboard.press(key)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return page.locator(".tip a").text_content()


def test_hostile_titles_are_only_text(browser, url):
    with visit(browser, url) as one:
        page = one.go("items")
        for title in HOSTILE[:3]:
            expect(page.get_by_role("link").filter(has_text=title)).to_be_visible()
        page.get_by_role("link").filter(has_text=HOSTILE[0]).click()
        expect(page.locator("h1")).to_have_text(HOSTILE[0])
        for way in ("new", "map", "items"):
            one.go(way)
            page.locator(".tiles, .plain a, .asked").first.wait_for()
            assert page.locator("main img, main script").count() == 0
            assert page.evaluate("window.harmed") is None
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wide) <= 0


LISTEN = """() => {
    window.told = [];
    const place = document.getElementById("connection");
    const note = () => window.told.push(place.textContent);
    new MutationObserver(note).observe(place, { childList: true });
}"""
"""Keeps what is told of the connection, for that goes again after a few seconds."""


def test_the_connection_lost_and_back(browser, url):
    with visit(browser, url, allow=LOADING) as one:
        page = one.go("new")
        page.locator(".entry").first.wait_for()
        page.evaluate(LISTEN)
        one.context.set_offline(True)
        page.locator(".question .star").nth(4).click()
        expect(page.locator("#connection")).to_contain_text("The connection to the server is lost")
        expect(page.locator(".rated")).to_contain_text("None yet")
        one.context.set_offline(False)
        expect(page.locator(".rated .given")).to_have_text("5 stars")  # sent once it was back
        page.wait_for_function("() => window.told.includes('Connected again.')")


def test_a_view_that_failed_comes_by_itself_once_there_is_a_connection(browser, url):
    with visit(browser, url, allow=LOADING) as one:
        page = one.go()
        page.locator(".chips a").first.wait_for()
        one.context.set_offline(True)
        page.locator("nav a[data-way='items']").click()
        expect(page.get_by_role("alert")).to_contain_text("The server can't be reached.")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        one.context.set_offline(False)
        expect(page.locator(".tiles li")).to_have_count(24)


def test_the_switch_of_the_theme_is_kept(browser, url):
    with visit(browser, url, color_scheme="light") as one:
        page = one.go()
        colour = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(colour)
        page.get_by_role("button", name="Dark colours").click()
        dark = page.evaluate(colour)
        assert dark != light
        page.reload()
        expect(page.get_by_role("button", name="Dark colours", pressed=True)).to_be_visible()
        assert page.evaluate(colour) == dark
