"""Figure of dominance measures side by side, with caps and where the measures disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from calib.errors import InputError
from calib.figures.palette import DOWN, MUTED, ink_on
from calib.figures.style import figure, put_heading, styled
from calib.words import joined, message, resolve_language, say

__all__ = ["dominance_comparison"]

# column, whether it is a share, whether large means dominant
_MEASURES: tuple[tuple[str, bool, bool], ...] = (
    ("weight", True, True),
    ("contribution", True, True),
    ("variance_share", True, True),
    ("shapley", True, True),
    ("main_effect", False, True),
    ("item_rest", False, True),
    ("star_changed", True, True),
    ("leverage", False, False),
)


@styled
def dominance_comparison(
    table: pd.DataFrame,
    *,
    lang: str | None = None,
    title: str = "",
    caps: Mapping[str, float] | None = None,
    synthetic: bool = False,
) -> Any:
    """Draw the dominance measures of the nodes of one level beside each other.

    Parameters
    ----------
    table : one row for each node, with ``name_zh``, ``name_en`` and the measures as columns;
        rows of one track and level
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty
    caps : declared caps by measure; values above are framed
    synthetic : say that the data are synthetic

    Returns
    -------
    The figure: each column shaded by its own largest value, the last column the number of places
    between the highest and lowest rank that the measures give a node.

    Raises
    ------
    InputError
        When no row or no measure is there.
    """
    lang = resolve_language(lang)
    measures = [m for m in _MEASURES if m[0] in table.columns]
    if table.empty or not measures:
        raise InputError(message("figures.dominance.empty"))
    names = table["name_zh" if lang == "zh" else "name_en"].astype(str).tolist()
    values = np.column_stack([table[m[0]].to_numpy(dtype=float) for m in measures])
    spread = _rank_spread(values, measures)
    rows, columns = len(names), len(measures) + 1
    fig, ax = figure(3.4 + 0.68 * columns, 1.7 + 0.27 * rows)
    shade = _shades(np.column_stack([values, spread]), [*(m[2] for m in measures), True])
    colours = np.array([[_blend(shade[r, c], c == columns - 1) for c in range(columns)]
                        for r in range(rows)])  # fmt: skip
    ax.imshow(colours, aspect="auto", extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
    for r in range(rows):
        for c in range(columns):
            text = f"{spread[r]:.0f}" if c == columns - 1 else _text(values[r, c], measures[c])
            ax.text(c, r, text, ha="center", va="center", fontsize=8,
                    color=ink_on(_hex(colours[r, c])))  # fmt: skip
    _frame_caps(ax, values, measures, caps or {})
    heads = [say(f"figures.dominance.{m[0]}", lang) for m in measures]
    heads.append(say("figures.dominance.rank_spread", lang))
    ax.set_xticks(range(columns), heads, fontsize=8)
    ax.xaxis.tick_top()
    ax.set_yticks(range(rows), names)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.axvline(columns - 1.5, color="white", linewidth=3)
    heading = title or say("figures.dominance.title", lang)
    if synthetic:
        heading += say("figures.dominance.synthetic", lang)
    put_heading(fig, heading)
    notes = [message("figures.dominance.shaded")]
    if caps:
        notes.append(message("figures.dominance.framed"))
    if not np.isfinite(values).all():
        notes.append(message("figures.dominance.blank"))
    note = joined(notes, message("words.semicolon")).get(lang)
    ax.set_xlabel(note, fontsize=8, color=MUTED)
    return fig


def _text(value: float, measure: tuple[str, bool, bool]) -> str:
    if not np.isfinite(value):
        return "–"
    value = 0.0 if abs(value) < 1e-12 else value  # rounding noise has no sign
    return f"{100 * value:.1f}%" if measure[1] else f"{value:.2f}"


def _shades(values: np.ndarray[Any, Any], upward: Sequence[bool]) -> np.ndarray[Any, Any]:
    out = np.zeros_like(values)
    for c, up in enumerate(upward):
        column = values[:, c]
        ok = np.isfinite(column)
        if not ok.any():
            continue
        if up:
            top = max(float(column[ok].max()), 1e-12)
            out[ok, c] = np.clip(column[ok] / top, 0, 1)
        else:  # a small move is a strong lever
            least = max(float(column[ok].min()), 1e-4)
            out[ok, c] = np.clip(least / np.maximum(column[ok], 1e-4), 0, 1)
    return out


def _rank_spread(
    values: np.ndarray[Any, Any], measures: Sequence[tuple[str, bool, bool]]
) -> np.ndarray[Any, Any]:
    """Return how many places lie between the highest and lowest rank of each node."""
    ranks = []
    for c, m in enumerate(measures):
        column = np.where(np.isnan(values[:, c]), -np.inf if m[2] else np.inf, values[:, c])
        keyed = -column if m[2] else column
        ranks.append(pd.Series(keyed).rank(method="average").to_numpy())
    stack = np.array(ranks)
    return np.asarray(np.round(stack.max(axis=0) - stack.min(axis=0)))


def _blend(share: float, grey: bool) -> tuple[float, float, float]:
    base = np.array([1.0, 1.0, 1.0])
    full = np.array([0.55, 0.55, 0.55]) if grey else np.array([0.13, 0.40, 0.62])
    mixed = base + 0.85 * float(share) * (full - base)
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def _hex(colour: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * float(v)):02x}" for v in colour)


def _frame_caps(
    ax: Any,
    values: np.ndarray[Any, Any],
    measures: Sequence[tuple[str, bool, bool]],
    caps: Mapping[str, float],
) -> None:
    from matplotlib.patches import Rectangle

    for c, m in enumerate(measures):
        limit = caps.get(m[0])
        if limit is None:
            continue
        for r in np.flatnonzero(values[:, c] > limit + 1e-9):
            ax.add_patch(Rectangle((c - 0.47, r - 0.46), 0.94, 0.92, fill=False,
                                   edgecolor=DOWN, linewidth=1.8))  # fmt: skip
