import warnings

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from penchant.errors import SettingsError, SourceError
from penchant.plots import draw_network


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()
    return canvas.get_renderer()


def test_sizes_are_written():
    shown = {t.get_text() for t in draw_network(943, 1682, 200).axes[0].texts}
    assert {"944 × 200", "944 × 1", "1,683 × 200", "1,683 × 1"} <= shown
    assert {"one-hot, 944 wide", "one-hot, 1,683 wide"} <= shown
    assert {"user", "item", "dot", "add", "flatten", "+ mean"} <= shown
    assert "(944 + 1,683) × (200 + 1) = 528,027 parameters" in shown


@pytest.mark.parametrize("sizes", [(1, 1, 1), (943, 1682, 200), (12_000_000, 1_000_000, 1024)])
def test_no_text_covers_another_or_leaves_the_picture(sizes):
    figure = draw_network(*sizes)
    renderer = drawn(figure)
    written = [t for t in figure.axes[0].texts if t.get_text()]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in written]
    for place, (text, box) in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0, text
        assert box.x1 <= figure.bbox.x1, text
        assert [other for other, b in boxes[place + 1 :] if box.overlaps(b)] == [], text


def test_the_picture_is_written(tmp_path):
    draw_network(943, 1682, 200, tmp_path / "network.png")
    assert (tmp_path / "network.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["n_users", "n_items", "factors"])
def test_counts_below_one_are_refused(name):
    sizes = {"n_users": 1, "n_items": 1, "factors": 1, name: 0}
    with pytest.raises(SettingsError, match=f"{name} must be a whole number of at least 1, not 0"):
        draw_network(**sizes)


def test_bad_places_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="must end in"):
        draw_network(1, 1, 1, tmp_path / "a.txt")
    with pytest.raises(SourceError, match="can't be written"):
        draw_network(1, 1, 1, tmp_path / "none" / "a.png")
