"""The columns of calib's own tables: a key means the same wherever it stands.

Their headings are under ``columns`` in the catalogue. A table's own columns are declared with it.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CODED", "PATTERNS", "ROLES", "SEVERAL", "SINGLE", "UNITS"]

_BY_ROLE: Mapping[str, str] = {
    "enterprise": "enterprise name moved_enterprises",
    "person": "expert members respondent",
    "group": (
        "by share_band worth_band groups_are index_source methods "
        "set other_set scope track level parent code node name_zh name_en label measure other test "
        "quantity rule_option missing option case round year method scale source direction "
        "next_node through gate demand caused_by reason up_by down_by band verdict cluster "
        "baseline item indicator estimator role file where segment index likeliest p_by target "
        "root_kind root choices"
    ),
    "weight": (
        "worth_unshrunken worth_simultaneous_lower worth_simultaneous_upper "
        "local_weight global_weight baseline_local baseline_global weight weight_now weight_there "
        "weight_before weight_after local_before local_after local_pp global_pp change worth "
        "worth_low worth_high worth_lower worth_upper mean_weight shrinkage_weight "
        "maximum_likelihood_weight borda_unlisted_zero_weight borda_mean_unlisted_weight "
        "dowdall_weight first_choice_weight picks_weight weight_shift weight_shift_without"
    ),
    "score": (
        "total total_before total_after total_change mean_abs_change max_abs_change score "
        "upper_lower_27 next_total next_gate"
    ),
    "star": (
        "star band_star from_star to_star star_before star_after star_below star_above highest "
        "lowest star_under_option"
    ),
    "count": (
        "count n same up down downgraded_count stars_changed stars_up_without stars_down_without "
        "retire_up retire_down enterprises count_before count_after count_expected count_low "
        "count_high"
    ),
    "share": (
        "share share_now expected_share star_changed star_changed_low star_changed_high star_up "
        "star_down star_by_gate star_by_band same_share ceiling floor dominated leverage_within"
    ),
    "number": (
        "unanswered samples permutations missing_pairs seed_questions nodes_against_rest "
        "nodes experts judged_by sent returned stayed joined left doubtful_nodes outlying_nodes "
        "clusters size picks ballots replicates df draws starts steps step rank units more "
        "units_needed "
        "shrinkage_rank maximum_likelihood_rank borda_unlisted_zero_rank borda_mean_unlisted_rank "
        "dowdall_rank first_choice_rank picks_rank kemeny_rank"
    ),
    "probability": (
        "simultaneous_lower simultaneous_upper estimate "
        "p_met share_of_samples p_now p_moves pick_share share_of_picks pick_share_low "
        "pick_share_high changed_share "
        "response_rate full_mark_ratio"
    ),
    "bound": "low high lower upper se half_width",
    "statistic": (
        "cramers_v pseudo_f r_squared random_index calibration information "
        "calibration_x_information seed_cutoff seed_overshoot "
        "correlation_with_rest euclidean minimised "
        "kappa_linear kappa_quadratic kendall_tau tau total_variation aitchison hhi effective "
        "largest contribution contribution_low contribution_high contribution_before "
        "contribution_after variance_share variance_share_low variance_share_high variance_own "
        "variance_correlated variance_before variance_after main_effect main_effect_low "
        "main_effect_high main_effect_adjusted r r_low r_high r2 shapley shapley_low shapley_high "
        "shapley_se item_rest item_rest_low item_rest_high rank_shift leverage "
        "sample_min sample_low sample_median sample_mean sample_high sample_max first_order "
        "total_order sd_alone misrated_now misrated_after misrated_fall misrated_fall_se "
        "misrated_fall_at_most power value cap sd mean median cv cv_change iqr error residual "
        "statistic chi2 kendall_w w_low w_high w_change mean_change authority ca cs cr "
        "consistency limit largest_outlier_score silhouette stated_sum shadow_price slack "
        "kkt_residual largest_contribution_before largest_contribution_after "
        "largest_variance_before largest_variance_after largest_weight_before "
        "largest_weight_after discrimination nearest_tv down_tv down_l2 up_tv up_l2"
    ),
    "p_value": (
        "p_one_cluster_floor p_method_association p_association_floor p_floor p_against_rest "
        "p p_value p_chi2 p_asymptotic p_holm p_monte_carlo p_one_cluster"
    ),
    "flag": (
        "synthetic "
        "outside contradicted all_permutations reaches_cutoff downgraded acceptable adds_up "
        "interval_above_cap spent"
    ),
    "text": (
        "between_quantiles "
        "detail date version digest reasons look_again_at mean_weights reason_zh reason_en moved"
    ),
}

ROLES: Mapping[str, str] = {key: role for role, keys in _BY_ROLE.items() for key in keys.split()}
"""The role of each key; see :class:`calib.report.schema.Role`."""

_BY_UNIT: Mapping[str, str] = {
    "points": (
        "total total_before total_after total_change mean_abs_change max_abs_change score "
        "upper_lower_27 next_total next_gate"
    ),
    "pp": "local_pp global_pp",
    "percent": (
        "share share_now expected_share star_changed star_changed_low star_changed_high star_up "
        "star_down star_by_gate star_by_band same_share ceiling floor dominated changed_share "
        "response_rate full_mark_ratio"
    ),
    "years": "year",
}

UNITS: Mapping[str, str] = {key: unit for unit, keys in _BY_UNIT.items() for key in keys.split()}
"""The unit of the keys that have one."""

CODED: Mapping[str, str] = {
    **dict.fromkeys(("node", "code", "parent", "gate", "next_node"), "node"),
    **dict.fromkeys(("track", "scope", "level"), "track"),
    **dict.fromkeys(("caused_by", "reason", "through", "up_by", "down_by"), "cause"),
    "moved_enterprises": "moves",
    **dict.fromkeys(("acceptable", "adds_up", "reaches_cutoff", "all_permutations"), "word"),
    **dict.fromkeys(
        ("by", "p_by", "share_band", "worth_band", "groups_are", "direction", "band", "test",
         "quantity", "measure", "other", "target", "root_kind", "missing",
         "verdict", "method", "scale", "source", "where"),
        "word",
    ),
    "rule_option": "rule option",
    **dict.fromkeys(("set", "other_set", "baseline"), "set"),
    "case": "case",
}  # fmt: skip
"""What the values of a key stand for, where they are codes."""

SEVERAL = frozenset({"moved_enterprises"})
"""Keys whose values list enterprises, in rows that are about something else."""

SINGLE = frozenset({"max_abs_change"})
"""Keys whose values are those of one enterprise."""

PATTERNS: tuple[tuple[str, str, str], ...] = (
    (r"score (.+)", "score", "points"),
    (r"star (.+)", "star", ""),
    (r"stars?_(\d+)", "count", ""),
    (r"p_(\d+)", "probability", ""),
)
"""Columns made for each node or star: pattern, role, unit; headings under ``columns.each``."""
