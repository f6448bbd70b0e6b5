"""The outcome ``comparison``: the standard comparison with its intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, StrictInt

from calib._types import BoolArray, IntArray
from calib.errors import InputError, suggest
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import OutcomeResult, Table
from calib.framework import Name
from calib.outcomes.agreement import (
    bootstrap_agreement,
    bowker_symmetry,
    stuart_maxwell,
    wilson_interval,
)
from calib.rating import Rating

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COMPARISON"]


class ComparisonParams(Params):
    """``comparison``: overall, by track, and by the values of an attribute ``by``."""

    by: str | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    bootstrap: Annotated[StrictInt, Field(ge=100, le=100_000)] = 2000


def _scopes(context: Context, by: str | None) -> dict[str, dict[str, BoolArray]]:
    """Return, by the name of a scope, which enterprises of each track are in it."""
    samples = context.scored.samples
    everyone = {t: np.ones(len(s), dtype=bool) for t, s in samples.items()}
    out = {"all": everyone}
    if len(samples) > 1:
        out |= {t: {t: everyone[t]} for t in samples}
    if by is None:
        return out
    known = sorted({a for s in samples.values() for a in s.attributes})
    if by not in known:
        raise InputError(
            f"{context.file}: outcomes.comparison.by: no attribute {by!r} {suggest(by, known)}; "
            f"the population has {', '.join(known) or 'none'}"
        )
    values = sorted({str(v) for s in samples.values() for v in s.attributes.get(by, [])})
    for value in values:
        out[f"{by} = {value}"] = {
            t: np.array([str(v) == value for v in s.attributes.get(by, [""] * len(s))], dtype=bool)
            for t, s in samples.items()
        }
    return out


def _matrices(rating: Rating, base: Rating, scope: dict[str, BoolArray]) -> list[IntArray]:
    stars = rating.framework.rule.stars
    out = []
    for t, inside in scope.items():
        matrix = np.zeros((stars, stars), dtype=np.int64)
        np.add.at(matrix, (base.samples[t].star[inside], rating.samples[t].star[inside]), 1)
        out.append(matrix)
    return out


def _build(context: Context, params: ComparisonParams) -> OutcomeResult:
    import pandas as pd

    base, first = context.ratings[context.baseline], context.framework.rule.first
    shares, tests, boots = [], [], []
    for scope, inside in _scopes(context, params.by).items():
        for name, rating in context.ratings.items():
            matrices = _matrices(rating, base, inside)
            whole = np.sum(matrices, axis=0)
            counts, total = whole.sum(axis=0), int(whole.sum())
            low, high = wilson_interval(counts, total, params.level)
            shares += [
                (name, scope, k + first, int(c), c / total if total else np.nan, low[k], high[k])
                for k, c in enumerate(counts)
            ]
            if name == context.baseline:
                continue
            symmetry, homogeneity = bowker_symmetry(whole), stuart_maxwell(whole)
            tests += [
                (name, scope, test, r.statistic, r.df, r.p, r.p_by)
                for test, r in (("Bowker", symmetry), ("Stuart–Maxwell", homogeneity))
            ]
            boots += [
                (name, scope, b.measure, b.value, b.low, b.high, b.by)
                for b in bootstrap_agreement(
                    matrices, size=params.bootstrap, level=params.level,
                    rng=context.rng(f"comparison {name} {scope}"),
                )
            ]  # fmt: skip

    def table(rows: Sequence[tuple[object, ...]], columns: str) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=columns.split())

    level = f"{100 * params.level:g}"
    still = Name(
        "没有企业变动，重抽样给不出区间",
        "nobody moved, so resampling gives no interval",
    )
    return OutcomeResult((
        Table("star-intervals", table(shares, "set scope star count share low high"),
              Name(f"星级占比及 {level}% 威尔逊区间",
                   f"Star shares with {level} % Wilson intervals"),
              rows=60),
        Table("transition-tests", table(tests, "set scope test statistic df p p_by"),
              Name("对称性与边际齐性检验", "Tests of symmetry and of equal distributions"),
              blank=Name("没有企业变动，无可检验", "nobody moved, so there is nothing to test")),
        Table("agreement-intervals", table(boots, "set scope measure value low high by"),
              Name(f"一致性及 {level}% 区间", f"Agreement with {level} % intervals"), rows=60,
              blank=still),
    ))  # fmt: skip


COMPARISON = Outcome(ComparisonParams, _build)
