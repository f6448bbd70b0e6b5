"""Which counts a publication keeps to itself, and the proof that nobody can work them out.

A count below the minimum is hidden. What else must be hidden follows from the sums that a reader
knows: for each hidden cell another set of tables is sought that agrees with everything shown, in
which the cell differs by the width of protection. It is the solution of an integer programme
that gives up what is cheapest, splits before totals. These other tables are the proof: whoever
sees the publication cannot tell them from the true ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import CalibError
from calib.publish.cells import Block, Cells
from calib.words import message

__all__ = ["Protection", "protect", "read_protection"]

_WHOLE = 1e-6
_FREE = 1e-3
"""Cost of changing what is hidden already: other tables stay near the true ones."""


@dataclass(frozen=True, eq=False)
class Protection:
    """What is hidden, and between which values each hidden cell stays.

    Attributes
    ----------
    cells : the counts
    min_count : counts from 1 to below this are hidden
    width : every hidden cell stays uncertain by at least this
    small, hidden : which cells are too small, and which are hidden, those among them
    low, high : values of each cell in tables that agree with all that is shown
    """

    cells: Cells
    min_count: int
    width: int
    small: BoolArray
    hidden: BoolArray
    low: IntArray
    high: IntArray

    def record(self) -> dict[str, Any]:
        """Return what is hidden as plain values; they hold the hidden counts, so keep them."""
        cells = self.cells
        return {
            "index": [[list(key), position] for key, position in cells.index.items()],
            "values": [int(v) for v in cells.values],
            "sizes": cells.sizes,
            "baseline": cells.baseline,
            "small_tracks": sorted(cells.small_tracks),
            "min_count": self.min_count,
            **{k: getattr(self, k).tolist() for k in ("small", "hidden", "low", "high")},
        }


def read_protection(record: Mapping[str, Any]) -> Protection:
    """Return the protection of a :meth:`Protection.record`."""
    cells = Cells(
        index={tuple(key): position for key, position in record["index"]},
        values=list(record["values"]), sizes=dict(record["sizes"]), baseline=record["baseline"],
        small_tracks=frozenset(record["small_tracks"]),
    )  # fmt: skip
    least = int(record["min_count"])
    flags = (np.array(record[k], dtype=bool) for k in ("small", "hidden"))
    ends = (np.array(record[k], dtype=np.int64) for k in ("low", "high"))
    return Protection(cells, least, least - 1, *flags, *ends)


def protect(cells: Cells, min_count: int) -> Protection:
    """Return what must be hidden of the cells of a publication.

    Parameters
    ----------
    min_count : counts from 1 to below this are hidden; every hidden cell stays uncertain by
        ``min_count - 1``

    Raises
    ------
    CalibError
        When so few enterprises are rated that a cell cannot be protected.

    Notes
    -----
    Complementary cell suppression [1]_ on all tables at once. The cells of the baseline's stars
    come first; each of their other tables is carried on into every set. With the baseline given,
    sets do not touch each other, so each is a programme of its own. Other tables of a set leave
    those of the others as they are.

    References
    ----------
    .. [1] Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on
       tabular data with linear constraints. Management Science 47(7), 1008-1027.
    """
    work = _Work(cells, min_count)
    carried: list[Mapping[int, int]] = []
    if cells.base is not None:
        carried = work.protect(cells.base, [])
    base = set() if cells.base is None else {int(c) for c in cells.base.cells}
    for block in cells.blocks:
        tied = any(c in base for e in block.equations for c in e)
        work.protect(block, carried if tied else [])
    values = np.array(cells.values, dtype=np.int64)
    return Protection(
        cells, min_count, work.width, work.small, work.hidden, values + work.low,
        values + work.high,
    )  # fmt: skip


class _Work:
    """Cells hidden so far, and how far each can be from its value."""

    def __init__(self, cells: Cells, min_count: int) -> None:
        self.cells, self.width = cells, min_count - 1
        values = np.array(cells.values, dtype=np.int64)
        self.values = values
        self.small = (values > 0) & (values < min_count)
        self.small[np.array(sorted(cells.known), dtype=int)] = False
        self.hidden = self.small.copy()
        self.low, self.high = np.zeros_like(values), np.zeros_like(values)

    def protect(
        self, block: Block, carried: Sequence[Mapping[int, int]]
    ) -> list[Mapping[int, int]]:
        """Protect a block; return the changes of its cells in each of the other tables."""
        programme = _Programme(block, self)
        found: list[Mapping[int, int]] = []
        for given in carried:
            self._take(block, programme.solve(given), found)
        while len(open_cells := self._open(block)):
            if self._sweep(programme, open_cells, found):
                continue
            cell = int(open_cells[0])
            for change in self._changes(programme, cell, carried):
                self._take(block, change, found)
        return found

    def _sweep(
        self, programme: _Programme, cells: IntArray, found: list[Mapping[int, int]]
    ) -> bool:
        """Look for tables that differ in many cells at once without hiding more.

        Returns whether a cell became uncertain enough.
        """
        for sign in (1, -1):
            change = programme.furthest(cells, sign, self.width)
            if change is not None and change.any():
                self._take(programme.block, change, found)
        return len(self._open(programme.block)) < len(cells)

    def _open(self, block: Block) -> IntArray:
        """Return the hidden cells that can be told too closely, dearest first."""
        own = block.cells
        wide = self.high[own] - self.low[own] >= self.width
        left = own[self.hidden[own] & ~wide]
        costs = np.array([self.cells.costs[c] for c in left])
        return left[np.argsort(-costs, kind="stable")]

    def _changes(
        self, programme: _Programme, cell: int, carried: Sequence[Mapping[int, int]]
    ) -> list[IntArray]:
        """Return changes of the block that make a cell uncertain enough."""
        for given in ({}, *carried):
            tried = [programme.attempt(given, cell, by) for by in (self.width, -self.width)]
            done = [t for t in tried if t is not None]
            if done:
                return [min(done, key=lambda t: t[0])[1]]
        # Partly up and partly down: between the two it is as uncertain.
        missing = self.width - int(self.high[cell] - self.low[cell])
        out: list[IntArray] = []
        for given in ({}, *carried):
            ups = self._furthest(programme, given, cell, 1)
            downs = self._furthest(programme, given, cell, -1)
            out += [c for c in (ups, downs) if c is not None]
            at = int(np.flatnonzero(programme.own == cell)[0])
            moved = [int(c[at]) for c in out] + [int(self.low[cell]), int(self.high[cell])]
            if max(moved) - min(moved) >= self.width:
                return out
        raise CalibError(message("publish.cannot_protect", missing=missing))

    def _furthest(
        self, programme: _Programme, given: Mapping[int, int], cell: int, sign: int
    ) -> IntArray | None:
        for size in range(self.width - 1, 0, -1):
            found = programme.attempt(given, cell, sign * size)
            if found is not None:
                return found[1]
        return None

    def _take(self, block: Block, change: IntArray | None, found: list[Mapping[int, int]]) -> None:
        """Hide what differs in other tables, and note how far."""
        if change is None:
            raise CalibError(message("publish.cannot_protect", missing=self.width))
        own = block.cells
        self.hidden[own[change != 0]] = True
        self.low[own] = np.minimum(self.low[own], change)
        self.high[own] = np.maximum(self.high[own], change)
        found.append({int(c): int(v) for c, v in zip(own, change, strict=True) if v})


class _Programme:
    """The sums of a block as constraints on changes of its cells."""

    def __init__(self, block: Block, work: _Work) -> None:
        from scipy.sparse import csr_array, hstack

        self.block, self.own, self.work = block, block.cells, work
        place = {int(c): i for i, c in enumerate(block.cells)}
        rows, columns, factors = [], [], []
        self._outside: list[tuple[int, int, int]] = []
        for r, equation in enumerate(block.equations):
            for cell, factor in equation.items():
                if cell in place:
                    rows.append(r)
                    columns.append(place[cell])
                    factors.append(factor)
                else:
                    self._outside.append((r, cell, factor))
        self._rows = len(block.equations)
        shape = (self._rows, len(block.cells))
        sums = csr_array((factors, (rows, columns)), shape=shape, dtype=float)
        # Changes up and down as separate variables, each at its cost.
        self._sums = hstack([sums, -sums], format="csr") if self._rows else None
        self._place = place

    def solve(self, given: Mapping[int, int]) -> IntArray | None:
        """Return the cheapest changes that go with changes of the baseline."""
        found = self.attempt(given, None, 0)
        return None if found is None else found[1]

    def furthest(self, cells: IntArray, sign: int, by: int) -> IntArray | None:
        """Return changes of hidden cells only that move these, all together, furthest."""
        n = len(self.own)
        chosen = np.isin(self.own, cells)
        values = self.work.values[self.own].astype(float)
        free = np.where(self.work.hidden[self.own], float(by), 0.0)
        most = np.concatenate([free, np.minimum(free, values)])
        costs = np.full(2 * n, _FREE)
        costs[:n] -= sign * chosen
        costs[n:] += sign * chosen
        found = self._least(costs, np.zeros(2 * n), most, np.zeros(self._rows))
        return None if found is None else found[1]

    def attempt(
        self, given: Mapping[int, int], cell: int | None, by: int
    ) -> tuple[float, IntArray] | None:
        """Return cost and changes that move a cell by a number, None where there are none."""
        work, n = self.work, len(self.own)
        costs = np.where(work.hidden[self.own], _FREE, [work.cells.costs[c] for c in self.own])
        least = np.zeros(2 * n)
        values = work.values[self.own].astype(float)
        most = np.concatenate([np.full(n, float(work.cells.sizes["all"])), values])
        for i, c in enumerate(self.own):
            if int(c) in work.cells.known:
                most[[i, n + i]] = 0
        if cell is not None:
            at = self._place[cell]
            if by < 0 and values[at] < -by:
                return None
            least[at], most[at] = max(by, 0), max(by, 0)
            least[n + at], most[n + at] = max(-by, 0), max(-by, 0)
        return self._least(np.concatenate([costs, costs]), least, most, self._given(given))

    def _least(
        self, costs: FloatArray, least: FloatArray, most: FloatArray, right: FloatArray
    ) -> tuple[float, IntArray] | None:
        from scipy.optimize import Bounds, LinearConstraint, milp

        n = len(self.own)
        sums = [] if self._sums is None else [LinearConstraint(self._sums, right, right)]
        bounds = Bounds(least, most)
        # The sums are nearly those of a network, so most optima are whole by themselves.
        for whole in (0, 1):
            found = milp(
                costs, integrality=np.full(2 * n, whole), bounds=bounds, constraints=sums,
            )  # fmt: skip
            if found.x is None:
                return None
            x: FloatArray = np.round(found.x)
            if np.abs(found.x - x).max(initial=0.0) < _WHOLE:
                break
        return float(found.fun), (x[:n] - x[n:]).astype(np.int64)

    def _given(self, given: Mapping[int, int]) -> FloatArray:
        right = np.zeros(self._rows)
        for r, cell, factor in self._outside:
            right[r] -= factor * given.get(cell, 0)
        return right
