"""Figures in one look, with Chinese that renders everywhere.

For a module that draws::

    from calib.figures import figure, star_colours, styled
    from calib.words import say

    @styled                                   # the look, inside the function only
    def worths(table: pd.DataFrame, *, lang: str | None = None) -> Any:
        fig, ax = figure(7, 4)                # a Figure without pyplot, and its Axes
        ax.set_xlabel(say("columns.worth", lang))
        return fig

For a module that shows or keeps figures: :func:`to_svg_string` (an ``<svg>`` element for a page,
light and dark by the page's CSS variables), :func:`save_svg`, :func:`save_png`, :func:`save`
(by ending). SVG and PNG are the same bytes at every run. In a notebook a figure shows itself.

Ready figures of plain tables: :func:`star_distribution`, :func:`transitions`,
:func:`weights_by_set`, :func:`estimates` (worths with intervals), :func:`framework_tree`. Names in
the tables are drawn as they are, so hand them over in the wanted language.

Colours: :func:`star_colours` (1 to K stars), :func:`series_colours` (unordered), ``UP`` and
``DOWN`` (stars gained and lost), ``INK``, ``MUTED``, ``GRID``, ``PAPER``, ``ACCENT``;
:func:`ink_on` gives the text colour on a coloured ground. Labels with characters that the shipped
font lacks raise a :class:`MissingGlyphWarning` that names them; :func:`missing_glyphs` checks
beforehand.
"""

from __future__ import annotations

from calib.figures.ballots import pick_shares_with_band, worths_with_intervals
from calib.figures.dominance import dominance_comparison
from calib.figures.fonts import MissingGlyphWarning, missing_glyphs, register_fonts
from calib.figures.outcomes import shift_distances
from calib.figures.palette import (
    ACCENT,
    DOWN,
    GRID,
    INK,
    MUTED,
    PAPER,
    UP,
    contrast,
    ink_on,
    series_colours,
    star_colours,
)
from calib.figures.stars import star_distribution, transitions
from calib.figures.style import (
    figure,
    legend_columns,
    save,
    save_png,
    save_svg,
    style,
    styled,
    svg_bytes,
    to_png_bytes,
    to_svg_string,
)
from calib.figures.tree import framework_tree
from calib.figures.weights import estimates, weights_by_set

__all__ = [
    "ACCENT",
    "DOWN",
    "GRID",
    "INK",
    "MUTED",
    "PAPER",
    "UP",
    "MissingGlyphWarning",
    "contrast",
    "dominance_comparison",
    "estimates",
    "figure",
    "framework_tree",
    "ink_on",
    "legend_columns",
    "missing_glyphs",
    "pick_shares_with_band",
    "register_fonts",
    "save",
    "save_png",
    "save_svg",
    "series_colours",
    "shift_distances",
    "star_colours",
    "star_distribution",
    "style",
    "styled",
    "svg_bytes",
    "to_png_bytes",
    "to_svg_string",
    "transitions",
    "weights_by_set",
    "worths_with_intervals",
]
