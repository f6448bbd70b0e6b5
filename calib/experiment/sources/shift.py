"""The source ``shift``: a path from one weight set to another over named years."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictFloat, StrictInt, model_validator

from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.experiment.results import Drawing, Grown, SourceResult, Table
from calib.framework import Name
from calib.shift import Growth, WeightPath, check_growth, grown_population, weight_path

__all__ = ["SHIFT", "ShiftParams"]


class GrowthParams(Params):
    """How enterprises grow meanwhile: points a year, or share of the distance to the top."""

    points: dict[str, StrictFloat] = Field(default_factory=dict)
    catch_up: dict[str, Annotated[StrictFloat, Field(ge=0, le=1)]] = Field(default_factory=dict)


class ShiftParams(Params):
    """``shift``: from ``base`` to the set ``to``, or to ``base`` with ``weights`` replaced.

    ``years`` are the first and the last; a set is made for every whole year between. With
    ``growth``, the set of a year rates the enterprises as they have grown by then.
    """

    base: str = "published"
    to: str | None = None
    weights: dict[str, StrictFloat] | None = None
    years: tuple[StrictInt, StrictInt]
    path: Literal["linear", "log-ratio", "logistic"] = "linear"
    steepness: Annotated[float, Field(gt=0, le=200)] = 10.0
    growth: GrowthParams | None = None

    @model_validator(mode="after")
    def _one_target(self) -> ShiftParams:
        if (self.to is None) == (not self.weights):
            raise ValueError("state where the shift goes: either to (a set) or weights")
        return self


def _build(context: Context, name: str, params: ShiftParams) -> SourceResult:
    start = context.set(params.base)
    end = (
        context.set(params.to)
        if params.to is not None
        else start.with_weights(params.weights or {}, name=f"{name} target")
    )
    years = (float(params.years[0]), float(params.years[1]))
    path = weight_path(start, end, params.path, years, steepness=params.steepness)
    growth = None
    if params.growth is not None:
        growth = Growth(params.growth.points, params.growth.catch_up)
        check_growth(context.framework.codes, growth)
    inner = range(params.years[0] + 1, params.years[1])  # the ends are base and the set itself
    return SourceResult(
        path.at(years[1], name),
        also={str(y): path.at(y, f"{name}/{y}") for y in inner},
        tables=(_table(path, params.years),),
        drawings=_drawings(context, path),
        grown={}
        if growth is None
        else {
            "" if y == params.years[1] else str(y): _grown(growth, years, y)
            for y in range(params.years[0] + 1, params.years[1] + 1)
        },
        details={"path": path, "growth": growth},
    )


def _grown(growth: Growth, years: tuple[float, float], year: int) -> Grown:
    return Grown(
        Name(f"企业成长至 {year} 年", f"enterprises grown to {year}"),
        lambda scored: grown_population(scored, growth, years, year),
    )


def _table(path: WeightPath, years: tuple[int, int]) -> Table:
    import pandas as pd

    framework = path.start.framework
    rows = []
    for year in range(years[0], years[1] + 1):
        time = np.array([path.time(year)])
        for t, tree in framework.tracks.items():
            local = path.local(t, time)[0]
            moving = path.start.local[t] != path.end.local[t]
            whole = tree.global_weights(local)
            rows += [
                (year, t, n.code, n.name.zh, n.name.en, float(local[i]), float(whole[i]))
                for i, n in enumerate(tree.nodes)
                if moving[i]
            ]
    columns = ["year", "track", "code", "name_zh", "name_en", "local_weight", "global_weight"]
    title = Name("各年权重（仅列变动项）", "Weights by year (only those that move)")
    return Table("path", pd.DataFrame(rows, columns=columns), title)


def _drawings(context: Context, path: WeightPath) -> tuple[Drawing, ...]:
    """Draw every family of the first track whose weights move, the first level above all."""
    track = next(iter(context.framework.tracks.values()))
    out = []
    for family in track.families:
        a, b = (w.local[track.code][family.members] for w in (path.start, path.end))
        if np.abs(a - b).max() > 1e-12:
            out.append(_drawing(track, family.parent, family.members, path))
    return tuple(out[:6])


def _drawing(track: Any, parent: str, members: Any, path: WeightPath) -> Drawing:
    def draw(language: str) -> Any:
        import pandas as pd

        from calib.figures.outcomes import weights_over_years

        time = np.linspace(0, 1, 81)
        values = path.local(track.code, time)[:, members]
        names = [track.nodes[i].name.get(language) for i in members]
        table = pd.DataFrame(values, index=path.year(time), columns=names)
        return weights_over_years(table, language=language)

    if not parent:
        title = Name("一级指标权重随年份的变化", "First-level weights over the years")
        return Drawing("weights", title, draw)
    node = track.nodes[track.index[parent]]
    return Drawing(
        f"weights-{parent}",
        Name(f"{node.name.zh}：下级权重的变化", f"{node.name.en}: weights over the years"),
        draw,
    )


SHIFT = Source(ShiftParams, _build, lambda p: [p.base, *([p.to] if p.to else [])])
