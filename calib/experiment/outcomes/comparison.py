"""The comparison that every run makes, and the outcome ``comparison``: its intervals and tests."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import EnsembleParams, ensemble_of
from calib.outcomes.compare import ComparisonResult, compare
from calib.outcomes.inference import CompareRequest, infer
from calib.rating import OverSamples
from calib.report import Result

__all__ = ["COMPARISON", "stars_of_sets"]


def stars_of_sets(context: Context) -> ComparisonResult:
    """Compare the stars under every set with those under the baseline."""
    grown = {name: context.grown(name) for name in context.ratings}
    labels = {name: g.label for name, g in grown.items() if g is not None}
    return ComparisonResult(context.ratings, context.baseline, labels)


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
