"""The comparison that every run makes: stars under each set, against the baseline."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.outcomes.compare import ComparisonResult

__all__ = ["standard_outcome"]


def standard_outcome(context: Context) -> ComparisonResult:
    """Compare every set with the baseline."""
    grown = {name: context.grown(name) for name in context.ratings}
    labels = {name: g.label for name, g in grown.items() if g is not None}
    return ComparisonResult(context.ratings, context.baseline, labels)
