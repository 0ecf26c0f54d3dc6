"""Pictures from plain data, drawn on figures of their own: no state of Matplotlib changes."""

from penchant.plots.calibration import plot_calibration
from penchant.plots.curves import plot_history
from penchant.plots.network import draw_network

__all__ = ["draw_network", "plot_calibration", "plot_history"]
