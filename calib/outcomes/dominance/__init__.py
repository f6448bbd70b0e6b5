"""Dominance: which indicators really decide totals and stars."""

from calib.outcomes.dominance.moments import Moments, moments_of
from calib.outcomes.dominance.request import DominanceRequest
from calib.outcomes.dominance.result import DominanceResult, dominance
from calib.outcomes.dominance.shapley import ShapleyShare, shapley_exact, shapley_sampled
from calib.outcomes.dominance.shares import variance_share

__all__ = [
    "DominanceRequest",
    "DominanceResult",
    "Moments",
    "ShapleyShare",
    "dominance",
    "moments_of",
    "shapley_exact",
    "shapley_sampled",
    "variance_share",
]
