"""Whether to adopt a proposed weight set: the request, the function, the result.

By rules that are declared beforehand, each met, not met, or not to be known; the recommendation
follows from them, and everything else that stands on the page is what they rest on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt

from calib._types import Seed
from calib.errors import InputError, unknown
from calib.framework import RuleOptions
from calib.outcomes.decision_evidence import gathered
from calib.outcomes.decision_facts import Facts
from calib.outcomes.decision_rules import AdoptionRules, Ruling, judge, largest_step, percent
from calib.outcomes.decision_tables import (
    agreement,
    enterprises,
    movers,
    rules,
    samples,
    stars,
)
from calib.outcomes.drivers import DriversResult, drivers
from calib.population import Ensemble, Population
from calib.rating import Scored
from calib.rating.subject import check_framework, scored_enterprises
from calib.report import Column, Drawing, Note, Result, Role, Table
from calib.requests import Request, expect, takes
from calib.weights import Weighed, WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

    from calib.report.page_parts import Page

__all__ = ["DecisionRequest", "DecisionResult", "decide"]

Advice = Literal["adopt", "reject", "ask"]


class DecisionRequest(Request):
    """Options of :func:`decide`."""

    rules: AdoptionRules = Field(
        AdoptionRules.make({}), description="rules of adoption and their thresholds"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.9, description="level of all intervals"
    )
    size: Annotated[StrictInt, Field(ge=2, le=100_000)] = Field(
        1000, description="at most so many draws of the weights"
    )
    driver_size: Annotated[StrictInt, Field(ge=0, le=100_000)] = Field(
        64, description="pairs of draws for what drives the uncertainty; 0 leaves that out"
    )


@dataclass(frozen=True, eq=False, repr=False)
class DecisionResult(Result):
    """A recommendation, the rules it follows from, and what these rest on.

    Attributes
    ----------
    facts : stars and weights under both sets
    request : the options
    rulings : every rule with its verdict
    drivers : what the uncertainty of the star changes comes from; None without draws
    one_of_many : how many other samples agree as well with what is known; 0 for a real sample
    protocol : what is known of when the rules were set

    Tables: ``rules`` (the main one), ``decision-weights``, ``decision-stars``,
    ``decision-enterprises``, ``decision-movers``, ``decision-agreement``, ``decision-samples`` and
    those of the drivers. :meth:`page` is the page for the committee, :meth:`write` puts it into
    an HTML or a DOCX file.
    """

    facts: Facts
    request: DecisionRequest
    rulings: tuple[Ruling, ...]
    drivers: DriversResult | None
    one_of_many: bool
    protocol: Text | None = None

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and stars by code."""
        return self.facts.proposed.framework.names

    @property
    def advice(self) -> Advice:
        """What follows from the rules: ``adopt``, ``reject``, or ``ask`` (find out first)."""
        if any(r.verdict == "not_met" and not r.about_evidence for r in self.rulings):
            return "reject"
        return "adopt" if all(r.verdict == "met" for r in self.rulings) else "ask"

    @property
    def open_rules(self) -> tuple[Ruling, ...]:
        """Rules that are not met or not known, those about the proposal first."""
        found = [r for r in self.rulings if r.verdict != "met"]
        return tuple(sorted(found, key=lambda r: (r.about_evidence, r.verdict == "cannot_know")))

    def headline(self) -> Text:
        """Return the recommendation with the rules that decide it."""
        said = message(f"outcomes.decision.advice.{self.advice}")
        reasons = [
            r.title for r in self.open_rules
            if self.advice != "reject" or (r.verdict == "not_met" and not r.about_evidence)
        ]  # fmt: skip
        if not reasons:
            return message("outcomes.decision.headline_met", advice=said, n=len(self.rulings))
        key = "headline_ask" if self.advice == "ask" else "headline_reject"
        return message(f"outcomes.decision.{key}", advice=said, rules=reasons)

    @cached_property
    def changes(self) -> tuple[Text, ...]:
        """What would change the recommendation, the nearest first."""
        return tuple(dict.fromkeys(self._changes()))

    def _changes(self) -> Iterator[Text]:
        stop = [r for r in self.rulings if r.verdict == "not_met" and not r.about_evidence]
        if any(r.of_steps for r in stop):
            yield self._step(any(r.name in ("own_verdict", "out_of_sample") for r in self.rulings))
        names = [r.name for r in self.open_rules]
        for ruling in self.open_rules:
            told = ruling.name == "own_verdict" and "out_of_sample" in names  # what to do as well
            if ruling.remedy is not None and not told:
                yield ruling.remedy
        if self.facts.same:
            yield message("outcomes.decision.change.same")
        elif self.advice == "adopt":
            known = [r for r in self.rulings if not np.isnan(r.slack)]
            for ruling in sorted(known, key=lambda r: r.slack)[:2]:
                yield message("outcomes.decision.change.closest", rule=ruling.title,
                              asked=ruling.asked, found=ruling.found)  # fmt: skip

    def _step(self, again: bool) -> Text:
        """Say whether a part of the way would do; ``again`` if not all rules can be asked of it."""
        found = largest_step(self.facts, self.request.rules)
        if found is None:
            return message("outcomes.decision.change.no_step")
        share, part = found
        key = "step_again" if again else "step"
        return message(f"outcomes.decision.change.{key}", share=f"{100 * share:.0f}", n=part.moved,
                       of=part.enterprises)  # fmt: skip

    @cached_property
    def caveats(self) -> tuple[Text, ...]:
        """What was assumed, the gravest first."""
        return tuple(dict.fromkeys(self._caveats()))

    def _caveats(self) -> Iterator[Text]:
        facts = self.facts
        if facts.same:
            yield message("outcomes.decision.caveat.same")
        if not facts.estimated:
            yield message("outcomes.decision.caveat.decided", set=facts.proposed.label)
        for check in facts.evidence.left_out:
            if check.held < _MOSTLY:
                yield message("outcomes.decision.caveat.broken", share=percent(check.held),
                              measure=message(f"adjustment.measure.{check.measure}"),
                              cap=percent(check.cap))  # fmt: skip
        if facts.scored.synthetic:
            key = "one_of_many" if self.one_of_many else "synthetic"
            yield message(f"outcomes.decision.caveat.{key}", label=facts.scored.label,
                          n=len(facts.samples))  # fmt: skip
        shares = [c for c in facts.evidence.caveats if getattr(c, "key", "").endswith(".blend")]
        yield from shares  # chosen by hand, and easily overlooked
        yield from facts.evidence.caveats
        if facts.enterprises < _FEW:
            share = message("outcomes.decision.caveat.few", n=facts.enterprises,
                            share=f"{100 / max(1, facts.enterprises):.1f}")  # fmt: skip
            yield share
        if facts.current.uncertainty is None:
            yield message("outcomes.decision.caveat.current_decided", set=facts.current.label)

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """The rules, and what they rest on."""
        level = f"{100 * self.request.confidence:g}"

        def title(key: str) -> Text:
            return message(f"outcomes.decision.table.{key}", level=level)

        words = rules(self.rulings, words=True).drop(columns=["threshold", "measured"])
        unknown = message("outcomes.decision.blank")
        tables = [
            Table("rules", rules(self.rulings), title("rules"), blank=unknown,
                  shown=words, declared=_RULE_COLUMNS, from_transitions=True),
            Table("decision-weights", self.facts.weights, title("weights"), rows=60,
                  blank=unknown),
            Table("decision-stars", stars(self.facts), title("stars"), blank=unknown,
                  from_transitions=True),
            Table("decision-enterprises", enterprises(self.facts), title("enterprises"), rows=0),
            Table("decision-movers", self.movers, title("movers")),
        ]  # fmt: skip
        if self.facts.evidence.consensus:
            tables.append(Table("decision-agreement", self.agreement, title("agreement")))
        if self.facts.samples:
            tables.append(Table("decision-samples", samples(self.facts), title("samples"), rows=12,
                                from_transitions=True))  # fmt: skip
        return (*tables, *(self.drivers.tables if self.drivers else ()))

    @property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """Proposed weights with their intervals, and the current ones."""
        level = f"{100 * self.request.confidence:g}"
        title = message("outcomes.decision.figure", level=level, proposed=self.facts.proposed.label,
                        current=self.facts.current.label)  # fmt: skip
        return (Drawing("decision-weights", title, self._draw, roles=(Role.WEIGHT,)),)

    def _draw(self, lang: str, stacked: bool = False) -> Any:
        from calib.figures.decision import proposed_weights

        facts = self.facts
        return proposed_weights(facts.weights, facts.proposed.framework, lang=lang, stacked=stacked)

    def stacked_figure(self, lang: str) -> Any:
        """Return the figure for a narrow screen, its panels one under another."""
        return self._draw(lang, stacked=True)

    @property
    def further(self) -> tuple[Note, ...]:
        """What was assumed beside the caveats that stand on the page."""
        return tuple(Note(c) for c in self.caveats[MOST_CAVEATS:])

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """The recommendation, what would change it, and what was assumed."""
        return (
            Note(self.headline()),
            *(Note(c) for c in self.changes),
            *(Note(c, warning=True) for c in self.caveats[:MOST_CAVEATS]),
            *self.further,
        )

    @cached_property
    def movers(self) -> pd.DataFrame:
        """Who changes star, why, and with what probability."""
        return movers(self.facts)

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """Kendall's W by node, the lowest first."""
        return agreement(self.facts)

    def page(self, lang: str | None = None, *, anonymous: bool = False) -> Page:
        """Return the page for the committee in a language.

        Parameters
        ----------
        anonymous : leave out which enterprises move
        """
        from calib.outcomes.decision_page import decision_page

        return decision_page(self, lang, anonymous=anonymous)

    def write(self, path: str | Path, *, lang: str | None = None, anonymous: bool = False) -> Path:
        """Write the page as ``.html`` (one file, offline) or ``.docx``.

        Raises
        ------
        InputError
            For another ending, or where python-docx is not installed.
        """
        from calib.report.page import write_page

        return write_page(self.page(lang, anonymous=anonymous), path)

    def with_protocol(self, protocol: Text) -> DecisionResult:
        """Return the same decision, with what is known of when its rules were set."""
        return replace(self, protocol=protocol)


MOST_CAVEATS = 3
"""So many stand on the page, the others with the tables."""
_FEW = 50
"""Under so many enterprises the page says what one of them is in percent."""
_MOSTLY = 0.5
"""A cap that holds in a smaller share of refits is said to be broken on other enterprises."""
_RULE_COLUMNS = (
    Column("rule", Role.GROUP, coded="word"),
    Column("asked", Role.GROUP),
    Column("found", Role.TEXT),
    Column("threshold", Role.STATISTIC),
    Column("measured", Role.SHARE),
)


@takes(DecisionRequest)
def decide(
    current: WeightSet,
    proposed: WeightSet | Weighed,
    population: Population | Scored | Ensemble,
    *,
    request: DecisionRequest,
    evidence: Sequence[Weighed | WeightSet] = (),
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
) -> DecisionResult:
    """Recommend whether to adopt a proposed weight set, by rules declared beforehand.

    Parameters
    ----------
    current : the weights in force
    proposed : the candidate, or the result that made it
    population : the enterprises. Of an ensemble, the example (or the first sample) is shown, and
        the range over all samples with it
    evidence : results on the way to the proposed set: a panel tells where its experts disagree,
        an adjustment how its caps hold on enterprises left out, a blend what shares were chosen
    rule_options : answers to the open questions of the rating rule; the defaults if None
    rng : seed or Generator
    {options}

    Returns
    -------
    DecisionResult
        Adopt where every rule is met; do not adopt where a rule about the proposal itself is not;
        find out first where only evidence is lacking.

    Raises
    ------
    InputError
        When the sets belong to another framework.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> firms = calib.load_population("trial", framework)
    >>> published = calib.published_weights(framework)
    >>> more = published.with_weights({"DA": 0.9}, name="analytics")
    >>> calib.decide(published, more, firms, rng=1).advice
    'reject'
    """
    results = [r for r in (proposed, *evidence) if isinstance(r, Weighed)]
    candidate = proposed.weights if isinstance(proposed, Weighed) else proposed
    call = "decide(current, proposed, population)"
    expect(call, current=(current, WeightSet), proposed=(candidate, WeightSet),
           population=(population, (Population, Scored, Ensemble)))  # fmt: skip
    for given in evidence:
        expect("decide(…, evidence=…)", evidence=(given, (Weighed, WeightSet)))
    every: list[Scored] = []
    shown: Population | Scored
    if isinstance(population, Ensemble):
        every = [scored_enterprises(p, rule_options) for p in population]
        shown = population.example or population[0]
    else:
        shown = population
    scored = scored_enterprises(shown, rule_options)
    check_framework([current, candidate], scored)
    _check_parents(request.rules, candidate)
    if not len(scored):
        raise InputError(message("outcomes.decision.nobody"))
    said = gathered(results, evidence)
    facts = Facts(current, candidate, scored, every, said, request.confidence, request.size)
    found = None
    if request.driver_size and (candidate.roots or current.roots or every):
        found = drivers(candidate, population, baseline=current, rule_options=rule_options,
                        size=request.driver_size, rng=rng)  # fmt: skip
    rulings = judge(facts, request.rules)
    if not rulings:
        raise InputError(message("outcomes.decision.no_rules"))
    return DecisionResult(facts, request, rulings, found,
                          bool(every) or shown.one_of_many)  # fmt: skip


def _check_parents(rules: AdoptionRules, weights: WeightSet) -> None:
    """Raise where order may change under parents that there are none of."""
    parents = [f.parent for tree in weights.framework.tracks.values() for f in tree.families]
    for code in rules.allow_reversed:
        if code not in parents:
            known = [p or '""' for p in dict.fromkeys(parents)]
            raise InputError(unknown("outcomes.decision.no_parent", code, known))
