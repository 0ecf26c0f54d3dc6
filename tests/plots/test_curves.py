import sys
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from penchant.errors import DataError, SettingsError, SourceError
from penchant.history import History
from penchant.plots import plot_history

NAMES = ("Train", "Validation", "Test")


def history(n=5, best=None, word="epoch", **columns):
    columns = columns or {"train_rmse": np.linspace(1.1, 0.7, n)}
    records = [
        {word: k + 1, **{name: float(values[k]) for name, values in columns.items()}}
        for k in range(n)
    ]
    return History(records, best)


def three(best=3):
    return history(
        train_rmse=[1.1, 0.9, 0.8, 0.75, 0.7],
        validation_rmse=[1.1, 1.0, 0.95, 0.93, 0.94],
        watch_rmse=[1.12, 1.0, 0.96, 0.94, 0.945],
        best=best,
    )


def texts(figure):
    return [t.get_text() for t in (*figure.texts, *figure.axes[0].texts)]


def boxes_of_labels(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    labels = [t for t in figure.axes[0].texts if t.get_text() in NAMES]
    return [t.get_window_extent(renderer) for t in labels], figure.bbox


def test_curves_are_drawn_from_the_records():
    figure = plot_history(three())
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert lines["Train"].get_xydata().tolist() == [
        [1, 1.1],
        [2, 0.9],
        [3, 0.8],
        [4, 0.75],
        [5, 0.7],
    ]
    assert set(NAMES) <= set(lines)


def test_the_last_values_are_written():
    assert {"0.7000", "0.9400", "0.9450"} <= set(texts(plot_history(three())))


def test_the_kept_epoch_is_marked():
    assert "kept: epoch 4" in texts(plot_history(three(best=3)))
    assert not any("kept" in text for text in texts(plot_history(three(best=None))))


def test_the_end_of_a_burn_in_is_marked():
    columns = {"train_rmse": [1.1, 1.0, 0.8, 0.7], "draws": [0, 0, 1, 2]}
    figure = plot_history(history(4, word="sweep", **columns))
    assert "mean of the draws from sweep 3" in texts(figure)
    columns["draws"] = [1, 2, 3, 4]  # without a burn-in there is no fall to explain
    assert not any("draws" in t for t in texts(plot_history(history(4, **columns))))


def test_the_labels_fill_what_stands_right_of_the_curves():
    figure = plot_history(three())
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    right = max(t.get_window_extent(renderer).x1 for t in figure.axes[0].texts)
    assert right > 0.93 * figure.bbox.x1


def test_only_what_was_measured_is_drawn():
    shown = texts(plot_history(history()))
    assert "Train" in shown
    assert "Test" not in shown


def test_sweeps_are_called_sweeps():
    assert plot_history(history(word="sweep")).axes[0].get_xlabel() == "Sweep"


def test_holes_in_a_column_are_skipped():
    records = [{"epoch": 1, "train_rmse": 1.0}, {"epoch": 2, "train_rmse": 0.9, "watch_rmse": 1.0}]
    figure = plot_history(History(records))
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert lines["Test"].get_xydata().tolist() == [[2, 1.0]]


@pytest.mark.parametrize("ends", [(0.9, 0.9, 0.9), (0.7, 0.9, 0.901), (1.1, 1.1, 0.5)])
def test_labels_never_overlap_and_stay_inside(ends):
    train, validation, watch = ends
    columns = {
        "train_rmse": [1.0, train],
        "validation_rmse": [1.0, validation],
        "watch_rmse": [1.0, watch],
    }
    boxes, whole = boxes_of_labels(plot_history(history(2, **columns)))
    for j, box in enumerate(boxes):
        assert box.x1 <= whole.x1
        assert whole.y0 <= box.y0
        assert box.y1 <= whole.y1
        assert not any(box.overlaps(other) for other in boxes[j + 1 :])


def test_one_epoch_is_a_picture_too():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(plot_history(history(1))).draw()


def test_a_title_in_hangul_is_drawn_without_a_missing_glyph(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ending in ("png", "svg", "pdf"):
            plot_history(history(), tmp_path / f"a.{ending}", title="별들의 고향 臥虎 $5^$")
            assert (tmp_path / f"a.{ending}").stat().st_size > 5_000


def test_equal_data_give_equal_files(tmp_path):
    for name in ("a.png", "b.png"):
        plot_history(three(), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_global_state_changes():
    before = dict(matplotlib.rcParams)
    pyplot = sys.modules.get("matplotlib.pyplot")
    plot_history(three())
    assert dict(matplotlib.rcParams) == before
    if pyplot is not None:
        assert pyplot.get_fignums() == []


def test_history_plots_itself(tmp_path):
    three().plot(str(tmp_path / "curves.png"))
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("empty", [History(), History([{"epoch": 1, "loss": 2.0}])])
def test_nothing_to_draw_is_refused(empty):
    with pytest.raises(DataError, match=r"There is no RMSE to draw in a history of"):
        plot_history(empty)


def test_another_ending_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(SettingsError, match=r"must end in .png, .svg, .pdf; received '.*\.bmp'"):
        plot_history(three(), tmp_path / "a.bmp")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_told(tmp_path):
    with pytest.raises(SourceError, match=r"can't be written to .*Choose a folder that exists"):
        plot_history(three(), tmp_path / "none" / "a.png")


def test_a_full_disk_leaves_the_old_picture(tmp_path, monkeypatch):
    import errno

    place = tmp_path / "a.png"
    place.write_bytes(b"old")

    def full(*_args, **_settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(SourceError, match="No space left on device"):
        plot_history(three(), place)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert place.read_bytes() == b"old"
