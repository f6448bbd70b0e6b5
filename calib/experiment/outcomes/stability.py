"""The outcome ``stability``: how far the weights are from changing each star."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import EnsembleParams, enterprises_under
from calib.outcomes.stability import StabilityRequest, StabilityResult, stability
from calib.rating import OverSamples

__all__ = ["STABILITY"]


class StabilityParams(StabilityRequest, EnsembleParams):
    """``stability``: of the stars under ``set``, the baseline if not stated."""

    set: str | None = None


def _build(
    context: Context, params: StabilityParams
) -> StabilityResult | OverSamples[StabilityResult]:
    name = params.set or context.baseline
    return stability(
        context.set(name).renamed(name), enterprises_under(context, name, params.ensemble),
        rule_options=context.rule_options, workers=context.workers, progress=context.tick,
        request=params.part(StabilityRequest),
    )  # fmt: skip


STABILITY = Outcome(StabilityParams, _build, lambda p: [p.set] if p.set else [])
