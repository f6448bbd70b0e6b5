"""The outcome ``lifecycle``: spent indicators, and the stars if one is retired or added."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import EnsembleParams, enterprises_under
from calib.outcomes.lifecycle import LifecycleRequest, LifecycleResult, lifecycle
from calib.rating import OverSamples

__all__ = ["LIFECYCLE"]


class LifecycleParams(LifecycleRequest, EnsembleParams):
    """``lifecycle``: of the indicators under the weights of ``set``, the baseline's if None."""

    set: str | None = None


def _build(
    context: Context, params: LifecycleParams
) -> LifecycleResult | OverSamples[LifecycleResult]:
    name = params.set or context.baseline
    request = params.part(LifecycleRequest)
    enterprises = enterprises_under(context, name, params.ensemble)
    return lifecycle(
        context.set(name), enterprises, rule_options=context.rule_options, request=request
    )


LIFECYCLE = Outcome(LifecycleParams, _build, lambda p: [p.set] if p.set else [], complete_only=True)
