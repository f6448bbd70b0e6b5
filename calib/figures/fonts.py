"""The shipped Chinese font, and the check that every label can be drawn with it.

A figure that relies on an installed font shows empty boxes on a machine without one, silently. So
calib ships a subset of Noto Sans CJK SC (``fonts/README.md`` says from where), registers it with
matplotlib at first use, and reports every character that it lacks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = [
    "FAMILY",
    "FONT_FILE",
    "MissingGlyphWarning",
    "missing_glyphs",
    "register_fonts",
    "warn_missing_glyphs",
]

FAMILY = "calib Sans SC"
FALLBACK = "DejaVu Sans"  # comes with matplotlib; has signs that the Chinese font lacks
FONT_FILE = Path(__file__).parent / "fonts" / "calib-sans-sc.otf"


class MissingGlyphWarning(UserWarning):
    """Characters of a label that no font at hand can draw; they appear as empty boxes."""


@lru_cache(maxsize=1)
def register_fonts() -> tuple[str, ...]:
    """Register the shipped font with matplotlib, once per process.

    Returns
    -------
    The font families of every figure, in the order in which a character is looked up.
    """
    from matplotlib import font_manager

    font_manager.fontManager.addfont(str(FONT_FILE))
    return (FAMILY, FALLBACK)


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    """Return the code points that the figures' fonts can draw."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    points: set[int] = set()
    for family in register_fonts():
        path: Any = font_manager.findfont(family, fallback_to_default=False)
        points.update(FT2Font(path).get_charmap())
    return frozenset(points)


def missing_glyphs(texts: Iterable[str]) -> dict[str, str]:
    """Find the characters that would be drawn as empty boxes.

    Parameters
    ----------
    texts : labels of a figure, or names of enterprises

    Returns
    -------
    For each text with a fault, the characters that cannot be drawn, in order of appearance.

    Examples
    --------
    >>> missing_glyphs(["互联互通 ★★★", "龘龘公司"])
    {'龘龘公司': '龘'}
    """
    known = _drawable()
    faults: dict[str, str] = {}
    for text in texts:
        lost = [c for c in dict.fromkeys(text) if ord(c) not in known and not c.isspace()]
        if lost:
            faults[text] = "".join(lost)
    return faults


def warn_missing_glyphs(texts: Iterable[str]) -> dict[str, str]:
    """Warn once, naming every label with characters that cannot be drawn, and return them."""
    faults = missing_glyphs(texts)
    if faults:
        listed = "; ".join(f"{lost} in {text!r}" for text, lost in list(faults.items())[:10])
        more = f" and {len(faults) - 10} more labels" if len(faults) > 10 else ""
        message = (
            f"the shipped font lacks characters, which show as empty boxes: {listed}{more}. "
            "Tables and pages show them with the reader's own fonts."
        )
        warnings.warn(message, MissingGlyphWarning, stacklevel=3)
    return faults
