"""The outcome ``comparison``: intervals and tests for the standard comparison of a run."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.outcomes.inference import CompareRequest, InferenceResult, infer

__all__ = ["COMPARISON"]


def _build(context: Context, request: CompareRequest) -> InferenceResult:
    return infer(context.ratings, context.baseline, request, context.seed)


COMPARISON = Outcome(CompareRequest, _build)
