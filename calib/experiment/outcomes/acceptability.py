"""The outcome ``acceptability``: how sure each star is when the weights are uncertain."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.samples import EnsembleParams, enterprises_under, together
from calib.outcomes.acceptability import (
    AcceptabilityRequest,
    AcceptabilityResult,
    SamplingRequest,
    UncertaintyRequest,
    acceptability,
)
from calib.rating import OverSamples
from calib.words import Name, message, say

__all__ = ["ACCEPTABILITY"]


class LabelParams(Params):
    """What a case is called in each language."""

    zh: str
    en: str


class CaseParams(UncertaintyRequest):
    """One statement of uncertainty.

    ``around`` is the set at the centre, the baseline if not stated; ``draws`` names a set whose
    draws are used for families without a statement, in place of those of ``around``; ``label``
    is what tables and figures call the case.
    """

    around: str | None = None
    draws: str | None = None
    label: LabelParams | None = None


class AcceptabilityParams(SamplingRequest, EnsembleParams):
    """``acceptability``: cases by name; ``size`` draws in each of ``replicates`` repetitions."""

    cases: Annotated[dict[str, CaseParams], Field(min_length=1)]


def _build(
    context: Context, params: AcceptabilityParams
) -> AcceptabilityResult | OverSamples[AcceptabilityResult]:
    found = {}
    for name, case in params.cases.items():
        context.tick(say("outcomes.doing", what=message("sections.acceptability"), part=name))
        around = case.around or context.baseline
        request = AcceptabilityRequest(
            **dict(params.part(SamplingRequest)), **dict(case.part(UncertaintyRequest))
        )
        enterprises = enterprises_under(context, around, params.ensemble)
        found[name] = acceptability(
            context.set(around), enterprises, name=name,
            label=None if case.label is None else Name(case.label.zh, case.label.en),
            draws=None if case.draws is None else context.set(case.draws),
            rng=context.seed, workers=context.workers, scheduler=context.scheduler,
            request=request, rule_options=context.rule_options,
        )  # fmt: skip
    return together(found, lambda cases: AcceptabilityResult.together([*cases.values()]))


def _needs(params: AcceptabilityParams) -> list[str]:
    named = [s for c in params.cases.values() for s in (c.around, c.draws) if s is not None]
    return list(dict.fromkeys(named))


ACCEPTABILITY = Outcome(AcceptabilityParams, _build, _needs)
