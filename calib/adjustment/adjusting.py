"""One adjustment at once: solved, rounded, rated again, and described before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.families import Solution, share_misses
from calib.adjustment.grid import GridRounding
from calib.adjustment.solve import round_levels, solve
from calib.adjustment.star_fit import StarTask, star_model
from calib.adjustment.variables import Space, build_space
from calib.errors import InputError
from calib.framework import Framework
from calib.outcomes.dominance.moments import (
    Moments,
    complete_scores,
    contribution_share,
    moments_of,
    variance_share,
)
from calib.rating import Rating, Scored, rate
from calib.rating.causes import move_causes
from calib.rating.gates_and_caps import check_capped_scored
from calib.weights import WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Adjusted",
    "adjust_once",
    "distance_table",
    "finished",
    "measure_table",
    "minimised",
    "minimised_distance",
    "price_table",
    "space_of",
    "star_moves_table",
    "star_tasks",
]


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


def minimised(framework: Framework, spec: ResolvedRequest) -> Text:
    """Return what a request minimises, in words."""
    problem = spec.request.problem
    if problem in ("shares", "correlations"):
        return message(f"adjustment.minimised.{problem}")
    kind = "stars" if problem == "stars" else spec.request.distance
    return message(f"adjustment.minimised.{kind}", level=_level(framework, spec))


def minimised_distance(
    before: WeightSet, after: WeightSet, spec: ResolvedRequest
) -> Mapping[str, float]:
    """Return the distance that a request minimises, by track; NaN where none is minimised.

    Notes
    -----
    Euclidean distances of tracks add up in squares, relative entropies plainly.
    """
    out = {}
    for t, track in before.framework.tracks.items():
        nodes = track.at_depth(max(spec.depths))
        old, new = (track.global_weights(w.local[t])[nodes] for w in (before, after))
        if spec.request.problem in ("shares", "correlations"):
            out[t] = np.nan
        elif spec.request.distance == "entropy":
            live = new > 0
            out[t] = float(new[live] @ np.log(new[live] / old[live]))
        else:
            out[t] = float(np.linalg.norm(new - old))
    return out


def _level(framework: Framework, spec: ResolvedRequest) -> Text:
    depth = max(spec.depths)
    if depth <= len(framework.levels):
        return framework.levels[depth - 1][1]
    return message("adjustment.depth", depth=depth)


def measure_table(
    before: WeightSet,
    after: WeightSet,
    moments: Mapping[str, Moments],
    depth: int,
    later: Mapping[str, Moments] | None = None,
) -> pd.DataFrame:
    """Return weight, contribution and variance share of the nodes at a depth, before and after.

    Parameters
    ----------
    before, after : weight sets
    moments : of leaf scores under the weights before, by track
    depth : of the nodes
    later : of leaf scores under the weights after, where unanswered items make them others
    """
    import pandas as pd

    parts = []
    for t, m in moments.items():
        track = before.framework.tracks[t]
        nodes = track.at_depth(depth)
        data: dict[str, object] = {
            "track": t,
            "code": [track.codes[i] for i in nodes],
            "name_zh": [track.nodes[i].name.zh for i in nodes],
            "name_en": [track.nodes[i].name.en for i in nodes],
            "local_before": before.local[t][nodes],
            "local_after": after.local[t][nodes],
        }
        for when, w in (("before", before), ("after", after)):
            g = track.global_weights(w.local[t])[nodes]
            own = later[t] if later is not None and when == "after" else m
            through = own.through(track.within(w.local[t], nodes).T)
            data[f"weight_{when}"] = g
            data[f"contribution_{when}"] = contribution_share(g, through)
            data[f"variance_{when}"] = variance_share(g, through).share
        parts.append(pd.DataFrame(data))
    return pd.concat(parts, ignore_index=True)


def price_table(solution: Solution) -> pd.DataFrame:
    """Return demands that hold the answer back, dearest first."""
    import pandas as pd

    table = pd.DataFrame(solution.prices, columns=["demand", "shadow_price", "slack"])
    table["demand"] = pd.Series([name for name, *_ in solution.prices], dtype=object)
    return table.sort_values("shadow_price", ascending=False, kind="stable", ignore_index=True)


def star_moves_table(before: Rating, after: Rating) -> pd.DataFrame:
    """Return the enterprises whose star changes: from, to, and through what.

    Stars are numbered as the rule numbers them; causes are those of
    :func:`calib.rating.causes.star_obstacles`.
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    rule, first = after.framework.rule, after.framework.rule.first
    for t, a in after.samples.items():
        b = before.samples[t]
        moved = np.flatnonzero(a.star != b.star)
        causes = move_causes(b, a, moved, rule, after.rule_options)
        rows += [
            (a.ids[i], t, int(b.star[i]) + first, int(a.star[i]) + first, float(b.total[i]),
             float(a.total[i]), cause)
            for i, cause in zip(moved, causes, strict=True)
        ]  # fmt: skip
    columns = [
        "enterprise",
        "track",
        "star_before",
        "star_after",
        "total_before",
        "total_after",
        "through",
    ]
    return pd.DataFrame(rows, columns=columns)


def distance_table(before: WeightSet, after: WeightSet, spec: ResolvedRequest) -> pd.DataFrame:
    """Return Euclidean distance and total variation of leaf weights, and what was minimised.

    Notes
    -----
    Column ``minimised`` is the distance of the request (:func:`minimised`), on the weights of the
    lowest level that moves; the two others are on the indicators, whatever moved.
    """
    import pandas as pd

    rows = []
    own = minimised_distance(before, after, spec)
    for t in before.framework.tracks:
        d = after.leaf(t) - before.leaf(t)
        rows.append((t, float(np.linalg.norm(d)), float(np.abs(d).sum() / 2), own[t]))
    return pd.DataFrame(rows, columns=["track", "euclidean", "total_variation", "minimised"])
