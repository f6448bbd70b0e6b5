"""Colours that readers with any colour vision can tell apart.

Stars are an ordered scale, so their colours run from light yellow to dark blue: lightness alone
orders them, also in grey print. Tests check the distance between neighbours under simulated
protanopia, deuteranopia and tritanopia.
"""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray

__all__ = [
    "ACCENT",
    "DOWN",
    "GRID",
    "INK",
    "MUTED",
    "PAPER",
    "UP",
    "contrast",
    "ink_on",
    "series_colours",
    "star_colours",
]

INK = "#1f2733"  # text and axes
MUTED = "#5b6572"  # secondary text
GRID = "#d9dde3"  # hairlines
PAPER = "#fefefe"  # background; not plain white, so that it is told apart when themed
ACCENT = "#2b5fa8"
UP = "#1f6fb2"  # a star gained
DOWN = "#c2570c"  # a star lost; blue and orange stay apart for every reader

_STAR_ANCHORS = ("#f3d976", "#93cf9a", "#41a9b5", "#2c6db0", "#2f3688")
# Okabe and Ito's qualitative palette, darkened where it is too light for lines on white.
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#5b6572", "#8c3b1f")


def _to_rgb(colour: str) -> FloatArray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float) / 255.0


def star_colours(stars: int = 5) -> tuple[str, ...]:
    """Return one colour for each star, lowest first.

    Parameters
    ----------
    stars : number of stars K >= 1

    Returns
    -------
    K colours ``#rrggbb``, light to dark.

    Examples
    --------
    >>> star_colours(2)
    ('#f3d976', '#2f3688')
    """
    anchors = np.array([_to_rgb(c) for c in _STAR_ANCHORS])
    places = np.linspace(0.0, len(anchors) - 1.0, stars) if stars > 1 else np.array([2.0])
    columns = [np.interp(places, np.arange(len(anchors)), anchors[:, c]) for c in range(3)]
    rgb = np.rint(np.stack(columns, axis=1) * 255).astype(int)
    return tuple("#{:02x}{:02x}{:02x}".format(*row) for row in rgb.tolist())


def series_colours(count: int) -> tuple[str, ...]:
    """Return ``count`` colours for unordered series; they repeat after eight.

    Examples
    --------
    >>> series_colours(2)
    ('#0072b2', '#d55e00')
    """
    return tuple(_SERIES[i % len(_SERIES)] for i in range(count))


def _luminance(colour: str) -> float:
    rgb = _to_rgb(colour)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(first: str, second: str) -> float:
    """Return the WCAG 2 contrast ratio of two colours, 1 to 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def ink_on(colour: str) -> str:
    """Return the text colour that reads best on ``colour``: black or white, at least 4.58.

    Examples
    --------
    >>> ink_on("#2f3688")
    '#ffffff'
    """
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, colour))
