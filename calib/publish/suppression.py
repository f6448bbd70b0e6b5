"""Small counts of enterprises are blanked, and what would give them away.

What a column is stands in its :class:`~calib.report.Column`: counts and shares of enterprises are
protected wherever they stand. Those of which it is not known how they add up are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.report import Column, Role, resolve_columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["suppress"]

_GROUPED = ("count", "n", "same", "up", "down", "downgraded", "downgraded_count", "enterprises")
"""Counts whose groups, whose sums a reader may know, are worked out below; others are left out."""
_MOVES = ("same", "up", "down")
"""Counts of a row that sum to the known number of enterprises."""
_KEYS = ("set", "node", "scope", "track", "star", "from_star", "to_star", "segment", "year")
"""Keys along which it is known what the counts add up to."""
_BESIDE = (Role.SHARE, Role.BOUND, Role.PROBABILITY, Role.STATISTIC, Role.P_VALUE)
"""What stands beside a count and would tell it."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The columns of a table by what becomes of them: shown, and among these the counts."""

    kept: tuple[str, ...]
    counts: tuple[str, ...]


def suppress(
    frame: pd.DataFrame, min_count: int, columns: Mapping[str, Column] | None = None
) -> pd.DataFrame:
    """Blank small counts of enterprises, and what would give them away.

    Parameters
    ----------
    frame : a tidy table
    min_count : counts from 1 to below this become ``"<min_count"``
    columns : what its columns are; calib's own by their keys if None

    Returns
    -------
    A copy. Where the cells that a group hides follow from its known total, the next smallest
    cell is blanked too, until no total gives one away; it shows ``"–"``, and so does a small cell
    where no other is left to blank. Groups are the stars of a set, rows and columns of
    transitions, enterprises that stay, rise and fall, and scopes. A count so near that of a set
    before that the difference is small is blanked as well. Shares, their bounds and statistics go
    with the count that they stand beside, and agreement beyond chance with the moves. Counts and
    shares that stand in no such group go altogether, and the bounds with them.

    Raises
    ------
    SchemaError
        For a column that nobody declared: it is not known whether it may be shown.
    """
    if columns is None:
        columns = resolve_columns("", frame.columns)
    if min_count <= 1:
        return frame
    parts = _parts(frame, columns)
    out = frame[list(parts.kept)].copy()
    if not parts.counts or not len(frame):
        return out
    names = list(parts.counts)
    counts = np.asarray(frame[names], dtype=float)
    small = (counts > 0) & (counts < min_count)
    start = small | _near(frame, names, counts, min_count)
    hidden, vague = _complement(counts, small, start, _lines(frame, names), min_count)
    for j, column in enumerate(names):
        shown = frame[column].astype(object).copy()
        shown[hidden[:, j]] = "–"
        shown[small[:, j] & ~vague[:, j]] = f"<{min_count}"
        out[column] = shown
    if "count" in names:
        telling = [c for c in out.columns if columns[str(c)].role in _BESIDE]
        _blank(out, telling, hidden[:, names.index("count")])
    moves = [names.index(c) for c in _MOVES if c in names]
    told = np.asarray(hidden[:, moves].any(axis=1), dtype=bool)
    _blank(out, [c for c in out.columns if columns[str(c)].role == Role.STATISTIC], told)
    return out


def _parts(frame: pd.DataFrame, columns: Mapping[str, Column]) -> _Parts:
    """Return which columns may be shown, and which of them are counts to be suppressed."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    def counts_here(key: str) -> bool:
        # A flag that holds numbers counts what it flags.
        numbers = is_numeric_dtype(frame[key].dtype) and not is_bool_dtype(frame[key].dtype)
        return columns[key].role == Role.COUNT or (columns[key].role == Role.FLAG and numbers)

    keys = [str(c) for c in frame.columns]
    every = [k for k in keys if counts_here(k)]
    grouped = _known_groups(frame, columns)
    counts = [
        k for k in every if grouped and k in _GROUPED and is_numeric_dtype(frame[k].dtype)
    ]  # fmt: skip
    gone = set(every) - set(counts)
    if "count" not in counts:
        gone |= {k for k in keys if columns[k].role == Role.SHARE}
    if gone:
        gone |= {k for k in keys if columns[k].role == Role.BOUND}
    return _Parts(tuple(k for k in keys if k not in gone), tuple(counts))


def _known_groups(frame: pd.DataFrame, columns: Mapping[str, Column]) -> bool:
    """Whether every key of the rows is one along which sums are known, or follows from such."""
    keys = [k for k in _KEYS if k in frame.columns]
    others = [
        k for k, c in columns.items()
        if k in frame.columns and c.role in (Role.GROUP, Role.STAR, Role.TEXT) and k not in keys
    ]  # fmt: skip
    if not others:
        return True
    if not keys:
        return len(frame) <= 1
    return len(frame[[*keys, *others]].drop_duplicates()) == len(frame[keys].drop_duplicates())


def _blank(out: pd.DataFrame, columns: Sequence[str], rows: BoolArray) -> None:
    for column in columns:
        out[column] = out[column].astype(float).where(~rows)


def _near(
    frame: pd.DataFrame, columns: Sequence[str], counts: FloatArray, min_count: int
) -> BoolArray:
    """Find counts that differ by few from a shown count of the same cell under a set before.

    The enterprises are the same, so the difference counts those that move.
    """
    near = np.zeros(counts.shape, dtype=bool)
    cell = [k for k in _KEYS if k in frame.columns and k not in ("set", "year")]
    if "set" not in frame.columns or not cell or "from_star" in cell:
        return near
    for j in (
        columns.index(c) for c in ("count", "downgraded", "downgraded_count") if c in columns
    ):
        for rows in frame.groupby(cell, sort=False).indices.values():
            shown: list[float] = []
            for i in rows:
                value = float(counts[i, j])
                near[i, j] = any(0 < abs(value - other) < min_count for other in shown)
                if not near[i, j]:
                    shown.append(value)
    return near


def _lines(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[IntArray, bool]]:
    """Return the groups of cells, as positions in rows times columns, whose sum is known.

    With each, whether the sum stands elsewhere; that of scopes is in the group itself.
    """
    width = len(columns)
    keys = [k for k in _KEYS if k in frame.columns]
    stars = ("star", "from_star", "to_star")
    lines: list[tuple[IntArray, bool]] = []
    for j, column in enumerate(columns):
        across: list[tuple[str, ...]] = [("scope", "track")]
        # The stars of the baseline and of the set are known: rows and columns of transitions.
        across = [("from_star",), ("to_star",), stars, *across] if column == "count" else across
        for free in across:
            by = [k for k in keys if k not in free]
            if len(by) == len(keys):
                continue
            groups = frame.groupby(by, sort=False).indices.values() if by else [range(len(frame))]
            lines += [(np.asarray(g, dtype=int) * width + j, "scope" not in free) for g in groups]
    if set(_MOVES) <= set(columns):
        moves = np.array([columns.index(c) for c in _MOVES])
        lines += [(i * width + moves, True) for i in range(len(frame))]
    return lines


def _complement(
    counts: FloatArray, small: BoolArray, start: BoolArray,
    lines: Sequence[tuple[IntArray, bool]], min_count: int,
) -> tuple[BoolArray, BoolArray]:  # fmt: skip
    """Blank further cells until no known total gives away what a group hides.

    Returns the hidden cells, and those small ones that must not even be told to be small.
    """
    flat, few = counts.ravel(), small.ravel()
    hidden, vague = start.ravel().copy(), np.zeros(few.shape, dtype=bool)
    changed = True
    while changed:
        changed = False
        for line, outside in lines:
            if not _given_away(flat[line], few[line], hidden[line], min_count):
                continue
            further = line[~hidden[line] & (flat[line] > 0)]
            if len(further):
                hidden[further[np.argmin(flat[further])]] = True
                changed = True
            elif outside:
                vague[line[few[line]]] = True
    return hidden.reshape(counts.shape), vague.reshape(counts.shape)


def _given_away(counts: FloatArray, small: BoolArray, hidden: BoolArray, min_count: int) -> bool:
    """Whether the known sum of a group leaves only one value for its hidden cells.

    A small cell is known to lie from 1 to ``min_count - 1``, another hidden one at ``min_count``
    or above.
    """
    if not hidden.any():
        return False
    total = float(counts[hidden].sum())
    few, other = int((small & hidden).sum()), int((hidden & ~small).sum())
    lowest = few + min_count * other
    highest = few * (min_count - 1) if other == 0 else np.inf
    return int(hidden.sum()) == 1 or total in (lowest, highest)
