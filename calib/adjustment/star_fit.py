"""Problem E: weights that change the fewest stars, or that fit reference stars best.

A mixed-integer programme: one binary for each polytope in which an enterprise has its star, one
for "its star is another". Enterprises enter the programme only when their star is at stake, so
that the optimum over a few of them, checked on all, is the optimum over all. The count of
stars missed comes first; among equal counts the least total change of weight; and last the
nearest weights within the polytopes chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.adjustment.constraints import Rows
from calib.adjustment.nearest import Conflict, nearest_weights, project
from calib.adjustment.variables import Block
from calib.errors import ConvergenceError, InputError
from calib.framework import Thresholds
from calib.rating.gates_and_caps import leaf_caps, movable_gates
from calib.rating.regions import StarModel, cells_of
from calib.words import message

__all__ = ["StarFit", "StarTask", "fit_stars", "star_model"]


@dataclass(frozen=True, slots=True)
class StarTask:
    """Stars to keep in one track.

    Parameters
    ----------
    block : the track's variables
    model : scores as functions of the variables
    star : (n,) stars sought, counted from 0; -1 where any star will do
    """

    block: Block
    model: StarModel
    star: IntArray

    def missed(self, z: FloatArray) -> IntArray:
        """Return the numbers of enterprises with another star than sought."""
        now = self.model.stars(z[self.block.span])
        return np.flatnonzero((now != self.star) & (self.star >= 0))


@dataclass(frozen=True, slots=True)
class StarFit:
    """Weights that miss the fewest stars.

    Parameters
    ----------
    z : (q,) weights
    missed : int
        Enterprises whose star is not the one sought.
    bound : int
        No weights under the demands miss fewer.
    proven : bool
        Whether ``missed`` equals ``bound``.
    method : str
        "integer programme", or "… on part of the enterprises", and whether a local search followed.
    programmes : int
        Integer programmes solved.
    used : int
        Enterprises that had to enter the programme.
    """

    z: FloatArray
    missed: int
    bound: int
    proven: bool
    method: str
    programmes: int
    used: int


def star_model(block: Block, X: FloatArray, thresholds: Thresholds) -> StarModel:
    """Express total and gate scores in the variables of a track.

    Parameters
    ----------
    block : the track's variables
    X : (n, L) leaf scores
    thresholds : effective thresholds

    Raises
    ------
    InputError
        For parts of a rule that moving weights cannot be followed through.
    """
    track = block.track
    score = X @ block.inside
    gated, gates = movable_gates(track, thresholds)
    some = np.isfinite(gates).any(axis=1)
    gated, gates = gated[some], gates[some]
    cover = np.zeros((len(gated), len(block.nodes)))
    gate_score = np.zeros((len(gated), *score.shape))
    constant = np.full((len(gated), X.shape[0]), np.nan)
    own = track.membership(block.nodes)
    for p, node in enumerate(gated):
        under = track.membership([int(node)])[0]
        parts = int(block.cover(int(node)).sum())
        if parts > 1 and not (own & ~under)[(own & under).any(axis=1)].any():
            cover[p] = block.cover(int(node))
            gate_score[p] = score * cover[p]
        constant[p] = X @ track.within(block.local, [int(node)])[0]
    caps = leaf_caps(track, X, thresholds.caps, len(thresholds.band))
    return StarModel(score, gate_score, cover, constant, gates, caps, thresholds)


def fit_stars(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    tasks: Sequence[StarTask],
    *,
    margin: float = 1e-5,
    max_enterprises: int = 120,
    node_limit: int = 20_000,
    max_programmes: int = 40,
) -> StarFit:
    """Find weights under linear demands that miss the fewest of the stars sought.

    Parameters
    ----------
    start : (q,) starting weights, the tie-breaker
    rows, equal, value : linear demands
    tasks : stars sought, by track
    margin : points by which edges are cleared
    max_enterprises : int
        Enterprises in one programme at most; beyond, the answer is a heuristic with a bound.
    node_limit : int
        Branch-and-bound nodes of one programme (a limit in seconds would not be reproducible).
    max_programmes : int

    Returns
    -------
    StarFit

    Raises
    ------
    InfeasibleError
        The linear demands contradict each other.

    Notes
    -----
    The optimum over part of the enterprises is a lower bound for all; the same weights judged on
    all give an upper bound. Enterprises that they miss enter, and the two meet.
    """
    if not any((t.star >= 0).any() for t in tasks):
        raise InputError(message("adjustment.fault.no_star"))
    best = nearest_weights(start, rows, equal, value).z
    missed = [t.missed(best) for t in tasks]
    fewest = sum(len(m) for m in missed)
    used = [set(m[:max_enterprises].tolist()) for m in missed]
    bound, programmes, full = 0, 0, True
    if fewest == 0:
        return StarFit(best, 0, 0, True, "integer programme", 0, 0)
    while programmes < max_programmes:
        programmes += 1
        answer = _programme(start, rows, equal, value, tasks, used, margin, node_limit)
        bound = max(bound, answer.bound)
        for z in (answer.z, answer.nearest):
            if z is None:
                continue
            count = sum(len(t.missed(z)) for t in tasks)
            if count < fewest or (count == fewest and _nearer(z, best, start)):
                best, fewest = z, count
        if fewest <= bound:
            break
        pivot = answer.nearest if answer.nearest is not None else answer.z
        fresh = 0
        for t, inside in zip(tasks, used, strict=True):
            new = [i for i in t.missed(pivot).tolist() if i not in inside]
            room = max_enterprises - sum(len(s) for s in used)
            inside.update(new[: max(room, 0)])
            fresh += len(new[: max(room, 0)])
            full &= len(new) <= max(room, 0)
        if fresh == 0:
            break
    name = "integer programme" if full else "integer programme on part of the enterprises"
    if fewest > bound:
        best, fewest = _local_search(best, fewest, start, rows, equal, value, tasks)
        name += ", then local search"
    proven = fewest <= bound
    return StarFit(
        best, fewest, min(bound, fewest), proven, name, programmes, sum(len(s) for s in used)
    )


def _local_search(
    z: FloatArray,
    fewest: int,
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    tasks: Sequence[StarTask],
    tries: int = 240,
) -> tuple[FloatArray, int]:
    """Try feasible weights around the best ones, nearer and nearer; keep what misses fewer stars.

    The random moves are always the same ones, so the answer is reproducible.
    """
    rng = np.random.default_rng(0)
    for k in range(tries):
        size = 0.2 * 0.5 ** (6.0 * k / tries)
        goal = z + size * rng.normal(size=len(z)) * np.sqrt(np.maximum(z, 1e-4) / len(z))
        out = project(goal, np.ones_like(z), rows.a, rows.b, equal, value)
        if isinstance(out, Conflict):
            continue
        point = np.maximum(out.z, 0.0)
        count = sum(len(t.missed(point)) for t in tasks)
        if count < fewest or (count == fewest and _nearer(point, z, start)):
            z, fewest = point, count
    return z, fewest


def _nearer(z: FloatArray, other: FloatArray, start: FloatArray) -> bool:
    return float(np.sum((z - start) ** 2)) < float(np.sum((other - start) ** 2)) - 1e-14


@dataclass(frozen=True, slots=True)
class _Answer:
    z: FloatArray
    nearest: FloatArray | None
    bound: int


@dataclass(slots=True)
class _Builder:
    """Rows of the programme while it is being put together."""

    q: int
    columns: int
    a: list[tuple[int, int, float]]
    upper: list[float]
    lower: list[float]

    def add(self, entries: Sequence[tuple[int, float]], low: float, high: float) -> None:
        number = len(self.upper)
        self.a.extend((number, column, v) for column, v in entries if v != 0.0)
        self.lower.append(low)
        self.upper.append(high)

    def add_dense(
        self, row: FloatArray, low: float, high: float, extra: Sequence[tuple[int, float]] = ()
    ) -> None:
        entries = [(int(j), float(row[j])) for j in np.flatnonzero(row)]
        self.add([*entries, *extra], low, high)


def _programme(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    tasks: Sequence[StarTask],
    used: Sequence[set[int]],
    margin: float,
    node_limit: int,
) -> _Answer:
    """Solve the integer programme over the enterprises in ``used``."""
    q = len(start)
    build = _Builder(q, 3 * q, [], [], [])
    for row, b in zip(rows.a, rows.b, strict=True):
        build.add_dense(row, -np.inf, float(b))
    for row, b in zip(equal, value, strict=True):
        build.add_dense(row, float(b), float(b))
    for j in range(q):  # z - start = up - down
        build.add([(j, 1.0), (q + j, -1.0), (2 * q + j, 1.0)], float(start[j]), float(start[j]))
    chosen: list[tuple[int, FloatArray, FloatArray]] = []  # binary column, a, b in all variables
    misses: list[int] = []
    for task, inside in zip(tasks, used, strict=True):
        for i in sorted(inside):
            choices = []
            for a, b in cells_of(task.model, i, int(task.star[i]), margin):
                wide = np.zeros((len(b), q))
                wide[:, task.block.span] = a
                column = build.columns
                build.columns += 1
                choices.append(column)
                chosen.append((column, wide, b))
                for row, edge in zip(a, b, strict=True):
                    # On the simplex a row is at most its largest entry: the tightest big M.
                    slack = max(float(max(row.max(), 0.0) - edge), 0.0)
                    shifted = [(task.block.first + int(j), float(row[j])) for j in range(len(row))]
                    build.add([*shifted, (column, slack)], -np.inf, float(edge) + slack)
            miss = build.columns
            build.columns += 1
            misses.append(miss)
            build.add([*((c, 1.0) for c in choices), (miss, 1.0)], 1.0, np.inf)
    tie = 0.45 / (2.0 * len(tasks))
    x, dual = _solve(build, misses, tie, node_limit)
    # The solver meets demands to its own tolerance; the demands themselves are met exactly.
    held_to = _nearest_in(x[:q], rows, equal, value, [])
    z = x[:q] if held_to is None else held_to
    held = [(a, b) for column, a, b in chosen if x[column] > 0.5]
    return _Answer(
        z, _nearest_in(start, rows, equal, value, held), int(np.ceil(dual - 0.45 - 1e-6))
    )


def _solve(
    build: _Builder, misses: Sequence[int], tie: float, node_limit: int
) -> tuple[FloatArray, float]:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    n, q = build.columns, build.q
    cost = np.zeros(n)
    cost[q : 3 * q] = tie
    cost[list(misses)] = 1.0
    kind = np.zeros(n)
    kind[3 * q :] = 1
    r, c, v = zip(*build.a, strict=True)
    matrix = csr_array((v, (r, c)), shape=(len(build.upper), n))
    out = milp(
        cost,
        constraints=LinearConstraint(matrix, build.lower, build.upper),
        bounds=Bounds(np.zeros(n), np.ones(n)),
        integrality=kind,
        options={"node_limit": node_limit, "mip_rel_gap": 1e-4},
    )
    if out.x is None:
        raise ConvergenceError(message("adjustment.fault.programme", cause=out.message))
    dual = out.mip_dual_bound if out.mip_dual_bound is not None else 0.0
    return np.asarray(out.x, dtype=float), float(dual)


def _nearest_in(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    held: Sequence[tuple[FloatArray, FloatArray]],
) -> FloatArray | None:
    """Return the nearest weights in the chosen polytopes, or None where rounding closes them."""
    a = np.concatenate([rows.a, *(a for a, _ in held)])
    b = np.concatenate([rows.b, *(b for _, b in held)])
    out = project(start, np.ones_like(start), a, b, equal, value)
    return None if isinstance(out, Conflict) else np.maximum(out.z, 0.0)
