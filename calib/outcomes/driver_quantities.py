"""What is counted for every draw: changes of stars, numbers of stars, or the star of one.

Weights come with a plan of replicates, one number a root; which sample of an ensemble was observed
is a root too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError, did_you_mean
from calib.framework import RuleOptions
from calib.population import Ensemble, Population
from calib.rating import Scored
from calib.rating.subject import check_framework, scored_enterprises
from calib.weights import DECIDED, Local, Plan, Root, WeightSet, derive, under
from calib.words import message

__all__ = ["IMPUTATION", "MOST_ROOTS", "SAMPLE", "Quantities", "Target"]

Target = Literal["changes", "stars", "enterprise"]

IMPUTATION = "imputation"
"""Kind and key of the root of unanswered items that are drawn."""
MOST_ROOTS = 8
"""Groups of roots are looked at one by one: 2 to this power."""
SAMPLE = "sample"
"""Kind and key of the root that an ensemble brings in: which of its samples was observed."""


class Quantities:
    """The quantities of interest: from weights, and which sample was observed, to numbers."""

    def __init__(
        self,
        population: Population | Scored | Ensemble,
        baseline: WeightSet | None,
        rule_options: RuleOptions | Mapping[str, str] | None,
        target: Target,
        enterprise: str | None = None,
    ) -> None:
        self.population, self.baseline = population, baseline
        self.rule_options, self.target = rule_options, target
        self.framework = population.framework
        self._scored: dict[Any, list[Scored]] = {}
        rule = self.framework.rule
        self.targets: tuple[str, ...] = (target,)
        if target == "stars":
            self.targets = tuple(f"star_{k + rule.first}" for k in range(rule.stars))
        if target == "enterprise":
            self.place = self._find(enterprise)

    def scored(self, rule_options: Any = None) -> list[Scored]:
        """Return the scores of every sample; one where the population is no ensemble."""
        wanted = self.rule_options if rule_options is None else rule_options
        if isinstance(self.population, Scored):
            return [scored_enterprises(self.population, wanted)]
        key = repr(wanted)
        if key not in self._scored:
            several = self.population
            every = [*several] if isinstance(several, Ensemble) else [several]
            self._scored[key] = [scored_enterprises(p, wanted) for p in every]
        return self._scored[key]

    @property
    def imputations(self) -> int:
        """How often unanswered items were drawn; 0 where none was."""
        return max(scored.imputations for scored in self.scored())

    def _find(self, enterprise: str | None) -> tuple[str, int]:
        if isinstance(self.population, Ensemble):
            raise InputError(message("outcomes.drivers.one_of_many"))
        known = {str(i): (t, row) for t, s in self.scored()[0].samples.items()
                 for row, i in enumerate(s.ids)}  # fmt: skip
        if enterprise not in known:
            raise InputError(
                message("outcomes.drivers.no_enterprise", id=repr(enterprise),
                        hint=did_you_mean(str(enterprise), known))
            )  # fmt: skip
        return known[str(enterprise)]

    def roots(self, weights: WeightSet) -> tuple[Root, ...]:
        """Return what varies: the roots of both sets, imputations, and last which sample it is."""
        check_framework([w for w in (weights, self.baseline) if w is not None], self.scored()[0])
        both = derive([w for w in (weights, self.baseline) if w is not None], lambda s, p: s[0])
        known = () if both is None else _told_apart(tuple(both.roots.values()))
        if self.imputations:
            label = message("outcomes.drivers.imputation", n=self.imputations)
            known = (*known, Root(IMPUTATION, IMPUTATION, label, IMPUTATION))
        if isinstance(self.population, Ensemble):
            label = message("outcomes.drivers.sample", n=len(self.population))
            known = (*known, Root(SAMPLE, SAMPLE, label, SAMPLE))
        if len(known) > MOST_ROOTS:
            raise InputError(message("outcomes.drivers.too_many", n=len(known), most=MOST_ROOTS))
        return known

    def values(self, weights: WeightSet, plan: Plan, rule_options: Any = None) -> FloatArray:
        """Return the quantities (k, T) under a plan of replicates."""
        k = len(next(iter(plan.values())))
        after, before = self._locals(weights, plan, k)
        member = plan.get(SAMPLE, np.full(k, DECIDED))
        drawn = plan.get(IMPUTATION, np.full(k, DECIDED))
        out = np.zeros((k, len(self.targets)))
        for number in np.unique(member):
            rows = np.flatnonzero(member == number)
            out[rows] = self._counted(
                self._sample(number, rule_options),
                {t: v[rows] for t, v in after.items()},
                {t: v[rows] for t, v in before.items()},
                drawn[rows],
            )
        return out

    def in_every_sample(self, weights: WeightSet, plan: Plan) -> FloatArray:
        """Return the quantities (k, S, T) under a plan of replicates, in all samples."""
        k = len(next(iter(plan.values())))
        after, before = self._locals(weights, plan, k)
        drawn = plan.get(IMPUTATION, np.full(k, DECIDED))
        every = [
            self._counted(self._sample(number, None), after, before, drawn)
            for number in range(len(self.scored()))
        ]
        return np.stack(every, axis=1)

    def _sample(self, number: int, rule_options: Any) -> tuple[Scored, Scored]:
        """Return the scores of a sample now, and under the options of the start."""
        if number == DECIDED:
            return self._observed(rule_options), self._observed(None)
        return self.scored(rule_options)[number], self.scored()[number]

    def _observed(self, rule_options: Any) -> Scored:
        """Return the scores of the sample that is shown where one stands for all."""
        shown = self.population.example if isinstance(self.population, Ensemble) else None
        if shown is None:
            return self.scored(rule_options)[0]
        wanted = self.rule_options if rule_options is None else rule_options
        key = ("observed", repr(wanted))
        if key not in self._scored:
            self._scored[key] = [scored_enterprises(shown, wanted)]
        return self._scored[key][0]

    def _locals(self, weights: WeightSet, plan: Plan, k: int) -> tuple[Local, Local]:
        """Return the weights, and those of the baseline, under a plan."""
        reference = self.baseline or weights.with_uncertainty(None)
        return _once_each(weights, plan, k), _once_each(reference, plan, k)

    def _counted(
        self, sample: tuple[Scored, Scored], after: Local, before: Local, drawn: IntArray
    ) -> FloatArray:
        rule = self.framework.rule
        scored, earlier = sample
        out = np.zeros((len(next(iter(after.values()))), len(self.targets)))
        for t, firms in scored.samples.items():
            if self.target == "enterprise" and self.place[0] != t:
                continue
            if self.target == "enterprise":
                firms = firms.take(np.array([self.place[1]]))
            thresholds = rule.effective(scored.rule_options, t)
            stars = firms.stars_by_draw(after[t], thresholds, drawn)
            if self.target == "enterprise":
                out[:, 0] = stars[:, 0] + rule.first
            elif self.target == "stars":
                out += np.stack([(stars == k).sum(axis=1) for k in range(rule.stars)], axis=1)
            else:
                was = earlier.samples[t].stars_by_draw(
                    before[t], rule.effective(earlier.rule_options, t), drawn
                )
                out[:, 0] += (stars != was).sum(axis=1)
        return out


def _once_each(weights: WeightSet, plan: Plan, k: int) -> Local:
    """Return a set's local weights under a plan; each combination of its replicates made once."""
    if weights.uncertainty is None:
        return under(weights, plan, k)
    keys = [*weights.uncertainty.roots]
    rows = np.stack([plan[key] for key in keys], axis=1)
    rows, place = np.unique(rows, axis=0, return_inverse=True)
    made = under(weights, dict(zip(keys, rows.T, strict=True)), len(rows))
    return {t: v[place.ravel()] for t, v in made.items()}


def _told_apart(roots: tuple[Root, ...]) -> tuple[Root, ...]:
    """Return roots with those of one label numbered, such as two panels of as many experts."""
    said = [root.label.get("en") for root in roots]
    return tuple(
        replace(root, label=message("outcomes.drivers.numbered", label=root.label,
                                    n=said[:i].count(name) + 1))
        if said.count(name) > 1 else root
        for i, (root, name) in enumerate(zip(roots, said, strict=True))
    )  # fmt: skip
