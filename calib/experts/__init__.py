"""Expert weighting input: from judgements on forms to weights with their uncertainty.

Arrays: :func:`elicit`, :func:`pool_weights`, :func:`kendall_w` … Panels with files:
:func:`write_form`, :func:`read_panel`, :func:`weigh_panel`.
"""

from calib.experts.ahp import (
    Comparisons,
    consistency_ratio,
    geometric_consistency_index,
    weigh_comparisons,
    worst_judgement,
)
from calib.experts.bestworst import BestWorst, certify, solve_best_worst
from calib.experts.concordance import Concordance, kendall_w, mean_ranks
from calib.experts.cooke import (
    Performance,
    performance_weights,
    read_seed_answers,
    weights_from_seeds,
)
from calib.experts.delphi import (
    RoundChange,
    RoundStatistics,
    Verdict,
    compare_rounds,
    item_statistics,
    round_statistics,
    stop_or_go,
)
from calib.experts.delphi_panel import delphi_report, delphi_rounds
from calib.experts.diagnostics import (
    aitchison_distances,
    centred_log_ratios,
    expert_clusters,
    outlying_experts,
    star_influence,
)
from calib.experts.elicit import METHODS, Elicited, check_responses, elicit
from calib.experts.form_layout import FORM_METHODS
from calib.experts.form_read import read_form
from calib.experts.form_write import write_form, write_next_round
from calib.experts.incomplete import least_squares_weights, optimal_completion
from calib.experts.judgements import judge_nodes
from calib.experts.method_tests import method_association, method_difference
from calib.experts.pairwise import (
    column_mean_weights,
    eigenvector_weights,
    geometric_weights,
    matrix_from_pairs,
)
from calib.experts.panel import Answer, ExpertForm, Panel, Question, questions_of
from calib.experts.panel_bootstrap import bootstrap_judgements, bootstrap_weights
from calib.experts.panel_csv import write_panel_csv
from calib.experts.panel_differences import (
    clusters_table,
    correlation_with_rest,
    methods_table,
    panel_direction,
    panel_groups,
)
from calib.experts.panel_files import read_panel
from calib.experts.panel_request import Formulas, PanelRequest, StoppingRule
from calib.experts.panel_tables import (
    consistency_table,
    experts_table,
    seeds_table,
    sums_table,
    weights_table,
)
from calib.experts.panel_weighing import PanelResult, weigh_panel
from calib.experts.pooling import (
    POOLS,
    basis_of_judgement,
    competence_by_consistency,
    hand_set_competence,
    pool_judgements,
    pool_weights,
)
from calib.experts.random_index import random_index, random_matrices, simulate_random_index
from calib.experts.ranks_and_points import RANK_FORMULAS, place_weights, rank_weights
from calib.experts.register import add_to_register, read_register, sent_counts
from calib.experts.returned_weights import read_opinions
from calib.experts.synthesis import PanelWeights, pool_panel

__all__ = [
    "FORM_METHODS",
    "METHODS",
    "POOLS",
    "RANK_FORMULAS",
    "Answer",
    "BestWorst",
    "Comparisons",
    "Concordance",
    "Elicited",
    "ExpertForm",
    "Formulas",
    "Panel",
    "PanelRequest",
    "PanelResult",
    "PanelWeights",
    "Performance",
    "Question",
    "RoundChange",
    "RoundStatistics",
    "StoppingRule",
    "Verdict",
    "add_to_register",
    "aitchison_distances",
    "basis_of_judgement",
    "bootstrap_judgements",
    "bootstrap_weights",
    "centred_log_ratios",
    "certify",
    "check_responses",
    "clusters_table",
    "column_mean_weights",
    "compare_rounds",
    "competence_by_consistency",
    "consistency_ratio",
    "consistency_table",
    "correlation_with_rest",
    "delphi_report",
    "delphi_rounds",
    "eigenvector_weights",
    "elicit",
    "expert_clusters",
    "experts_table",
    "geometric_consistency_index",
    "geometric_weights",
    "hand_set_competence",
    "item_statistics",
    "judge_nodes",
    "kendall_w",
    "least_squares_weights",
    "matrix_from_pairs",
    "mean_ranks",
    "method_association",
    "method_difference",
    "methods_table",
    "optimal_completion",
    "outlying_experts",
    "panel_direction",
    "panel_groups",
    "performance_weights",
    "place_weights",
    "pool_judgements",
    "pool_panel",
    "pool_weights",
    "questions_of",
    "random_index",
    "random_matrices",
    "rank_weights",
    "read_form",
    "read_opinions",
    "read_panel",
    "read_register",
    "read_seed_answers",
    "round_statistics",
    "seeds_table",
    "sent_counts",
    "simulate_random_index",
    "solve_best_worst",
    "star_influence",
    "stop_or_go",
    "sums_table",
    "weigh_comparisons",
    "weigh_panel",
    "weights_from_seeds",
    "weights_table",
    "worst_judgement",
    "write_form",
    "write_next_round",
    "write_panel_csv",
]
