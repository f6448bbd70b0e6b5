"""Top-k ballots: worths with uncertainty, and the test of equal importance.

``read_survey`` brings a survey in, ``estimate`` gives worths by any of :data:`METHODS`,
``equality_report`` answers whether items are about equally important, ``pool_tracks`` turns worths
into local weights up the tree.
"""

from calib.ballots.ballot_weighing import BallotsRequest, weigh_ballots
from calib.ballots.ballots_result import BallotsResult
from calib.ballots.equality import (
    EqualityTests,
    adjusted_residuals,
    equality_tests,
    lr_test,
    pick_test,
    score_test,
)
from calib.ballots.equality_report import MARGIN, EqualityReport, equality_report
from calib.ballots.equality_words import equality_sentences, verdict_name
from calib.ballots.equivalence import (
    Equivalence,
    ballots_for_equal_shares,
    ballots_for_equal_worths,
    equivalence_of_shares,
    equivalence_of_worths,
)
from calib.ballots.estimates import (
    ERRORS,
    METHODS,
    Estimate,
    comparison_table,
    estimate,
    estimate_all,
    maximum_note,
    method_table,
    quasi_variances,
)
from calib.ballots.homogeneity import StageTest, group_equality, segment_test, stage_test
from calib.ballots.likelihood import loglik
from calib.ballots.opinion_groups import (
    Mixture,
    MixtureChoice,
    Outliers,
    choose_mixture,
    fit_mixture,
    outlying_ballots,
)
from calib.ballots.plackett import NoMaximumError, PlackettLuce, fit_ml
from calib.ballots.power import (
    BallotsPlan,
    ballots_for_difference,
    plan_ballots,
    power_of_equality_test,
)
from calib.ballots.prefix import PrefixCounter, PrefixTable, tabulate
from calib.ballots.preflib import read_preflib, write_preflib
from calib.ballots.resampling import bootstrap, worth_draws
from calib.ballots.robust import effective_size, effective_table, sandwich
from calib.ballots.share_intervals import PickShares, WorthIntervals, pick_shares, worth_intervals
from calib.ballots.shrinkage import Shrinkage, fit_shrunk
from calib.ballots.simulation import simulate_ballots
from calib.ballots.survey import (
    REASONS,
    Ballots,
    ReadReport,
    RejectedBallot,
    Survey,
    ballots_from_lists,
    reason_name,
)
from calib.ballots.survey_files import (
    import_ballots,
    mapped_survey,
    parse_survey,
    read_survey,
    survey_table,
    write_survey,
)
from calib.ballots.tree_weights import (
    align_leaves,
    leaf_groups,
    local_from_worths,
    pool_tracks,
)
from calib.ballots.voting import (
    SCORES,
    Kemeny,
    PositionalScore,
    kemeny,
    kemeny_order,
    positional_score,
    preference_counts,
)

__all__ = [
    "ERRORS",
    "MARGIN",
    "METHODS",
    "REASONS",
    "SCORES",
    "Ballots",
    "BallotsPlan",
    "BallotsRequest",
    "BallotsResult",
    "EqualityReport",
    "EqualityTests",
    "Equivalence",
    "Estimate",
    "Kemeny",
    "Mixture",
    "MixtureChoice",
    "NoMaximumError",
    "Outliers",
    "PickShares",
    "PlackettLuce",
    "PositionalScore",
    "PrefixCounter",
    "PrefixTable",
    "ReadReport",
    "RejectedBallot",
    "Shrinkage",
    "StageTest",
    "Survey",
    "WorthIntervals",
    "adjusted_residuals",
    "align_leaves",
    "ballots_for_difference",
    "ballots_for_equal_shares",
    "ballots_for_equal_worths",
    "ballots_from_lists",
    "bootstrap",
    "choose_mixture",
    "comparison_table",
    "effective_size",
    "effective_table",
    "equality_report",
    "equality_sentences",
    "equality_tests",
    "equivalence_of_shares",
    "equivalence_of_worths",
    "estimate",
    "estimate_all",
    "fit_mixture",
    "fit_ml",
    "fit_shrunk",
    "group_equality",
    "import_ballots",
    "kemeny",
    "kemeny_order",
    "leaf_groups",
    "local_from_worths",
    "loglik",
    "lr_test",
    "mapped_survey",
    "maximum_note",
    "method_table",
    "outlying_ballots",
    "parse_survey",
    "pick_shares",
    "pick_test",
    "plan_ballots",
    "pool_tracks",
    "positional_score",
    "power_of_equality_test",
    "preference_counts",
    "quasi_variances",
    "read_preflib",
    "read_survey",
    "reason_name",
    "sandwich",
    "score_test",
    "segment_test",
    "simulate_ballots",
    "stage_test",
    "survey_table",
    "tabulate",
    "verdict_name",
    "weigh_ballots",
    "worth_draws",
    "worth_intervals",
    "write_preflib",
    "write_survey",
]
