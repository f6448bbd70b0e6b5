"""Reverse adjustment in rounds: damped steps, each logged, until the caps hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.adjustment.adjusting import Adjusted, adjust_spec, finished, space_of
from calib.adjustment.before_after import measure_table, star_moves_table
from calib.adjustment.ledger import Ledger, local_by_code
from calib.adjustment.moments import moments_of
from calib.adjustment.scores import complete_scores, scored_for
from calib.adjustment.spec import AdjustSpec
from calib.errors import InputError
from calib.framework import Name, Readings
from calib.population import Population
from calib.rating import Scored, rate
from calib.rating.kernel import single_threaded_blas
from calib.weights import WeightSet

__all__ = ["Round", "Rounds", "adjust_rounds", "over_caps"]

_HOLDS = 1e-8


@dataclass(frozen=True, eq=False)
class Round:
    """One round of adjustment.

    Parameters
    ----------
    number : counted from 1
    step : share of the way to the nearest weights under the caps that was taken
    before, after : weight sets
    adjusted : the full adjustment of which ``step`` was taken
    over : capped nodes above their cap before the round: (track/code, measure, value, cap)
    largest_before, largest_after : largest value by capped measure
    stars_before, stars_after : enterprises by star
    moves : enterprises whose star this round changes: id, track, from, to, through
    reason : why the round was made, in both languages
    """

    number: int
    step: float
    before: WeightSet
    after: WeightSet
    adjusted: Adjusted
    over: tuple[tuple[str, str, float, float], ...]
    largest_before: Mapping[str, float]
    largest_after: Mapping[str, float]
    stars_before: tuple[int, ...]
    stars_after: tuple[int, ...]
    moves: tuple[tuple[str, str, int, int, str], ...]
    reason: Name


@dataclass(frozen=True, eq=False)
class Rounds:
    """A calibration in rounds.

    Parameters
    ----------
    start, final : weight sets
    rounds : the rounds made
    holds : whether every cap holds at the end
    stopped : why no further round was made, in both languages
    ledger : everything needed to audit and replay
    """

    start: WeightSet
    final: WeightSet
    rounds: tuple[Round, ...]
    holds: bool
    stopped: Name
    ledger: Ledger


@single_threaded_blas()
def adjust_rounds(
    weights: WeightSet,
    population: Population | Scored,
    spec: AdjustSpec,
    *,
    steps: Sequence[float] = (0.5, 0.75, 1.0),
    grid: float | None = None,
    readings: Readings | Mapping[str, str] | None = None,
    seed: int = 0,
) -> Rounds:
    """Adjust in damped rounds until the caps hold.

    Parameters
    ----------
    weights : starting weights
    population : trial sample
    spec : the request; problem "caps"
    steps : share of the way taken in each round, above 0, at most 1; as many rounds at most
    grid : round the last round's weights to this grid
    readings : open readings
    seed : of the random starts; round r uses ``seed + r``

    Returns
    -------
    Rounds

    Notes
    -----
    A step goes along the straight line of global weights from the current weights to the nearest
    ones under the caps, so linear demands that hold at both ends hold between them.
    """
    bad = [s for s in steps if not 0 < s <= 1]
    if bad or not steps:
        raise InputError(f"steps must be shares above 0 and at most 1, found {list(steps)!r}")
    if spec.problem != "caps":
        raise InputError("rounds are for problem 'caps'; the others have one answer")
    scored = scored_for(population, weights, readings)
    ledger = Ledger.start(weights, scored, spec, tuple(steps), grid, seed)
    current = weights
    made: list[Round] = []
    for number, step in enumerate(steps, start=1):
        over, _ = over_caps(current, scored, spec)
        if not over:
            break
        made.append(_round(current, scored, spec, number, step, number == len(steps), grid, seed))
        current = made[-1].after
        ledger = ledger.append(_entry(made[-1]))
    over, _ = over_caps(current, scored, spec)
    rounded = bool(made) and grid is not None and made[-1].number == len(steps)
    if grid is not None and not rounded:  # the caps held early: round what there is
        last = adjust_spec(current, scored, spec, grid=grid, rng=seed)
        made.append(_finish(current, scored, spec, last, len(made) + 1))
        current = last.weights
        ledger = ledger.append(_entry(made[-1]))
    stopped = _stop_reason(over, made)
    ledger = ledger.close(holds=not over, stopped=stopped, final=current)
    return Rounds(weights, current, tuple(made), not over, stopped, ledger)


def over_caps(
    weights: WeightSet, population: Population | Scored, spec: AdjustSpec
) -> tuple[tuple[tuple[str, str, float, float], ...], dict[str, float]]:
    """Return capped nodes above their cap, and the largest value by capped measure."""
    scored = scored_for(population, weights, None)
    scores, _ = complete_scores(scored, weights)
    moments = {t: moments_of(X) for t, X in scores.items() if len(X)}
    table = measure_table(weights, weights, moments, spec.on)
    rows, largest = [], {}
    for measure, cap in spec.caps.items():
        values = table[f"{measure}_before"].to_numpy(dtype=float)
        largest[measure] = float(values.max())
        for i in np.flatnonzero(values > cap + _HOLDS):
            where = f"{table['track'].iloc[i]}/{table['code'].iloc[i]}"
            rows.append((where, measure, float(values[i]), float(cap)))
    return tuple(rows), largest


def _round(
    current: WeightSet,
    scored: Scored,
    spec: AdjustSpec,
    number: int,
    step: float,
    last: bool,
    grid: float | None,
    seed: int,
) -> Round:
    full = adjust_spec(
        current, scored, spec, grid=grid if last else None, rng=seed + number,
        name=f"{current.name} round {number}",
    )  # fmt: skip
    if step < 1.0 and not (last and grid is not None):
        local = _part_way(current, full.weights, spec, list(scored.samples), step)
        after = finished(current, local, spec, f"round {number}")
    else:
        after = full.weights.renamed(f"round {number}")
    return _describe(number, step, current, after, full, scored, spec)


def _finish(
    current: WeightSet, scored: Scored, spec: AdjustSpec, full: Adjusted, number: int
) -> Round:
    return _describe(number, 1.0, current, full.weights, full, scored, spec)


def _part_way(
    before: WeightSet, after: WeightSet, spec: AdjustSpec, tracks: Sequence[str], step: float
) -> dict[str, FloatArray]:
    space = space_of(before, tracks, spec.depths)
    goal = np.concatenate(
        [b.track.global_weights(after.local[b.track.code])[b.nodes] for b in space.blocks]
    )
    return space.local_weights(space.start + step * (goal - space.start))


def _describe(
    number: int,
    step: float,
    before: WeightSet,
    after: WeightSet,
    full: Adjusted,
    scored: Scored,
    spec: AdjustSpec,
) -> Round:
    over, largest = over_caps(before, scored, spec)
    _, largest_after = over_caps(after, scored, spec)
    old, new = rate(before, scored), rate(after, scored)
    moves = tuple(
        (str(row["enterprise"]), str(row["track"]), int(row["star_before"]),
         int(row["star_after"]), str(row["through"]))
        for row in star_moves_table(old, new).to_dict("records")
    )  # fmt: skip
    return Round(
        number, step, before, after, full, over, largest, largest_after,
        tuple(int(c) for c in old.counts()), tuple(int(c) for c in new.counts()), moves,
        _reason(over),
    )  # fmt: skip


_WORDS = {
    "weight": ("权重", "weight"),
    "contribution": ("贡献占比", "contribution share"),
    "variance": ("方差占比", "variance share"),
}


def _reason(over: Sequence[tuple[str, str, float, float]]) -> Name:
    if not over:
        return Name("各项上限均已满足，取整到网格。", "Every cap holds; rounding to the grid.")
    zh = "；".join(f"{w} {_WORDS[m][0]} {v:.1%} 超过上限 {c:.1%}" for w, m, v, c in over)
    en = "; ".join(f"{w} {_WORDS[m][1]} {v:.1%} over the cap of {c:.1%}" for w, m, v, c in over)
    return Name(zh, en)


def _stop_reason(over: Sequence[object], made: Sequence[Round]) -> Name:
    if not over and not made:
        return Name("起始权重已满足全部上限。", "The starting weights meet every cap already.")
    if not over:
        return Name(
            f"第 {made[-1].number} 轮后各项上限均满足。",
            f"Every cap holds after round {made[-1].number}.",
        )
    return Name(
        f"已完成预定轮次，仍有 {len(over)} 项超过上限。",
        f"All planned rounds are made; {len(over)} values are still above their cap.",
    )


def _entry(r: Round) -> dict[str, Any]:
    cert = r.adjusted.solution.certificate
    return {
        "round": r.number,
        "step": r.step,
        "reason": {"zh": r.reason.zh, "en": r.reason.en},
        "before": local_by_code(r.before),
        "after": local_by_code(r.after),
        "over": [list(row) for row in r.over],
        "largest_before": dict(r.largest_before),
        "largest_after": dict(r.largest_after),
        "stars_before": list(r.stars_before),
        "stars_after": list(r.stars_after),
        "moves": [list(m) for m in r.moves],
        "kkt_residual": cert.residual if cert is not None else None,
        "optima": list(r.adjusted.solution.optima),
        "rounding": {
            k: {"distance": g.distance, "bound": g.bound, "proven": g.proven}
            for k, g in r.adjusted.rounding.items()
        },
        "notes": list(r.adjusted.notes),
    }
