"""Reverse adjustment: the nearest weights under which no indicator dominates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.adjustment.before_after import (
    distance_table,
    measure_table,
    price_table,
    star_moves_table,
)
from calib.adjustment.families import share_misses
from calib.adjustment.grid import GridRounding
from calib.adjustment.grid_levels import round_levels
from calib.adjustment.minimised import minimised
from calib.adjustment.moments import Moments, moments_of
from calib.adjustment.nearest import Distance
from calib.adjustment.scores import complete_scores, scored_for
from calib.adjustment.solution import Solution
from calib.adjustment.solve import solve
from calib.adjustment.space import Space, build_space
from calib.adjustment.spec import AdjustSpec, make_spec
from calib.adjustment.star_cells import star_model
from calib.adjustment.star_fit import StarTask
from calib.errors import InputError
from calib.framework import Name, Readings
from calib.population import Population
from calib.rating import Scored, rate
from calib.weights import WeightSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Adjusted", "adjust", "adjust_spec"]

_REFILLS = 20


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
    notes : what could not be met, and what was done to the data
    misses : target variance shares that the weights do not have on the sample's own covariance
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
    misses: tuple[Name, ...] = ()

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
    grid : round local weights to those on this grid nearest to the adjusted ones, under the same
        demands; families of equal siblings that the grid cannot hold stay equal, as the
        published ones, unless the caps need them
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
    moments = _moments(scores, spec)
    request = (weights, scored, spec, reference, grid, name, rng)
    solution, rounding, after = _attempt(scores, *request)
    later = moments
    if any(np.isnan(s.X).any() for s in scored.samples.values()):
        solution, rounding, after, later, said = _refilled(
            scores, (solution, rounding, after), *request
        )
        notes += said
    space = space_of(weights, list(moments), spec.depths)
    misses = tuple(m.sentence() for m in share_misses(space, spec, later, after.local))
    before, rating = rate(weights, scored), rate(after, scored)
    moves = star_moves_table(before, rating)
    fit_notes = _fit_notes(solution)
    if solution.stars is not None and rounding:
        fit_notes += (f"rounding to the grid: {len(moves)} stars differ from the start",)
    return Adjusted(
        after, weights, spec, solution, measure_table(weights, after, moments, spec.on, later),
        price_table(solution), moves, distance_table(weights, after, spec), rounding,
        (*(m.en for m in misses), *notes, *solution.notes, *fit_notes), scored.synthetic, misses,
    )  # fmt: skip


_Attempt = tuple[Solution, dict[str, GridRounding], WeightSet]


def _moments(scores: Mapping[str, FloatArray], spec: AdjustSpec) -> dict[str, Moments]:
    shares = spec.problem == "shares"
    return {t: moments_of(X, centred=shares) for t, X in scores.items() if len(X)}


def _attempt(
    scores: Mapping[str, FloatArray],
    weights: WeightSet,
    scored: Scored,
    spec: AdjustSpec,
    reference: Mapping[str, int] | None,
    grid: float | None,
    name: str | None,
    rng: Seed,
) -> _Attempt:
    """Adjust on scores without gaps."""
    moments = _moments(scores, spec)
    space = space_of(weights, list(moments), spec.depths)
    tasks = _tasks(space, spec, scores, scored, reference)
    solution = solve(space, spec, moments, tasks=tasks, rng=rng)
    local = solution.local
    rounding: dict[str, GridRounding] = {}
    if grid is not None:
        local, rounding = round_levels(weights, spec, moments, local, grid, tuple(moments))
    return solution, rounding, finished(weights, local, spec, name, grid)


def _refilled(
    scores: Mapping[str, FloatArray],
    attempt: _Attempt,
    weights: WeightSet,
    scored: Scored,
    spec: AdjustSpec,
    *request: Any,
) -> tuple[Solution, dict[str, GridRounding], WeightSet, dict[str, Moments], tuple[str, ...]]:
    """Adjust again on gaps filled under the adjusted weights, until the weights agree.

    What an unanswered item counts for depends on the weights: demands met on gaps filled under the
    starting weights need not hold when the answers are rated under the adjusted ones.
    """
    for count in range(1, _REFILLS + 1):
        again, _ = complete_scores(scored, attempt[2])
        moved = max(float(np.abs(again[t] - scores[t]).max(initial=0.0)) for t in again)
        if moved <= 1e-7:
            said = f"gaps filled again under the adjusted weights {count - 1} times: they agree"
            return *attempt, _moments(again, spec), (said,)
        scores = again
        attempt = _attempt(scores, weights, scored, spec, *request)
    again, _ = complete_scores(scored, attempt[2])
    said = (
        f"gaps filled again under the adjusted weights {_REFILLS} times without agreement: the "
        "measures after are those of the last weights, which are not proven nearest"
    )
    return *attempt, _moments(again, spec), (said,)


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
