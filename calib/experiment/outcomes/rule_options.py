"""The outcome ``rule-options``: which stars depend on an open question of the rating rule."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import EnsembleParams, ensemble_of, together
from calib.outcomes.rule_options import RuleOptionsRequest, RuleOptionsResult, rule_options
from calib.rating import OverSamples
from calib.words import message, say

__all__ = ["RULE_OPTIONS"]


class RuleOptionsParams(RuleOptionsRequest, EnsembleParams):
    """``rule-options``: of the stars under ``sets``; all sets if not stated."""

    sets: tuple[str, ...] | None = None


def _build(
    context: Context, params: RuleOptionsParams
) -> RuleOptionsResult | OverSamples[RuleOptionsResult]:
    found = {}
    enterprises = context.population if params.ensemble is None else ensemble_of(
        context, params.ensemble)  # fmt: skip
    for name in params.sets or tuple(context.sets()):
        context.tick(say("outcomes.doing", what=message("sections.rule-options"), part=name))
        grown = context.grown(name)
        growth = {} if grown is None else {"grow": grown.grow}
        found[name] = rule_options(
            {name: context.set(name)}, enterprises, rule_options=context.rule_options,
            request=params.part(RuleOptionsRequest), **growth,
        )  # fmt: skip
    return together(found, lambda sets: RuleOptionsResult.together([*sets.values()]))


RULE_OPTIONS = Outcome(RuleOptionsParams, _build, lambda p: p.sets or ())
