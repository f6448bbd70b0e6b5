"""Figures of what weights do over time and under uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.figures.palette import ACCENT, DOWN, INK, MUTED, UP, ink_on, series_colours, star_colours
from calib.figures.style import figure, put_heading, styled
from calib.words import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["probability_bars", "shift_distances", "stars_over_years", "weights_over_years"]

MOST_ROWS = 40


@styled
def weights_over_years(table: pd.DataFrame, *, lang: str | None = None, title: str = "") -> Any:
    """Draw weights that move over years, one band a node, adding up to 1.

    Parameters
    ----------
    table : one row a year (the index, rising), one column a node, weights 0 to 1
    title : heading; none when empty
    """
    fig, ax = figure(7, 3.8)
    years = np.asarray(table.index, dtype=float)
    values = table.to_numpy(dtype=float).T
    colours = series_colours(len(values))
    ax.stackplot(years, values, colors=colours, linewidth=0, alpha=0.9)
    floor = np.zeros(len(years))
    for row, name, colour in zip(values, table.columns, colours, strict=True):
        for at, side, shift in ((0, "left", 6), (-1, "right", -6)):
            ax.annotate(
                f"{name} {row[at]:.2f}" if at == 0 else f"{row[at]:.2f}",
                (years[at], floor[at] + row[at] / 2), xytext=(shift, 0),
                textcoords="offset points", ha=side, va="center", color=ink_on(colour),
            )  # fmt: skip
        floor = floor + row
        ax.plot(years, floor, color="white", linewidth=1.2)
    ax.set_xlim(years[0], years[-1])
    ax.set_ylim(0, 1)
    ax.set_ylabel(say("figures.weight", lang))
    ax.set_xlabel(say("figures.year", lang))
    ax.xaxis.get_major_locator().set_params(integer=True)
    put_heading(fig, title)
    return fig


@styled
def stars_over_years(
    table: pd.DataFrame, *, lang: str | None = None, synthetic: bool = False, title: str = ""
) -> Any:
    """Draw the star distribution over years as stacked areas, the lowest star at the bottom.

    Parameters
    ----------
    table : one row a point in time (years, the index, rising), one column a star from the
        lowest; counts of enterprises
    synthetic : say that the enterprises are
    title : heading; none when empty
    """
    fig, ax = figure(7, 4)
    years = np.asarray(table.index, dtype=float)
    counts = table.to_numpy(dtype=float)
    share = counts / counts.sum(axis=1, keepdims=True)
    colours = star_colours(share.shape[1])
    top = np.cumsum(share, axis=1)
    floor = np.zeros(len(years))
    for k, (name, colour) in enumerate(zip(table.columns, colours, strict=True)):
        # A star count holds from one tipping point to the next, so the areas run in steps.
        ax.fill_between(years, floor, top[:, k], step="post", color=colour, linewidth=0)
        for at, side, shift in ((0, "left", 6), (-1, "right", -6)):
            if share[at, k] > 0.035:
                ax.annotate(
                    f"{name} {share[at, k]:.0%}", (years[at], floor[at] + share[at, k] / 2),
                    xytext=(shift, 0), textcoords="offset points", ha=side, va="center",
                    color=ink_on(colour),
                )  # fmt: skip
        floor = top[:, k]
    ax.set_xlim(years[0], years[-1])
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    mark = say("figures.synthetic", lang) if synthetic else ""
    ax.set_ylabel(say("figures.share", lang) + mark)
    ax.set_xlabel(say("figures.year", lang))
    ax.xaxis.get_major_locator().set_params(integer=True)
    put_heading(fig, title)
    return fig


@styled
def probability_bars(
    table: pd.DataFrame, now: Sequence[int], *, lang: str | None = None, title: str = ""
) -> Any:
    """Draw star probabilities as one bar an enterprise, a mark at the star it has now.

    Parameters
    ----------
    table : one row an enterprise (its name the index), one column a star; up to 40 are drawn,
        the least certain first
    now : star of each enterprise, from 0
    title : heading; none when empty
    """
    p = table.to_numpy(dtype=float)
    own = np.asarray(now)
    order = np.argsort(p[np.arange(len(p)), own], kind="stable")[:MOST_ROWS]
    fig, ax = figure(7, 1.2 + 0.24 * len(order))
    colours = star_colours(p.shape[1])
    for y, i in enumerate(order):
        left = 0.0
        for k, colour in enumerate(colours):
            ax.barh(y, p[i, k], left=left, color=colour, height=0.8, linewidth=0)
            if k == own[i]:
                text = f"{p[i, k]:.0%}"
                inside = p[i, k] > 0.08
                ax.annotate(
                    text, (left + p[i, k] / 2, y), ha="center", va="center", fontsize=8,
                    color=ink_on(colour) if inside else INK,
                )  # fmt: skip
            left += p[i, k]
    ax.set_yticks(range(len(order)), [str(table.index[i]) for i in order])
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    ax.set_xlabel(say("figures.probability", lang))
    handles = [_patch(c, str(n)) for c, n in zip(colours, table.columns, strict=True)]
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    put_heading(fig, title)
    return fig


@styled
def shift_distances(
    table: pd.DataFrame, *, within: float, lang: str | None = None, title: str = ""
) -> Any:
    """Draw how much weight must move to lose or to gain a star.

    Parameters
    ----------
    table : one row an enterprise (its name the index), columns ``down`` and ``up``: total
        variation 0 to 1, inf where nothing does it; up to 40 are drawn, the nearest first, and
        those whose star nothing changes are counted below
    within : distance that is marked as near
    title : heading; none when empty
    """
    values = table[["down", "up"]].to_numpy(dtype=float)
    nearest = values.min(axis=1)
    order = np.argsort(nearest, kind="stable")[: min(int(np.isfinite(nearest).sum()), MOST_ROWS)]
    fig, ax = figure(7, 1.3 + 0.24 * max(len(order), 2))
    for column, colour, marker, name in (
        (0, DOWN, "v", say("figures.lose", lang)),
        (1, UP, "^", say("figures.gain", lang)),
    ):
        x = 100 * values[order, column]
        some = np.isfinite(x)
        ax.scatter(
            x[some], np.flatnonzero(some), color=colour, marker=marker, s=34, label=name, zorder=3
        )
    ax.axvline(100 * within, color=ACCENT, linewidth=1, linestyle="--")
    ax.set_yticks(range(len(order)), [str(table.index[i]) for i in order])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.grid(axis="y", color=MUTED, alpha=0.2)
    fixed = int(len(nearest) - np.isfinite(nearest).sum())
    rest = f"\n{say('figures.never_move', lang, n=fixed)}" if fixed else ""
    ax.set_xlabel(say("figures.must_move", lang) + rest)
    fig.legend(loc="outside lower center", ncols=2)
    put_heading(fig, title)
    return fig


def _patch(colour: str, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, label=label)
