"""How far the weights are from changing each star: the request, the function, the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from calib.errors import InputError, did_you_mean
from calib.framework import Framework, RuleOptions, Thresholds
from calib.outcomes.smallest_shift import Direction, Engine, SmallestShift, smallest_shift
from calib.population import Population
from calib.rating import Scored, ScoredSample, over_samples
from calib.rating.gates_and_caps import movable_gates
from calib.rating.one_weight import one_weight_intervals
from calib.rating.subject import (
    INCOMPLETE,
    Incomplete,
    check_framework,
    complete_only,
    scored_enterprises,
)
from calib.report import Drawing, Note, Result, Role, Table
from calib.requests import Request, expect, takes
from calib.weights import WeightSet
from calib.words import Text, message, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StabilityRequest", "StabilityResult", "stability"]

MOST_INTERVALS = 200_000
"""The table of weight intervals has up to this many rows."""


class StabilityRequest(Request):
    """Options of :func:`stability`."""

    within: Annotated[float, Field(gt=0, le=100)] = Field(
        5.0, description="percentage points of weight; a star that so little changes is near"
    )
    levels: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="the levels whose weights may move, each by itself; all of them if None"
    )
    engine: Engine = Field(
        "auto", description="numba (extra fast), numpy, or whichever is there and worth compiling"
    )
    incomplete: Incomplete = Field("leave-out", description=INCOMPLETE)


@dataclass(frozen=True, eq=False, repr=False)
class StabilityResult(Result):
    """How much weight must move before a star changes, enterprise by enterprise.

    Tables: ``stability-near`` (enterprises near another star), ``stability`` (the smallest shift
    down and up, as total variation and as L2 distance, and what decides), ``stability-shifts``
    (where these shifts move weight), ``weight-intervals`` (the interval of each weight alone in
    which the star holds).
    """

    framework: Framework
    levels: tuple[str, ...]
    within: float
    shifts: pd.DataFrame
    moves: pd.DataFrame
    intervals: pd.DataFrame
    remarks: tuple[Note, ...] = ()

    def headline(self) -> Text:
        """Return how many stars are near another on the first level that may move."""
        return self.notes[0].text

    @cached_property
    def near(self) -> pd.DataFrame:
        """Enterprises whose star changes when at most ``within`` points of weight move."""
        nearest = self.shifts[["down_tv", "up_tv"]].min(axis=1)
        chosen = nearest <= self.within / 100
        near = self.shifts[chosen].copy()
        near.insert(5, "nearest_tv", nearest[chosen])
        near = near.sort_values(["level", "nearest_tv"], kind="stable")
        return near.reset_index(drop=True)

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Who is near, all distances, where weight moves, and intervals."""
        return (
            Table("stability-near", self.near, message("outcomes.stability.near")),
            Table("stability", self.shifts, message("outcomes.stability.shifts"), rows=0),
            Table("stability-shifts", self.moves, message("outcomes.stability.moves"), rows=0),
            Table("weight-intervals", self.intervals.head(MOST_INTERVALS),
                  message("outcomes.stability.intervals"), rows=0),
        )  # fmt: skip

    @cached_property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """The weight that must move, one figure a level."""
        return tuple(self._drawing(level) for level in self.levels)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How many are near, by level."""
        labels = dict(self.framework.levels)
        notes = [
            Note(message("outcomes.stability.note", level=labels[level],
                         within=f"{self.within:g}", n=int((self.near["level"] == level).sum())))
            for level in self.levels
        ]  # fmt: skip
        notes += self.remarks
        if len(self.intervals) > MOST_INTERVALS:
            text = message("outcomes.stability.cut", rows=MOST_INTERVALS, of=len(self.intervals))
            notes.append(Note(text, warning=True))
        return tuple(notes)

    def _drawing(self, level: str) -> Drawing:
        part = self.shifts[self.shifts["level"] == level]
        shown = part.set_index("name")[["down_tv", "up_tv"]]
        shown.columns = ["down", "up"]
        shown = shown.fillna(np.inf)

        label = dict(self.framework.levels)[level]
        title = message("outcomes.stability.figure", level=label)

        def draw(lang: str) -> Any:
            from calib.figures.outcomes import shift_distances

            return shift_distances(
                shown, within=self.within / 100, lang=lang, title=title.get(lang)
            )

        return Drawing(
            f"stability-{level}", title, draw,
            roles=(Role.ENTERPRISE, Role.STATISTIC),
        )  # fmt: skip


def _watched(found: StabilityResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown: how many stars are near another."""
    import pandas as pd

    levels = list(dict.fromkeys(found.shifts["level"]))
    counts = found.near["level"].value_counts()
    rows = [(level, "near", float(counts.get(level, 0))) for level in levels]
    return pd.DataFrame(rows, columns=["level", "quantity", "value"])


@over_samples(_watched)
@takes(StabilityRequest)
def stability(
    weights: WeightSet,
    population: Population | Scored,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    workers: int | None = None,
    progress: Callable[[str], object] = lambda text: None,
    request: StabilityRequest,
) -> StabilityResult:
    """Find how far the weights are from changing each enterprise's star, gates included.

    Parameters
    ----------
    weights : the set from which weight is moved
    population : the enterprises, as answers or as scores; or an ensemble of samples
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    workers : threads; all cores if None
    progress : called with a text before each level
    {options}

    Raises
    ------
    InputError
        For an unknown level, or a gated node of weight 0.
    Unanswered
        When no enterprise has answered every item; those that have not are left out otherwise,
        as the weight that they hand on does not move on straight lines.

    Notes
    -----
    Exact: see :func:`smallest_shift` for the smallest shifts, :func:`one_weight_intervals` for
    the interval of each weight alone.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> firms = calib.generate_population(framework, 20, rng=1)
    >>> found = calib.stability(calib.published_weights(framework), firms, levels=["pillar"])
    >>> sorted(found.frames)
    ['stability', 'stability-near', 'stability-shifts', 'weight-intervals']
    """
    import pandas as pd

    expect(
        "stability(weights, population)",
        weights=(weights, WeightSet),
        population=(population, (Population, Scored)),
    )
    scored = scored_enterprises(population, rule_options)
    scored, remarks = complete_only(scored, request.incomplete, message("sections.stability"))
    check_framework([weights], scored)
    levels = [c for c, _ in scored.framework.levels]
    for level in request.levels or ():
        if level not in levels:
            raise InputError(
                message("outcomes.no_level", at="levels", level=repr(level),
                        hint=did_you_mean(level, levels), levels=levels)
            )  # fmt: skip
    chosen = request.levels or tuple(levels)
    whole, options = scored.framework.rule, scored.rule_options
    rules = {t: whole.effective(options, t) for t in scored.samples}
    for t, sample in scored.samples.items():
        movable_gates(sample.track, rules[t])  # says so at once where it cannot follow the rule
    shifts, moves = [], []
    for level in chosen:
        progress(say("outcomes.doing", what=message("sections.stability"), part=level))
        for sample in scored.samples.values():
            rule = rules[sample.track.code]
            found = _shifts(weights, sample, rule, levels.index(level) + 1, request, workers)
            shifts.append(_shift_table(weights, sample, level, found))
            moves.append(_move_table(weights, sample, level, found, request.within / 100))
    spans = [_intervals(weights, sample, rules[t]) for t, sample in scored.samples.items()]
    return StabilityResult(
        scored.framework, chosen, request.within,
        pd.concat(shifts, ignore_index=True), pd.concat(moves, ignore_index=True),
        pd.concat(spans, ignore_index=True), remarks,
    )  # fmt: skip


def _shifts(
    weights: WeightSet,
    sample: ScoredSample,
    rule: Thresholds,
    depth: int,
    request: StabilityRequest,
    workers: int | None,
) -> dict[str, SmallestShift]:
    """Return the smallest shifts down and up in both norms, as ``down_tv``, ``up_l2``."""
    X = sample.require_complete(message("sections.stability"))
    directions: tuple[Direction, ...] = ("down", "up")
    return {
        f"{direction}_{norm}": smallest_shift(
            sample.track, X, weights.local[sample.track.code], rule, direction=direction,
            norm="tv" if norm == "tv" else "l2", depth=depth, workers=workers,
            engine=request.engine if norm == "tv" else "auto",
        )
        for direction in directions
        for norm in ("tv", "l2")
    }  # fmt: skip


def _shift_table(
    weights: WeightSet, sample: ScoredSample, level: str, found: Mapping[str, SmallestShift]
) -> pd.DataFrame:
    import pandas as pd

    down, up, rows = found["down_tv"], found["up_tv"], range(len(sample))
    return pd.DataFrame({
        "set": weights.name, "level": level, "enterprise": sample.ids, "name": sample.names,
        "track": sample.track.code, "star": down.star + weights.framework.rule.first,
        # No shift at all is an empty cell.
        **{k: np.where(np.isfinite(s.distance), s.distance, np.nan) for k, s in found.items()},
        "down_by": [down.reason(i) for i in rows], "up_by": [up.reason(i) for i in rows],
    })  # fmt: skip


def _move_table(
    weights: WeightSet,
    sample: ScoredSample,
    level: str,
    found: Mapping[str, SmallestShift],
    within: float,
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for direction in ("down", "up"):
        shift = found[f"{direction}_tv"]
        for i in np.flatnonzero(shift.distance <= within):
            change = shift.weights[i] - shift.baseline
            rows += [
                (weights.name, level, sample.ids[i], direction, sample.track.codes[shift.units[j]],
                 shift.baseline[j], shift.weights[i, j], change[j])
                for j in np.flatnonzero(np.abs(change) > 1e-12)
            ]  # fmt: skip
    columns = ["set", "level", "enterprise", "direction", "node", "weight_now", "weight_there",
               "change"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(columns[-3:], float))  # also where there are no rows


def _intervals(weights: WeightSet, sample: ScoredSample, rule: Thresholds) -> pd.DataFrame:
    import pandas as pd

    track, first = sample.track, weights.framework.rule.first
    keep = np.arange(min(len(sample), 1 + MOST_INTERVALS // len(track.nodes)))
    found = one_weight_intervals(track, sample.X[keep], weights.local[track.code], rule)
    # Only weights whose interval ends inside 0 to 1: the others can take any value.
    ends = (found.star_below != found.star[:, None]) | (found.star_above != found.star[:, None])
    row, node = np.nonzero(ends)
    return pd.DataFrame({
        "set": weights.name, "enterprise": sample.ids[row], "name": sample.names[row],
        "track": track.code, "node": [track.codes[j] for j in node], "weight": found.now[node],
        "low": found.low[row, node], "high": found.high[row, node],
        "star": found.star[row] + first, "star_below": found.star_below[row, node] + first,
        "star_above": found.star_above[row, node] + first,
    })  # fmt: skip
