"""The page with every kind of bundle: without titles, other scales and ids, fewer abilities."""

import numpy as np
import pytest
from playwright.sync_api import expect
from tests.serve.visiting import gibbs, serving, visit, with_items, world

import penchant as pc

BIG = 2**60  # ids from here on differ by less than what a double of JavaScript can tell


def remade(users, items, values, scale):
    """Ratings of other ids and values, without any side columns."""
    base = world()
    return pc.Ratings.from_columns(
        [users(one) for one in base.users], [items(one) for one in base.items],
        values(base.values), scale=scale,
    )  # fmt: skip


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """Half stars, ids that are text which an address must quote, no titles, no posterior."""
    ratings = remade(
        lambda user: f"ann/{user}?", lambda item: f"a/b #{item} %2F é", lambda v: v - 0.5, (0.5, 5)
    )
    bundle = tmp_path_factory.mktemp("halves") / "halves.penchant"
    pc.MatrixFactorization(solver="bias").fit(ratings, progress=False).save(bundle)
    with serving(bundle) as url:
        yield url


@pytest.fixture(scope="module")
def percents(tmp_path_factory):
    """A scale from 0 to 100, and ids beyond 2⁵³."""
    ratings = remade(
        lambda user: BIG + user,
        lambda item: BIG + item,
        lambda v: (v - 1) * 23 + np.arange(len(v)) % 9,
        (0, 100),
    )
    bundle = tmp_path_factory.mktemp("percents") / "percents.penchant"
    gibbs(ratings).save(bundle)
    with serving(bundle) as url:
        yield url


@pytest.fixture(scope="module")
def autorec(tmp_path_factory):
    """A kind that takes no ratings, gives no reasons and asks no questions."""
    bundle = tmp_path_factory.mktemp("autorec") / "autorec.penchant"
    model = pc.AutoRec(layers=(4,), epochs=1)
    model.fit(with_items(world(), None), progress=False).save(bundle)
    with serving(bundle) as url:
        yield url


def test_half_stars_and_ids_that_an_address_must_quote(browser, halves):
    with visit(browser, halves) as one:
        page = one.go()
        expect(page.locator("main")).to_contain_text("This model chooses no questions.")
        page.get_by_role("link", name="Start rating").click()
        expect(page.locator(".question .token")).to_have_text(
            ["0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"]
        )
        expect(page.locator(".asked")).to_contain_text("Item a/b #")
        one.until_focus_in(".question .token")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator(".rated .given")).to_have_text("1.5 stars")
        one.settled()
        page.keyboard.press("4")
        expect(page.locator(".rated .given")).to_have_text(["4 stars", "1.5 stars"])
        expect(page.locator(".entry .where .small")).to_have_count(0)  # no intervals are known

        page.locator(".entry button").first.click()
        expect(page.locator(".said")).to_contain_text("keeps no account of what from")
        page.locator(".entry .name").first.click()
        expect(page.locator("h1")).to_contain_text("Item a/b #")
        page.locator(".neighbours a").first.click()
        page.get_by_role("link", name="Look at it on the map").click()
        expect(page.locator(".tip a")).to_contain_text("Item a/b #")


def test_a_known_user_whose_id_an_address_must_quote(browser, halves):
    with visit(browser, halves) as one:
        page = one.go()
        page.get_by_label("A user's id").fill("ann/7?")
        page.get_by_role("button", name="Open").click()
        expect(page.locator("h1")).to_have_text("For user ann/7?")
        page.locator(".rated li").first.wait_for()


def test_a_slider_and_ids_that_a_double_cannot_hold(browser, percents):
    with visit(browser, percents) as one:
        page = one.go("new")
        told = page.request.post(f"{percents}/v1/interview", data={"n": 1}).json()
        first = told["questions"][0]["item"]
        expect(page.locator(".asked")).to_have_text(f"Item {first}")
        page.locator(".question input[type=range]").fill("73")
        page.locator(".question").get_by_role("button", name="Rate", exact=True).click()
        expect(page.locator(".rated .given")).to_have_text("73")
        expect(page.locator(".rated .name")).to_have_text(f"Item {first}")
        assert rated(page, percents) == (first, 73)

        page = one.go(f"for/{BIG + 7}")
        expect(page.locator("h1")).to_have_text(f"For user {BIG + 7}")
        page.locator(".entry").first.wait_for()
        title = page.locator(".entry .name").first.text_content()
        page.locator(".entry .name").first.click()
        expect(page.locator("h1")).to_have_text(title)


def rated(page, url):
    """The one rating of the newcomer whom the page shows, by the server's own word."""
    user = page.url.rpartition("/")[2]
    (entry,) = page.request.get(f"{url}/v1/users/{user}/ratings").json()["ratings"]
    return entry["item"], entry["rating"]


def test_what_a_kind_cannot_do_is_not_there_and_said(browser, autorec):
    with visit(browser, autorec) as one:
        page = one.go()
        expect(page.locator("main")).to_contain_text("This model can't meet newcomers.")
        expect(page.get_by_role("link", name="Start rating")).to_have_count(0)
        page = one.go("for/7")
        page.locator(".entry").first.wait_for()
        expect(page.locator(".lead")).to_contain_text("This model takes no ratings. ")
        expect(page.locator(".rated button.given, .question, .entry button")).to_have_count(0)
        expect(page.locator(".likes")).to_contain_text("This model gives no reasons. ")
        page = one.go("admin")
        expect(page.locator(".abilities .cannot")).not_to_have_count(0)
        expect(page.locator("main")).to_contain_text("This model can't forget.")


def test_a_newcomer_of_a_kind_that_meets_none_is_told_so(browser, autorec):
    with visit(browser, autorec) as one:
        page = one.go("new")
        expect(page.locator("main")).to_contain_text("This model can't meet newcomers.")
