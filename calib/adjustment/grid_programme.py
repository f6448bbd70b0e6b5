"""Integer programmes for the nearest grid weights under linear constraints and cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.adjustment.constraints import Rows, listed
from calib.adjustment.lattice import Lattice
from calib.adjustment.share_cuts import Cut
from calib.errors import ConvergenceError, InfeasibleError
from calib.words import message

__all__ = ["Found", "Programmes", "explain_rows"]

_ROOT = 30
"""What the root of a programme costs, in branch-and-bound nodes."""
_USUAL = 350
"""Binary variables at which a node counts as one unit of work a variable."""


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of one integer programme.

    Parameters
    ----------
    steps : (q,) best point found, or None
    bound : float
        No point of the window under the cuts is nearer; infinite where there is none.
    finished : bool
        Whether the programme was solved to its end.
    """

    steps: IntArray | None
    bound: float
    finished: bool


class Programmes:
    """Integer programmes on one lattice: nearest points under linear demands and cuts.

    Parameters
    ----------
    lattice, rows : what is solved
    work : branch-and-bound nodes that may be spent in all, each counted with the square of its
        binary variables, on the scale of 350 of them (a limit in seconds would not be
        reproducible); ``left`` says what is left
    """

    def __init__(self, lattice: Lattice, rows: Rows, *, work: int) -> None:
        self.lattice, self.rows, self.left = lattice, rows, work
        self.unit = np.where(lattice.unit > 0, lattice.unit, 1e-6)
        goal = lattice.target / self.unit
        self.goal = np.where(lattice.unit > 0, goal, lattice.total / 2)
        self.equal, self.right = lattice.sums()

    def nearest(self, window: tuple[IntArray, IntArray], cuts: Sequence[Cut]) -> Found:
        """Find the point nearest to the target in a window of lowest and highest numbers."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array, vstack

        low, high = window
        width = high - low
        owner = np.repeat(np.arange(len(low)), width)
        first = np.repeat(np.cumsum(width) - width, width)
        level = low[owner] + 1 + (np.arange(len(owner)) - first)
        if len(owner) == 0:
            return self._only(low, cuts)
        q, count = len(low), len(owner)
        off = self.unit * low - self.lattice.target
        rise = self.unit[owner] ** 2 * (
            (level - self.goal[owner]) ** 2 - (level - 1 - self.goal[owner]) ** 2
        )
        scale = float(self.unit.max()) ** 2
        spread = csr_array((np.ones(count), (owner, np.arange(count))), shape=(q, count))
        a, b = self.rows.a * self.lattice.unit, self.rows.b
        still = self.right - self.equal @ low
        parts = [csr_array(self.equal) @ spread]
        lower, upper = [still], [still]
        size = np.maximum(np.abs(a).max(axis=1, initial=0.0), 1e-12)
        table, edge = (a / size[:, None])[:, owner], (b - a @ low + 1e-11) / size
        if cuts:
            more, room = self._cut_rows(cuts, low, owner, level)
            table, edge = np.concatenate([table, more]), np.concatenate([edge, room])
            parts.append(_in_order(owner))
            upper.append(np.zeros(parts[-1].shape[0]))
            lower.append(np.full(parts[-1].shape[0], -np.inf))
        # Demands that the whole window meets only slow the programme down.
        binding = np.maximum(table, 0.0).sum(axis=1) > edge
        parts.append(csr_array(table[binding]))
        upper.append(edge[binding])
        lower.append(np.full(np.count_nonzero(binding), -np.inf))
        price = count**2 / _USUAL
        out = milp(
            rise / scale,
            constraints=LinearConstraint(
                vstack(parts), np.concatenate(lower), np.concatenate(upper)
            ),
            bounds=Bounds(np.zeros(count), np.ones(count)),
            integrality=np.ones(count),
            options={"mip_rel_gap": 0.0, "node_limit": max(1, int(self.left / price) - _ROOT)},
        )
        self.left -= int(price * (_ROOT + int(out.mip_node_count or 0)))
        if out.status == 2:
            return Found(None, np.inf, True)
        least = float(off @ off)
        # SciPy has no status of its own for a node limit reached before any point was found.
        if out.status not in (0, 1) and "limit reached" not in out.message:
            raise ConvergenceError(message("adjustment.fault.rounding", cause=out.message))
        steps = None
        if out.x is not None:
            steps = np.asarray(low + np.round(spread @ out.x), dtype=np.int64)
        if out.status == 0 and steps is not None:
            return Found(steps, float(self.lattice.far(steps)), True)
        dual = out.mip_dual_bound
        bound = 0.0 if dual is None or not np.isfinite(dual) else least + float(dual) * scale
        return Found(steps, float(np.sqrt(max(bound, 0.0))), False)

    def around(
        self, radius: IntArray, centre: FloatArray | None = None
    ) -> tuple[IntArray, IntArray]:
        """Return the window ``radius`` steps about a centre, the target's by default."""
        total = self.lattice.total
        goal = self.goal if centre is None else centre
        low = np.clip(np.floor(goal + 1e-9).astype(np.int64) - radius + 1, 0, total)
        high = np.clip(np.ceil(goal - 1e-9).astype(np.int64) + radius - 1, low, total)
        for family in self.lattice.families:
            if len(family) == 1:
                low[family] = high[family] = total
        return low, high

    def _only(self, steps: IntArray, cuts: Sequence[Cut]) -> Found:
        """Judge the only point of a window without freedom."""
        z = self.lattice.unit * steps
        fits = (np.abs(self.equal @ steps - self.right) < 1e-9).all()
        fits &= (self.rows.slack(z) >= -1e-9).all()
        for c in cuts:
            d = z - c.at
            fits &= c.value + float(c.slope @ d) - float(c.curve @ (d * d)) <= 1e-9
        return Found(steps, float(self.lattice.far(steps)), True) if fits else Found(
            None, np.inf, True)  # fmt: skip

    def _cut_rows(
        self, cuts: Sequence[Cut], low: IntArray, owner: IntArray, level: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return cuts as rows on unary increments, in which |z - at|² is linear."""
        unit = self.lattice.unit
        table, edge = [], []
        for c in cuts:
            from_low = unit * low - c.at
            gain = (unit[owner] * level - c.at[owner]) ** 2
            gain -= (unit[owner] * (level - 1) - c.at[owner]) ** 2
            row = c.slope[owner] * unit[owner] - c.curve[owner] * gain
            room = -c.value - float(c.slope @ from_low) + float(c.curve @ from_low**2)
            size = max(float(np.abs(row).max()), 1e-12)
            table.append(row / size)
            edge.append((room + 1e-12) / size)
        return np.array(table), np.array(edge)


def _in_order(owner: IntArray) -> object:
    """Return rows that take increments of a weight in order: the next not before the last."""
    from scipy.sparse import csr_array

    inner = np.flatnonzero(owner[1:] == owner[:-1])
    at = np.arange(len(inner))
    data = np.concatenate([np.full(len(inner), -1.0), np.ones(len(inner))])
    where = (np.concatenate([at, at]), np.concatenate([inner, inner + 1]))
    return csr_array((data, where), shape=(len(inner), len(owner)))


def explain_rows(lattice: Lattice, rows: Rows) -> None:
    """Raise with the demands that the closest grid weights break; return if none need be."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    q, r = len(lattice.unit), len(rows)
    sums, right = lattice.sums()
    sums = np.hstack([sums, np.zeros((len(sums), r))])
    out = milp(
        np.concatenate([np.zeros(q), np.ones(r)]),
        constraints=[
            LinearConstraint(sums, right, right),
            LinearConstraint(np.hstack([rows.a * lattice.unit, -np.eye(r)]), -np.inf, rows.b),
        ],
        bounds=Bounds(np.zeros(q + r), np.append(np.full(q, lattice.total), np.full(r, np.inf))),
        integrality=np.append(np.ones(q), np.zeros(r)),
    )
    if out.x is None:
        raise ConvergenceError(message("adjustment.fault.rounding", cause=out.message))
    broken = np.flatnonzero(out.x[q:] > 1e-8)
    if len(broken) == 0:
        return
    by = [
        message("adjustment.grid.by", constraint=rows.labels[i], excess=f"{out.x[q + i]:.4g}")
        for i in broken
    ]
    grid = 1.0 / lattice.total
    raise InfeasibleError(message("adjustment.grid.none", grid=grid, constraints=listed(by)))
