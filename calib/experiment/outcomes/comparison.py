"""The outcome ``comparison``: intervals and tests for the standard comparison of a run."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import EnsembleParams, ensemble_of
from calib.outcomes.compare import compare
from calib.outcomes.inference import CompareRequest, infer
from calib.rating import OverSamples
from calib.report import Result

__all__ = ["COMPARISON"]


class ComparisonParams(CompareRequest, EnsembleParams):
    """``comparison``: of every set with the baseline; with ``ensemble``, over its samples too."""


def _build(context: Context, params: ComparisonParams) -> Result:
    request = params.part(CompareRequest)
    found = infer(context.ratings, context.baseline, request, context.seed)
    if params.ensemble is None:
        return found
    others = [n for n in context.ratings if n != context.baseline and context.grown(n) is None]
    over = compare(
        context.set(context.baseline), {n: context.set(n) for n in others},
        ensemble_of(context, params.ensemble), rule_options=context.rule_options, rng=context.seed,
    )  # fmt: skip
    return OverSamples(found, over.shown, over.found, over.ensemble)


COMPARISON = Outcome(ComparisonParams, _build)
