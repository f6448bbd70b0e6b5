"""The outcome ``readings``: which stars depend on an open reading of the rating rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Note, OutcomeResult, Table
from calib.framework import Name
from calib.outcomes.readings import (
    all_readings,
    dependent_table,
    range_table,
    rate_readings,
    reading_table,
)
from calib.rating import Scored

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["READINGS"]


class ReadingsParams(Params):
    """``readings``: of the stars under ``sets``; all sets if not stated.

    With ``together`` every combination is rated as well, for the range of each star.
    """

    sets: tuple[str, ...] | None = None
    together: bool = True


def _build(context: Context, params: ReadingsParams) -> OutcomeResult:
    import pandas as pd

    framework, population = context.framework, context.population
    single = all_readings(framework, population, context.readings, together=False)
    every = all_readings(framework, population, context.readings, together=True)
    tables: dict[str, list[pd.DataFrame]] = {"one": [], "who": [], "range": []}
    notes = []
    for name in params.sets or tuple(context.sets()):
        context.tick(f"readings {name}")
        weights = context.set(name)
        grown = context.grown(name)
        grow = _as_they_are if grown is None else grown.grow
        ratings = rate_readings(population, weights, single, grow=grow)
        _put(tables["one"], name, reading_table(ratings))
        who = dependent_table(ratings)
        _put(tables["who"], name, who)
        count = int(who["enterprise"].nunique())
        notes.append(Note(Name(
            f"权重方案 {name}：{count} 家企业的星级取决于某一种读法。",
            f"Set {name}: the star of {count} enterprises depends on a reading.",
        )))  # fmt: skip
        if params.together:
            ratings = rate_readings(population, weights, every, grow=grow)
            _put(tables["range"], name, range_table(ratings))
    out = [
        Table("readings", pd.concat(tables["one"], ignore_index=True),
              Name("各种读法下的星级分布", "Stars under each reading"), rows=60),
        Table("readings-dependent", pd.concat(tables["who"], ignore_index=True),
              Name("星级取决于读法的企业", "Enterprises whose star depends on a reading")),
    ]  # fmt: skip
    if params.together:
        out.append(
            Table("readings-range", pd.concat(tables["range"], ignore_index=True),
                  Name("所有读法组合下的星级范围", "Range of stars over all readings together"))
        )  # fmt: skip
        notes.append(Note(Name(
            f"共计算了 {len(every)} 种读法组合。", f"{len(every)} combinations of readings rated."
        )))  # fmt: skip
    return OutcomeResult(tuple(out), (), tuple(notes))


def _as_they_are(scored: Scored) -> Scored:
    return scored


def _put(into: list[pd.DataFrame], name: str, table: pd.DataFrame) -> None:
    table.insert(0, "set", name)
    into.append(table)


def _needs(params: ReadingsParams) -> tuple[str, ...]:
    return params.sets or ()


READINGS = Outcome(ReadingsParams, _build, _needs)
