"""Dominance: which indicators really decide totals and stars."""

from calib.outcomes.dominance.dominance_request import DominanceRequest, level_depths
from calib.outcomes.dominance.dominance_result import DominanceResult, dominance
from calib.outcomes.dominance.main_effect import main_effect
from calib.outcomes.dominance.moments import (
    Moments,
    complete_scores,
    concentration,
    contribution_share,
    correlation_with_total,
    dominated_enterprises,
    item_rest_correlation,
    moments_of,
    pool_moments,
    shrinkage_intensity,
    variance_share,
)
from calib.outcomes.dominance.one_node import leave_out, leverage
from calib.outcomes.dominance.shapley import (
    ShapleyShare,
    entering_gains,
    shapley_exact,
    shapley_sampled,
)

__all__ = [
    "DominanceRequest",
    "DominanceResult",
    "Moments",
    "ShapleyShare",
    "complete_scores",
    "concentration",
    "contribution_share",
    "correlation_with_total",
    "dominance",
    "dominated_enterprises",
    "entering_gains",
    "item_rest_correlation",
    "leave_out",
    "level_depths",
    "leverage",
    "main_effect",
    "moments_of",
    "pool_moments",
    "shapley_exact",
    "shapley_sampled",
    "shrinkage_intensity",
    "variance_share",
]
