"""The outcome ``rule-options``: which stars depend on an open question of the rating rule."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.outcomes.rule_options import RuleOptionsRequest, RuleOptionsResult, rule_options

__all__ = ["RULE_OPTIONS"]


class RuleOptionsParams(RuleOptionsRequest):
    """``rule-options``: of the stars under ``sets``; all sets if not stated."""

    sets: tuple[str, ...] | None = None


def _build(context: Context, params: RuleOptionsParams) -> RuleOptionsResult:
    found = []
    for name in params.sets or tuple(context.sets()):
        context.tick(f"rule options {name}")
        grown = context.grown(name)
        growth = {} if grown is None else {"grow": grown.grow}
        found.append(
            rule_options(
                {name: context.set(name)}, context.population, rule_options=context.rule_options,
                request=params.part(RuleOptionsRequest), **growth,
            )
        )  # fmt: skip
    return RuleOptionsResult.together(found)


RULE_OPTIONS = Outcome(RuleOptionsParams, _build, lambda p: p.sets or ())
