"""What a table shows of counts of enterprises when some of its publication are hidden.

What a column is stands in its :class:`~calib.report.Column`. A count is shown where it is one of
the publication's :mod:`~calib.publish.cells` and is not hidden there; shares, bounds and
statistics go with the count that they come from. A count of which it is not known how it adds up
is left out, whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, IntArray
from calib.publish.cells import WHOLE, CellKey
from calib.publish.protection import Protection
from calib.report import WITHHELD, Column, Role

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Suppressed", "suppress"]

_SCOPED = frozenset(("set", "scope"))
_STARS = _SCOPED | {"star"}
_NODES = _STARS | {"node"}
_MOVES = _SCOPED | {"from_star", "to_star"}
_YEARS = _STARS | {"year"}
_DESCRIPTIONS = frozenset({"label"})
"""Groups that say in words what another key of the row says."""
_AGREEMENT = ("same", "up", "down")
_DOWNGRADED = ("downgraded", "downgraded_count")
_NUMBERS = (Role.SCORE, Role.COUNT, Role.SHARE, Role.PROBABILITY, Role.STATISTIC, Role.P_VALUE)
"""What may tell of the enterprises of a row's track."""
_BESIDE = (Role.SHARE, Role.BOUND, Role.PROBABILITY, Role.STATISTIC, Role.P_VALUE)
"""What stands beside a count and would tell it."""


@dataclass(frozen=True, eq=False)
class Suppressed:
    """A table without what would give hidden counts away.

    Attributes
    ----------
    frame : what is shown; hidden cells hold :data:`~calib.report.WITHHELD`
    hidden : how many counts are hidden
    of : how many counts the table has
    """

    frame: pd.DataFrame
    hidden: int
    of: int


def suppress(
    frame: pd.DataFrame, columns: Mapping[str, Column], protection: Protection, *, of: str = ""
) -> Suppressed:
    """Hide the counts of a table that its publication hides, and what would give them away.

    Parameters
    ----------
    frame : a tidy table
    columns : what its columns are
    protection : of the publication
    of : the weight set that the table is about, where it has no column of sets

    Notes
    -----
    A column of counts is matched by the groups of its rows, and only where every value agrees
    with the count of the publication; else the column is left out, with all shares and bounds.
    Rows of a track of too few enterprises are left out. Transitions that nobody makes get a row
    where they are hidden, as a row that is missing would tell.
    """
    frame = _large_enough(frame, columns, protection)
    counted = [k for k in map(str, frame.columns) if _counts(frame, columns, k)]
    keys = {k: _keys(frame, columns, k, protection, of) for k in counted}
    matched = {k: m for k, m in keys.items() if m is not None}
    gone = {k for k in counted if k not in matched}
    gone |= {k for k, c in columns.items() if c.single}
    if "count" not in matched:
        gone |= {k for k, c in columns.items() if c.role == Role.SHARE}
        if any(columns[k].role in (Role.COUNT, Role.SHARE, Role.FLAG) for k in gone):
            gone |= {k for k, c in columns.items() if c.role == Role.BOUND}
    out = frame[[k for k in frame.columns if k not in gone]]
    if not matched or frame.empty:
        return Suppressed(out.copy(), 0, 0)
    if "count" in matched and _signature(frame, columns) == _MOVES:
        out, matched = _with_hidden_zeros(out, columns, protection)
    return _blanked(out, columns, matched, protection)


def _counts(frame: pd.DataFrame, columns: Mapping[str, Column], key: str) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    # A flag that holds numbers counts what it flags.
    numbers = is_numeric_dtype(frame[key].dtype) and not is_bool_dtype(frame[key].dtype)
    role = columns[key].role
    return role == Role.COUNT or (role == Role.FLAG and numbers)


def _signature(frame: pd.DataFrame, columns: Mapping[str, Column]) -> frozenset[str]:
    roles = (Role.GROUP, Role.STAR, Role.TEXT)
    own = {str(k) for k in frame.columns if columns[str(k)].role in roles}
    return frozenset(own - _DESCRIPTIONS)


def _large_enough(
    frame: pd.DataFrame, columns: Mapping[str, Column], protection: Protection
) -> pd.DataFrame:
    """Leave out rows of scopes that are not published, in tables that tell of enterprises."""
    if not any(c.role in _NUMBERS for c in columns.values()):
        return frame
    sizes = protection.cells.sizes
    if "scope" in frame.columns:
        frame = frame[frame["scope"].isin(list(sizes))]
    if "track" in frame.columns and protection.cells.small_tracks:
        frame = frame[~frame["track"].isin(list(protection.cells.small_tracks))]
    return frame.reset_index(drop=True)


def _keys(
    frame: pd.DataFrame, columns: Mapping[str, Column], key: str, protection: Protection, of: str
) -> list[CellKey | None] | None:
    """Return the cell of each row's count, None for one that is known; None if there is none.

    The number of enterprises of a scope is known.
    """
    signature = _signature(frame, columns)
    made = _of_one_set(frame, signature, key, of) if of else None
    made = _named(frame, signature, key, protection) if made is None else made
    if made is None:
        return None
    cells, values = protection.cells, frame[key].to_numpy()
    for cell, value, row in zip(made, values, range(len(frame)), strict=True):
        if cell is None:
            expected: object = cells.sizes.get(str(frame["scope"].iloc[row]))
        else:
            position = cells.index.get(cell)
            expected = None if position is None else cells.values[position]
        if expected is None or expected != value:
            return None
    return made


def _named(
    frame: pd.DataFrame, signature: frozenset[str], key: str, protection: Protection
) -> list[CellKey | None] | None:
    def rows(*of: str) -> Iterable[tuple[object, ...]]:
        made: Iterable[tuple[object, ...]] = frame[list(of)].itertuples(index=False, name=None)
        return made

    if key == "count" and signature == _STARS:
        return [("stars", str(s), str(c), int(k)) for s, c, k in rows("set", "scope", "star")]  # type: ignore[call-overload]
    if key == "count" and signature == _NODES:
        return [("nodes", str(s), str(n), str(c), int(k))  # type: ignore[call-overload]
                for s, n, c, k in rows("set", "node", "scope", "star")]  # fmt: skip
    if key == "count" and signature == _MOVES:
        return [("moves", str(s), str(c), int(i), int(j))  # type: ignore[call-overload]
                for s, c, i, j in rows("set", "scope", "from_star", "to_star")]  # fmt: skip
    if key == "count" and signature == _YEARS:
        return _of_years(frame, protection)
    if signature == _SCOPED and key == "n":
        return [None] * len(frame)
    if signature == _SCOPED and key in _AGREEMENT:
        return [("agreement", str(s), str(c), key) for s, c in rows("set", "scope")]
    if signature == _SCOPED and key in _DOWNGRADED:
        return [("downgraded", str(s), str(c)) for s, c in rows("set", "scope")]
    return None


def _of_one_set(
    frame: pd.DataFrame, signature: frozenset[str], key: str, name: str
) -> list[CellKey | None] | None:
    """Return the cells of tables of one rating, which have no column of sets."""
    star = re.fullmatch(r"star_(\d+)", key)
    if key == "count" and signature == {"scope", "star"}:
        pairs = zip(frame["scope"], frame["star"], strict=True)
        return [("stars", name, str(c), int(k)) for c, k in pairs]
    if star is not None and signature == {"node"}:
        return [("nodes", name, str(n), WHOLE, int(star[1])) for n in frame["node"]]
    return None


def _of_years(frame: pd.DataFrame, protection: Protection) -> list[CellKey | None]:
    """Return the cells of the stars of a path's years, each of which is a set of the run."""
    index, last = protection.cells.index, frame.groupby("set")["year"].max()
    first = frame.groupby("set")["year"].min()
    out: list[CellKey | None] = []
    for name, scope, year, star in frame[["set", "scope", "year", "star"]].itertuples(
        index=False, name=None
    ):
        own = f"{name}/{round(year)}"
        if ("stars", own, scope, star) not in index:
            own = name if year == last[name] else own
            own = protection.cells.baseline if year == first[name] else own
        out.append(("stars", own, str(scope), int(star)))
    return out


def _with_hidden_zeros(
    frame: pd.DataFrame, columns: Mapping[str, Column], protection: Protection
) -> tuple[pd.DataFrame, dict[str, list[CellKey | None]]]:
    """Add rows for hidden transitions that nobody makes, in the order of stars."""
    import pandas as pd

    cells = protection.cells
    there = {("moves", *row) for row in frame[["set", "scope", "from_star", "to_star"]]
             .itertuples(index=False, name=None)}  # fmt: skip
    shown = dict.fromkeys((s, c) for _, s, c, *_ in sorted(there, key=str))
    added = [k for k, position in cells.index.items()
             if k[0] == "moves" and protection.hidden[position] and k not in there
             and (k[1], k[2]) in shown]  # fmt: skip
    extra = pd.DataFrame([(*k[1:], 0) for k in added],
                         columns=["set", "scope", "from_star", "to_star", "count"])  # fmt: skip
    order = {pair: i for i, pair in enumerate(
        dict.fromkeys(zip(frame["set"], frame["scope"], strict=True)))}  # fmt: skip
    every = pd.concat([frame, extra], ignore_index=True) if added else frame
    place = [
        (order[s, c], i, j)
        for s, c, i, j in every[["set", "scope", "from_star", "to_star"]].itertuples(
            index=False, name=None
        )
    ]
    every = every.iloc[sorted(range(len(every)), key=place.__getitem__)].reset_index(drop=True)
    keys = _named(every, _MOVES, "count", protection)
    return every, {"count": keys or []}


def _blanked(
    frame: pd.DataFrame, columns: Mapping[str, Column],
    matched: Mapping[str, Sequence[CellKey | None]], protection: Protection,
) -> Suppressed:  # fmt: skip
    out, total = frame.copy(), 0
    told = np.zeros(len(frame), dtype=bool)
    for key, cells in matched.items():
        hidden = _hidden(cells, protection)
        total += int(hidden.sum())
        out[key] = _without(frame[key], hidden)
        if key == "count":
            told |= hidden
    beside: tuple[Role, ...] = _BESIDE
    if set(_AGREEMENT) & set(matched):
        # Agreement beyond chance is a function of the transitions.
        told, beside = _told_by_moves(frame, protection), (Role.STATISTIC,)
    for key in map(str, out.columns):
        if columns[key].role in beside and key not in matched:
            out[key] = _without(frame[key], told)
    return Suppressed(out, total, sum(1 for c in matched.values() for k in c if k is not None))


def _hidden(cells: Sequence[CellKey | None], protection: Protection) -> BoolArray:
    index = protection.cells.index
    return np.array([c is not None and protection.hidden[index[c]] for c in cells], dtype=bool)


def _told_by_moves(frame: pd.DataFrame, protection: Protection) -> BoolArray:
    hidden = {(k[1], k[2]) for k, i in protection.cells.index.items()
              if k[0] in ("moves", "agreement") and protection.hidden[i]}  # fmt: skip
    pairs = zip(frame["set"], frame["scope"], strict=True)
    return np.array([p in hidden for p in pairs], dtype=bool)


def _without(values: pd.Series, hidden: BoolArray | IntArray) -> pd.Series:
    if not np.any(hidden):
        return values
    out = values.astype(object).copy()
    out[np.asarray(hidden, dtype=bool)] = WITHHELD
    return out
