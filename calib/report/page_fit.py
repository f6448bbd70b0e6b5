"""How large the type of a page may be, so that it is still one printed page.

Heights are estimates from the lengths of texts, since no browser is asked and fonts differ; tests
print pages and look.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from unicodedata import east_asian_width

from calib.report.page_parts import (
    Advice,
    Bullets,
    Columns,
    Figure,
    Grid,
    Heading,
    Page,
    Paragraph,
    Part,
)

__all__ = ["column_shares", "fitting", "wide"]

_LATIN = 0.53
"""Width of a letter that is not Chinese, in type sizes; of the wide fonts among those in use."""
_OTHERS = dict.fromkeys("0123456789", 0.63) | {"%": 0.95, "★": 0.9, "→": 0.85, "±": 0.85}
_MM = 72 / 25.4


def wide(text: str) -> float:
    """Return how wide a text is, in type sizes."""
    return sum(1.0 if east_asian_width(c) in "WF" else _OTHERS.get(c, _LATIN) for c in text)


def column_shares(grid: Grid, width: float) -> list[float]:
    """Return the widths of a table's columns, in type sizes, that add up to ``width``.

    Columns whose longest cell is short keep it on one line; the others share what is left, in
    proportion to the lengths of their texts.
    """
    cells = [grid.heads, *grid.rows]
    asked = [max(wide(row[c]) for row in cells) + _GAP for c in range(len(grid.heads))]
    asked[grid.verdict] *= _BOLD
    if sum(asked) <= width:
        return [a * width / sum(asked) for a in asked]
    out, open_ones, left = [0.0] * len(asked), set(range(len(asked))), width
    while True:
        fair = left / len(open_ones)
        short = {c for c in open_ones if asked[c] <= fair}
        if not short or short == open_ones:
            break
        for c in short:
            out[c], left = asked[c], left - asked[c]
        open_ones -= short
    total = sum(asked[c] for c in open_ones)
    for c in open_ones:
        out[c] = left * asked[c] / total
    return out


def fitting(
    page: Page, sizes: Sequence[tuple[float, float]], width: float, height: float, leading: float
) -> int:
    """Return the position of the first of several sizes in which the page fits, or the last.

    Parameters
    ----------
    sizes : type size in points and height of a figure in millimetres, the largest first
    width, height : of the page without margins, in millimetres
    leading : height of a line, in type sizes
    """
    for position, (points, figure) in enumerate(sizes):
        per_line = width * _MM / points
        # The title and what stands under it, then the parts; in lines of the text.
        lines = (
            _GAPS * 2 + 1.5 * _lines(page.title, per_line / 1.4) + _lines(page.subtitle, per_line)
        )
        lines += sum(_height(p, per_line, figure * _MM / points / leading) for p in page.parts)
        if lines * leading * points <= _SURE * height * _MM:
            return position
    return len(sizes) - 1


_SURE = 0.95
"""Of the height, how much may be used by estimate."""
_BOLD = 1.12
_GAP = 1.2
"""Between columns, in type sizes."""
_GAPS = 0.2
"""Around a paragraph, in lines."""


def _lines(text: str, width: float) -> int:
    return max(1, ceil(wide(text) / width))


def _height(part: Part, width: float, figure: float) -> float:
    """Return how high a part is, in lines."""
    if isinstance(part, Heading):
        return 1.1 * _lines(part.text, width) + 3 * _GAPS
    if isinstance(part, Paragraph):
        return _lines(part.text, width) + _GAPS
    if isinstance(part, Bullets):
        return sum(_lines(i, width - 2) + _GAPS / 2 for i in part.items) + _GAPS
    if isinstance(part, Advice):
        items = sum(_lines(i, width - 5) + _GAPS / 2 for i in part.items)
        return 1.3 * _lines(part.title, width / 1.3) + items + 5 * _GAPS
    if isinstance(part, Columns):
        return max(
            sum(_height(p, (width - 2) / 2, figure) for p in side)
            for side in (part.left, part.right)
        )
    if isinstance(part, Figure):
        return figure + _GAPS
    widths = column_shares(part, width)
    return _GAPS + sum(
        max(_lines(text, max(w - _GAP, 1)) for text, w in zip(row, widths, strict=True)) + _GAPS
        for row in [part.heads, *part.rows]
    )
