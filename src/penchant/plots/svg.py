"""A figure as SVG within a page: its colours are the page's, so that they follow its theme."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.path import Path

from penchant.plots import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text
    from matplotlib.transforms import Transform

NAMES = {
    canvas.PAPER: "card",
    canvas.INK: "ink",
    canvas.GREY: "soft",
    canvas.LIGHT: "grid",
    canvas.BLUE: "blue",
    canvas.VERMILION: "red",
    canvas.GREEN: "green",
    canvas.PALE: "blue-fill",
}
"""Which variable of the page's style stands for which colour of a picture."""

_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
_BOLD = 600


class Drawing(NamedTuple):
    """What stands in an SVG element, and the element's `viewBox`."""

    box: str
    inside: str


def svg(figure: Figure) -> Drawing:
    """Return a figure without ids, styles and links; a point is a pixel, letters are text.

    Args:
        figure: a figure of `penchant.plots`.

    >>> from penchant.plots import plot_calibration
    >>> made = svg(plot_calibration([0.5, 0.9], {"<all>": [0.51, 0.9]}))
    >>> made.box, "var(--ink)" in made.inside, "&lt;all&gt;" in made.inside
    ('0 0 504 302', True, True)
    """
    figure.set_dpi(72)
    figure.patch.set_visible(False)
    renderer = _Renderer(*(72 * figure.get_size_inches()))
    figure.draw(renderer)
    return Drawing(f"0 0 {renderer.width:.0f} {renderer.height:.0f}", "".join(renderer.parts))


class _Renderer(RendererBase):
    """Writes what Matplotlib draws; nothing is cut, since our pictures draw nothing outside."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self.width, self.height = width, height
        self.parts: list[str] = []

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.width, self.height

    def draw_path(
        self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None
    ) -> None:
        lined = gc.get_linewidth() > 0 and gc.get_rgb()[3] > 0
        filled = rgbFace is not None and (len(rgbFace) < 4 or rgbFace[3] > 0)
        if not (lined or filled):
            return
        told = f' fill="{_colour(rgbFace)}"' if filled else ' fill="none"'
        if lined:
            told += f' stroke="{_colour(gc.get_rgb())}" stroke-width="{gc.get_linewidth():g}"'
        dashes: Any = gc.get_dashes()[1]
        if lined and dashes is not None:
            told += f' stroke-dasharray="{" ".join(f"{dash:g}" for dash in dashes)}"'
        self.parts.append(f'<path d="{self._steps(path, transform)}"{told}/>')

    def _steps(self, path: Path, transform: Transform) -> str:
        steps = []
        for points, code in path.iter_segments(transform, simplify=False):
            if code == Path.CLOSEPOLY:
                steps.append("Z")
                continue
            places = zip(points[::2], points[1::2], strict=True)
            steps.append(_LETTERS[code] + " ".join(f"{x:.1f} {self.height - y:.1f}"
                                                   for x, y in places))  # fmt: skip
        return "".join(steps)

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:
        anchor = ""
        if mtext is not None:  # where it is anchored, since the page's letters have other widths
            x = float(mtext.get_transform().transform(mtext.get_unitless_position())[0])
            ends = {"center": "middle", "right": "end"}
            side = ends.get(mtext.get_horizontalalignment())
            anchor = "" if side is None else f' text-anchor="{side}"'
        bold = prop.get_weight() == "bold"
        weight = f' font-weight="{_BOLD}"' if bold else ""
        look = f'fill="{_colour(gc.get_rgb())}" font-size="{prop.get_size_in_points():g}"'
        told = html.escape(s, quote=False)
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {look}{weight}{anchor}>{told}</text>')


def _colour(rgb: Any) -> str:
    told = to_hex(rgb)
    return f"var(--{NAMES[told]})" if told in NAMES else told
