"""Integer programmes for the nearest grid weights, and valid cuts for caps on variance shares.

Weights of one level are whole numbers of grid steps, and the constraints are stated on those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.constraints import Rows, full_rank, listed
from calib.adjustment.variables import Space
from calib.adjustment.variance_search import CapProblem, ShareCap, lower_excess
from calib.errors import ConvergenceError, InfeasibleError, InputError
from calib.words import message

__all__ = [
    "Cut",
    "Found",
    "Lattice",
    "Programmes",
    "all_points",
    "build_lattice",
    "deepest",
    "explain_rows",
    "radius_within",
    "share_cuts",
    "violations",
]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Families of one level: z = unit * t for whole numbers t, families of t sum to ``total``.

    Parameters
    ----------
    unit : (q,) global weight of one step
    target : (q,) global weights to round
    families : columns of siblings
    pairs : columns that have the same t (shared weights)
    total : steps in a family
    """

    unit: FloatArray
    target: FloatArray
    families: tuple[IntArray, ...]
    pairs: tuple[tuple[int, int], ...]
    total: int

    def far(self, steps: IntArray) -> FloatArray:
        """Return the distances of grid points (..., q) from the target, (...)."""
        return np.asarray(np.linalg.norm(self.unit * steps - self.target, axis=-1), dtype=float)

    def sums(self) -> tuple[FloatArray, FloatArray]:
        """Return the equalities of t: families sum to the total, shared weights agree."""
        sums = np.zeros((len(self.families) + len(self.pairs), len(self.unit)))
        right = np.zeros(len(sums))
        for k, members in enumerate(self.families):
            sums[k, members] = 1.0
            right[k] = self.total
        for k, (i, j) in enumerate(self.pairs, start=len(self.families)):
            sums[k, i], sums[k, j] = 1.0, -1.0
        return sums, right

    def moves(self) -> IntArray:
        """Return the smallest changes that keep all sums: a step from one sibling to another."""
        alike = np.arange(len(self.unit))
        for i, j in self.pairs:
            alike[alike == alike[j]] = alike[i]
        equal, _ = self.sums()
        found = set()
        for family in self.families:
            for i in family:
                for j in family:
                    move = (alike == alike[i]).astype(int) - (alike == alike[j]).astype(int)
                    if i != j and not (equal @ move).any():
                        found.add(tuple(move.tolist()))
        return np.array(sorted(found), dtype=np.int64).reshape(-1, len(self.unit))


def all_points(lattice: Lattice, most: int) -> IntArray | None:
    """Return every grid point (n, q), nearest to the target first; None where there are too many.

    Parameters
    ----------
    most : how many points there may be
    """
    sizes = [len(f) for f in lattice.families]
    if prod(comb(lattice.total + c - 1, c - 1) for c in sizes) > most:
        return None
    points = np.zeros((1, len(lattice.unit)), dtype=np.int64)
    for family in lattice.families:
        # Bars between total stars: what stands between two bars is the share of one sibling.
        bars = list(combinations(range(lattice.total + len(family) - 1), len(family) - 1))
        wide = np.array(bars, dtype=np.int64).reshape(len(bars), len(family) - 1)
        ends = np.full((len(bars), 1), lattice.total + len(family) - 1)
        shares = np.diff(np.hstack([np.full_like(ends, -1), wide, ends]), axis=1) - 1
        points = np.repeat(points, len(shares), axis=0)
        points[:, family] = np.tile(shares, (len(points) // len(shares), 1))
    for i, j in lattice.pairs:
        points = points[points[:, i] == points[:, j]]
    return points[np.argsort(lattice.far(points), kind="stable")]


def build_lattice(
    space: Space, z: FloatArray, grid: float, shared: Sequence[str], keep: BoolArray | None
) -> Lattice:
    """Return the lattice of one level; see :func:`calib.adjustment.grid.round_to_grid`."""
    if len(space.depths) != 1:
        raise InputError(message("adjustment.fault.one_level"))
    total = round(1.0 / grid) if grid > 0 else 0
    if total < 1 or abs(total * grid - 1.0) > 1e-9:
        raise InputError(message("adjustment.fault.grid", grid=grid))
    depth = space.depths[0]
    unit = np.empty(space.size)
    families: list[IntArray] = []
    where: dict[tuple[str, str], int] = {}
    for block in space.blocks:
        track = block.track
        weight = track.global_weights(block.local)
        by_parent: dict[int, list[int]] = {}
        for j, node in enumerate(block.nodes):
            column = block.first + j
            where[(track.code, track.codes[node])] = column
            parent = int(track.parent[node])
            above = 1.0 if parent < 0 else float(weight[parent])
            fixed = keep is not None and bool(keep[column])
            if int(track.depth[node]) == depth and not fixed:
                unit[column] = above / total
                by_parent.setdefault(parent, []).append(column)
            else:  # what keeps its weight is a family of its own
                unit[column] = (float(z[column]) if fixed else float(weight[node])) / total
                by_parent[-2 - column] = [column]
        families.extend(np.array(v, dtype=np.int64) for v in by_parent.values())
    pairs: list[tuple[int, int]] = []
    if depth == 1:
        for code in shared:
            columns = [c for (_, name), c in where.items() if name == code]
            pairs.extend((columns[0], other) for other in columns[1:])
    return Lattice(unit, z, tuple(families), tuple(pairs), total)


def violations(
    lattice: Lattice, rows: Rows, caps: Sequence[ShareCap], steps: IntArray
) -> FloatArray:
    """Return by how much grid points break each demand, (n, r + c); negative is slack.

    Parameters
    ----------
    steps : (n, q)
    """
    z = lattice.unit * steps
    parts = [z @ rows.a.T - rows.b]
    for cap in caps:
        top = np.einsum("nq,cqr,nr->nc", z, cap.forms, z, optimize=True)
        whole = np.einsum("nq,qr,nr->n", z, cap.cov, z, optimize=True)
        parts.append(top / np.where(whole > 0, whole, np.inf)[:, None] - cap.caps)
    return np.concatenate(parts, axis=1)


_ROOT = 30
"""What the root of a programme costs, in branch-and-bound nodes."""
_USUAL = 350
"""Binary variables at which a node counts as one unit of work a variable."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A demand ``value + slope @ (z - at) - curve @ (z - at)² <= 0`` on grid weights z.

    Parameters
    ----------
    at, slope, curve : (q,)
    value : float
    """

    at: FloatArray
    slope: FloatArray
    curve: FloatArray
    value: float


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


def share_cuts(lattice: Lattice, caps: Sequence[ShareCap], at: FloatArray) -> list[Cut]:
    """Return one cut a cap that every grid point under the cap meets.

    Notes
    -----
    A cap is q(z) = z'Pz <= 0 with an indefinite P. Between grid points, which differ only within
    families, q(z) >= q(a) + q'(a)(z - a) - curve |z - a|² where -curve is the least
    eigenvalue of P on changes that keep the sums. |z - a|² is linear in unary increments of
    whole numbers taken in order, so the cut is exact at a and nearly so around it.
    """
    from scipy.linalg import null_space

    free = null_space(lattice.sums()[0] / np.maximum(lattice.unit, 1e-12))
    out = []
    for cap in caps:
        v = float(at @ cap.cov @ at)
        if v <= 0:
            continue
        for form, limit in zip(cap.forms, cap.caps, strict=True):
            p = (form - limit * cap.cov) / v
            curve = _least_curve(p, free)
            out.append(Cut(at, 2.0 * p @ at, curve, float(at @ p @ at)))
    return out


def deepest(lattice: Lattice, rows: Rows, caps: Sequence[ShareCap]) -> FloatArray | None:
    """Return weights off the grid whose largest excess over the caps is lowest, by local search."""
    if (lattice.unit <= 0).any():
        return None
    sums, right = lattice.sums()
    equal, value = full_rank(sums / lattice.unit, right)
    problem = CapProblem(lattice.target, rows, equal, value, tuple(caps))
    excess, z = lower_excess(problem, lattice.target)
    return z if np.isfinite(excess) else None


def _least_curve(p: FloatArray, free: FloatArray) -> FloatArray:
    """Return the smallest sum of numbers (q,) that, on the diagonal, make a form convex.

    Parameters
    ----------
    p : (q, q) the form
    free : (q, f) orthonormal basis of the changes on which it is to be convex

    Notes
    -----
    A semidefinite programme, solved by barrier Newton steps; feasible, and within a few
    per cent of the least sum. The least eigenvalue repeated is a feasible start, and three times
    as large a sum for the forms of variance shares.
    """
    inner = free.T @ p @ free
    least = float(np.linalg.eigvalsh(inner)[0]) if free.size else 0.0
    if least >= 0:
        return np.zeros(len(p))
    live = np.flatnonzero(np.abs(free).max(axis=1) > 1e-9)
    moved = free[live]
    curve = np.full(len(live), -1.5 * least)
    weight = curve.sum() / len(inner)
    while weight * len(inner) > 0.02 * np.abs(curve).sum():
        for _ in range(20):
            inverse = moved @ np.linalg.inv(inner + moved.T @ (curve[:, None] * moved)) @ moved.T
            gradient = 1.0 - weight * np.diag(inverse)
            step, *_ = np.linalg.lstsq(weight * inverse**2, -gradient)
            decrement = max(float(-gradient @ step) / weight, 0.0)
            curve = curve + step / (1.0 + np.sqrt(decrement))
            if decrement < 0.05:
                break
        weight *= 0.3
    out = np.zeros(len(p))
    out[live] = curve
    convex = np.linalg.eigvalsh(inner + moved.T @ (curve[:, None] * moved))[0] >= 0
    return out if convex else np.full(len(p), -least)


def radius_within(lattice: Lattice, distance: float) -> IntArray:
    """Return how many steps from its target each weight of a nearer point can be, (q,)."""
    out = np.zeros(len(lattice.unit), dtype=np.int64)
    for family in lattice.families:
        # What one sibling gains the others lose: |change|² >= change_i² c / (c - 1).
        c = len(family)
        unit = lattice.unit[family]
        reach = distance * np.sqrt((c - 1) / c) / np.where(unit > 0, unit, np.inf)
        most = np.minimum(np.floor(reach) + 1, lattice.total)
        out[family] = np.where(unit > 0, most, lattice.total)
    return out


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
