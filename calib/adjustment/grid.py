"""Rounding weights of one level to a grid, optimal in distance under the same demands.

Largest remainders round a family at a time and know nothing of caps; here an integer programme
finds the grid weights nearest to the adjusted ones whose siblings sum to exactly 1 and which still
meet every cap and order, or says which demand no grid weights near by can meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.rows import Rows
from calib.adjustment.share_cap import ShareCap
from calib.adjustment.space import Space
from calib.errors import ConvergenceError, InfeasibleError, InputError

__all__ = ["GridRounding", "round_to_grid"]

_MEETS = 1e-9


@dataclass(frozen=True, slots=True)
class GridRounding:
    """Grid weights nearest to given ones.

    Parameters
    ----------
    z : (q,) global weights of the level
    steps : (q,) local weights in units of the grid; families sum to 1/grid
    distance : float
        ‖z - target‖.
    bound : float
        No grid weights under the demands are nearer than this.
    proven : bool
        Whether the two agree.
    programmes : int
        Integer programmes solved.
    """

    z: FloatArray
    steps: IntArray
    distance: float
    bound: float
    proven: bool
    programmes: int


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Families of one level: z = unit * t for whole numbers t, families of t sum to ``total``."""

    unit: FloatArray
    target: FloatArray
    families: tuple[IntArray, ...]
    pairs: tuple[tuple[int, int], ...]
    total: int


def round_to_grid(
    space: Space,
    z: FloatArray,
    rows: Rows,
    caps: Sequence[ShareCap] = (),
    *,
    grid: float = 0.01,
    shared: Sequence[str] = (),
    keep: BoolArray | None = None,
    limit: int = 15,
) -> GridRounding:
    """Round the local weights of one level to a grid under the demands of an adjustment.

    Parameters
    ----------
    space : variables of a single level
    z : (q,) global weights to round
    rows : linear demands (caps, bounds, order), in the same variables
    caps : caps on variance shares
    grid : float
        Grid of local weights; 1/grid must be whole.
    shared : codes of nodes whose weights are the same in all tracks
    keep : (q,) variables that stay as they are, off the grid (families of equal indicators that
        the grid cannot hold); a family is kept as a whole
    limit : int
        Integer programmes at most.

    Returns
    -------
    GridRounding

    Raises
    ------
    InputError
        More than one level, or a grid that does not divide 1.
    InfeasibleError
        No grid weights meet the demands; says which and by how much.

    Notes
    -----
    Distance is separable and convex in the whole numbers, hence exactly linear in unary
    increments. Caps on variance shares are handled by valid cuts (linearised within the ball that
    an incumbent leaves open) and by excluding points that still break them.
    """
    lattice = _lattice(space, z, grid, shared, keep)
    search = _Search(lattice, rows, tuple(caps))
    if caps:
        search.find_incumbent()
    search.run(limit)
    if search.best is None:
        _explain(lattice, rows)
        raise InfeasibleError(_share_message(lattice, caps, search.banned, grid))
    bound = min(search.bound, search.distance)
    return GridRounding(
        lattice.unit * search.best,
        search.best,
        search.distance,
        bound,
        bound >= search.distance - 1e-9,
        search.programmes,
    )


class _Search:
    """Search for the nearest grid point: solve, check, cut off, solve again."""

    def __init__(self, lattice: _Lattice, rows: Rows, caps: tuple[ShareCap, ...]) -> None:
        self.lattice, self.rows, self.caps = lattice, rows, caps
        self.best: IntArray | None = None
        self.distance, self.bound, self.programmes = np.inf, 0.0, 0
        self.cuts: list[tuple[FloatArray, float]] = []
        self.banned: list[IntArray] = []

    def excess(self, steps: IntArray) -> float:
        """Return the largest amount by which a grid point breaks a demand."""
        slack = self.rows.slack(self.lattice.unit * steps)
        linear = float((-slack).max(initial=-np.inf))
        return max(linear, _excess(self.lattice, self.caps, steps))

    def find_incumbent(self) -> None:
        """Find some grid weights under the caps by tightening their linearisation."""
        for margin in (0.0, 2e-4, 1e-3, 3e-3, 8e-3):
            cuts = [(a, b - margin) for a, b in _cuts(self.lattice, self.caps, 0.0)]
            steps = _programme(self.lattice, self.rows, cuts, [], 4)
            self.programmes += 1
            if steps is not None and self.excess(steps) <= _MEETS:
                self.best, self.distance = steps, _far(self.lattice, steps)
                self.cuts = _cuts(self.lattice, self.caps, self.distance)
                return

    def run(self, limit: int) -> None:
        """Take the nearest grid points in turn until one meets every demand."""
        lattice, radius = self.lattice, 2
        while self.programmes < limit:
            steps = _programme(lattice, self.rows, self.cuts, self.banned, radius)
            self.programmes += 1
            if steps is None:
                if radius >= lattice.total:
                    self.bound = self.distance
                    return
                radius = min(5 * radius, lattice.total)
                continue
            here = _far(lattice, steps)
            needed = min(_radius(lattice, here), lattice.total)
            if needed > radius:  # the window might hide something nearer: widen it, solve again
                radius = needed
                continue
            self.bound = min(here, self.distance)
            if here >= self.distance - 1e-12:
                return
            if self.excess(steps) <= _MEETS:
                self.best, self.distance = steps, here
                return
            self.banned.append(steps)


def _lattice(
    space: Space, z: FloatArray, grid: float, shared: Sequence[str], keep: BoolArray | None
) -> _Lattice:
    if len(space.depths) != 1:
        raise InputError("rounding works on one level at a time")
    total = round(1.0 / grid) if grid > 0 else 0
    if total < 1 or abs(total * grid - 1.0) > 1e-9:
        raise InputError(f"grid {grid:g} does not divide 1; expected 0.01, 0.05, 0.001, …")
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
    return _Lattice(unit, z, tuple(families), tuple(pairs), total)


def _far(lattice: _Lattice, steps: IntArray) -> float:
    return float(np.linalg.norm(lattice.unit * steps - lattice.target))


def _radius(lattice: _Lattice, distance: float) -> int:
    """Return how many grid steps from its target a weight of a nearer point can be."""
    moving = [lattice.unit[f] for f in lattice.families if len(f) > 1]
    units = np.concatenate(moving) if moving else np.zeros(0)
    least = units[units > 0].min(initial=np.inf)
    return int(min(np.floor(distance / least), lattice.total)) + 1


def _excess(lattice: _Lattice, caps: Sequence[ShareCap], steps: IntArray) -> float:
    z = lattice.unit * steps
    return max((float((c.shares(z) - c.caps).max()) for c in caps), default=-np.inf)


def _cuts(
    lattice: _Lattice, caps: Sequence[ShareCap], distance: float
) -> list[tuple[FloatArray, float]]:
    """Return rows a z <= b that every better point under the caps meets."""
    out = []
    z = lattice.target
    for cap in caps:
        v = float(z @ cap.cov @ z)
        if v <= 0:
            continue
        for form, limit in zip(cap.forms, cap.caps, strict=True):
            p = (form - limit * cap.cov) / v
            value, slope = float(z @ p @ z), 2.0 * p @ z
            least = float(np.linalg.eigvalsh(p)[0])
            room = max(-least, 0.0) * distance**2
            # q(z+d) = value + slope'd + d'Pd <= 0 implies slope'd <= room - value.
            out.append((slope, room - value + float(slope @ z) + 1e-12))
    return out


def _programme(
    lattice: _Lattice,
    rows: Rows,
    cuts: Sequence[tuple[FloatArray, float]],
    banned: Sequence[IntArray],
    radius: int,
) -> IntArray | None:
    """Find the nearest grid weights within ``radius`` steps; None if none meet the demands."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, vstack

    q = len(lattice.unit)
    unit = np.where(lattice.unit > 0, lattice.unit, 1e-6)
    goal = np.where(lattice.unit > 0, lattice.target / unit, lattice.total / 2)
    window = _window(lattice, goal, radius)
    low, owner, level = window.low, window.owner, window.level
    cost = unit[owner] ** 2 * ((level - goal[owner]) ** 2 - (level - 1 - goal[owner]) ** 2)
    spread = csr_array((np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(q, len(owner)))
    sums, right = _sums(lattice)
    a = np.concatenate([rows.a, np.array([c for c, _ in cuts]).reshape(-1, q)]) * lattice.unit
    b = np.concatenate([rows.b, np.array([c for _, c in cuts])])
    size = np.maximum(np.abs(a).max(axis=1, initial=0.0), 1e-12)
    edge = (b - a @ low + 1e-11) / size
    still = right - sums @ low
    if len(owner) == 0:
        fits = (np.abs(still) < 1e-9).all() and (edge >= -1e-9).all() and not banned
        return low if fits else None
    parts = [csr_array(sums) @ spread, csr_array(a / size[:, None]) @ spread]
    lower, upper = [still, np.full(len(b), -np.inf)], [still, edge]
    if banned:
        extra, floor = _bans(window, banned)
        parts.append(csr_array(extra))
        lower.append(floor)
        upper.append(np.full(len(floor), np.inf))
    out = milp(
        cost / float(unit.max()) ** 2,
        constraints=LinearConstraint(vstack(parts), np.concatenate(lower), np.concatenate(upper)),
        bounds=Bounds(np.zeros(len(owner)), np.ones(len(owner))),
        integrality=np.ones(len(owner)),
        options={"mip_rel_gap": 0.0},
    )
    if out.status == 2:
        return None
    if out.x is None:
        raise ConvergenceError(f"rounding to the grid stopped: {out.message}")
    return np.asarray(low + np.round(spread @ out.x), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Window:
    """Whole numbers near the target, in unary: t = low + number of increments taken."""

    low: IntArray
    high: IntArray
    owner: IntArray
    level: IntArray


def _window(lattice: _Lattice, goal: FloatArray, radius: int) -> _Window:
    low = np.clip(np.floor(goal + 1e-9).astype(np.int64) - radius + 1, 0, lattice.total)
    high = np.clip(np.ceil(goal - 1e-9).astype(np.int64) + radius - 1, low, lattice.total)
    for family in lattice.families:
        if len(family) == 1:
            low[family] = high[family] = lattice.total
    width = high - low
    owner = np.repeat(np.arange(len(low)), width)
    level = low[owner] + 1 + (np.arange(len(owner)) - np.repeat(np.cumsum(width) - width, width))
    return _Window(low, high, owner, level)


def _sums(lattice: _Lattice) -> tuple[FloatArray, FloatArray]:
    """Return the equalities in whole numbers: families sum to the total, shared weights agree."""
    sums = np.zeros((len(lattice.families) + len(lattice.pairs), len(lattice.unit)))
    right = np.zeros(len(sums))
    for k, members in enumerate(lattice.families):
        sums[k, members] = 1.0
        right[k] = lattice.total
    for k, (i, j) in enumerate(lattice.pairs, start=len(lattice.families)):
        sums[k, i], sums[k, j] = 1.0, -1.0
    return sums, right


def _bans(window: _Window, banned: Sequence[IntArray]) -> tuple[FloatArray, FloatArray]:
    """Return rows that exclude points: increments in order, and one of them different."""
    owner, level = window.owner, window.level
    inner = np.flatnonzero(owner[1:] == owner[:-1])
    order = np.zeros((len(inner), len(owner)))
    order[np.arange(len(inner)), inner] = 1.0
    order[np.arange(len(inner)), inner + 1] = -1.0
    rows, floor = [order], [np.zeros(len(inner))]
    for point in banned:
        if (point < window.low).any() or (point > window.high).any():
            continue
        last_on, first_off = level == point[owner], level == point[owner] + 1
        rows.append((first_off.astype(float) - last_on)[None])
        floor.append(np.array([1.0 - np.count_nonzero(last_on)]))
    return np.concatenate(rows), np.concatenate(floor)


def _explain(lattice: _Lattice, rows: Rows) -> None:
    """Raise with the demands that the closest grid weights break; return if none need be."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    q, r = len(lattice.unit), len(rows)
    sums, right = _sums(lattice)
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
        raise ConvergenceError(f"rounding to the grid stopped: {out.message}")
    broken = np.flatnonzero(out.x[q:] > 1e-8)
    if len(broken) == 0:
        return
    lines = "\n".join(f"  - {rows.labels[i]} (by {out.x[q + i]:.4g})" for i in broken)
    grid = 1.0 / lattice.total
    msg = f"no weights on the grid of {grid:g} meet all demands; the closest ones break:\n{lines}\n"
    raise InfeasibleError(msg + "Use a finer grid, or leave the weights a little more room.")


def _share_message(
    lattice: _Lattice, caps: Sequence[ShareCap], banned: Sequence[IntArray], grid: float
) -> str:
    tried = [(_excess(lattice, caps, s), i) for i, s in enumerate(banned)]
    least, at = min(tried, default=(np.nan, -1))
    text = (
        f"of the {len(banned)} nearest weights on the grid of {grid:g}, none keeps every variance "
        "share under its cap"
    )
    if at >= 0:
        z = lattice.unit * banned[at]
        over = [
            f"{label} {share:.4f} > {limit:.4f}"
            for c in caps
            for label, share, limit in zip(c.labels, c.shares(z), c.caps, strict=True)
            if share > limit + _MEETS
        ]
        text += f"; the closest still exceeds by {least:.4f}: {'; '.join(over)}"
    return text + ". Use a finer grid, or a cap slightly lower when adjusting."
