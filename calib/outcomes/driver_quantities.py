"""What is counted for every draw: changes of stars, numbers of stars, or the star of one.

Weights come with a plan of replicates, one number a root; which sample of an ensemble was observed
is a root too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError, suggest
from calib.framework import RuleOptions
from calib.outcomes.subject import check_framework, scored_enterprises
from calib.population import Ensemble, Population
from calib.rating import Scored
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
                        hint=suggest(str(enterprise), known))
            )  # fmt: skip
        return known[str(enterprise)]

    def roots(self, weights: WeightSet) -> tuple[Root, ...]:
        """Return what varies: the roots of both sets, and the sample of an ensemble."""
        check_framework([w for w in (weights, self.baseline) if w is not None], self.scored()[0])
        both = derive([w for w in (weights, self.baseline) if w is not None], lambda s, p: s[0])
        known = () if both is None else tuple(both.roots.values())
        if isinstance(self.population, Ensemble):
            label = message("outcomes.drivers.sample", n=len(self.population))
            known = (*known, Root(SAMPLE, SAMPLE, label, SAMPLE))
        if self.imputations:
            label = message("outcomes.drivers.imputation", n=self.imputations)
            known = (*known, Root(IMPUTATION, IMPUTATION, label, IMPUTATION))
        if len(known) > MOST_ROOTS:
            raise InputError(message("outcomes.drivers.too_many", n=len(known), most=MOST_ROOTS))
        return known

    def values(self, weights: WeightSet, plan: Plan, rule_options: Any = None) -> FloatArray:
        """Return the quantities (k, T) under a plan of replicates."""
        k = len(next(iter(plan.values())))
        reference = self.baseline or weights.with_uncertainty(None)
        after, before = under(weights, plan, k), under(reference, plan, k)
        scored, earlier = self.scored(rule_options), self.scored()
        member = np.maximum(plan.get(SAMPLE, np.zeros(k, dtype=np.int64)), 0)
        drawn = plan.get(IMPUTATION, np.full(k, DECIDED))
        out = np.zeros((k, len(self.targets)))
        for number in np.unique(member):
            rows = np.flatnonzero(member == number)
            out[rows] = self._counted(
                (scored[number], {t: v[rows] for t, v in after.items()}),
                (earlier[number], {t: v[rows] for t, v in before.items()}),
                drawn[rows],
            )
        return out

    def _counted(
        self, now: tuple[Scored, Local], then: tuple[Scored, Local], drawn: IntArray
    ) -> FloatArray:
        rule = self.framework.rule
        (scored, after), (earlier, before) = now, then
        out = np.zeros((len(next(iter(after.values()))), len(self.targets)))
        for t, sample in scored.samples.items():
            if self.target == "enterprise" and self.place[0] != t:
                continue
            if self.target == "enterprise":
                sample = sample.take(np.array([self.place[1]]))
            thresholds = rule.effective(scored.rule_options, t)
            stars = sample.stars_by_draw(after[t], thresholds, drawn)
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
