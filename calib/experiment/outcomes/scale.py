"""The outcome ``scale``: stars of a population too large for memory, under sets and draws."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, StrictInt

from calib.errors import InputError
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Note, OutcomeResult, Table
from calib.framework import Name
from calib.outcomes.draws import FamilyRule, draw_weights
from calib.population.partitions import find_partitions
from calib.rating.scale import count_partitions

__all__ = ["SCALE"]


class ScaleParams(Params):
    """``scale``: a folder of Parquet ``parts``, rated under every set and under draws.

    With ``draws`` above 0, that many weight sets are drawn around the baseline, every family from
    a Dirichlet of ``concentration``.
    """

    parts: str
    values: Literal["answers", "scores"] = "answers"
    synthetic: bool = False
    draws: Annotated[StrictInt, Field(ge=0, le=100_000)] = 0
    concentration: Annotated[float, Field(gt=0)] = 60.0
    level: Annotated[float, Field(gt=0, lt=1)] = 0.9


def _build(context: Context, params: ScaleParams) -> OutcomeResult:
    import pandas as pd

    folder = context.log.folder / params.parts
    if not folder.is_dir():
        raise InputError(f"{context.file}: outcomes.scale.parts: no such folder {params.parts!r}")
    parts = find_partitions(folder)
    sets = context.sets()
    framework = context.framework
    local = {t: np.stack([w.local[t] for w in sets.values()]) for t in framework.tracks}
    if params.draws:
        rule = FamilyRule("dirichlet", concentration=params.concentration)
        rules = {f.parent: rule for tree in framework.tracks.values() for f in tree.families}
        centre = context.set(context.baseline).local
        drawn = draw_weights(framework, centre, rules, params.draws, rng=context.rng("scale"))
        local = {t: np.concatenate([local[t], drawn[t]]) for t in local}
    found = count_partitions(
        parts, framework, local, context.readings, kind=params.values, workers=context.workers,
        scheduler=context.scheduler,
        done=lambda number: context.tick(f"scale: part {number} of {len(parts)}"),
    )  # fmt: skip
    context.log.hashes.update({f"{params.parts}/{n}": d for n, d in found.parts.items()})
    rows, spread = [], []
    tail, first = (1 - params.level) / 2, framework.rule.first
    for scope, counts in {"all": found.whole(), **found.per_set}.items():
        total = int(counts[0].sum())
        for name, row in zip(sets, counts, strict=False):
            rows += [(name, scope, k + first, int(c), c / total if total else np.nan)
                     for k, c in enumerate(row)]  # fmt: skip
        shares = counts[len(sets) :] / max(total, 1)
        if len(shares):
            low, high = np.quantile(shares, [tail, 1 - tail], axis=0)
            spread += [(scope, k + first, m, a, b) for k, (m, a, b) in
                       enumerate(zip(shares.mean(axis=0), low, high, strict=True))]  # fmt: skip
    columns = ["set", "scope", "star", "count", "share"]
    title = Name("大规模样本的星级分布", "Stars of the large population")
    tables = [Table("scale-stars", pd.DataFrame(rows, columns=columns), title, rows=60)]
    if spread:
        frame = pd.DataFrame(spread, columns=["scope", "star", "expected_share", "low", "high"])
        percent = f"{100 * params.level:g}"
        title = Name(
            f"权重不确定时的期望星级分布及 {percent}% 区间",
            f"Expected stars under uncertain weights, with {percent} % intervals",
        )
        tables.append(Table("scale-expected", frame, title))
    size = sum(found.enterprises.values())
    label = ("（合成数据）", " (synthetic)") if params.synthetic else ("", "")
    count = len(next(iter(local.values())))
    note = Note(Name(
        f"大规模样本{label[0]}：{len(parts)} 个分区，{size:,} 家企业，{count} 组权重。",
        f"Large population{label[1]}: {len(parts)} parts, {size:,} enterprises, "
        f"{count} weight sets.",
    ), warning=params.synthetic)  # fmt: skip
    return OutcomeResult(tuple(tables), (), (note,))


SCALE = Outcome(ScaleParams, _build)
