"""Reverse adjustment: the nearest weights under which no indicator dominates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray, Seed
from calib.adjustment.before_after import (
    distance_table,
    measure_table,
    price_table,
    star_moves_table,
)
from calib.adjustment.demands import bound_rows, order_rows, positive_rows
from calib.adjustment.grid import GridRounding, round_to_grid
from calib.adjustment.minimised import minimised
from calib.adjustment.moments import Moments, moments_of
from calib.adjustment.nearest import Distance
from calib.adjustment.rows import Rows, stack_rows
from calib.adjustment.scores import complete_scores, scored_for
from calib.adjustment.solution import Solution
from calib.adjustment.solve import demand_rows, share_caps, solve, spec_for
from calib.adjustment.space import Space, build_space
from calib.adjustment.spec import AdjustSpec, make_spec
from calib.adjustment.star_cells import star_model
from calib.adjustment.star_fit import StarTask
from calib.errors import InfeasibleError, InputError
from calib.framework import Name, Readings
from calib.population import Population
from calib.rating import Scored, rate
from calib.weights import WeightSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Adjusted", "adjust", "adjust_spec"]


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Adjusted weights with everything that a report should carry.

    Parameters
    ----------
    weights, before : the weight sets after and before
    spec : the request
    solution : certificate, shadow prices, optima
    measures : one row a track and capped node: weight, contribution, variance share before/after
    prices : demands that hold the answer back, dearest first
    stars : who changes star, from what to what, and why
    distance : by track, Euclidean and total-variation distance of the indicators' weights from
        the start, and the distance that was minimised
    rounding : the integer programmes of the grid, by tracks and level; empty when not rounded
    notes : what was done to the data, and what could not be met
    """

    weights: WeightSet
    before: WeightSet
    spec: AdjustSpec
    solution: Solution
    measures: pd.DataFrame
    prices: pd.DataFrame
    stars: pd.DataFrame
    distance: pd.DataFrame
    rounding: Mapping[str, GridRounding]
    notes: tuple[str, ...]
    synthetic: bool

    @property
    def minimised(self) -> Name:
        """Which distance "nearest" means here, in both languages."""
        return minimised(self.weights.framework, self.spec)

    @property
    def largest(self) -> dict[str, float]:
        """Largest value after adjustment of every measure that is capped, over all tracks."""
        return {m: float(self.measures[f"{m}_after"].max()) for m in self.spec.caps}

    def holds(self, tolerance: float = 1e-8) -> bool:
        """Whether every cap holds after adjustment."""
        return all(self.largest[m] <= c + tolerance for m, c in self.spec.caps.items())


def adjust(
    weights: WeightSet,
    population: Population | Scored,
    *,
    cap: float | Mapping[str, float] | None = None,
    measure: str | Sequence[str] | None = None,
    level: str | Sequence[str] = "leaf",
    on: str | None = None,
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float] | None = None,
    groups: Mapping[str, tuple[Sequence[str], float, float]] | None = None,
    keep_order: bool = False,
    problem: str = "caps",
    distance: Distance = "euclidean",
    target: str | Mapping[str, float] = "equal",
    reference: Mapping[str, int] | None = None,
    grid: float | None = None,
    starts: int = 8,
    readings: Readings | Mapping[str, str] | None = None,
    name: str | None = None,
    rng: Seed = 0,
) -> Adjusted:
    """Find the nearest weights under which no indicator dominates.

    Parameters
    ----------
    weights : starting weights
    population : the trial sample
    cap : highest share allowed; a number for every ``measure``, or a mapping from measure to cap
    measure : "weight", "contribution", "variance"; contribution and variance by default
    level : level or levels that may move; the rest of the tree keeps its local weights
    on : level whose nodes are capped; the lowest one that moves by default
    bounds : (low, high) of local weights, for all that move or by node code
    groups : name -> (codes, low, high) bounds on the total weight of groups of nodes
    keep_order : siblings may not change places
    problem : "caps", "shares" (target variance shares), "correlations" (target correlations),
        "stars" (fewest star changes; with ``reference`` the fit to reference stars)
    distance : "euclidean", or "entropy" for linear caps
    target : "equal", "nominal" or shares by node code
    reference : star of enterprises by id, as the rule numbers them (problem "stars")
    grid : round local weights to this grid under the same demands; families of equal siblings
        that the grid cannot hold stay equal, as the published ones, unless the caps need them
    starts : random starts for variance caps, beside equal shares and the linear optimum
    readings : open readings of the rating rule
    name : name of the new weight set
    rng : seed or generator of the starts

    Returns
    -------
    Adjusted

    Raises
    ------
    InputError
        A request that makes no sense, every fault listed.
    InfeasibleError
        It is proven that no weights meet the demands; says which of them conflict.
    NotFoundError
        No weights under the caps, or on the grid, were found, without such a proof; says what
        was closest and by how much it misses.
    """
    spec = make_spec(
        weights.framework, cap=cap, measure=measure, level=level, on=on, problem=problem,
        bounds=bounds, groups=groups, keep_order=keep_order, distance=distance, target=target,
        starts=starts,
    )  # fmt: skip
    return adjust_spec(
        weights, population, spec, reference=reference, grid=grid, readings=readings, name=name,
        rng=rng,
    )  # fmt: skip


def adjust_spec(
    weights: WeightSet,
    population: Population | Scored,
    spec: AdjustSpec,
    *,
    reference: Mapping[str, int] | None = None,
    grid: float | None = None,
    readings: Readings | Mapping[str, str] | None = None,
    name: str | None = None,
    rng: Seed = 0,
) -> Adjusted:
    """Adjust weights for a checked request; see :func:`adjust`."""
    scored = scored_for(population, weights, readings)
    scores, notes = complete_scores(scored, weights)
    scores = {t: X for t, X in scores.items() if len(X)}
    moments = {t: moments_of(X) for t, X in scores.items()}
    space = space_of(weights, list(scores), spec.depths)
    tasks = _tasks(space, spec, scores, scored, reference)
    solution = solve(space, spec, moments, tasks=tasks, rng=rng)
    local = solution.local
    rounding: dict[str, GridRounding] = {}
    if grid is not None:
        local, rounding = _rounded(weights, spec, moments, local, grid, tuple(scores))
    after = finished(weights, local, spec, name, grid)
    before, rating = rate(scored, weights), rate(scored, after)
    moves = star_moves_table(before, rating)
    fit_notes = _fit_notes(solution)
    if solution.stars is not None and rounding:
        fit_notes += (f"rounding to the grid: {len(moves)} stars differ from the start",)
    return Adjusted(
        after, weights, spec, solution, measure_table(weights, after, moments, spec.on),
        price_table(solution), moves, distance_table(weights, after, spec),
        rounding, (*notes, *solution.notes, *fit_notes), scored.synthetic,
    )  # fmt: skip


def space_of(weights: WeightSet, tracks: Sequence[str], depths: Sequence[int]) -> Space:
    """Build the variables of an adjustment of a weight set on some tracks."""
    fw = weights.framework
    return build_space(
        {t: fw.tracks[t] for t in tracks}, {t: weights.local[t] for t in tracks}, depths, fw.shared
    )


def finished(
    weights: WeightSet,
    local: Mapping[str, FloatArray],
    spec: AdjustSpec,
    name: str | None = None,
    grid: float | None = None,
) -> WeightSet:
    """Put adjusted weights into a set; tracks without enterprises follow in the shared ones."""
    fw = weights.framework
    out = {t: np.array(weights.local[t]) for t in fw.tracks}
    for t, values in local.items():
        out[t] = np.array(values)
    known = next(iter(local))
    for t, track in fw.tracks.items():
        if t in local:
            continue
        for code in fw.shared:
            if code in track.index and code in fw.tracks[known].index:
                out[t][track.index[code]] = local[known][fw.tracks[known].index[code]]
    asked = ", ".join(f"{m} ≤ {c:g}" for m, c in spec.caps.items()) or spec.problem
    levels = "+".join(fw.levels[d - 1][0] if d <= len(fw.levels) else str(d) for d in spec.depths)
    detail = f"{weights.name} adjusted on {levels}: {asked}"
    if grid is not None:
        detail += f"; on a grid of {grid:g}"
    return WeightSet.build(
        fw, name or f"{weights.name} adjusted", out, source="adjusted", detail=detail,
        inputs={weights.name: weights.digest},
    )  # fmt: skip


def _tasks(
    space: Space,
    spec: AdjustSpec,
    scores: Mapping[str, FloatArray],
    scored: Scored,
    reference: Mapping[str, int] | None,
) -> list[StarTask]:
    if spec.problem != "stars":
        if reference is not None:
            raise InputError("reference stars are for problem 'stars'")
        return []
    rule = scored.framework.rule
    thresholds = rule.thresholds(scored.readings)
    tasks: list[StarTask] = []
    seen: set[str] = set()
    for block in space.blocks:
        t = block.track.code
        model = star_model(block, scores[t], thresholds)
        star: IntArray = model.stars(space.start[block.span])
        if reference is not None:
            ids = [str(i) for i in scored.samples[t].ids]
            star = np.array(
                [int(reference.get(i, rule.first - 1)) - rule.first for i in ids], dtype=np.int64
            )
            seen.update(i for i in ids if i in reference)
        tasks.append(StarTask(block, model, star))
    if reference is not None:
        unknown = sorted(set(map(str, reference)) - seen)
        if unknown:
            raise InputError(f"reference stars of unknown enterprises: {', '.join(unknown[:10])}")
        first, last = rule.first, rule.first + rule.stars - 1
        wrong = {i: s for i, s in reference.items() if not first <= s <= last}
        if wrong:
            raise InputError(f"reference stars out of range {first}–{last}: {wrong}")
    return tasks


def _rounded(
    weights: WeightSet,
    spec: AdjustSpec,
    moments: Mapping[str, Moments],
    local: Mapping[str, FloatArray],
    grid: float,
    tracks: Sequence[str],
) -> tuple[dict[str, FloatArray], dict[str, GridRounding]]:
    """Round level by level from the top; lower levels are adjusted again below rounded ones."""
    fw = weights.framework
    current = {t: np.array(v) for t, v in local.items()}
    done: dict[str, GridRounding] = {}
    for depth in spec.depths:
        # Below the shared pillars nothing ties the tracks together.
        for part in [list(tracks)] if depth == 1 else [[t] for t in tracks]:
            values, found = _round_level(weights, spec, moments, current, grid, part, depth)
            name = fw.levels[depth - 1][0] if depth <= len(fw.levels) else str(depth)
            done[f"{'+'.join(part)}/{name}"] = found
            current.update(values)
        rest = tuple(d for d in spec.depths if d > depth)
        if rest:
            trees = {t: fw.tracks[t] for t in tracks}
            mixed = {t: _mix(trees[t].depth, current[t], weights.local[t], depth) for t in tracks}
            below = build_space(trees, mixed, rest, fw.shared)
            current = dict(solve(below, replace(spec, depths=rest), moments, rng=0).local)
    return current, done


def _round_level(
    weights: WeightSet,
    spec: AdjustSpec,
    moments: Mapping[str, Moments],
    current: Mapping[str, FloatArray],
    grid: float,
    tracks: Sequence[str],
    depth: int,
) -> tuple[dict[str, FloatArray], GridRounding]:
    fw = weights.framework
    space = build_space(
        {t: fw.tracks[t] for t in tracks}, {t: current[t] for t in tracks}, (depth,), fw.shared
    )
    start = {t: weights.local[t] for t in tracks}
    own = spec_for(spec, [b.track for b in space.blocks], list(fw.tracks.values()))
    rows, caps = _level_demands(space, own, moments, start, depth == spec.depths[-1])
    keep = _kept(space, grid)
    try:
        found = round_to_grid(
            space, space.start, rows, caps, grid=grid, shared=fw.shared, keep=keep
        )
    except InfeasibleError:
        if not keep.any():
            raise
        found = round_to_grid(space, space.start, rows, caps, grid=grid, shared=fw.shared)
    return _exact_grid(space, space.local_weights(found.z), grid), found


def _mix(depths: IntArray, rounded: FloatArray, start: FloatArray, depth: int) -> FloatArray:
    return np.where(depths <= depth, rounded, start)


def _level_demands(
    space: Space,
    spec: AdjustSpec,
    moments: Mapping[str, Moments],
    start: Mapping[str, FloatArray],
    last: bool,
) -> tuple[Rows, list[Any]]:
    if spec.problem in ("shares", "correlations"):
        return positive_rows(space), []
    if last:
        rows = demand_rows(space, replace(spec, depths=space.depths, keep_order=False,
                                          bounds=None), moments)  # fmt: skip
        caps = (
            share_caps(space, spec.caps["variance"], spec.on, moments)
            if "variance" in spec.caps
            else []
        )
        caps = [c for c in caps if float(space.start @ c.cov @ space.start) > 0]
    else:
        rows, caps = positive_rows(space), []
    if spec.bounds is not None:
        rows = stack_rows([rows, bound_rows(space, _only(spec.bounds, space))])
    if spec.keep_order:
        original = build_space({b.track.code: b.track for b in space.blocks}, start, space.depths)
        rows = stack_rows([rows, order_rows(space, original)])
    return rows, caps


def _only(
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float], space: Space
) -> Mapping[str, tuple[float, float]] | tuple[float, float]:
    if not isinstance(bounds, Mapping):
        return bounds
    here = {
        code
        for b in space.blocks
        for code, d in zip(b.track.codes, b.track.depth, strict=True)
        if int(d) in space.depths
    }
    return {c: v for c, v in bounds.items() if c in here}


def _kept(space: Space, grid: float) -> BoolArray:
    """Return which variables belong to families of equal siblings that the grid cannot hold."""
    keep = np.zeros(space.size, dtype=bool)
    for block in space.blocks:
        place = {int(node): block.first + j for j, node in enumerate(block.nodes)}
        for family in block.track.families:
            own = block.local[family.members]
            if int(block.track.depth[family.members[0]]) not in space.depths:
                continue
            off = abs(own[0] / grid - np.rint(own[0] / grid)) > 1e-6
            if len(own) > 1 and np.ptp(own) < 1e-9 and off:
                keep[[place[int(i)] for i in family.members]] = True
    return keep


def _exact_grid(
    space: Space, local: Mapping[str, FloatArray], grid: float
) -> dict[str, FloatArray]:
    """Clear the rounding noise of local weights on the grid."""
    total = round(1.0 / grid)
    out = {}
    for block in space.blocks:
        values = np.array(local[block.track.code])
        for i, depth in enumerate(block.track.depth):
            if int(depth) in space.depths:
                near = np.rint(values[i] * total)
                if abs(values[i] * total - near) < 1e-6:
                    values[i] = near / total
                else:
                    values[i] = block.local[i]
        out[block.track.code] = values
    return out


def _fit_notes(solution: Solution) -> tuple[str, ...]:
    fit = solution.stars
    if fit is None:
        return ()
    if fit.proven:
        return (f"{fit.missed} stars differ from those sought; proven fewest by {fit.method}",)
    return (
        f"{fit.missed} stars differ from those sought; at least {fit.bound} must ({fit.method}, "
        f"{fit.used} enterprises in the programme)",
    )
