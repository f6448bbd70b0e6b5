"""What weights do to stars: comparison, certainty, stability, tipping points, life cycle."""

from calib.outcomes.acceptability import (
    Acceptability,
    acceptability,
    pillar_acceptability,
    share_above,
)
from calib.outcomes.agreement import (
    bootstrap_agreement,
    bowker_symmetry,
    stuart_maxwell,
    wilson_interval,
)
from calib.outcomes.compare import ComparisonResult, compare
from calib.outcomes.crossings import TippingPoints, stars_along, tipping_points
from calib.outcomes.draws import FamilyRule, draw_weights
from calib.outcomes.inference import CompareRequest, InferenceResult, infer
from calib.outcomes.intervals import WeightIntervals, one_weight_intervals
from calib.outcomes.lifecycle import add_indicator, item_use, retire_indicator
from calib.outcomes.readings import all_readings, rate_readings
from calib.outcomes.stability import SmallestShift, smallest_shift
from calib.outcomes.tipping import TippingResult, tipping

__all__ = [
    "Acceptability",
    "CompareRequest",
    "ComparisonResult",
    "FamilyRule",
    "InferenceResult",
    "SmallestShift",
    "TippingPoints",
    "TippingResult",
    "WeightIntervals",
    "acceptability",
    "add_indicator",
    "all_readings",
    "bootstrap_agreement",
    "bowker_symmetry",
    "compare",
    "draw_weights",
    "infer",
    "item_use",
    "one_weight_intervals",
    "pillar_acceptability",
    "rate_readings",
    "retire_indicator",
    "share_above",
    "smallest_shift",
    "stars_along",
    "stuart_maxwell",
    "tipping",
    "tipping_points",
    "wilson_interval",
]
