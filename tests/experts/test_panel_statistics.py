"""Pooling, competence, Delphi statistics, diagnostics and intervals of a panel."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from calib.errors import InputError
from calib.experts import (
    ExpertForm,
    StoppingRule,
    aitchison_distances,
    basis_of_judgement,
    bootstrap_judgements,
    bootstrap_weights,
    compare_rounds,
    competence_by_consistency,
    eigenvector_weights,
    expert_clusters,
    geometric_weights,
    hand_set_competence,
    item_statistics,
    kendall_w,
    mean_ranks,
    outlying_experts,
    performance_weights,
    pool_judgements,
    pool_weights,
    random_matrices,
    round_statistics,
    star_influence,
    stop_or_go,
)
from calib.experts.panel_bootstrap import resample_experts

CASES = {
    c["id"]: c
    for c in json.loads(
        (Path(__file__).parents[2] / "data" / "verify" / "experts.json").read_text("utf-8")
    )
}


def panel(k=9, n=4, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(n, 8.0), size=k)


# Pooling ---------------------------------------------------------------------------------------


def test_pools_are_the_means_of_their_names():
    w = panel()
    assert pool_weights(w) == pytest.approx(w.mean(axis=0))
    geometric = stats.gmean(w, axis=0)
    assert pool_weights(w, pool="geometric") == pytest.approx(geometric / geometric.sum())
    median = np.median(w, axis=0)
    assert pool_weights(w, pool="median") == pytest.approx(median / median.sum())
    trimmed = stats.trim_mean(panel(10), 0.2, axis=0)
    found = pool_weights(panel(10), pool="trimmed", trim=0.2)
    assert found == pytest.approx(trimmed / trimmed.sum())


@pytest.mark.parametrize("pool", ["arithmetic", "geometric", "median", "trimmed"])
def test_an_expert_of_weight_two_counts_like_two_experts(pool):
    w = panel(6)
    twice = np.concatenate([w, w[:1], w[2:3]])
    competence = np.array([2.0, 1, 2, 1, 1, 1])
    weighted = pool_weights(w, pool=pool, competence=competence)
    assert weighted == pytest.approx(pool_weights(twice, pool=pool))


@pytest.mark.parametrize("pool", ["arithmetic", "geometric", "median", "trimmed"])
def test_an_expert_of_weight_zero_does_not_count(pool):
    w = panel(7)
    for out in range(7):
        competence = np.ones(7)
        competence[out] = 0
        without = pool_weights(np.delete(w, out, axis=0), pool=pool)
        assert pool_weights(w, pool=pool, competence=competence) == pytest.approx(without)


def test_geometric_pool_names_who_gave_a_zero():
    with pytest.raises(InputError, match="given by Wang"):
        pool_weights(np.array([[0.5, 0.5], [1.0, 0.0]]), pool="geometric", experts=["Li", "Wang"])


def test_pooled_judgements_equal_geometric_pool_of_geometric_weights():
    """Known identity: with row geometric means, AIJ and geometric AIP agree."""
    a = random_matrices(5, 8, rng=1)
    competence = np.arange(1.0, 9.0)
    pooled = pool_judgements(a, competence=competence)
    assert pooled * pooled.T == pytest.approx(np.ones((5, 5)))
    by_weights = pool_weights(geometric_weights(a), pool="geometric", competence=competence)
    assert geometric_weights(pooled) == pytest.approx(by_weights)


def test_useless_expert_weights_are_refused():
    for bad in ([1.0, -1.0], [0.0, 0.0], [np.nan, 1.0], [1.0]):
        with pytest.raises(InputError):
            pool_weights(np.full((2, 3), 1 / 3), competence=np.array(bad))


# Competence ------------------------------------------------------------------------------------


def test_cooke_weights_have_the_published_values():
    case = CASES["cooke_tudelft_3experts"]
    inputs, expected = case["inputs"], case["expected"]
    found = performance_weights(
        np.array(list(inputs["assessments"].values()), dtype=float),
        np.array(inputs["realizations"], dtype=float),
        levels=tuple(inputs["quantiles"]),
        overshoot=inputs["overshoot"],
    )
    for i, who in enumerate("ABC"):
        own = expected[who]
        assert found.calibration[i] == pytest.approx(own["calibration"], rel=2e-4)
        assert found.information[i] == pytest.approx(own["information"], abs=1e-6)
        assert found.weights[i] == pytest.approx(own["weight"], abs=1e-7)
        assert found.counts[i].tolist() == own["bin_counts"]
        published = expected["published"]
        assert found.calibration[i] == pytest.approx(published["calibration"][who], abs=1e-3)
        assert found.weights[i] == pytest.approx(published["weights"][who], abs=1e-3)


def test_cooke_cutoff_silences_badly_calibrated_experts():
    inputs = CASES["cooke_tudelft_3experts"]["inputs"]
    assessed = np.array(list(inputs["assessments"].values()), dtype=float)
    truths = np.array(inputs["realizations"], dtype=float)
    found = performance_weights(assessed, truths, cutoff=0.05)
    assert found.weights[0] == 0.0
    assert found.weights.sum() == pytest.approx(1)
    with pytest.raises(InputError, match=r"cut-off of 0\.9"):
        performance_weights(assessed, truths, cutoff=0.9)


def test_cooke_names_every_faulty_seed_answer():
    assessed = np.array([[[1.0, 2, 3], [5, 4, 6]], [[1, 2, 2], [1, 2, 3]]])
    with pytest.raises(InputError) as caught:
        performance_weights(assessed, np.array([2.0, np.nan]))
    assert [str(f.where) for f in caught.value.faults] == [
        "expert 1, seed question 2",
        "expert 2, seed question 1",
        "seed question 2",
    ]


def test_authority_is_the_mean_of_basis_and_familiarity():
    form = ExpertForm("E01", 1, {}, basis=1.0, familiarity=0.8)
    assert form.authority == 0.9


def test_bases_of_judgement_that_are_unknown_or_not_rated_are_faults():
    ca = basis_of_judgement({"practice": 1, "theory": 1, "literature": 1, "intuition": 1})
    assert ca == pytest.approx(1.0)
    with pytest.raises(InputError) as caught:
        basis_of_judgement({"practise": 1, "theory": 4, "literature": 1, "intuition": 1})
    assert len(caught.value.faults) == 3


def test_consistent_experts_count_more():
    found = competence_by_consistency(np.array([0.0, 0.1, 0.3, np.nan]))
    assert found == pytest.approx([1.0, 0.5, 0.25, 1.0])


def test_hand_set_weights_name_unknown_experts():
    assert hand_set_competence({"Li": 2.0}, ["Wang", "Li"]).tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="did you mean 'Wang'"):
        hand_set_competence({"Wagn": 2.0}, ["Wang", "Li"])
    for value in (-1.0, 1e300, float("inf"), float("nan")):
        with pytest.raises(InputError, match=r"Li: weight of an expert.*from 0 to 10\^9"):
            hand_set_competence({"Li": value}, ["Wang", "Li"])


@pytest.mark.parametrize("scale", [1.7e308, 5e-324])
def test_experts_weights_of_any_size_count_by_their_ratio(scale):
    w = np.array([[0.2, 0.8], [0.6, 0.4]])
    for competence in (np.full(2, scale), np.full((1, 2), scale)):
        assert np.ravel(pool_weights(w, competence=competence)) == pytest.approx([0.4, 0.6])


# Delphi ----------------------------------------------------------------------------------------


def test_published_kendall_example_is_reproduced():
    case = CASES["kendall_w_10x4"]
    ranks = np.array(case["inputs"]["ranks"], dtype=float).T
    found = kendall_w(ranks)
    assert found.squares == case["expected"]["sum_of_squares"]
    assert found.w == pytest.approx(case["expected"]["W"], abs=1e-10)
    assert found.chi2 == pytest.approx(case["expected"]["chi2"], abs=1e-10)
    assert found.p == pytest.approx(stats.chi2.sf(found.chi2, 9))


def test_w_with_ties_is_friedmans_statistic():
    values = np.random.default_rng(3).integers(1, 6, size=(12, 7)).astype(float)
    found = kendall_w(mean_ranks(values))
    friedman = stats.friedmanchisquare(*values.T)
    assert found.chi2 == pytest.approx(friedman.statistic)
    assert found.p == pytest.approx(friedman.pvalue)


def test_mean_ranks_agree_with_scipy():
    values = np.random.default_rng(3).integers(1, 5, size=(6, 8)).astype(float)
    assert mean_ranks(values) == pytest.approx(stats.rankdata(-values, axis=1))


def test_interval_of_w_is_not_inflated_by_repeated_experts():
    """Without agreement a plain bootstrap centres near W + 1/m; this one on W."""
    values = np.random.default_rng(8).random((10, 8))
    found = kendall_w(mean_ranks(values), draws=4000, rng=1)
    low, high = found.interval
    assert low <= found.w <= high
    plain = []
    rng = np.random.default_rng(1)
    for _ in range(500):
        plain.append(kendall_w(mean_ranks(values[rng.integers(0, 10, 10)])).w)
    assert (low + high) / 2 < np.mean(plain)


def test_agreement_of_panels_that_say_nothing_is_undefined():
    with pytest.raises(InputError, match="every expert ties all items"):
        kendall_w(np.full((3, 4), 2.5))
    with pytest.raises(InputError, match="two experts"):
        kendall_w(np.array([[1.0, 2.0]]))


def test_round_statistics_by_hand():
    values = np.array([[5, 3.0], [4, 5], [5, np.nan], [2, 4]])
    found = round_statistics(
        values, sent=5, authority=np.array([0.8, 0.6, np.nan, 0.7]), full_mark=5, draws=0
    )
    assert found.response_rate == 0.8
    assert found.authority == pytest.approx(0.7)
    assert found.items.mean == pytest.approx([4, 4])
    assert found.items.median == pytest.approx([4.5, 4])
    assert found.items.sd == pytest.approx([np.sqrt(2), 1])
    assert found.items.cv == pytest.approx([np.sqrt(2) / 4, 0.25])
    assert found.items.full_marks == pytest.approx([0.5, 1 / 3])
    assert found.items.iqr == pytest.approx([5 - 3.5, 1])
    assert found.concordance.df == 1
    with pytest.raises(InputError, match="4 forms returned but only 3 sent"):
        round_statistics(values, sent=3)
    with pytest.raises(InputError, match="nobody judged item 2"):
        item_statistics(np.array([[1.0, np.nan]]))


def test_rounds_are_compared_by_expert_not_by_position():
    before = np.array([[1.0, 2], [3, 4], [5, 6]])
    after = np.array([[5.0, 7], [1, 2], [9, 9]])
    found = compare_rounds(before, after, ["Li", "Wang", "Zhao"], ["Zhao", "Li", "Qian"])
    assert found.stayed == ("Li", "Zhao")
    assert found.joined == ("Qian",)
    assert found.left == ("Wang",)
    assert found.moved == pytest.approx([0, 0.5])
    assert found.changed_share == pytest.approx([0, 0.5])
    assert found.mean_change == pytest.approx([2, 2])


def test_stopping_keeps_consensus_and_stability_apart():
    agreed = np.array([[8.0, 5, 2], [8, 5, 2], [9, 5, 2], [8, 6, 2]])
    split = np.array([[9.0, 5, 1], [1, 5, 9], [9, 5, 1], [1, 5, 9]])
    names = list("abcd")
    same = compare_rounds(agreed, agreed, names, names)
    first = stop_or_go(round_statistics(agreed, draws=0), None, 1)
    assert (first.stop, first.outcome, first.consensus) == (False, "another round", True)
    second = stop_or_go(round_statistics(agreed, draws=0), same, 2)
    assert (second.stop, second.outcome) == (True, "consensus")
    still = compare_rounds(split, split, names, names)
    dissent = stop_or_go(round_statistics(split, draws=0), still, 3)
    assert (dissent.stop, dissent.outcome, dissent.consensus) == (True, "stable dissent", False)
    assert any("CV" in str(r) for r in dissent.reasons)
    moved = compare_rounds(split, agreed, names, names)
    limit = stop_or_go(
        round_statistics(split, draws=0), moved, 2, StoppingRule(max_rounds=2, max_shift=0.001)
    )
    assert (limit.stop, limit.outcome) == (True, "round limit")


# Diagnostics -----------------------------------------------------------------------------------


def test_aitchison_distance_does_not_depend_on_scale_or_subset_order():
    w = panel(5)
    d = aitchison_distances(w)
    logs = np.log(w)
    for i, j in itertools.combinations(range(5), 2):
        ratio = logs[i] - logs[j]
        assert d[i, j] == pytest.approx(np.sqrt(((ratio - ratio.mean()) ** 2).sum()))


def test_the_expert_who_turns_the_weights_round_is_flagged():
    base = np.array([0.5, 0.25, 0.15, 0.1])
    rng = np.random.default_rng(5)
    w = np.exp(np.log(base) + rng.normal(0, 0.1, (12, 4)))
    w[7] = base[::-1]
    found = outlying_experts(w / w.sum(axis=1, keepdims=True))
    assert np.flatnonzero(found.outlying).tolist() == [7]
    assert not outlying_experts(w[5:8] / w[5:8].sum(axis=1, keepdims=True)).outlying.any()


def test_a_zero_weight_does_not_make_distances_infinite():
    w = np.array([[0.0, 0.5, 0.5], [0.2, 0.4, 0.4], [0.2, 0.4, 0.4], [0.2, 0.4, 0.4]])
    assert np.isfinite(aitchison_distances(w)).all()


def test_two_clusters_are_found_and_one_is_not_split():
    rng = np.random.default_rng(2)
    centres = np.log(np.array([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]]))
    side = np.array([0, 0, 1, 0, 1, 0, 0, 1, 0])
    w = np.exp(centres[side] + rng.normal(0, 0.15, (9, 3)))
    w /= w.sum(axis=1, keepdims=True)
    found = expert_clusters(w, rng=0)
    assert found.count == 2
    assert found.p <= 0.05
    assert found.label.tolist() == side.tolist()
    assert found.centres[0] == pytest.approx(w[side == 0].mean(axis=0))
    assert expert_clusters(np.tile([0.5, 0.3, 0.2], (9, 1))).count == 1


def test_panels_of_one_cluster_are_hardly_ever_divided():
    """A silhouette limit alone would divide most of these; the test divides about one in twenty."""
    rng = np.random.default_rng(4)
    w = np.exp(np.log([0.5, 0.3, 0.2]) + rng.normal(0, 0.2, (40, 15, 3)))
    w /= w.sum(axis=-1, keepdims=True)
    found = [expert_clusters(panel, rng=1, draws=39) for panel in w]
    assert np.mean([clusters.silhouette >= 0.25 for clusters in found]) > 0.9
    assert sum(clusters.count > 1 for clusters in found) <= 6


def test_star_influence_counts_ups_and_downs():
    scores = np.array([[100.0, 0.0], [0.0, 100.0]])

    def stars(local):
        return np.floor(local @ scores.T / 20).astype(int)

    found = star_influence(np.array([0.5, 0.5]), np.array([[0.7, 0.3], [0.5, 0.5]]), stars)
    assert found.up.tolist() == [1, 0]
    assert found.down.tolist() == [1, 0]


# Uncertainty -----------------------------------------------------------------------------------


def test_bootstrap_error_of_the_mean_has_its_closed_form():
    w = panel(15)
    found = bootstrap_weights(w, draws=20_000, rng=1)
    assert found.weights == pytest.approx(w.mean(axis=0))
    # The textbook's standard error of a mean: nothing is lost to the size of the panel.
    assert found.se == pytest.approx(w.std(axis=0, ddof=1) / np.sqrt(15), rel=0.03)
    assert found.draws.sum(axis=1) == pytest.approx(np.ones(20_000))
    assert (found.low < found.weights).all()
    assert (found.weights < found.high).all()


def test_bootstrap_of_pooled_judgements_matches_single_resamples():
    a = random_matrices(4, 5, rng=0)
    counts = resample_experts(np.ones((5, 1), dtype=bool), 20, rng=2)
    found = bootstrap_judgements(a, counts=counts)
    for draw, count in zip(found.draws, counts, strict=True):
        repeated = a[np.repeat(np.arange(5), count.astype(int))]
        pooled = np.exp(np.log(repeated).mean(axis=0))
        assert draw == pytest.approx(eigenvector_weights(pooled[None]).weights[0])


def test_same_seed_gives_the_same_draws():
    one, two = (bootstrap_weights(panel(), draws=50, rng=7).draws for _ in range(2))
    assert (one == two).all()


def test_resampled_panels_cover_every_node():
    judged = np.array([[1, 0], [1, 0], [1, 1], [1, 0]], dtype=bool)
    counts = resample_experts(judged, 300, rng=0)
    assert (counts[:, 2] > 0).all()
    assert (counts.sum(axis=1) == 3).all()
    with pytest.raises(InputError, match="without any judgement"):
        resample_experts(judged & False, 3, rng=0)


def test_silent_experts_never_make_up_a_whole_resample():
    w = panel(3)
    found = bootstrap_weights(w, competence=np.array([0.0, 0.0, 1.0]), draws=200, rng=0)
    assert found.draws == pytest.approx(np.tile(w[2], (200, 1)))


def test_ratings_that_differ_by_rounding_noise_are_tied():
    noisy = np.array([[0.1 + 0.2, 0.3, 0.5], [1.0, 2.0, 3.0]])
    clean = np.array([[0.3, 0.3, 0.5], [1.0, 2.0, 3.0]])
    assert noisy[0, 0] != noisy[0, 1]
    assert kendall_w(noisy, of="values").w == kendall_w(clean, of="values").w
