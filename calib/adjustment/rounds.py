"""Reverse adjustment in rounds: damped steps, each logged, until the caps hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.adjusting import Adjusted, adjust_once, finished, space_of
from calib.adjustment.before_and_after import measure_table, star_moves_table
from calib.adjustment.constraint_names import place_name
from calib.adjustment.ledger import Ledger, in_both, local_by_code
from calib.adjustment.relaxation import Relaxed, with_relaxation
from calib.framework import Framework
from calib.outcomes.dominance.moments import complete_scores, moments_of
from calib.rating import Scored, rate
from calib.rating.kernel import single_threaded_blas
from calib.weights import WeightSet
from calib.words import Name, Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Round", "Rounds", "over_caps", "round_table", "run_rounds"]

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
    reason : why the round was made
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
    reason: Text


@dataclass(frozen=True, eq=False)
class Rounds:
    """A calibration in rounds.

    Parameters
    ----------
    start, final : weight sets
    rounds : the rounds made
    holds : whether every cap holds at the end
    stopped : why no further round was made
    ledger : everything needed to audit and replay
    relaxed : the caps met instead, where floor and order forbid those asked
    """

    start: WeightSet
    final: WeightSet
    rounds: tuple[Round, ...]
    holds: bool
    stopped: Text
    ledger: Ledger
    relaxed: Relaxed | None = None


@single_threaded_blas()
def run_rounds(weights: WeightSet, scored: Scored, spec: ResolvedRequest, seed: int) -> Rounds:
    """Adjust in damped rounds until the caps hold, or those that can be met instead.

    Parameters
    ----------
    weights : starting weights
    scored : the enterprises
    spec : the request on the tree; its ``steps`` are the shares of the way, its ``grid`` rounds
        the last round's weights
    seed : of the random starts; round r uses ``seed + r``

    Notes
    -----
    A step goes along the straight line of global weights from the current weights to the nearest
    ones under the caps, so linear constraints that hold at both ends hold between them.
    """
    made, relaxed = with_relaxation(
        weights, scored, spec, lambda one: _run(weights, scored, one, seed)
    )
    return replace(made, relaxed=relaxed)


def _run(weights: WeightSet, scored: Scored, spec: ResolvedRequest, seed: int) -> Rounds:
    steps, grid = spec.request.steps, spec.request.grid
    ledger = Ledger.start(weights, scored, spec.request, seed)
    spec = replace(spec, origin=weights.local)
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
        last = adjust_once(current, scored, spec, grid=grid, rng=seed)
        made.append(_finish(current, scored, spec, last, len(made) + 1))
        current = last.weights
        ledger = ledger.append(_entry(made[-1]))
    stopped = _stop_reason(over, made)
    ledger = ledger.close(holds=not over, stopped=stopped, final=current)
    return Rounds(weights, current, tuple(made), not over, stopped, ledger)


def over_caps(
    weights: WeightSet, scored: Scored, spec: ResolvedRequest
) -> tuple[tuple[tuple[str, str, float, float], ...], dict[str, float]]:
    """Return capped nodes above their cap, and the largest value by capped measure."""
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


def round_table(made: Rounds) -> pd.DataFrame:
    """Return one row for each round: what was moved, how far, and why."""
    import pandas as pd

    rows = []
    framework = made.final.framework
    first = framework.rule.first
    for r in made.rounds:
        row: dict[str, object] = {"round": r.number, "step": r.step}
        for m, value in r.largest_before.items():
            row[f"largest_{m}_before"] = value
            row[f"largest_{m}_after"] = r.largest_after[m]
        row |= {f"stars_{i + first}": c for i, c in enumerate(r.stars_after)}
        cert = r.adjusted.solution.certificate
        row |= {
            "stars_changed": len(r.moves),
            "moved_enterprises": "; ".join(f"{m[0]} {m[2]}→{m[3]} ({m[4]})" for m in r.moves),
            "kkt_residual": cert.residual if cert is not None else np.nan,
            "reason_zh": _reason(r.over, framework).get("zh"),
            "reason_en": r.reason.get("en"),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _round(
    current: WeightSet,
    scored: Scored,
    spec: ResolvedRequest,
    number: int,
    step: float,
    last: bool,
    grid: float | None,
    seed: int,
) -> Round:
    full = adjust_once(
        current, scored, spec, grid=grid if last else None, rng=seed + number,
        name=f"{current.name} round {number}",
    )  # fmt: skip
    if step < 1.0 and not (last and grid is not None):
        local = _part_way(current, full.weights, spec, list(scored.samples), step)
        after = finished(current, local, spec, f"round {number}")
    else:
        after = full.weights.renamed(f"round {number}")
    label = message("adjustment.round_label", n=number)
    after = after.renamed(after.name, Name(label.get("zh"), label.get("en")))
    return _describe(number, step, current, after, full, scored, spec)


def _finish(
    current: WeightSet, scored: Scored, spec: ResolvedRequest, full: Adjusted, number: int
) -> Round:
    return _describe(number, 1.0, current, full.weights, full, scored, spec)


def _part_way(
    before: WeightSet, after: WeightSet, spec: ResolvedRequest, tracks: Sequence[str], step: float
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
    spec: ResolvedRequest,
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


def _reason(
    over: Sequence[tuple[str, str, float, float]], framework: Framework | None = None
) -> Text:
    """Say what a round is made for; a ledger names places by codes, a table by their names."""
    if not over:
        return message("adjustment.reason.grid")
    said = [
        message("adjustment.reason.over", value=value, cap=cap,
                where=where if framework is None else place_name(where, framework),
                measure=message(f"adjustment.measure.{measure}"))
        for where, measure, value, cap in over
    ]  # fmt: skip
    return joined(said, message("words.semicolon"))


def _stop_reason(over: Sequence[object], made: Sequence[Round]) -> Text:
    if not over and not made:
        return message("adjustment.stopped.already")
    if not over:
        return message("adjustment.stopped.holds", number=made[-1].number)
    return message("adjustment.stopped.planned", n=len(over))


def _entry(r: Round) -> dict[str, Any]:
    cert = r.adjusted.solution.certificate
    return {
        "round": r.number,
        "step": r.step,
        "reason": in_both(r.reason),
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
        "notes": [in_both(n) for n in (*r.adjusted.misses, *r.adjusted.notes)],
    }
