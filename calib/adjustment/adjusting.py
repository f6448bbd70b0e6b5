"""One adjustment at once: solved, rounded, rated again, and described before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.before_and_after import (
    distance_table,
    measure_table,
    price_table,
    star_moves_table,
)
from calib.adjustment.families import Solution, share_misses
from calib.adjustment.grid import GridRounding
from calib.adjustment.grid_levels import round_levels
from calib.adjustment.solve import solve
from calib.adjustment.star_fit import StarTask, star_model
from calib.adjustment.variables import Space, build_space
from calib.errors import InputError
from calib.outcomes.dominance.moments import (
    Moments,
    complete_scores,
    moments_of,
)
from calib.rating import Scored, rate
from calib.rating.gates_and_caps import check_capped_scored
from calib.weights import WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Adjusted", "adjust_once", "finished", "space_of", "star_tasks"]


_REFILLS = 20


@dataclass(frozen=True, eq=False)
class Adjusted:
    """What one adjustment found.

    Parameters
    ----------
    weights, before : the weight sets after and before
    spec : the request on the tree
    solution : certificate, shadow prices, optima
    measures : one row a track and capped node: weight, contribution, variance share before/after
    prices : constraints that hold the answer back, dearest first
    stars : who changes star, from what to what, and why
    distance : by track, Euclidean and total-variation distance of the indicators' weights from
        the start, and the distance that was minimised
    rounding : the integer programmes of the grid, by tracks and level; empty when not rounded
    notes : what could not be met, and what was done to the data
    misses : target variance shares that the weights do not have on the sample's own covariance
    unrounded : the answer before rounding, by track; None where gaps were filled again
    """

    weights: WeightSet
    before: WeightSet
    spec: ResolvedRequest
    solution: Solution
    measures: pd.DataFrame
    prices: pd.DataFrame
    stars: pd.DataFrame
    distance: pd.DataFrame
    rounding: Mapping[str, GridRounding]
    notes: tuple[Text, ...]
    misses: tuple[Text, ...] = ()
    unrounded: Mapping[str, FloatArray] | None = None


def adjust_once(
    weights: WeightSet,
    scored: Scored,
    spec: ResolvedRequest,
    *,
    grid: float | None = None,
    name: str | None = None,
    rng: Seed = 0,
) -> Adjusted:
    """Adjust weights at once.

    Parameters
    ----------
    weights : starting weights
    scored : the enterprises
    spec : the request on the tree
    grid : round to this grid
    name : of the new set
    rng : seed or generator of the random starts
    """
    scores, notes = complete_scores(scored, weights)
    moments = _moments(scores, spec)
    request = (weights, scored, spec, grid, name, rng)
    solution, rounding, after = _attempt(scores, *request)
    later = moments
    gaps = any(np.isnan(s.X).any() for s in scored.samples.values())
    if gaps:
        solution, rounding, after, later, said = _refilled(
            scores, (solution, rounding, after), *request
        )
        notes += said
    space = space_of(weights, list(moments), spec.depths)
    misses = tuple(m.sentence() for m in share_misses(space, spec, later, after.local))
    moves = star_moves_table(rate(weights, scored), rate(after, scored))
    fit_notes = _fit_notes(solution)
    if solution.stars is not None and rounding:
        fit_notes += (message("adjustment.note.rounded_stars", n=len(moves)),)
    return Adjusted(
        after, weights, spec, solution, measure_table(weights, after, moments, spec.on, later),
        price_table(solution), moves, distance_table(weights, after, spec), rounding,
        (*notes, *solution.notes, *fit_notes), misses, None if gaps else solution.local,
    )  # fmt: skip


_Attempt = tuple[Solution, dict[str, GridRounding], WeightSet]


def _moments(scores: Mapping[str, FloatArray], spec: ResolvedRequest) -> dict[str, Moments]:
    shares = spec.request.problem == "shares"
    return {t: moments_of(X, centred=shares) for t, X in scores.items() if len(X)}


def _attempt(
    scores: Mapping[str, FloatArray],
    weights: WeightSet,
    scored: Scored,
    spec: ResolvedRequest,
    grid: float | None,
    name: str | None,
    rng: Seed,
) -> _Attempt:
    """Adjust on scores without gaps."""
    moments = _moments(scores, spec)
    space = space_of(weights, list(moments), spec.depths)
    tasks = star_tasks(space, spec, scores, scored)
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
    spec: ResolvedRequest,
    *request: Any,
) -> tuple[Solution, dict[str, GridRounding], WeightSet, dict[str, Moments], tuple[Text, ...]]:
    """Adjust again on gaps filled under the adjusted weights, until the weights agree.

    What an unanswered item counts for depends on the weights: demands met on gaps filled under the
    starting weights need not hold when the answers are rated under the adjusted ones.
    """
    for count in range(1, _REFILLS + 1):
        again, _ = complete_scores(scored, attempt[2])
        moved = max(float(np.abs(again[t] - scores[t]).max(initial=0.0)) for t in again)
        if moved <= 1e-7:
            said = message("adjustment.note.gaps_agree", n=count - 1)
            return *attempt, _moments(again, spec), (said,)
        scores = again
        attempt = _attempt(scores, weights, scored, spec, *request)
    again, _ = complete_scores(scored, attempt[2])
    said = message("adjustment.note.gaps_differ", n=_REFILLS)
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
    spec: ResolvedRequest,
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
    asked: list[Text] | str = [
        message("adjustment.asked_cap", measure=message(f"adjustment.measure.{m}"), cap=f"{c:g}")
        for m, c in spec.caps.items()
    ] or spec.request.problem
    levels = [fw.levels[d - 1][1] for d in spec.depths if d <= len(fw.levels)]
    parts: list[Text] = [
        message("provenance.adjusted", base=weights.called, levels=levels, asked=asked)
    ]
    if grid is not None:
        parts.append(message("provenance.on_grid", grid=f"{grid:g}"))
    detail = joined(parts, message("words.semicolon"))
    return WeightSet.build(
        fw, name or f"{weights.name} adjusted", out, source="adjusted", detail=detail,
        inputs={weights.name: weights.digest}, synthetic=weights.provenance.synthetic,
    )  # fmt: skip


def star_tasks(
    space: Space,
    spec: ResolvedRequest,
    scores: Mapping[str, FloatArray],
    scored: Scored,
) -> list[StarTask]:
    """Return the stars sought on each track: those of the start, or the reference."""
    if spec.request.problem != "stars":
        return []
    reference = spec.request.reference
    rule = scored.framework.rule
    tasks: list[StarTask] = []
    seen: set[str] = set()
    for block in space.blocks:
        t = block.track.code
        thresholds = rule.effective(scored.rule_options, t)
        check_capped_scored(block.track, thresholds, scored.samples[t].X)
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
            raise InputError(message("adjustment.fault.unknown_enterprises", ids=unknown[:10]))
        first, last = rule.first, rule.first + rule.stars - 1
        wrong = [f"{i}: {s}" for i, s in reference.items() if not first <= s <= last]
        if wrong:
            raise InputError(
                message("adjustment.fault.star_range", first=first, last=last, wrong=wrong)
            )
    return tasks


def _fit_notes(solution: Solution) -> tuple[Text, ...]:
    fit = solution.stars
    if fit is None:
        return ()
    how = message("adjustment.fit.part" if "part" in fit.method else "adjustment.fit.whole")
    if fit.proven:
        return (message("adjustment.note.fewest", n=fit.missed, method=how),)
    return (
        message("adjustment.note.not_fewest", n=fit.missed, bound=fit.bound, method=how,
                used=fit.used),
    )  # fmt: skip
