"""The colours of the page by name, in light and in dark; a test holds their contrast."""

from __future__ import annotations

LIGHT = {
    "paper": "#fbfaf8",
    "card": "#ffffff",
    "sunk": "#f3f1ec",
    "ink": "#1b1c20",
    "soft": "#575a63",
    "line": "#dcd9d2",
    "grid": "#e9e6df",
    "blue": "#0b5cab",
    "blue-fill": "#cfe0f2",
    "red": "#b03a06",
    "red-fill": "#f8dccd",
    "green": "#176a4b",
    "green-fill": "#d3eadf",
    "amber": "#7a5300",
    "amber-fill": "#f7e8c4",
    "dot-1": "#b8420d",
    "dot-2": "#dd8a5c",
    "dot-3": "#9a9a9c",
    "dot-4": "#5f9bd3",
    "dot-5": "#0b5cab",
}
DARK = {
    "paper": "#131419",
    "card": "#1b1d24",
    "sunk": "#22252d",
    "ink": "#eceae4",
    "soft": "#aeb0b8",
    "line": "#363a45",
    "grid": "#2a2d36",
    "blue": "#7ab8f5",
    "blue-fill": "#1f3a57",
    "red": "#ff9a6b",
    "red-fill": "#552a17",
    "green": "#78d1a6",
    "green-fill": "#1c4434",
    "amber": "#f0c465",
    "amber-fill": "#453612",
    "dot-1": "#ff8f5a",
    "dot-2": "#c9825f",
    "dot-3": "#83868f",
    "dot-4": "#5b8fbe",
    "dot-5": "#7ab8f5",
}


def colours_css() -> str:
    """Return the rules that give each theme its colours; paper is always light."""
    light, dark = _block(LIGHT, "light"), _block(DARK, "dark")
    return (
        f":root{{{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f":root[data-theme=dark]{{{dark}}}\n"
        f"@media print{{:root,:root[data-theme]:root{{{light}}}"
        f":root:root:not([data-theme=light]){{{light}}}}}\n"
    )


def _block(colours: dict[str, str], scheme: str) -> str:
    named = "".join(f"--{name}:{value};" for name, value in colours.items())
    return f"color-scheme:{scheme};{named}"


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21, by WCAG 2.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
