"""The outcome ``lifecycle``: spent indicators, and the stars if one is retired or added."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from calib.errors import Faults, InputError
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Note, OutcomeResult, Table
from calib.framework import Name, Track
from calib.outcomes.lifecycle import add_indicator, item_use, retire_indicator

__all__ = ["LIFECYCLE"]


class NewIndicator(Params):
    """A new indicator under ``parent`` with a local ``weight``; everybody scores ``score``."""

    parent: str
    weight: Annotated[float, Field(gt=0, lt=1)]
    score: float = 0.0


class LifecycleParams(Params):
    """``lifecycle``: of the indicators under the weights of ``set``.

    An indicator is called spent when at least ``ceiling`` of the enterprises are at its top.
    """

    set: str | None = None
    ceiling: Annotated[float, Field(gt=0, le=1)] = 0.8
    add: tuple[NewIndicator, ...] = ()


def _parents(track: Track) -> set[str]:
    """Return the nodes under which indicators stand; "" is the root."""
    return {track.nodes[i].parent for i in track.leaves}


def _check_added(context: Context, added: tuple[NewIndicator, ...]) -> None:
    framework = context.framework
    known = set().union(*(_parents(t) for t in framework.tracks.values()))
    low, high = framework.rule.low, framework.rule.high
    faults = Faults(context.file)
    for i, new in enumerate(added):
        where = f"outcomes.lifecycle.add[{i}]"
        if new.parent not in known:
            faults.add(f"{where}.parent", "no node with indicators under it", value=new.parent,
                       expected=" | ".join(sorted(known)) or "none")  # fmt: skip
        if not low <= new.score <= high:
            faults.add(f"{where}.score", "outside the scale", value=new.score,
                       expected=f"{low:g} to {high:g}")  # fmt: skip
    faults.raise_if_any()


def _build(context: Context, params: LifecycleParams) -> OutcomeResult:
    import pandas as pd

    _check_added(context, params.add)
    rule = context.framework.rule
    thresholds = rule.thresholds(context.readings)
    name = params.set or context.baseline
    weights = context.set(name)
    rows, added = [], []
    for t, sample in context.scored_under(name).samples.items():
        track, local = sample.track, weights.local[t]
        X = sample.require_complete("the life cycle of indicators")
        g = track.leaf_weights(local)
        use = item_use(X, g, low=rule.low, high=rule.high)
        for j, code in enumerate(track.leaf_codes):
            node = track.nodes[track.leaves[j]]
            try:
                effect = retire_indicator(track, X, local, thresholds, code)
                moves: tuple[float, float] = effect.up, effect.down
            except InputError:  # an only child: there is no sibling to take its weight
                moves = np.nan, np.nan
            rows.append((
                t, code, node.name.zh, node.name.en, float(g[j]), use.ceiling[j], use.floor[j],
                use.mean[j], use.sd[j], use.discrimination[j], use.gap[j],
                bool(use.ceiling[j] >= params.ceiling), *moves,
            ))  # fmt: skip
        for new in params.add:
            if new.parent in _parents(track):
                effect = add_indicator(
                    track, X, local, thresholds, parent=new.parent, weight=new.weight,
                    scores=np.full(len(X), new.score),
                )  # fmt: skip
                added.append((t, new.parent, new.weight, new.score, effect.up, effect.down))
    columns = ["track", "code", "name_zh", "name_en", "weight", "ceiling", "floor", "mean", "sd",
               "discrimination", "gap", "spent", "retire_up", "retire_down"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    tables = [Table("lifecycle", table, Name("指标生命周期", "Life cycle of indicators"), rows=60)]
    if added:
        heads = ["track", "parent", "weight", "score", "up", "down"]
        frame = pd.DataFrame(added, columns=heads)
        title = Name("新增指标的星级影响", "Stars if an indicator is added")
        tables.append(Table("lifecycle-added", frame, title))
    spent = table.loc[table["spent"], "code"].tolist()
    text = ", ".join(spent) or "–"
    note = Note(Name(
        f"至少 {params.ceiling:.0%} 的企业达到最高档的指标：{text}",
        f"Indicators at whose top at least {params.ceiling:.0%} of the enterprises are: {text}",
    ))  # fmt: skip
    return OutcomeResult(tuple(tables), (), (note,))


LIFECYCLE = Outcome(LifecycleParams, _build, lambda p: [p.set] if p.set else [])
