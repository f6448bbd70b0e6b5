"""The outcome ``stability``: how far the weights are from changing each star."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from calib.errors import InputError, suggest
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Drawing, Note, OutcomeResult, Table
from calib.framework import Name
from calib.outcomes.intervals import one_weight_intervals
from calib.outcomes.stability import Direction, Engine, SmallestShift, smallest_shift
from calib.rating import ScoredSample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STABILITY"]

MOST_INTERVALS = 200_000


class StabilityParams(Params):
    """``stability``: of the stars under ``set``; near is a shift of ``within`` percentage points.

    ``levels`` are the levels whose weights may move; intervals are given for every weight.
    ``engine`` solves for total variation: ``numba`` (extra ``fast``), ``numpy``, or ``auto``.
    """

    set: str | None = None
    within: Annotated[float, Field(gt=0, le=100)] = 5.0
    levels: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    engine: Engine = "auto"


def _build(context: Context, params: StabilityParams) -> OutcomeResult:
    import pandas as pd

    levels = [c for c, _ in context.framework.levels]
    for level in params.levels or ():
        if level not in levels:
            raise InputError(
                f"{context.file}: outcomes.stability.levels: no level {level!r} "
                f"{suggest(level, levels)}; levels are {', '.join(levels)}"
            )
    chosen = params.levels or tuple(levels)
    name = params.set or context.baseline
    scored = context.scored_under(name)
    rows, moves, spans = [], [], []
    for level in chosen:
        context.tick(f"stability {level}")
        for sample in scored.samples.values():
            table, shifted = _shifts(context, name, sample, level, levels.index(level) + 1, params)
            rows.append(table)
            moves.append(shifted)
    for sample in scored.samples.values():
        spans.append(_intervals(context, name, sample))
    stability = pd.concat(rows, ignore_index=True)
    intervals = pd.concat(spans, ignore_index=True)
    nearest = stability[["down_tv", "up_tv"]].min(axis=1)
    near = stability[nearest <= params.within / 100].copy()
    near.insert(5, "nearest_tv", nearest[nearest <= params.within / 100])
    near = near.sort_values(["level", "nearest_tv"], kind="stable").reset_index(drop=True)
    notes = []
    for level in chosen:
        count = int((near["level"] == level).sum())
        notes.append(Note(Name(
            f"仅移动“{level}”层权重 {params.within:g} 个百分点以内即可改变星级的企业：{count} 家。",
            f"Enterprises whose star changes with at most {params.within:g} percentage points "
            f"of {level} weight moved: {count}.",
        )))  # fmt: skip
    tables = [
        Table("stability-near", near, Name("邻近其他星级的企业", "Enterprises near another star")),
        Table("stability", stability, Name("改变星级所需的最小权重移动",
              "Smallest shift of weight that changes a star"), rows=0),
        Table("stability-shifts", pd.concat(moves, ignore_index=True),
              Name("最小移动的去向（邻近企业）", "Where the smallest shifts go"), rows=0),
        Table("weight-intervals", intervals.head(MOST_INTERVALS),
              Name("单项权重的稳定区间", "Interval in which each weight keeps the star"), rows=0),
    ]  # fmt: skip
    if len(intervals) > MOST_INTERVALS:
        notes.append(Note(Name(
            f"稳定区间表只写出前 {MOST_INTERVALS} 行，共 {len(intervals)} 行。",
            f"The table of weight intervals has the first {MOST_INTERVALS} of {len(intervals)} "
            "rows.",
        ), warning=True))  # fmt: skip
    drawings = [_drawing(context, level, stability, params.within / 100) for level in chosen]
    return OutcomeResult(tuple(tables), tuple(drawings), tuple(notes))


def _shifts(
    context: Context,
    name: str,
    sample: ScoredSample,
    level: str,
    depth: int,
    params: StabilityParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    track = sample.track.code
    X = sample.require_complete("stability")
    local, first = context.set(name).local[track], context.framework.rule.first
    thresholds = context.framework.rule.thresholds(context.readings)
    found: dict[str, SmallestShift] = {}
    directions: tuple[Direction, ...] = ("down", "up")
    for direction in directions:
        for norm in ("tv", "l2"):
            found[f"{direction}_{norm}"] = smallest_shift(
                sample.track, X, local, thresholds, direction=direction,
                norm="tv" if norm == "tv" else "l2", depth=depth, workers=context.workers,
                engine=params.engine if norm == "tv" else "auto",
            )  # fmt: skip
    table = pd.DataFrame({
        "set": name, "level": level, "enterprise": sample.ids, "name": sample.names,
        "track": track, "star": found["down_tv"].star + first,
        # No shift at all is an empty cell.
        **{k: np.where(np.isfinite(s.distance), s.distance, np.nan) for k, s in found.items()},
        "down_by": [found["down_tv"].reason(i) for i in range(len(X))],
        "up_by": [found["up_tv"].reason(i) for i in range(len(X))],
    })  # fmt: skip
    moves = []
    for direction in directions:
        shift = found[f"{direction}_tv"]
        for i in np.flatnonzero(shift.distance <= params.within / 100):
            change = shift.weights[i] - shift.baseline
            moves += [
                (name, level, sample.ids[i], direction, sample.track.codes[shift.units[j]],
                 shift.baseline[j], shift.weights[i, j], change[j])
                for j in np.flatnonzero(np.abs(change) > 1e-12)
            ]  # fmt: skip
    columns = ["set", "level", "enterprise", "direction", "node", "weight_now", "weight_there",
               "change"]  # fmt: skip
    frame = pd.DataFrame(moves, columns=columns)
    numbers = dict.fromkeys(columns[-3:], float)  # also where there are no rows
    return table, frame.astype(numbers)


def _intervals(context: Context, name: str, sample: ScoredSample) -> pd.DataFrame:
    import pandas as pd

    track = sample.track.code
    thresholds = context.framework.rule.thresholds(context.readings)
    keep = np.arange(min(len(sample), 1 + MOST_INTERVALS // len(sample.track.nodes)))
    first = context.framework.rule.first
    found = one_weight_intervals(
        sample.track, sample.X[keep], context.set(name).local[track], thresholds
    )

    # Only weights whose interval ends inside 0 to 1: the others can take any value.
    ends = (found.star_below != found.star[:, None]) | (found.star_above != found.star[:, None])
    row, node = np.nonzero(ends)
    return pd.DataFrame({
        "set": name, "enterprise": sample.ids[row], "name": sample.names[row], "track": track,
        "node": [sample.track.codes[j] for j in node], "weight": found.now[node],
        "low": found.low[row, node], "high": found.high[row, node],
        "star": found.star[row] + first, "star_below": found.star_below[row, node] + first,
        "star_above": found.star_above[row, node] + first,
    })  # fmt: skip


def _drawing(context: Context, level: str, table: pd.DataFrame, within: float) -> Drawing:
    part = table[table["level"] == level]
    shown = part.set_index("name")[["down_tv", "up_tv"]]
    shown.columns = ["down", "up"]
    shown = shown.fillna(np.inf)

    def draw(language: str) -> Any:
        from calib.figures.outcomes import shift_distances

        return shift_distances(shown, within=within, language=language)

    names = dict(context.framework.levels)
    zh, en = names[level].zh, names[level].en
    title = Name(f"改变星级所需移动的权重：{zh}", f"Weight that must move to change a star: {en}")
    return Drawing(f"stability-{level}", title, draw)


STABILITY = Outcome(StabilityParams, _build, lambda p: [p.set] if p.set else [])
