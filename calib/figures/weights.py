"""Figures of weights: the same nodes under several weight sets, and estimates with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from calib.errors import InputError
from calib.figures.palette import ACCENT, GRID, MUTED, series_colours
from calib.figures.style import figure, legend_columns, put_heading, put_rows, styled
from calib.words import message, say

__all__ = ["estimates", "weights_by_set"]

_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")


@styled
def weights_by_set(
    table: pd.DataFrame,
    *,
    lang: str | None = None,
    title: str = "",
    lower: pd.DataFrame | None = None,
    upper: pd.DataFrame | None = None,
) -> Any:
    """Draw the weights of nodes under each weight set as a dot chart.

    Parameters
    ----------
    table : one row for each node (index: its name as shown, top to bottom), one column for each
        weight set (its name as shown); weights 0 to 1
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty
    lower, upper : interval limits, same labels as ``table``; NaN where a set has none

    Returns
    -------
    The figure: colour and marker both tell the sets apart.

    Raises
    ------
    InputError
        When the table is empty.
    """
    if table.empty:
        raise InputError(message("figures.empty_weights"))
    nodes, sets = table.shape
    colours = series_colours(sets)
    fig, ax = figure(7.2, 1.5 + max(0.2, 0.085 * sets + 0.14) * nodes)
    offsets = np.linspace(-0.26, 0.26, sets) if sets > 1 else np.zeros(1)
    base = np.arange(nodes, dtype=float)
    for s, name in enumerate(table.columns):
        values = table[name].to_numpy(dtype=float)
        if lower is not None and upper is not None and name in lower and name in upper:
            low, high = (np.asarray(t[name], dtype=float) for t in (lower, upper))
            ax.hlines(base + offsets[s], low, high, color=colours[s], linewidth=1.6, alpha=0.7)
        ax.plot(
            values, base + offsets[s], linestyle="none", marker=_MARKERS[s % len(_MARKERS)],
            markersize=5.5, color=colours[s], label=str(name), clip_on=False,
        )  # fmt: skip
    ax.set_yticks(base, [str(n) for n in table.index])
    ax.set_ylim(nodes - 0.5, -0.5)
    for edge in range(1, nodes):
        ax.axhline(edge - 0.5, color=GRID, linewidth=0.6)
    ax.grid(axis="x")
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(left=min(0.0, float(np.nanmin(table.to_numpy(dtype=float)))))
    ax.set_xlabel(say("figures.weight", lang))
    heading = title or say("figures.weights_by_set", lang)
    put_heading(fig, heading)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center",
               ncols=legend_columns(table.columns, 7.2))  # fmt: skip
    return fig


@styled
def estimates(
    table: pd.DataFrame,
    *,
    label: str,
    lang: str | None = None,
    title: str = "",
    reference: float | None = None,
    margin: tuple[float, float] | None = None,
) -> Any:
    """Draw estimates with their intervals, for example the worths of indicators.

    Parameters
    ----------
    table : one row for each item (index: its name as shown, top to bottom); columns ``estimate``,
        ``lower`` and ``upper``
    label : what the estimates are, with unit; names the axis
    lang : ``zh`` or ``en``; the current one if None
    title : heading; the label when empty
    reference : a value marked by a line, for example the equal weight 1/J
    margin : limits of a band marked around the reference, for example an equivalence margin

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        When a column is missing or no row is there.
    """
    absent = [c for c in ("estimate", "lower", "upper") if c not in table.columns]
    if absent or table.empty:
        columns = message("figures.estimates_columns", columns=absent)
        raise InputError(columns if absent else message("figures.estimates_rows"))
    rows = len(table)
    fig, ax = figure(7.2, 1.2 + 0.24 * rows)
    places = np.arange(rows)
    if margin is not None:
        ax.axvspan(*margin, color=ACCENT, alpha=0.10, linewidth=0)
    if reference is not None:
        ax.axvline(reference, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    low, high = (np.asarray(table[c], dtype=float) for c in ("lower", "upper"))
    ax.hlines(places, low, high, color=ACCENT, linewidth=1.8)
    ax.plot(np.asarray(table["estimate"], dtype=float), places, "o", color=ACCENT, markersize=5)
    put_rows(ax, table.index)
    ax.grid(axis="x")
    ax.set_xlabel(label)
    put_heading(fig, title or label)
    return fig
