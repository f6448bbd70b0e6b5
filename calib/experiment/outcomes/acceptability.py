"""The outcome ``acceptability``: how sure each star is when the weights are uncertain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt, model_validator

from calib._types import FloatArray
from calib.errors import InputError, suggest
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Drawing, Note, OutcomeResult, Table
from calib.framework import Name
from calib.outcomes.acceptability import acceptability, pillar_acceptability
from calib.outcomes.draws import FamilyRule, draw_weights
from calib.rating import RatedSample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ACCEPTABILITY"]


class RuleParams(Params):
    """How one family varies; see :class:`calib.outcomes.draws.FamilyRule`."""

    kind: Literal["fixed", "uniform", "dirichlet", "interval"] = "uniform"
    concentration: Annotated[float, Field(gt=0)] = 50.0
    within: Annotated[float, Field(gt=0, le=1)] | None = None
    bounds: dict[str, tuple[float, float]] = Field(default_factory=dict)
    order: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _no_idle_keys(self) -> RuleParams:
        keys = {"interval": {"within", "bounds", "order"}, "dirichlet": {"concentration", "order"},
                "uniform": {"order"}, "fixed": set()}[self.kind]  # fmt: skip
        idle = sorted(self.model_fields_set - keys - {"kind"})
        if idle:
            raise ValueError(f"kind = {self.kind!r} has no use for {', '.join(idle)}")
        if self.kind == "interval" and self.within is None and not self.bounds:
            raise ValueError("kind = 'interval' needs within or bounds")
        return self


class CaseParams(Params):
    """One statement of uncertainty: by family, by level, or for all families.

    ``around`` is the set at the centre; ``draws`` names a set whose own draws (of experts or
    ballots) are used where no rule is stated.
    """

    around: str | None = None
    draws: str | None = None
    all: RuleParams | None = None
    levels: dict[str, RuleParams] = Field(default_factory=dict)
    families: dict[str, RuleParams] = Field(default_factory=dict)


class AcceptabilityParams(Params):
    """``acceptability``: cases by name; ``size`` draws in each of ``replicates`` repetitions."""

    cases: Annotated[dict[str, CaseParams], Field(min_length=1)]
    size: Annotated[StrictInt, Field(ge=2, le=1_000_000)] = 1024
    replicates: Annotated[StrictInt, Field(ge=1, le=64)] = 8
    level: Annotated[float, Field(gt=0, lt=1)] = 0.9


def _build(context: Context, params: AcceptabilityParams) -> OutcomeResult:
    import pandas as pd

    probabilities, expected, drawings, notes = [], [], [], []
    for name, case in params.cases.items():
        context.tick(f"acceptability {name}")
        found, exact = _case(context, name, case, params)
        probabilities.append(found[0])
        expected.append(found[1])
        drawings.append(_drawing(context, name, found[0]))
        worst = float(found[0]["error"].max())
        how = (
            ("精确值", "exact") if exact
            else (f"蒙特卡罗标准误不超过 {worst:.4f}", f"Monte-Carlo error at most {worst:.4f}")
        )  # fmt: skip
        unsure = int((found[0]["p_now"] < 0.5).sum())
        notes.append(Note(Name(
            f"权重不确定情形“{name}”：{how[0]}；{unsure} 家企业的现有星级概率不足 50%。",
            f"Uncertainty “{name}”: {how[1]}; for {unsure} enterprises the star now has a "
            "probability under 50%.",
        )))  # fmt: skip
    return OutcomeResult(
        (
            Table("acceptability", pd.concat(probabilities, ignore_index=True),
                  Name("各企业星级概率", "Star probabilities by enterprise")),
            Table("expected-stars", pd.concat(expected, ignore_index=True),
                  Name(f"期望星级分布及 {100 * params.level:g}% 区间",
                       f"Expected star distribution with {100 * params.level:g} % intervals"),
                  rows=60),
        ),
        tuple(drawings),
        tuple(notes),
    )  # fmt: skip


def _rules(context: Context, name: str, case: CaseParams) -> dict[str, FamilyRule]:
    framework = context.framework
    rules: dict[str, FamilyRule] = {}
    levels = [c for c, _ in framework.levels]
    for level in case.levels:
        if level not in levels:
            raise InputError(
                f"{context.file}: outcomes.acceptability.cases.{name}: no level {level!r} "
                f"{suggest(level, levels)}; levels are {', '.join(levels)}"
            )
    for tree in framework.tracks.values():
        for family in tree.families:
            depth = int(tree.depth[family.members[0]])
            rule = case.families.get(family.parent)
            if rule is None and depth <= len(levels):
                rule = case.levels.get(levels[depth - 1])
            rule = rule or case.all
            if rule is not None:
                rules[family.parent] = FamilyRule(**rule.model_dump())
    unknown = [p for p in case.families if p not in rules]
    if unknown:
        raise InputError(
            f"{context.file}: outcomes.acceptability.cases.{name}: no node {unknown[0]!r} "
            f"with children {suggest(unknown[0], rules)}"
        )
    if not rules and case.draws is None:
        raise InputError(
            f"{context.file}: outcomes.acceptability.cases.{name} states no uncertainty; "
            "expected all, levels, families or draws"
        )
    return rules


def _case(
    context: Context, name: str, case: CaseParams, params: AcceptabilityParams
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], bool]:
    centre = context.set(case.around or context.baseline)
    rules = _rules(context, name, case)
    thresholds = context.framework.rule.thresholds(context.readings)
    exact = case.draws is None and set(rules) == {""} and rules[""] == FamilyRule("uniform")
    given = None if case.draws is None else context.draws(case.draws)
    repeats = params.replicates
    if given is not None and not rules:
        repeats = 1  # the draws as they are, each once
    rngs = context.rng(f"acceptability {name}").spawn(repeats)
    size = params.size if repeats > 1 or given is None else len(next(iter(given.values())))
    replicates = [
        draw_weights(context.framework, centre.local, rules, size, given=given, rng=r) for r in rngs
    ]
    tables, distributions = [], {}
    for t, sample in context.scored.samples.items():
        X = sample.require_complete("acceptability")
        local = [r[t] for r in replicates]
        found = acceptability(
            sample.track, X, local, thresholds, workers=context.workers,
            scheduler=context.scheduler,
        )  # fmt: skip
        distributions[t] = found.distribution
        p, error = found.probability, found.error
        if exact:
            p = pillar_acceptability(sample.track, X, centre.local[t], thresholds)
            error = np.zeros_like(p)
        rated = context.ratings[context.baseline].samples[t]
        tables.append(_table(name, rated, p, error, context.framework.rule.first))
    return (_joined(tables), _expected(context, name, distributions, params.level)), exact


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def _table(
    case: str, rated: RatedSample, p: FloatArray, error: FloatArray, first: int
) -> pd.DataFrame:
    import pandas as pd

    star = rated.star
    rows = np.arange(len(p))
    return pd.DataFrame({
        "case": case, "enterprise": rated.ids, "name": rated.names, "track": rated.track.code,
        "star": star + first, "p_now": p[rows, star], "likeliest": p.argmax(axis=1) + first,
        **{f"p_{k + first}": p[:, k] for k in range(p.shape[1])}, "error": error.max(axis=1),
    })  # fmt: skip


def _expected(
    context: Context, case: str, distributions: dict[str, FloatArray], level: float
) -> pd.DataFrame:
    import pandas as pd

    base = context.ratings[context.baseline]
    sizes = {t: len(context.scored.samples[t]) for t in distributions}
    whole = np.sum([distributions[t] * sizes[t] for t in sizes], axis=0) / sum(sizes.values())
    rows = []
    tail, first = (1 - level) / 2, context.framework.rule.first
    for scope, shares in {"all": whole, **distributions}.items():
        counts = base.counts(None if scope == "all" else scope)
        low, high = np.quantile(shares, [tail, 1 - tail], axis=0)
        rows += [
            (case, scope, k + first, counts[k] / counts.sum(), m, a, b)
            for k, (m, a, b) in enumerate(zip(shares.mean(axis=0), low, high, strict=True))
        ]
    columns = ["case", "scope", "star", "share_now", "expected_share", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _drawing(context: Context, case: str, table: pd.DataFrame) -> Drawing:
    def draw(language: str) -> Any:
        from calib.figures.outcomes import probability_bars

        rule = context.framework.rule
        labels = [n.get(language) for n in rule.labels]
        columns = [f"p_{k + rule.first}" for k in range(rule.stars)]
        shown = table.set_index("name")[columns]
        shown.columns = labels
        return probability_bars(shown, (table["star"] - rule.first).tolist(), language=language)

    title = Name(f"星级概率：{case}", f"Star probabilities: {case}")
    return Drawing(f"acceptability-{case}", title, draw)


def _needs(params: AcceptabilityParams) -> list[str]:
    named = [s for c in params.cases.values() for s in (c.around, c.draws) if s is not None]
    return list(dict.fromkeys(named))


ACCEPTABILITY = Outcome(AcceptabilityParams, _build, _needs)
