"""What weights do to stars: comparison, certainty, stability, tipping points, life cycle."""

from calib.outcomes.acceptability import AcceptabilityRequest, AcceptabilityResult, acceptability
from calib.outcomes.agreement import (
    bootstrap_agreement,
    bowker_symmetry,
    stuart_maxwell,
    wilson_interval,
)
from calib.outcomes.certainty import move_probability, paired_draws
from calib.outcomes.compare import ComparisonResult, compare
from calib.outcomes.crossings import TippingPoints, stars_along, tipping_points
from calib.outcomes.draws import FamilyRule, draw_weights
from calib.outcomes.drivers import DriversRequest, DriversResult, drivers
from calib.outcomes.indicators import add_indicator, item_use, retire_indicator
from calib.outcomes.inference import CompareRequest, InferenceResult, infer
from calib.outcomes.lifecycle import LifecycleRequest, LifecycleResult, NewIndicator, lifecycle
from calib.outcomes.planning import ValueRequest, ValueResult, value_of_information
from calib.outcomes.probabilities import (
    StarProbabilities,
    pillar_probabilities,
    share_above,
    star_probabilities,
)
from calib.outcomes.rule_options import (
    RuleOptionsRequest,
    RuleOptionsResult,
    option_choices,
    rate_options,
    rule_options,
)
from calib.outcomes.scale import ScaleRequest, ScaleResult, scale
from calib.outcomes.smallest_shift import SmallestShift, smallest_shift
from calib.outcomes.stability import StabilityRequest, StabilityResult, stability
from calib.outcomes.star_differences import mover_table, weighted_kappa
from calib.outcomes.tipping import TippingResult, tipping
from calib.outcomes.unanswered import UnansweredResult, has_gaps, unanswered
from calib.rating.one_weight import WeightIntervals, one_weight_intervals

__all__ = [
    "AcceptabilityRequest",
    "AcceptabilityResult",
    "CompareRequest",
    "ComparisonResult",
    "DriversRequest",
    "DriversResult",
    "FamilyRule",
    "InferenceResult",
    "LifecycleRequest",
    "LifecycleResult",
    "NewIndicator",
    "RuleOptionsRequest",
    "RuleOptionsResult",
    "ScaleRequest",
    "ScaleResult",
    "SmallestShift",
    "StabilityRequest",
    "StabilityResult",
    "StarProbabilities",
    "TippingPoints",
    "TippingResult",
    "UnansweredResult",
    "ValueRequest",
    "ValueResult",
    "WeightIntervals",
    "acceptability",
    "add_indicator",
    "bootstrap_agreement",
    "bowker_symmetry",
    "compare",
    "draw_weights",
    "drivers",
    "has_gaps",
    "infer",
    "item_use",
    "lifecycle",
    "move_probability",
    "mover_table",
    "one_weight_intervals",
    "option_choices",
    "paired_draws",
    "pillar_probabilities",
    "rate_options",
    "retire_indicator",
    "rule_options",
    "scale",
    "share_above",
    "smallest_shift",
    "stability",
    "star_probabilities",
    "stars_along",
    "stuart_maxwell",
    "tipping",
    "tipping_points",
    "unanswered",
    "value_of_information",
    "weighted_kappa",
    "wilson_interval",
]
