"""Figures of stars: their distribution under weight sets, and who moves between two sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from calib._types import FloatArray
from calib.errors import InputError
from calib.figures.palette import DOWN, GRID, INK, MUTED, PAPER, UP, ink_on, star_colours
from calib.figures.style import figure, put_heading, styled
from calib.words import message, say

__all__ = ["reliability_curve", "star_distribution", "transitions"]


def _counts(values: Any) -> FloatArray:
    counts = np.asarray(values, dtype=float)
    if counts.ndim != 2 or not counts.size:
        raise InputError(message("figures.no_counts", shape=f"{counts.shape}"))
    if not np.all(np.isfinite(counts)) or np.any(counts < 0):
        raise InputError(message("figures.negative"))
    return counts


def _marked(heading: str, synthetic: bool, lang: str | None) -> str:
    return heading + say("figures.synthetic", lang) if synthetic else heading


def _together(ax: Any, starts: FloatArray, scale: FloatArray, left: FloatArray, label: str) -> None:
    """Draw what is not published star by star at the end of each bar."""
    widths = scale * left
    ax.barh(
        np.arange(len(left)), widths, left=starts, height=0.66, color=PAPER, edgecolor=MUTED,
        linewidth=0.8, hatch="////", label=label,
    )  # fmt: skip
    for row in np.flatnonzero(left):
        ax.text(
            starts[row] + widths[row] / 2, row, f"{left[row]:g}", ha="center", va="center",
            color=INK, fontsize=9, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
        )  # fmt: skip


@styled
def star_distribution(
    counts: pd.DataFrame,
    *,
    totals: Sequence[float] | None = None,
    lang: str | None = None,
    title: str = "",
    shares: bool = True,
    synthetic: bool = False,
) -> Any:
    """Draw how many enterprises have each star, one bar for each weight set.

    Parameters
    ----------
    counts : one row for each weight set (index: its name as shown), one column for each star
        (its name as shown), lowest first; enterprises. NaN where a count is not published; all
        such of a row are drawn together, hatched, at its end
    totals : enterprises of each row; the sums if None
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty
    shares : bars as shares of 100 % (sets with different numbers compare), else as numbers
    synthetic : say that the enterprises are

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        When the table is empty or holds a negative number.
    """
    known = counts.notna().to_numpy()
    table = _counts(counts.fillna(0).to_numpy())
    sets, stars = table.shape
    sums = table.sum(axis=1) if totals is None else np.asarray(totals, dtype=float)
    left = np.where(known.all(axis=1), 0.0, np.maximum(sums - table.sum(axis=1), 0.0))
    scale = 100.0 / np.where(sums > 0, sums, 1.0)[:, None] if shares else np.ones((sets, 1))
    lengths = scale * table
    starts = np.cumsum(lengths, axis=1) - lengths
    fig, ax = figure(7.2, 1.55 + 0.46 * sets)
    places = np.arange(sets)
    full = float(np.max(scale[:, 0] * (table.sum(axis=1) + left))) or 1.0
    for k, colour in enumerate(star_colours(stars)):
        width = lengths[:, k]
        ax.barh(
            places, width, left=starts[:, k], height=0.66, color=colour, edgecolor=PAPER,
            linewidth=1.2, label=str(counts.columns[k]),
        )  # fmt: skip
        for row in np.flatnonzero(width > 0.028 * full):
            ax.text(
                starts[row, k] + width[row] / 2, row, f"{table[row, k]:g}",
                ha="center", va="center", color=ink_on(colour), fontsize=9,
            )  # fmt: skip
    if left.any():
        label = say("figures.together", lang)
        _together(ax, lengths.sum(axis=1), scale[:, 0], left, label)
    names = [str(name) for name in counts.index]
    ax.set_yticks(places, [f"{n}  (n={t:g})" for n, t in zip(names, sums, strict=True)])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(say("figures.share_percent" if shares else "columns.count", lang))
    ax.set_xlim(0, full)
    heading = _marked(title or say("figures.stars", lang), synthetic, lang)
    put_heading(fig, heading)
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(handles), handlelength=1.0,
               columnspacing=1.0)  # fmt: skip
    return fig


@styled
def transitions(
    matrix: pd.DataFrame | FloatArray,
    *,
    before: str,
    after: str,
    lang: str | None = None,
    title: str = "",
    synthetic: bool = False,
) -> Any:
    """Draw a transition matrix: stars under one weight set against stars under another.

    Parameters
    ----------
    matrix : (K, K) enterprises; row = star before, column = star after, lowest first; a frame's
        columns name the stars
    before, after : names of the two weight sets as shown
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty
    synthetic : say that the enterprises are

    Returns
    -------
    The figure: above the diagonal stars gained (blue), under it stars lost (orange).

    Raises
    ------
    InputError
        When the matrix is not square or holds a negative number.
    """
    table = _counts(matrix)
    stars = table.shape[0]
    if table.shape[1] != stars:
        raise InputError(message("figures.not_square", shape=f"{table.shape}"))
    row_totals = table.sum(axis=1, keepdims=True)
    shares = table / np.where(row_totals > 0, row_totals, 1.0)
    side = 1.7 + 0.62 * stars
    fig, ax = figure(side + 0.5, side)
    for row in range(stars):
        for column in range(stars):
            _cell(ax, row, column, float(table[row, column]), float(shares[row, column]))
    ticks = np.arange(stars)
    named = matrix.columns if isinstance(matrix, pd.DataFrame) else range(stars)
    labels = [str(n) if isinstance(n, str) else f"{n + 1}★" for n in named]
    ax.set_xticks(ticks, labels)
    ax.set_yticks(ticks, labels)
    ax.set_xlim(-0.5, stars - 0.5)
    ax.set_ylim(-0.5, stars - 0.5)
    ax.set_aspect("equal")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlabel(say("figures.after", lang, set=after))
    ax.set_ylabel(say("figures.before", lang, set=before))
    up, down = float(np.triu(table, 1).sum()), float(np.tril(table, -1).sum())
    heading = _marked(title or say("figures.transitions", lang), synthetic, lang)
    note = say("figures.moves", lang, up=f"{up:g}", down=f"{down:g}", same=f"{np.trace(table):g}")
    ax.set_title(f"{heading}\n", fontsize=11)
    ax.text(0, 1.02, note, transform=ax.transAxes, fontsize=9, color=MUTED)
    return fig


def _cell(ax: Any, row: int, column: int, count: float, share: float) -> None:
    """Draw one cell; its strength is the share of the enterprises that started in its row."""
    from matplotlib.colors import to_hex, to_rgb
    from matplotlib.patches import Rectangle

    colour = MUTED if row == column else (UP if column > row else DOWN)
    weight = 0.0 if count == 0 else 0.18 + 0.72 * share
    mixed = np.array(to_rgb(colour)) * weight + (1.0 - weight)
    face = PAPER if count == 0 else to_hex(mixed)
    ax.add_patch(
        Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=GRID, linewidth=1)
    )
    if count:
        ax.text(column, row, f"{count:g}", ha="center", va="center", color=ink_on(face))
    elif row == column:
        ax.text(column, row, "0", ha="center", va="center", color=INK, alpha=0.5)


@styled
def reliability_curve(table: pd.DataFrame, *, lang: str | None = None) -> Any:
    """Draw how often stars were right against the probability that they were given.

    Parameters
    ----------
    table : stars (how many), promised (mean probability), happened (share that had the star)
    """
    share = table["happened"].to_numpy(dtype=float)
    error = 1.96 * np.sqrt(share * (1 - share) / table["stars"].to_numpy(dtype=float))
    fig, ax = figure(4.6, 4.2)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--")
    ax.errorbar(table["promised"], share, error, fmt="o", color=UP, markersize=4)
    ax.set_xlabel(say("verify.reliability.x", lang))
    ax.set_ylabel(say("verify.reliability.y", lang))
    ax.set_title(say("verify.reliability.table", lang), fontsize=9)
    return fig
