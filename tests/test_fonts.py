import io
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from penchant import fonts
from penchant.errors import SettingsError

KOREAN = "별들의 고향 (1974)"
JAPANESE = "千と千尋の神隠し、アキラ"
CHINESE = "臥虎藏龍 / 卧虎藏龙"
RUSSIAN = "Брат 2"
FULLWIDTH = "ＡＢＣ！？ 「」"


def drawn(text, families, weight="normal", size=10):
    """Draw a text; any warning, such as that of a missing glyph, is an error."""
    figure = Figure(figsize=(6, 1), dpi=100)
    figure.text(0.02, 0.4, text, family=families, parse_math=False, weight=weight, size=size)
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()
        figure.savefig(io.BytesIO(), format="svg")
        return np.asarray(canvas.buffer_rgba())


def glyphs_of(families):
    found = set()
    for family in families:
        properties = font_manager.FontProperties(family=[family])
        path = font_manager.findfont(properties, fallback_to_default=False)
        found |= set(font_manager.get_font(path).get_charmap())
    return found


@pytest.fixture
def bare_machine(monkeypatch):
    """Only what Matplotlib and we bring along: no font of the system."""
    bundled = str(matplotlib.get_data_path())
    kept = [f for f in font_manager.fontManager.ttflist if f.fname.startswith(bundled)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", kept)


@pytest.fixture
def no_cjk(bare_machine, monkeypatch):
    """A machine where nothing draws Hangul."""
    monkeypatch.setattr(fonts, "BUNDLED", fonts.FIRST)


@pytest.mark.parametrize("text", [KOREAN, JAPANESE, CHINESE, RUSSIAN, FULLWIDTH])
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_a_machine_without_fonts_draws_them_all(bare_machine, text, weight):
    (shown,), families = fonts.lettering([text])
    assert shown == text
    assert {ord(c) for c in text if c != " "} <= glyphs_of(families)
    assert "Last Resort High-Efficiency" not in families
    drawn(shown, families, weight)


def test_every_hangul_syllable_is_covered():
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    (shown,), families = fonts.lettering([syllables])
    assert shown == syllables
    assert families == [fonts.FIRST, fonts.BUNDLED]


def test_different_syllables_look_different():
    _, families = fonts.lettering(["가나"])
    assert (drawn("가", families) != drawn("나", families)).any()


def test_latin_needs_no_second_font():
    assert fonts.lettering(["Brazil", "Ödipussi"]).families == [fonts.FIRST]


def test_without_any_font_for_it_the_id_stands_in(no_cjk, capsys):
    shown, families = fonts.lettering([KOREAN, "Brazil"], instead=["item 7", "item 8"])
    assert shown == ["item 7", "Brazil"]
    drawn(shown[0], families)
    told = capsys.readouterr().err
    assert "No installed font draws 5 of the letters" in told
    assert "HANGUL SYLLABLE" in told
    assert "Install a font of that script" in told


def test_without_id_the_code_point_stands_in(no_cjk, capsys):
    (shown,), families = fonts.lettering(["쉬리 (1999)"])
    assert shown == "[U+C26C][U+B9AC] (1999)"
    drawn(shown, families)
    assert capsys.readouterr().err


def test_an_id_that_cannot_be_drawn_either_is_escaped(no_cjk):
    assert fonts.lettering(["쉬리"], instead=["쉬"]).texts == ["[U+C26C]"]


def test_other_installed_fonts_are_looked_through(monkeypatch):
    kept = [f for f in font_manager.fontManager.ttflist if "LastResort" not in f.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", kept)
    own = chr(
        min(glyphs_of(["STIXGeneral"]) - glyphs_of([fonts.FIRST, fonts.BUNDLED]) - {0, 8, 29})
    )
    (shown,), families = fonts.lettering([f"a {own}"])
    assert shown == f"a {own}"
    assert len(families) == 2
    drawn(shown, families)


def test_a_script_without_font_is_never_drawn_by_the_font_of_boxes(bare_machine, capsys):
    (shown,), families = fonts.lettering(["\U00010900 end"])
    assert shown == "[U+10900] end"
    drawn(shown, families)
    assert "PHOENICIAN" in capsys.readouterr().err


def test_invisible_joiners_go_without_a_word(bare_machine, capsys):
    shown = fonts.lettering(["가\u2060나\ufe0f\U000e0001"]).texts[0]
    assert shown.replace("\ufe0f", "") in ("가나", "가\u2060나")
    assert not capsys.readouterr().err


def test_decomposed_hangul_is_composed():
    (shown,), families = fonts.lettering(["\u1112\u1161\u11ab"])
    assert shown == "한"
    drawn(shown, families)


def test_a_price_is_no_formula():
    (shown,), families = fonts.lettering(["$9.99_ and $5^"])
    drawn(shown, families)


def test_lone_surrogates_and_controls_are_dropped():
    (shown,), families = fonts.lettering(["a\ud800\x1b[1m\nb"])
    drawn(shown, families)


def test_bold_text_leaves_the_log_quiet(caplog):
    drawn("가나", fonts.lettering(["가나"]).families, weight="bold", size=17.3)  # not remembered
    assert caplog.text == ""


def test_registering_twice_adds_nothing_and_changes_no_setting():
    before = dict(matplotlib.rcParams)
    fonts.register()
    entries = list(font_manager.fontManager.ttflist)
    fonts.register()
    assert font_manager.fontManager.ttflist == entries
    assert dict(matplotlib.rcParams) == before


def test_instead_must_fit():
    with pytest.raises(SettingsError, match="one text for each of the 2 texts, not 1"):
        fonts.lettering(["a", "b"], instead=["c"])
