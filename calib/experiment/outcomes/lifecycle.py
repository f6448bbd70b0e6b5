"""The outcome ``lifecycle``: spent indicators, and the stars if one is retired or added."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.outcomes.lifecycle import LifecycleRequest, LifecycleResult, lifecycle

__all__ = ["LIFECYCLE"]


class LifecycleParams(LifecycleRequest):
    """``lifecycle``: of the indicators under the weights of ``set``, the baseline's if None."""

    set: str | None = None


def _build(context: Context, params: LifecycleParams) -> LifecycleResult:
    name = params.set or context.baseline
    request = params.part(LifecycleRequest)
    return lifecycle(context.set(name), context.scored_under(name), request=request)


LIFECYCLE = Outcome(LifecycleParams, _build, lambda p: [p.set] if p.set else [], complete_only=True)
