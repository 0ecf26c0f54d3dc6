"""The page for whoever looks after the server: keys, models, forgetting."""

import json

import pytest
from playwright.sync_api import expect
from tests.serve.visiting import LOADING, gibbs, serving, visit, world

from penchant.serve.gate.keys import KeyFile


@pytest.fixture
def url(tmp_path):
    gibbs(world(), validation=0.1).save(tmp_path / "films.penchant")
    with serving(tmp_path / "films.penchant") as url:
        yield url


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A server with keys: its address, and the key of each role."""
    bundle = tmp_path_factory.mktemp("keyed") / "films.penchant"
    gibbs(world()).save(bundle)
    file = KeyFile.beside(bundle)
    keys = {role: file.add(role)[1] for role in ("read", "write", "admin")}
    with serving(bundle) as url:
        yield url, keys


def test_the_card_the_curves_and_the_figures(browser, url):
    with visit(browser, url) as one:
        page = one.go("admin")
        expect(page.locator(".figures")).to_contain_text("Ready")
        last = page.request.get(f"{url}/v1/history").json()["records"][-1]
        ends = [f"Train {last['train_rmse']:.3f}", f"Validation {last['validation_rmse']:.3f}"]
        expect(page.locator(".chart .end")).to_have_text(ends)
        expect(page.locator("main")).to_contain_text("Calibrated on 90 validation ratings")
        expect(page.locator(".levels tbody tr")).to_have_count(6)
        page.get_by_text("As a table").click()
        expect(page.locator("figure tbody tr")).to_have_count(16)


def test_models_are_saved_activated_and_rolled_back(browser, url):
    with visit(browser, url) as one:
        page = one.go("new")
        page.locator(".question .star").nth(4).click()
        expect(page.locator(".rated .given")).to_have_text("5 stars")
        page = one.go("admin")
        row = page.locator("tr.active th")
        first = row.text_content()
        page.get_by_role("button", name="Save with all ratings").click()
        expect(row).not_to_have_text(first)
        second = row.text_content()
        page.get_by_role("button", name="Roll back").click()
        expect(row).to_have_text(first)
        expect(page.locator("#said")).to_have_text("The next older model answers now.")
        expect(page.get_by_role("button", name="Roll back")).to_be_disabled()
        page.get_by_role("button", name=f"Activate {second}").click()
        expect(row).to_have_text(second)
        page.locator("nav a[data-way='you']").click()
        expect(page.locator(".rated .given")).to_have_text("5 stars")  # each model has taken it in


def test_forgetting_somebody_is_asked_twice_and_gives_a_receipt(browser, url):
    with visit(browser, url) as one:
        page = one.go("admin")
        page.get_by_label("A user's id").fill("7")
        page.get_by_role("button", name="Forget…").click()
        page.get_by_role("button", name="Keep them").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert page.request.get(f"{url}/v1/users/7/ratings").ok
        page.get_by_role("button", name="Forget…").click()
        page.get_by_role("button", name="Forget 7").click()
        expect(page.locator(".receipt")).to_contain_text("Forgotten at")
        with page.expect_download() as download:
            page.get_by_role("link", name="Save the receipt").click()
        with open(download.value.path(), encoding="utf-8") as file:
            assert json.load(file)["ratings"] > 0
        assert page.request.get(f"{url}/v1/users/7/ratings").status == 404


def test_a_key_wrong_and_right(browser, keyed):
    url, keys = keyed
    with visit(browser, url, allow=LOADING) as one:
        page = one.go()
        expect(page.get_by_role("dialog")).to_contain_text("This server wants a key")
        page.get_by_label("Key", exact=True).fill("nobody.knows-this")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("The server doesn't know this key")
        page.get_by_label("Key", exact=True).fill(keys["admin"])
        page.get_by_role("button", name="Use this key").click()
        page.locator(".chips a").first.wait_for()
        page.reload()  # the tab keeps it
        page.locator(".chips a").first.wait_for()
        secret = keys["admin"].partition(".")[2]
        assert secret not in page.url
        assert secret not in page.content()
        assert page.evaluate("localStorage.length") == 0
        one.context.new_page().goto("/")
        expect(one.context.pages[-1].get_by_role("dialog")).to_be_visible()  # another tab doesn't


def test_no_key_given_is_told_and_can_be_tried_again(browser, keyed):
    url, keys = keyed
    with visit(browser, url, allow=LOADING) as one:
        page = one.go()
        page.get_by_role("button", name="Not now").click()
        expect(page.get_by_role("alert")).to_contain_text("only to those who have a key")
        page.get_by_role("button", name="Try again").click()
        page.get_by_label("Key", exact=True).fill(keys["read"])
        page.keyboard.press("Enter")
        page.locator(".chips a").first.wait_for()


def test_a_key_that_may_only_read(browser, keyed):
    url, keys = keyed
    with visit(browser, url, allow=LOADING) as one:
        page = one.go()
        page.get_by_label("Key", exact=True).fill(keys["read"])
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Start rating").click()
        expect(page.locator(".lead")).to_contain_text("your answers stay in this tab")
        before = page.locator(".list").text_content()
        page.locator(".question .star").nth(4).click()
        expect(page.locator(".rated .given")).to_have_text("5 stars")
        one.settled()
        assert page.locator(".list").text_content() != before
        page.locator(".entry button").first.click()
        expect(page.locator(".folded:visible .said")).to_contain_text("answer")
        page.reload()
        expect(page.locator(".rated .given")).to_have_text("5 stars")  # the tab keeps it
        page.locator("nav a[data-way='admin']").click()
        expect(page.locator(".lead")).to_contain_text("Only a key for admins")
        expect(page.get_by_role("button", name="Forget…")).to_have_count(0)
