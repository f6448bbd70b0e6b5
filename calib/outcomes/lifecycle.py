"""The life cycle of indicators, rated: the request, the function, the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from calib.errors import Faults, InputError
from calib.framework import Framework, RuleOptions, Thresholds, Track
from calib.outcomes.indicators import add_indicator, item_use, retire_indicator
from calib.population import Population
from calib.rating import Scored, ScoredSample, over_samples
from calib.rating.gates_and_caps import movable_gates
from calib.rating.over_samples import long_form
from calib.rating.subject import check_framework, complete_only, scored_enterprises
from calib.report import Note, Result, Table
from calib.requests import Request, expect, takes
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LifecycleRequest", "LifecycleResult", "NewIndicator", "lifecycle"]


class NewIndicator(Request):
    """A new indicator under ``parent`` with a local ``weight``; everybody scores ``score``."""

    parent: str
    weight: Annotated[float, Field(gt=0, lt=1)]
    score: float = 0.0


class LifecycleRequest(Request):
    """Options of :func:`lifecycle`."""

    ceiling: Annotated[float, Field(gt=0, le=1)] = Field(
        0.8, description="an indicator is spent when this share of enterprises is at its top"
    )
    add: tuple[NewIndicator, ...] = Field(
        (), description="new indicators, each by itself: parent, weight, and score of everybody"
    )


@dataclass(frozen=True, eq=False, repr=False)
class LifecycleResult(Result):
    """Which indicators are spent, and what retiring or adding one does to stars.

    Tables: ``lifecycle`` (every indicator), ``lifecycle-added`` where indicators are added.
    """

    framework: Framework
    ceiling: float
    indicators: pd.DataFrame
    added: pd.DataFrame
    remarks: tuple[Note, ...] = ()

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and levels by code."""
        return self.framework.names

    def headline(self) -> Text:
        """Return which indicators are spent."""
        return self.notes[0].text

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Every indicator, and stars with a new one."""
        title = message("outcomes.lifecycle.table")
        tables = [Table("lifecycle", self.indicators, title, rows=60, from_answers=True)]
        if len(self.added):
            title = message("outcomes.lifecycle.added")
            tables.append(Table("lifecycle-added", self.added, title))
        return tuple(tables)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """Which indicators are spent."""
        spent = self.indicators.loc[self.indicators["spent"], "code"].tolist()
        said = message("outcomes.lifecycle.spent", ceiling=f"{self.ceiling:.0%}",
                       codes=spent or "–")  # fmt: skip
        return (Note(said), *self.remarks)


def _watched(found: LifecycleResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown."""
    numbers = ["ceiling", "floor", "mean", "spent", "retire_up", "retire_down"]
    return long_form(found.indicators.astype({"spent": float}), ["track", "code"], numbers)


@over_samples(_watched)
@takes(LifecycleRequest)
def lifecycle(
    weights: WeightSet,
    population: Population | Scored,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    request: LifecycleRequest,
) -> LifecycleResult:
    """Describe how indicators use their scale, and rate without each and with new ones.

    Parameters
    ----------
    weights : the set under which enterprises are rated
    population : the enterprises, as answers or as scores; or an ensemble of samples
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    {options}

    Raises
    ------
    InputError
        For a new indicator under a node without indicators or off the scale.
    Unanswered
        When no enterprise has answered every item; those that have not are left out otherwise.
    """
    import pandas as pd

    expect(
        "lifecycle(weights, population)",
        weights=(weights, WeightSet),
        population=(population, (Population, Scored)),
    )
    scored = scored_enterprises(population, rule_options)
    check_framework([weights], scored)
    _check_added(scored.framework, request.add)
    scored, remarks = complete_only(scored, "leave-out", message("sections.lifecycle"))
    whole, options = scored.framework.rule, scored.rule_options
    rows, added = [], []
    for t, sample in scored.samples.items():
        rule = whole.effective(options, t)
        movable_gates(sample.track, rule)  # says so at once where it cannot follow the rule
        rows += _indicators(weights, sample, rule, request.ceiling)
        added += _added(weights, sample, rule, request.add)
    columns = ["track", "code", "name_zh", "name_en", "weight", "ceiling", "floor", "mean", "sd",
               "discrimination", "upper_lower_27", "spent", "retire_up", "retire_down"]  # fmt: skip
    new = ["track", "parent", "weight", "score", "up", "down"]
    return LifecycleResult(
        scored.framework, request.ceiling, pd.DataFrame(rows, columns=columns),
        pd.DataFrame(added, columns=new), remarks,
    )  # fmt: skip


def _indicators(
    weights: WeightSet, sample: ScoredSample, thresholds: Thresholds, ceiling: float
) -> list[tuple[object, ...]]:
    track, rule = sample.track, weights.framework.rule
    local = weights.local[track.code]
    X = sample.require_complete(message("sections.lifecycle"))
    g = track.leaf_weights(local)
    use = item_use(X, g, low=rule.low, high=rule.high)
    rows: list[tuple[object, ...]] = []
    for j, code in enumerate(track.leaf_codes):
        node = track.nodes[track.leaves[j]]
        try:
            effect = retire_indicator(track, X, local, thresholds, code)
            moves: tuple[float, float] = effect.up, effect.down
        except InputError:  # an only child: there is no sibling to take its weight
            moves = np.nan, np.nan
        rows.append((
            track.code, code, node.name.zh, node.name.en, float(g[j]), use.ceiling[j],
            use.floor[j], use.mean[j], use.sd[j], use.discrimination[j], use.upper_lower[j],
            bool(use.ceiling[j] >= ceiling), *moves,
        ))  # fmt: skip
    return rows


def _added(
    weights: WeightSet, sample: ScoredSample, thresholds: Thresholds, new: Sequence[NewIndicator]
) -> list[tuple[object, ...]]:
    track = sample.track
    rows: list[tuple[object, ...]] = []
    for one in new:
        if one.parent in _parents(track):
            effect = add_indicator(
                track, sample.X, weights.local[track.code], thresholds, parent=one.parent,
                weight=one.weight, scores=np.full(len(sample), one.score),
            )  # fmt: skip
            rows.append((track.code, one.parent, one.weight, one.score, effect.up, effect.down))
    return rows


def _parents(track: Track) -> set[str]:
    """Return the nodes under which indicators stand; "" is the root."""
    return {track.nodes[i].parent for i in track.leaves}


def _check_added(framework: Framework, added: Sequence[NewIndicator]) -> None:
    known = set().union(*(_parents(t) for t in framework.tracks.values()))
    low, high = framework.rule.low, framework.rule.high
    faults = Faults()
    for i, new in enumerate(added):
        if new.parent not in known:
            faults.add(f"add[{i}].parent", message("outcomes.lifecycle.no_parent"),
                       value=new.parent, expected=" | ".join(sorted(known)) or "–")  # fmt: skip
        if not low <= new.score <= high:
            faults.add(f"add[{i}].score", message("outcomes.lifecycle.off_scale"),
                       value=new.score, expected=f"{low:g} – {high:g}")  # fmt: skip
    faults.raise_if_any()
