"""Figures of ballots: worths with intervals, pick shares against equality and its band."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from calib.errors import InputError
from calib.figures.palette import ACCENT, DOWN, MUTED, UP
from calib.figures.style import figure, put_heading, put_rows, styled
from calib.figures.weights import estimates
from calib.words import message, say

__all__ = ["SIMULTANEOUS", "pick_shares_with_band", "worths_with_intervals"]

SIMULTANEOUS = {"simultaneous_lower": "lower", "simultaneous_upper": "upper"}
"""Columns of the report's table of items by the names that the figure asks for."""


def worths_with_intervals(
    table: pd.DataFrame, *, lang: str | None = None, title: str = "", level: float = 0.95
) -> Any:
    """Draw the worths of items with their intervals against the equal worth 1/J.

    Parameters
    ----------
    table : one row for each item (index: its name as shown); columns ``estimate``, ``lower`` and
        ``upper``, shares of importance that sum to 1 over the rows
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty
    level : coverage of the intervals, each for its own item; the axis says so

    Returns
    -------
    The figure, the most important item on top.
    """
    ordered = table.sort_values("estimate", ascending=False, kind="stable")
    heading = title or say("ballots.figures.heading_worths", lang, level=level)
    label = say("ballots.figures.axis_worths", lang, level=level)
    return estimates(ordered, label=label, lang=lang, title=heading, reference=1.0 / len(table))


@styled
def pick_shares_with_band(
    table: pd.DataFrame,
    *,
    expected: float,
    band: tuple[float, float],
    lang: str | None = None,
    title: str = "",
    level: float = 0.95,
) -> Any:
    """Draw pick shares with simultaneous intervals, the line of equality and its band.

    Parameters
    ----------
    table : one row for each item (index: its name as shown); columns ``pick_share``, ``lower``
        and ``upper`` (simultaneous intervals), shares of ballots 0 to 1
    expected : share of every item if all were equally important, ``k/J``
    band : ends of the declared equivalence band
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty
    level : simultaneous coverage of the intervals, for the axis

    Returns
    -------
    The figure: an interval inside the band is filled, one wholly outside is marked by a triangle
    that points up (picked more often) or down, one across an edge is hollow.

    Raises
    ------
    InputError
        When a column is missing or no row is there.
    """
    absent = [c for c in ("pick_share", "lower", "upper") if c not in table.columns]
    if absent or table.empty:
        raise InputError(
            message("ballots.figures.no_column", columns=absent)
            if absent
            else message("ballots.figures.no_row")
        )
    ordered = table.sort_values("pick_share", ascending=False, kind="stable")
    share, low, high = (
        np.asarray(ordered[c], dtype=float) for c in ("pick_share", "lower", "upper")
    )
    rows = len(ordered)
    places = np.arange(rows)
    fig, ax = figure(7.2, 1.6 + 0.24 * rows)
    ax.axvspan(100 * band[0], 100 * band[1], color=ACCENT, alpha=0.10, linewidth=0)
    ax.axvline(100 * expected, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    inside = (low >= band[0]) & (high <= band[1])
    more, less = low > band[1], high < band[0]
    kinds = (
        (inside, "o", ACCENT, ACCENT, say("ballots.figures.inside", lang)),
        (~inside & ~more & ~less, "o", MUTED, "none",
         say("ballots.figures.open", lang)),
        (more, "^", UP, UP, say("ballots.figures.above", lang)),
        (less, "v", DOWN, DOWN, say("ballots.figures.below", lang)),
    )  # fmt: skip
    for rows_of, marker, colour, face, label in kinds:
        if rows_of.any():
            ax.hlines(places[rows_of], 100 * low[rows_of], 100 * high[rows_of], color=colour,
                      linewidth=1.6)  # fmt: skip
            ax.plot(100 * share[rows_of], places[rows_of], marker, color=colour,
                    markerfacecolor=face, markersize=5.5, label=label)  # fmt: skip
    put_rows(ax, ordered.index)
    ax.set_xlim(left=0.0)
    ax.grid(axis="x")
    ax.set_xlabel(say("ballots.figures.axis_shares", lang, expected=expected, level=level))
    heading = title or say("ballots.figures.heading_shares", lang)
    put_heading(fig, heading)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig
