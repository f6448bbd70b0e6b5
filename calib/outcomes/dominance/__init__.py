"""Dominance: which indicators really decide totals and stars."""

from calib.outcomes.dominance.dominance_request import DominanceRequest
from calib.outcomes.dominance.dominance_result import DominanceResult, dominance
from calib.outcomes.dominance.moments import Moments, moments_of, variance_share
from calib.outcomes.dominance.shapley import ShapleyShare, shapley_exact, shapley_sampled

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
