import numpy as np
import pytest
from matplotlib.image import imread

from penchant.errors import DataError, SettingsError, SourceError
from penchant.plots import plot_calibration

LEVELS = np.array([0.5, 0.8, 0.9])


def test_lines_are_the_distance_from_the_level_in_points():
    figure = plot_calibration(LEVELS, {"all": [0.52, 0.8, 0.895], "least active": LEVELS})
    axes = figure.axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(lines["all"].get_xdata(), [50, 80, 90])
    np.testing.assert_allclose(lines["all"].get_ydata(), [2, 0, -0.5], atol=1e-9)
    np.testing.assert_allclose(lines["least active"].get_ydata(), 0, atol=1e-9)
    low, high = axes.get_ylim()
    assert low == -high
    assert high >= 5


def test_labels_stand_apart_in_the_colours_of_their_lines():
    figure = plot_calibration(LEVELS, dict.fromkeys(("a", "b", "c $x$", "d"), LEVELS))
    axes = figure.axes[0]
    labels = {text.get_text(): text for text in axes.texts}
    heights = sorted(text.get_position()[1] for text in labels.values())
    assert min(np.diff(heights)) > 0.07
    for line in axes.lines[1:]:
        assert labels[line.get_label()].get_color() == line.get_color()


def test_it_is_written_where_a_path_is_given(tmp_path):
    plot_calibration(LEVELS, {"all": LEVELS}, tmp_path / "c.png")
    assert imread(tmp_path / "c.png").shape[1] == 1400


@pytest.mark.parametrize(
    "coverage", [{}, {"all": [0.5]}, {str(n): LEVELS for n in range(5)}, {"a": LEVELS, "b": 0.5}]
)
def test_columns_that_cannot_be_drawn_are_refused(coverage):
    with pytest.raises(DataError, match="one to 4 columns as long as the 3 levels; received"):
        plot_calibration(LEVELS, coverage)


def test_places_that_cannot_be_written_to_are_told(tmp_path):
    with pytest.raises(SettingsError, match="must end in"):
        plot_calibration(LEVELS, {"all": LEVELS}, "c.gif")
    with pytest.raises(SourceError, match="can't be written"):
        plot_calibration(LEVELS, {"all": LEVELS}, tmp_path / "none" / "c.png")
