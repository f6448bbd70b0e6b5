"""The figure of a decision: proposed weights with their intervals, and the weights in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from calib.figures.palette import ACCENT, DOWN, GRID, INK, MUTED
from calib.figures.style import figure, styled
from calib.words import resolve_language, say

if TYPE_CHECKING:
    import pandas as pd

    from calib.framework import Framework

__all__ = ["proposed_weights"]

MOST_ROWS = 20
"""Rows in a panel; of more, those that change most are shown."""
_SAME = 0.005
"""Weights closer than this are written once: with two decimals they are the same."""


@styled
def proposed_weights(
    table: pd.DataFrame, framework: Framework, *, lang: str | None = None, stacked: bool = False
) -> Any:
    """Draw proposed weights beside the current ones, a panel a track, down to the second level.

    Beside each row stand its weights in figures: the current one, then the proposed one.

    Parameters
    ----------
    table : rows of nodes with track, level, code, baseline_local, local_weight, low, high, outside
    framework : names of nodes and tracks, and the order of levels
    stacked : panels one under another, for a narrow screen; side by side otherwise
    """
    lang = resolve_language(lang)
    shown = [code for code, _ in framework.levels][:2]
    tracks = [t for t in framework.tracks if (table["track"] == t).any()] or ["all"]
    parts = []
    for place, track in enumerate(tracks):
        here = [track, "all"] if place == 0 else [track]
        rows = table[table["track"].isin(here) & table["level"].isin(shown)]
        if len(rows) > MOST_ROWS:
            rows = rows.loc[rows["local_pp"].abs().nlargest(MOST_ROWS).index].sort_index()
        parts.append(rows.sort_values("level", key=lambda c: c.map(shown.index), kind="stable"))
    sizes = [len(p) for p in parts]
    if stacked:
        height = 0.75 * len(parts) + 0.19 * sum(sizes)
        fig, axes = figure(4.0, height, rows=len(parts), height_ratios=sizes)
    else:
        # Flat, so that on paper it takes the whole width and its letters stay as large as written.
        fig, axes = figure(7.6, 0.62 + 0.118 * max(sizes), columns=len(parts))
        fig.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.08, rect=(0, 0, 0.985, 1))
    for ax, track, rows in zip(np.atleast_1d(axes), tracks, parts, strict=True):
        name = framework.tracks[track].name.get(lang) if track in framework.tracks else ""
        _panel(ax, rows, name, framework, lang)
    handles, labels = np.atleast_1d(axes)[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2 if stacked else 4, fontsize=7)
    return fig


def _panel(ax: Any, rows: pd.DataFrame, title: str, framework: Framework, lang: str) -> None:
    y = np.arange(len(rows))
    low, high = rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float)
    ax.hlines(y, low, high, color=ACCENT, linewidth=2, alpha=0.55,
              label=say("figures.interval", lang))  # fmt: skip
    ax.plot(rows["local_weight"], y, "o", color=ACCENT, markersize=3.4,
            label=say("figures.proposed", lang))  # fmt: skip
    outside = rows["outside"].map(lambda v: v is True).to_numpy(dtype=bool)
    current = rows["baseline_local"].to_numpy(dtype=float)
    ax.plot(current, y, "|", color=INK, markersize=7, markeredgewidth=1.5,
            label=say("figures.current", lang))  # fmt: skip
    ax.plot(current[outside], y[outside], "|", color=DOWN, markersize=7, markeredgewidth=2,
            label=say("figures.current_outside", lang))  # fmt: skip
    for place, old, new in zip(y, current, rows["local_weight"], strict=True):
        told = f"{new:.2f}" if abs(new - old) < _SAME else f"{old:.2f} → {new:.2f}"
        ax.annotate(told, (1, place), (4, 0), xycoords=("axes fraction", "data"), va="center",
                    textcoords="offset points", fontsize=6.8, color=INK)  # fmt: skip
    ax.set_yticks(y, [framework.names[c].get(lang) for c in rows["code"]], fontsize=6.8)
    first = (rows["level"] == rows["level"].iloc[0]).to_numpy().sum() if len(rows) else 0
    if 0 < first < len(rows):
        ax.axhline(first - 0.5, color=MUTED, linewidth=0.7)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize=6.5)
    ax.grid(axis="x", color=GRID)
    ax.set_xlim(left=0)
    ax.set_title(title, fontsize=8, pad=3)
