"""Top-k ballots: worths with uncertainty, and the test of equal importance.

``read_survey`` brings a survey in, ``estimate`` gives worths by any of :data:`METHODS`,
``equality_report`` answers whether items are about equally important, ``pool_tracks`` turns worths
into local weights up the tree.
"""

from calib.ballots.agreement import Agreement, fagin_distance, kendall_w, list_distances
from calib.ballots.bootstrap import Bootstrap, bootstrap
from calib.ballots.data import Ballots, ballots_from_lists
from calib.ballots.draws import worth_draws
from calib.ballots.equality import EqualityTests, adjusted_residuals, equality_tests
from calib.ballots.equivalence import Equivalence, equivalence_of_shares, equivalence_of_worths
from calib.ballots.estimates import (
    ERRORS,
    METHODS,
    Estimate,
    comparison_table,
    estimate,
    estimate_all,
    maximum_note,
    method_table,
)
from calib.ballots.homogeneity import StageTest, stage_test
from calib.ballots.kemeny import Kemeny, kemeny, kemeny_order
from calib.ballots.mixture import Mixture, MixtureChoice, choose_mixture, fit_mixture
from calib.ballots.outliers import Outliers, outlying_ballots
from calib.ballots.plackett import NoMaximumError, PlackettLuce, fit_ml
from calib.ballots.planning import ballots_for_equal_shares, ballots_for_equal_worths
from calib.ballots.prefix import PrefixCounter, PrefixTable, tabulate
from calib.ballots.preflib import read_preflib, write_preflib
from calib.ballots.quasi import QuasiVariances, quasi_variances
from calib.ballots.reading import parse_survey, read_survey
from calib.ballots.report import MARGIN, EqualityReport, equality_report
from calib.ballots.robust import effective_table, sandwich
from calib.ballots.rollup import (
    TreeWeights,
    align_leaves,
    leaf_groups,
    local_from_worths,
    pool_tracks,
)
from calib.ballots.scores import SCORES, PositionalScore, positional_score
from calib.ballots.segments import group_equality, segment_test
from calib.ballots.sentences import equality_sentences, verdict_name
from calib.ballots.shares import PickShares, pick_shares
from calib.ballots.shrinkage import Shrinkage, fit_shrunk
from calib.ballots.simulate import simulate_ballots
from calib.ballots.survey import REASONS, Intake, SetAside, Survey, reason
from calib.ballots.unshrunken import WorthIntervals, worth_intervals
from calib.ballots.weigh import BallotsRequest, BallotsResult, weigh_ballots
from calib.ballots.writing import survey_table, write_survey

__all__ = [
    "ERRORS",
    "MARGIN",
    "METHODS",
    "REASONS",
    "SCORES",
    "Agreement",
    "Ballots",
    "BallotsRequest",
    "BallotsResult",
    "Bootstrap",
    "EqualityReport",
    "EqualityTests",
    "Equivalence",
    "Estimate",
    "Intake",
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
    "QuasiVariances",
    "SetAside",
    "Shrinkage",
    "StageTest",
    "Survey",
    "TreeWeights",
    "WorthIntervals",
    "adjusted_residuals",
    "align_leaves",
    "ballots_for_equal_shares",
    "ballots_for_equal_worths",
    "ballots_from_lists",
    "bootstrap",
    "choose_mixture",
    "comparison_table",
    "effective_table",
    "equality_report",
    "equality_sentences",
    "equality_tests",
    "equivalence_of_shares",
    "equivalence_of_worths",
    "estimate",
    "estimate_all",
    "fagin_distance",
    "fit_mixture",
    "fit_ml",
    "fit_shrunk",
    "group_equality",
    "kemeny",
    "kemeny_order",
    "kendall_w",
    "leaf_groups",
    "list_distances",
    "local_from_worths",
    "maximum_note",
    "method_table",
    "outlying_ballots",
    "parse_survey",
    "pick_shares",
    "pool_tracks",
    "positional_score",
    "quasi_variances",
    "read_preflib",
    "read_survey",
    "reason",
    "sandwich",
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
