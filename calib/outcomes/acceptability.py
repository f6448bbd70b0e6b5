"""How sure each star is when weights are uncertain: the request, the function, the result.

Stochastic multicriteria acceptability analysis, carried over from ranks to stars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, StrictInt

from calib._quantiles import tails
from calib._streams import stream, token
from calib._types import FloatArray, Seed
from calib.errors import InputError, did_you_mean
from calib.framework import Framework, RuleOptions, Thresholds
from calib.outcomes.draws import FamilyRule, draw_weights
from calib.outcomes.probabilities import (
    pillar_probabilities,
    sample_probabilities,
)
from calib.population import Population
from calib.rating import Rating, Scored, ScoredSample, over_samples, rate
from calib.rating.gates_and_caps import is_plain
from calib.rating.over_samples import long_form
from calib.rating.subject import (
    check_framework,
    complete_only,
    scored_enterprises,
)
from calib.report import Drawing, Live, LiveFigure, Note, Result, Role, Table
from calib.requests import Request, expect, takes
from calib.weights import Local, WeightSet
from calib.words import Name, Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AcceptabilityRequest", "AcceptabilityResult", "UncertaintyRequest", "acceptability"]


class UncertaintyRequest(Request):
    """A statement of how weights vary: by family, by level, or for all families."""

    all: FamilyRule | None = Field(
        None, description="how every family varies that no level or family is stated for"
    )
    levels: dict[str, FamilyRule] = Field(
        default_factory=dict, description="how the families of a level vary, by its code"
    )
    families: dict[str, FamilyRule] = Field(
        default_factory=dict,
        description='how the children of a node vary, by its code; "" is the first level',
    )


class SamplingRequest(Request):
    """How much is drawn, and how sure the intervals are."""

    renamed: ClassVar[Mapping[str, str]] = {"level": "confidence"}

    size: Annotated[StrictInt, Field(ge=2, le=1_000_000)] = Field(
        1024, description="draws in each replicate, of what is stated"
    )
    replicates: Annotated[StrictInt, Field(ge=1, le=64)] = Field(
        8, description="independent replicates, from which the Monte-Carlo error is taken"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.9, description="level of the intervals of expected star shares, over the draws"
    )
    incomplete: Literal["rate", "leave-out", "error"] = Field(
        "rate",
        description="enterprises with unanswered items: rated as the rule says, left out of this "
        "analysis, or an error",
    )


class AcceptabilityRequest(UncertaintyRequest, SamplingRequest):
    """Options of :func:`acceptability`."""


@dataclass(frozen=True, eq=False)
class _Case:
    """One statement of uncertainty and what it does to stars.

    Attributes
    ----------
    rating : the stars under the set itself
    probability, error : by track, (n, K) star probabilities and their Monte-Carlo errors
    distribution : by track, (k, K) share of enterprises at each star in each draw
    exact : whether probabilities are exact
    roots : what the draws of the set rest on, where they are used
    rules : how each family varies that the statement is about, by its parent
    drawn : whether draws of a set are used
    """

    name: str
    label: Text
    rating: Rating
    probability: Mapping[str, FloatArray]
    error: Mapping[str, FloatArray]
    distribution: Mapping[str, FloatArray]
    exact: bool
    roots: tuple[Text, ...]
    confidence: float
    remarks: tuple[Note, ...] = ()
    rules: Mapping[str, FamilyRule] = field(default_factory=dict)
    drawn: bool = False

    @cached_property
    def frame(self) -> pd.DataFrame:
        import pandas as pd

        first, parts = self.rating.framework.rule.first, []
        for t, s in self.rating.samples.items():
            p, rows = self.probability[t], np.arange(len(s.star))
            parts.append(pd.DataFrame({
                "case": self.name, "enterprise": s.ids, "name": s.names, "track": t,
                "star": s.star + first, "p_now": p[rows, s.star],
                "likeliest": p.argmax(axis=1) + first,
                **{f"p_{k + first}": p[:, k] for k in range(p.shape[1])},
                "error": self.error[t].max(axis=1),
            }))  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    def spread(self) -> dict[str, Any]:
        """Return how the families of each track vary, nothing where a page cannot draw that way."""
        simple = all(
            r.kind in ("uniform", "interval", "fixed") and not r.order and not r.bounds
            for r in self.rules.values()
        )
        if self.drawn or not simple:
            return {}
        framework = self.rating.framework
        spread = {}
        for t, track in framework.tracks.items():
            stated = []
            for family in track.families:
                rule = self.rules.get(family.parent)
                if rule is not None and rule.kind != "fixed" and len(family.members) > 1:
                    own = {"members": [int(i) for i in family.members], "kind": rule.kind}
                    stated.append(own if rule.within is None else {**own, "within": rule.within})
            spread[t] = stated
        error = max(float(e.max(initial=0.0)) for e in self.error.values())
        tops = {tuple(t.codes[i] for i in t.families[0].members) for t in framework.tracks.values()}
        shared = len(tops) == 1 and set(next(iter(tops))) <= set(framework.shared)
        return {"spread": spread, "shared": shared, "error": error}

    def expected(self) -> pd.DataFrame:
        import pandas as pd

        base, by_track = self.rating, self.distribution
        sizes = {t: len(base.samples[t].star) for t in by_track}
        whole = np.sum([by_track[t] * sizes[t] for t in sizes], axis=0) / sum(sizes.values())
        rows: list[tuple[object, ...]] = []
        for scope, shares in {"all": whole, **by_track}.items():
            counts = base.counts(None if scope == "all" else scope)
            low, high = np.quantile(shares, tails(self.confidence), axis=0)
            rows += [
                (self.name, scope, k + base.framework.rule.first, counts[k] / counts.sum(), m, a, b)
                for k, (m, a, b) in enumerate(zip(shares.mean(axis=0), low, high, strict=True))
            ]
        columns = ["case", "scope", "star", "share_now", "expected_share", "low", "high"]
        return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True, eq=False, repr=False)
class AcceptabilityResult(Result):
    """P(star) of every enterprise, and the expected star distribution.

    Tables: ``acceptability`` (probabilities by enterprise), ``expected-stars``.
    """

    framework: Framework
    cases: tuple[_Case, ...]

    @classmethod
    def together(cls, results: Iterable[AcceptabilityResult]) -> AcceptabilityResult:
        """Return the results of several statements of uncertainty as one."""
        every = list(results)
        return cls(every[0].framework, tuple(c for r in every for c in r.cases))

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks, levels and cases by code."""
        return {**self.framework.names, **{f"case:{c.name}": c.label for c in self.cases}}

    def probability(self, track: str) -> FloatArray:
        """Return the star probabilities (n, K) of a track in the first case."""
        return self.cases[0].probability[track]

    def headline(self) -> Text:
        """Return how many stars are unsure in the first case."""
        return self.notes[0].text

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Probabilities by enterprise, and expected shares."""
        import pandas as pd

        level = f"{100 * self.cases[0].confidence:g}"
        every = pd.concat([c.frame for c in self.cases], ignore_index=True)
        expected = pd.concat([c.expected() for c in self.cases], ignore_index=True)
        return (
            Table("acceptability", every, message("outcomes.acceptability.table")),
            Table("expected-stars", expected,
                  message("outcomes.acceptability.expected", level=level), rows=60),
        )  # fmt: skip

    @cached_property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """One bar an enterprise, for every case."""
        return tuple(_drawing(c) for c in self.cases)

    @property
    def live(self) -> Live | None:
        """How a published page computes one case again, by draws of its own where it can."""
        case = self.cases[0]
        if len(self.cases) > 1:
            return None
        spread = case.spread()
        return Live(
            [case.rating.as_live(case.name)], base=case.name, spread=spread,
            tables={n: n for n in ("acceptability", "expected-stars")} if spread else {},
            figures={d.name: LiveFigure("acceptability") for d in self.drawings} if spread else {},
        )  # fmt: skip

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How many stars are unsure, how exact that is, and what the draws rest on."""
        out = []
        for case in self.cases:
            worst = float(case.frame["error"].max())
            how = message("outcomes.acceptability.exact") if case.exact else message(
                "outcomes.acceptability.error", error=f"{worst:.4f}")  # fmt: skip
            unsure = int((case.frame["p_now"] < 0.5).sum())
            out.append(Note(message("outcomes.acceptability.note", case=case.label, how=how,
                                    n=unsure)))  # fmt: skip
            if case.rating.scored.imputations:
                n = case.rating.scored.imputations
                out.append(Note(message("outcomes.acceptability.imputed", case=case.label, n=n)))
            if case.roots:
                roots = message("outcomes.acceptability.roots", case=case.label, roots=case.roots)
                out.append(Note(roots))
        return (*out, *dict.fromkeys(note for case in self.cases for note in case.remarks))


def _watched(found: AcceptabilityResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown."""
    import pandas as pd

    shares = long_form(found.frame("expected-stars"), ["case", "scope", "star"], ["expected_share"])
    every = found.frame("acceptability")
    misrated = (1 - every["p_now"]).groupby(every["case"], sort=False).sum().reset_index()
    misrated.columns = pd.Index(["case", "value"])
    misrated = misrated.assign(scope="all", quantity="misrated")
    return pd.concat([shares, misrated], ignore_index=True).astype({"star": "Int64"})


@over_samples(_watched)
@takes(AcceptabilityRequest)
def acceptability(
    weights: WeightSet,
    population: Population | Scored,
    *,
    draws: WeightSet | None = None,
    name: str | None = None,
    label: Text | None = None,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
    workers: int | None = None,
    scheduler: str | None = None,
    request: AcceptabilityRequest,
) -> AcceptabilityResult:
    """Find how sure every star is when the weights vary.

    Without a statement the draws of the weights are used: other experts, ballots or enterprises
    that the same procedure could have met. With one, families vary as stated, and the others
    follow the draws where there are any, or stay.

    Parameters
    ----------
    weights : the set that would be published; what is stated varies around it
    population : the enterprises, as answers or as scores; or an ensemble of samples
    draws : another set whose draws are used in place of those of ``weights``
    name, label : of the case in tables and figures; those of the set if None
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    rng : seed or Generator
    workers, scheduler : threads here, or the address of a Dask scheduler; results are the same
    {options}

    Raises
    ------
    InputError
        For a decided set without a statement (where no unanswered item is imputed), or unknown
        levels or nodes.
    InfeasibleError
        When no weights meet the bounds and orders stated.

    Notes
    -----
    Uniform first-level weights alone have exact probabilities (:func:`pillar_probabilities`).
    Others are estimated from scrambled Sobol points where the kind allows it, with the error
    between replicates; draws of a set count once each.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> published = calib.published_weights(framework)
    >>> firms = calib.generate_population(framework, 20, rng=1)
    >>> found = calib.acceptability(published, firms, levels={"pillar": {"kind": "uniform"}}, rng=1)
    >>> float(found.frame()["error"].max())
    0.0
    """
    expect(
        "acceptability(weights, population)",
        weights=(weights, WeightSet),
        population=(population, (Population, Scored)),
    )
    scored = scored_enterprises(population, rule_options)
    remarks: tuple[Note, ...] = ()
    if request.incomplete != "rate":
        what = message("sections.acceptability")
        scored, remarks = complete_only(scored, request.incomplete, what)
    check_framework([w for w in (weights, draws) if w is not None], scored)
    case = weights.name if name is None else name
    rules = _rules(weights.framework, case, request)
    source = weights if draws is None else draws
    given = source.draws
    scored_once = scored.imputations == 0
    if given is None and (draws is not None or not rules) and scored_once:
        key = "no_draws" if draws is not None else "no_uncertainty"
        raise InputError(message(f"outcomes.acceptability.{key}", case=case, set=source.called))
    generator = stream(token(rng), f"acceptability {case}")
    replicates = _replicates(weights, rules, given, request, generator)
    exact = given is None and set(rules) == {""} and _is_flat(rules[""])
    exact = exact and all(s.complete for s in scored.samples.values())
    rule = scored.framework.rule
    probability, error, distribution = {}, {}, {}
    for t, sample in scored.samples.items():
        thresholds = rule.effective(scored.rule_options, t)
        found = sample_probabilities(
            sample, [r[t] for r in replicates], thresholds, workers=workers, scheduler=scheduler
        )
        distribution[t], probability[t], error[t] = (
            found.distribution, found.probability, found.error
        )  # fmt: skip
        if exact and is_plain(thresholds) and sample.complete:
            probability[t] = _exactly(sample, weights.local[t], thresholds)
            error[t] = np.zeros_like(probability[t])
    if label is None:
        label = weights.label if name is None else Name(name, name)
    found_case = _Case(
        case, label, rate(weights=weights, population=scored), probability, error, distribution,
        exact, () if given is None else tuple(r.label for r in source.roots), request.confidence,
        remarks, rules, given is not None,
    )  # fmt: skip
    return AcceptabilityResult(scored.framework, (found_case,))


def _exactly(sample: ScoredSample, local: FloatArray, thresholds: Thresholds) -> FloatArray:
    """Return exact probabilities; over what was drawn for unanswered items, their mean."""
    out = pillar_probabilities(sample.track, sample.X, local, thresholds)
    if sample.imputed is not None:
        each = [pillar_probabilities(sample.track, X, local, thresholds) for X in sample.imputed.X]
        out[sample.imputed.rows] = np.mean(each, axis=0)
    return out


def _is_flat(rule: FamilyRule) -> bool:
    return rule.kind == "uniform" and not rule.order


def _rules(framework: Framework, case: str, request: UncertaintyRequest) -> dict[str, FamilyRule]:
    """Return how each family varies that a statement is about, by its parent."""
    levels = [c for c, _ in framework.levels]
    for level in request.levels:
        if level not in levels:
            raise InputError(
                message("outcomes.no_level", at=case, level=repr(level),
                        hint=did_you_mean(level, levels), levels=levels)
            )  # fmt: skip
    rules: dict[str, FamilyRule] = {}
    for tree in framework.tracks.values():
        for family in tree.families:
            depth = int(tree.depth[family.members[0]])
            rule = request.families.get(family.parent)
            if rule is None and depth <= len(levels):
                rule = request.levels.get(levels[depth - 1])
            rule = rule or request.all
            if rule is not None:
                rules[family.parent] = rule
    unknown = [p for p in request.families if p not in rules]
    if unknown:
        raise InputError(
            message("outcomes.acceptability.no_node", case=case, node=repr(unknown[0]),
                    hint=did_you_mean(unknown[0], rules))
        )  # fmt: skip
    return rules


def _replicates(
    weights: WeightSet,
    rules: Mapping[str, FamilyRule],
    given: Local | None,
    request: SamplingRequest,
    generator: np.random.Generator,
) -> list[Local]:
    """Return draws (k, m) by track, in independent replicates."""
    repeats, size = request.replicates, request.size
    if given is None and not rules:
        return [{t: np.atleast_2d(w) for t, w in weights.local.items()}]  # only answers vary
    if given is not None and not rules:
        repeats, size = 1, len(next(iter(given.values())))  # the draws as they are, each once
    elif given is not None and repeats == 1:
        size = len(next(iter(given.values())))
    return [
        draw_weights(weights.framework, weights.local, rules, size, given=given, rng=r)
        for r in generator.spawn(repeats)
    ]


def _drawing(case: _Case) -> Drawing:
    title = message("outcomes.acceptability.figure", case=case.label)

    def draw(lang: str) -> Any:
        from calib.figures.outcomes import probability_bars

        rule = case.rating.framework.rule
        shown = case.frame.set_index("name")[[f"p_{k + rule.first}" for k in range(rule.stars)]]
        shown.columns = [n.get(lang) for n in rule.labels]
        now = (case.frame["star"] - rule.first).tolist()
        return probability_bars(shown, now, lang=lang, title=title.get(lang))

    roles = (Role.ENTERPRISE, Role.PROBABILITY)
    return Drawing(f"acceptability-{case.name}", title, draw, roles=roles)
