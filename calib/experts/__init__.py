"""Expert weighting input: from judgements on forms to weights with their uncertainty."""

from calib.experts.agreement import Concordance, kendall_w, mean_ranks
from calib.experts.ahp import Comparisons, weigh_comparisons
from calib.experts.bestworst import BestWorst, certify, nonlinear_xi, solve_best_worst
from calib.experts.competence import (
    authority,
    basis_of_judgement,
    competence_by_consistency,
    hand_set_competence,
)
from calib.experts.consistency import consistency_ratio, random_index, worst_judgement
from calib.experts.cooke import Performance, performance_weights
from calib.experts.delphi import (
    RoundChange,
    RoundStatistics,
    StoppingRule,
    Verdict,
    compare_rounds,
    round_statistics,
    stop_or_go,
)
from calib.experts.diagnostics import (
    leave_one_out_weights,
    opinion_camps,
    outlying_experts,
    star_influence,
)
from calib.experts.elicit import METHODS, Elicited, check_responses, elicit
from calib.experts.incomplete import least_squares_weights, optimal_completion
from calib.experts.pairwise import eigenvector_weights, geometric_weights, matrix_from_pairs
from calib.experts.pooling import POOLS, pool_judgements, pool_weights
from calib.experts.ranks import place_weights, rank_weights
from calib.experts.uncertainty import bootstrap_judgements, bootstrap_weights

__all__ = [
    "METHODS",
    "POOLS",
    "BestWorst",
    "Comparisons",
    "Concordance",
    "Elicited",
    "Performance",
    "RoundChange",
    "RoundStatistics",
    "StoppingRule",
    "Verdict",
    "authority",
    "basis_of_judgement",
    "bootstrap_judgements",
    "bootstrap_weights",
    "certify",
    "check_responses",
    "compare_rounds",
    "competence_by_consistency",
    "consistency_ratio",
    "eigenvector_weights",
    "elicit",
    "geometric_weights",
    "hand_set_competence",
    "kendall_w",
    "least_squares_weights",
    "leave_one_out_weights",
    "matrix_from_pairs",
    "mean_ranks",
    "nonlinear_xi",
    "opinion_camps",
    "optimal_completion",
    "outlying_experts",
    "performance_weights",
    "place_weights",
    "pool_judgements",
    "pool_weights",
    "random_index",
    "rank_weights",
    "round_statistics",
    "solve_best_worst",
    "star_influence",
    "stop_or_go",
    "weigh_comparisons",
    "worst_judgement",
]
