"""The page as text: what is escaped, what it may load, its order, its colours."""

import base64
import dataclasses
import errno
import hashlib
import html.parser
import inspect
import itertools
import os
import re
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.conftest import HOSTILE

import penchant as pc
from penchant.errors import SettingsError, SourceError
from penchant.plots.svg import Drawing
from penchant.report import Report, pictures, report
from penchant.report.look.colours import DARK, LIGHT, contrast
from penchant.report.page import environment, page, plain


class Outline(html.parser.HTMLParser):
    """Elements, attributes and texts of a page."""

    VOID = ("br", "hr", "input", "link", "meta")

    def __init__(self, told):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(told)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else None, data))

    def named(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(file):
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(text):
    return Outline(text)


def test_each_element_is_closed_in_its_order(outline):
    assert outline.open == []


def test_titles_are_texts_and_nothing_else(outline, text, told):
    words = " ".join(data for _, data in outline.texts)
    for title in HOSTILE[:4]:
        assert title in words
    assert len(outline.named("script")) == len(outline.named("style")) == 1
    assert not outline.named("img")
    for _, attrs in outline.elements:
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "gnp.exe 쉬리 Brat" in words  # the map has each title on one line
    assert "<b>films</b>" not in text.replace("&lt;b&gt;films&lt;/b&gt;", "")


def test_it_may_load_nothing(outline, text):
    policies = [m for m in outline.named("meta") if "http-equiv" in m]
    assert [m["http-equiv"] for m in policies] == ["Content-Security-Policy"]
    policy = policies[0]["content"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        inside = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attrs in outline.elements:
        assert not {"src", "srcset", "data", "poster"} & set(attrs), tag
        if tag == "link":
            assert attrs["href"].startswith("data:")
    style = re.search("<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_links_go_to_papers_and_the_project_or_stay(outline):
    for attrs in outline.named("a"):
        assert attrs["href"].startswith(("#", "https://"))
    ids = [attrs["id"] for _, attrs in outline.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    inside = [a["href"][1:] for a in outline.named("a") if a["href"].startswith("#")]
    assert set(inside) <= set(ids)
    sections = [attrs["id"] for attrs in outline.named("section")]
    assert inside == ["main", *sections]
    assert len(sections) == 12


def test_headings_stand_in_order(outline):
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_figures_and_tables_speak(outline):
    for attrs in outline.named("svg"):
        spoken = attrs.get("role") == "img" and attrs.get("aria-label")
        assert spoken or attrs.get("aria-hidden") == "true"
    assert len([a for a in outline.named("svg") if a.get("role") == "img"]) > 15
    assert all(attrs["scope"] in ("col", "row") for attrs in outline.named("th"))
    assert {tag for tag, _ in outline.elements} >= {"main", "header", "nav", "footer"}


def test_each_rmse_has_its_protocol_beside_it(told, undrawn):
    shown = page(told)
    for id_ in ("summary", "errors", "extremes", "comparison"):
        part = re.search(f'<section id="{id_}".*?</section>|<section[^>]*id="{id_}".*?</section>',
                         shown, re.DOTALL).group(0)  # fmt: skip
        assert "RMSE" in part
        assert "random split, test=0.2, seed=11" in part
    model = re.search('<section[^>]*id="model".*?</section>', shown, re.DOTALL).group(0)
    assert "train is over the training ratings, so it flatters" in model
    assert "test is over held-out ratings" in model


def test_the_page_shows_the_numbers(told, undrawn):
    shown = page(told)
    for value in (
        f"{told['errors']['rmse']:.4f}",
        f"{told['errors']['bias_rmse']:.4f}",
        f"{100 * told['summary']['level']['inside']:.1f}\u00a0%",
        told["card"]["provenance"]["fingerprint"],
        f"{told['network']['parameters']:,}",
    ):
        assert value in shown


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures out, which take most of the time: words alone are looked at."""
    names = [name for name, one in vars(pictures).items() if inspect.isfunction(one)]
    nothing = types.SimpleNamespace(**dict.fromkeys(names, lambda *_, **__: Drawing("0 0 1 1", "")))
    monkeypatch.setitem(environment().globals, "draw", nothing)


def test_sections_left_out_say_why(told, undrawn):
    why = "Because <i>of this</i>."
    for name in ("errors", "calibration", "residuals", "extremes", "map", "people", "comparison",
                 "training", "network"):  # fmt: skip
        kept = told[name] if name == "network" else {}
        shown = page({**told, name: {**kept, "left_out": why}})
        assert "Because &lt;i&gt;of this&lt;/i&gt;." in shown, name
    data = {**told["data"], "histogram": {"left_out": why}, "findings": {"left_out": why}}
    assert page({**told, "data": data}).count("Because &lt;i&gt;of this") == 2


def test_a_recorded_figure_is_told_as_recorded(model, undrawn):
    shown = report(model).to_html()
    assert "not measured again here" in shown
    assert "No test ratings." in shown


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"significant": False, "p": 0.4}, "may be chance (p = 0.400)"),
        ({"significant": True, "p": 0.001}, "is more than chance (p = 0.001)"),
    ],
)
def test_the_words_follow_the_test(told, undrawn, change, wanted):
    summary = {**told["summary"], "bias_rmse": 2.0}
    summary["against_bias"] = {**summary["against_bias"], **change}
    assert wanted in page({**told, "summary": summary})


def test_a_model_that_does_worse_is_told_so(told, undrawn):
    summary = {**told["summary"], "bias_rmse": 0.1}
    summary["against_bias"] = {**summary["against_bias"], "significant": True}
    assert "does worse than a model that knows only" in page({**told, "summary": summary})


@pytest.mark.parametrize(
    ("interval", "wanted"),
    [((0.7, 0.8), "surer than it should be"), ((0.92, 0.95), "less sure than it could be"),
     ((0.89, 0.92), "It knows how sure it is")],
)  # fmt: skip
def test_the_words_follow_the_intervals(told, undrawn, interval, wanted):
    summary = {**told["summary"], "level": {**told["summary"]["level"], "interval": interval}}
    assert wanted in page({**told, "summary": summary})


TEXT = ("ink", "soft", "blue", "red", "green")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(theme):
    for name in TEXT:
        for ground in ("paper", "card", "sunk"):
            assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
    for name in ("blue", "green", "amber"):
        assert contrast(theme[name], theme[f"{name}-fill"]) >= 4.5, name
    for ground in ("blue-fill", "amber-fill"):
        assert contrast(theme["ink"], theme[ground]) >= 4.5
    for dot in (name for name in theme if name.startswith("dot-")):
        assert contrast(theme[dot], theme["card"]) >= 2, dot
    assert set(LIGHT) == set(DARK)


@given(st.text())
def test_any_text_stays_one_text(text):
    source = environment().from_string('<p title="{{ text }}">{{ text }}</p>')
    made = Outline(source.render(text=text))
    tied = plain(text).replace(" %", "\u00a0%")
    assert [tag for tag, _ in made.elements] == ["p"]
    assert "".join(data for _, data in made.texts) == tied
    assert made.elements[0][1]["title"] == tied
    source.render(text=text).encode()


def test_a_command_is_shown_as_it_is(told, undrawn):
    settings = {**told["settings"], "fit": "penchant fit '5 % <b>.csv'"}
    assert "<pre>penchant fit &#39;5 % &lt;b&gt;.csv&#39;</pre>" in page(
        {**told, "settings": settings}
    )


def test_a_number_that_is_missing_is_no_silence(told, undrawn):
    errors = {name: value for name, value in told["errors"].items() if name != "mae"}
    with pytest.raises(TypeError, match="StrictUndefined"):
        page({**told, "errors": errors})


def test_pictures_are_text_and_lines_in_the_colours_of_the_page(text):
    drawn = re.findall("<svg viewBox=[^>]*role=.img.*?</svg>", text, re.DOTALL)
    assert len(drawn) > 15
    for one in drawn:
        assert not re.search(r"url\(|<style|<use|xlink|style=", one)
        assert not re.search("#[0-9a-f]{6}", one)
    named = set(re.findall(r"var\(--([a-z-]+)\)", "".join(drawn)))
    assert {"blue", "red", "ink", "soft", "grid", "card"} <= named <= set(LIGHT)


def test_it_is_written_whole_or_not_at_all(model, undrawn, tmp_path, monkeypatch):
    target = tmp_path / "a.html"
    target.write_text("old")
    monkeypatch.setattr("penchant.report.page", lambda told: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report(model, target)
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.html"]
    monkeypatch.undo()
    made = report(model, target)
    assert made.path == target
    assert target.read_text(encoding="utf-8") == made.to_html()
    assert made.to_json() is made.numbers


def test_a_full_disk_leaves_the_old_report(model, undrawn, tmp_path, monkeypatch):
    target = tmp_path / "a.html"
    target.write_text("old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SourceError, match=r"can't be written to .*: No space left on device"):
        report(model, target)
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.html"]


def test_wrong_places(model, undrawn, tmp_path):
    with pytest.raises(SettingsError, match=r"its path ends in \.html"):
        report(model, tmp_path / "a.pdf")
    with pytest.raises(SourceError, match="The report can't be written to"):
        report(model, tmp_path / "no" / "a.html")


def test_the_package_is_the_function(model):
    made = pc.report(model)
    assert isinstance(made, Report)
    assert "matrix factorisation, trained by Gibbs sampling" in repr(made)


def test_the_same_numbers_make_the_same_page(told):
    assert page(told) == page(told)
    assert dataclasses.is_dataclass(Report)
