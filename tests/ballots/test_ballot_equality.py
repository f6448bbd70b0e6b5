"""The tests of equal importance: references, size, and verdicts that no p-value can give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.multitest import multipletests

from calib.ballots import (
    Ballots,
    EqualityReport,
    adjusted_residuals,
    ballots_for_equal_shares,
    equality_report,
    equality_sentences,
    equality_tests,
    group_equality,
    lr_test,
    pick_shares,
    pick_test,
    score_test,
    simulate_ballots,
    tabulate,
)
from calib.ballots.equality import holm
from calib.ballots.equivalence import detectable
from calib.ballots.likelihood import derivatives
from calib.ballots.share_intervals import listed
from calib.ballots.simulation import null_statistics, penalised_ratio
from calib.errors import InputError

Case = tuple[Ballots, dict[str, Any]]


def test_likelihood_ratio_matches_the_reference(case: Case) -> None:
    ballots, want = case
    found = lr_test(tabulate(ballots))
    assert found.statistic == pytest.approx(want["LRT"], abs=1e-6)
    assert found.df == want["df"]


@pytest.mark.parametrize("case", ["rice", "sim_top5of28_200"], indirect=True)
def test_q_is_cochrans(case: Case) -> None:
    ballots, want = case
    found = pick_test(tabulate(ballots))
    assert found is not None
    assert found.statistic == pytest.approx(want["cochran_Q"], abs=1e-6)
    if ballots.lengths.min() == ballots.K:
        k, n, J = ballots.K, ballots.n, ballots.J
        X = tabulate(ballots).pick_counts
        closed = J * (J - 1) / (n * k * (J - k)) * ((X - n * k / J) ** 2).sum()
        assert found.statistic == pytest.approx(closed)


def test_q_for_ballots_of_any_length_is_cochrans_of_statsmodels() -> None:
    lengths = np.random.default_rng(0).integers(1, 6, size=80)
    ballots = simulate_ballots(np.linspace(-1, 1, 9), 80, 5, lengths=lengths, rng=1)
    found = pick_test(tabulate(ballots))
    assert found is not None
    want = cochrans_q(listed(ballots, slice(None)))
    assert found.statistic == pytest.approx(want.statistic)
    assert found.p_chi2 == pytest.approx(want.pvalue)


def test_q_is_not_asked_of_full_rankings(german: Ballots) -> None:
    assert pick_test(tabulate(german)) is None
    assert adjusted_residuals(tabulate(german)) is None


def test_score_statistic_is_the_score_over_its_permutation_variance() -> None:
    """Brute force: the covariance of the score over all 12 ballots of 2 out of 4."""
    from itertools import permutations

    every = np.array(list(permutations(range(4), 2)))
    scores = np.array(
        [
            derivatives(tabulate(Ballots(tuple("abcd"), row[None])), np.zeros(4)).score
            for row in every
        ]
    )
    ballots = simulate_ballots(np.array([0.5, 0, 0, -0.5]), 40, 2, rng=6)
    u = derivatives(tabulate(ballots), np.zeros(4)).score
    cov = 40 * np.cov(scores.T, bias=True)
    want = u @ np.linalg.pinv(cov) @ u
    assert score_test(tabulate(ballots)).statistic == pytest.approx(want)


@pytest.mark.parametrize(("n", "short"), [(100, False), (500, False), (100, True)])
def test_size_of_the_tests_is_near_nominal(n: int, short: bool) -> None:
    gen = np.random.default_rng(n)
    rejected = []
    for seed in range(500):
        lengths = gen.integers(1, 6, size=n) if short else None
        table = tabulate(simulate_ballots(np.zeros(28), n, 5, lengths=lengths, rng=seed))
        q = pick_test(table)
        assert q is not None
        rejected.append([q.p < 0.05, score_test(table).p < 0.05])
    # 0.05 with a standard error of 0.01
    assert (np.abs(np.mean(rejected, axis=0) - 0.05) < 0.03).all()


def test_monte_carlo_p_values_are_uniform_for_thirty_ballots() -> None:
    p = []
    for seed in range(120):
        ballots = simulate_ballots(np.zeros(12), 15, 4, rng=seed)
        tests = equality_tests(ballots, replicates=199, rng=seed)
        assert tests.picks is not None
        p.append([tests.picks.p, tests.score.p, tests.likelihood_ratio.p])
    assert (np.abs(np.mean(p, axis=0) - 0.5) < 0.09).all()
    assert (np.mean(np.array(p) <= 0.05, axis=0) < 0.11).all()


def test_simulated_null_has_the_moments_of_chi_square() -> None:
    ballots = simulate_ballots(np.zeros(8), 200, 3, rng=0)
    null = null_statistics(ballots, 4000, 200, rng=1)
    for values in (null.picks, null.score, null.likelihood_ratio):
        assert values.mean() == pytest.approx(7, abs=0.8)
    assert null.picks.var() == pytest.approx(14, rel=0.15)


def test_the_simulations_likelihood_ratio_is_that_of_the_fit(top5: Ballots) -> None:
    assert penalised_ratio(top5) == pytest.approx(lr_test(tabulate(top5)).statistic, abs=0.02)


def test_weights_do_not_inflate_the_tests() -> None:
    gen = np.random.default_rng(1)
    rejected = []
    for seed in range(300):
        drawn = simulate_ballots(np.zeros(10), 150, 3, rng=seed)
        weighted = Ballots(drawn.items, drawn.picks, gen.exponential(size=150) + 0.1)
        tests = equality_tests(weighted, monte_carlo=False)
        rejected.append([test.p < 0.05 for test in tests.all])
    assert (np.mean(rejected, axis=0) < 0.1).all()


def test_clusters_are_the_main_test_and_do_not_inflate() -> None:
    rejected = []
    for seed in range(150):
        drawn = simulate_ballots(np.zeros(8), 60, 3, rng=seed)
        twice = Ballots(
            drawn.items,
            np.repeat(drawn.picks, 2, axis=0),
            cluster=np.repeat(np.arange(60).astype(str), 2),
        )
        tests = equality_tests(twice)
        assert tests.main.name == "clustered"
        rejected.append([tests.main.p < 0.05, tests.score.p < 0.05])
    clustered, naive = np.mean(rejected, axis=0)
    assert clustered < 0.11
    assert naive > 0.2  # what the cluster-blind test would have done


def test_few_enterprises_fall_back_on_the_design_effect() -> None:
    drawn = simulate_ballots(np.zeros(12), 8, 4, rng=0)
    many = Ballots(
        drawn.items,
        np.repeat(drawn.picks, 10, axis=0),
        cluster=np.repeat(np.arange(8).astype(str), 10),
    )
    tests = equality_tests(many)
    assert tests.clustered is not None
    assert tests.clustered.statistic < tests.score.statistic / 4


def test_residuals_sum_to_q_and_holm_is_that_of_statsmodels(top5: Ballots) -> None:
    residuals = adjusted_residuals(tabulate(top5))
    q = pick_test(tabulate(top5))
    assert residuals is not None
    assert q is not None
    assert (residuals.z**2).sum() * (1 - 1 / 28) == pytest.approx(q.statistic)
    want = multipletests(residuals.p, method="holm")[1]
    np.testing.assert_allclose(residuals.p_holm, want)
    assert holm(np.array([0.5])).tolist() == [0.5]


def test_detectable_spread_is_detected_as_often_as_promised() -> None:
    ballots = simulate_ballots(np.zeros(20), 150, 5, rng=0)
    found = detectable(tabulate(ballots), power=0.8)
    gen = np.random.default_rng(3)
    hits = []
    for seed in range(300):
        theta = gen.standard_normal(20)
        theta -= theta.mean()
        theta *= found.sigma * np.sqrt(19 / (theta**2).sum())
        hits.append(score_test(tabulate(simulate_ballots(theta, 150, 5, rng=seed))).p < 0.05)
    assert np.mean(hits) == pytest.approx(0.8, abs=0.07)


def _copied(times: int) -> tuple[Ballots, Ballots]:
    """Return 60 ballots that never list the last item, and the same sent ``times`` times over."""
    gen = np.random.default_rng(0)
    picks = np.array([gen.permutation(9)[:3] for _ in range(60)], dtype=np.int16)
    items = tuple("abcdefghij")
    cluster = np.repeat(np.arange(60), times).astype(str)
    return Ballots(items, picks), Ballots(items, np.repeat(picks, times, axis=0), cluster=cluster)


def test_copies_of_ballots_from_one_enterprise_promise_no_finer_detection() -> None:
    single, copied = map(equality_report, _copied(10))
    assert copied.size == pytest.approx(60, rel=0.05)
    assert copied.detectable.sigma == pytest.approx(single.detectable.sigma, rel=0.03)
    assert copied.detectable.share == pytest.approx(single.detectable.share, rel=0.03)


def test_an_item_that_no_enterprise_listed_stands_out_but_no_more_than_its_enterprises() -> None:
    single, copied = map(equality_report, _copied(10))
    assert copied.residuals is not None
    assert single.residuals is not None
    assert copied.residuals.z[-1] == pytest.approx(single.residuals.z[-1])
    assert copied.residuals.differs()[-1]
    assert copied.shares.upper[-1] == pytest.approx(single.shares.upper[-1])


def test_simultaneous_intervals_cover_all_shares_at_once() -> None:
    covered = []
    for seed in range(400):
        shares = pick_shares(simulate_ballots(np.zeros(28), 200, 5, rng=seed))
        covered.append(((shares.lower <= 5 / 28) & (shares.upper >= 5 / 28)).all())
    assert np.mean(covered) > 0.93


def test_shares_have_the_binomial_error(top5: Ballots) -> None:
    shares = pick_shares(top5)
    p = shares.share
    np.testing.assert_allclose(shares.se, np.sqrt(p * (1 - p) / top5.n))
    assert shares.expected == pytest.approx(5 / 28)
    assert shares.share_of_picks.sum() == pytest.approx(1)
    np.testing.assert_allclose(
        pick_shares(Ballots(top5.items, top5.picks, np.full(top5.n, 3.0))).se, shares.se
    )


def _report(theta: np.ndarray, n: int, margin: float = 1.25) -> EqualityReport:
    return equality_report(simulate_ballots(theta, n, 5, rng=11), margin=margin, rng=0)


def test_a_test_that_does_not_reject_never_says_equal() -> None:
    report = _report(np.zeros(28), 60)
    assert report.tests.main.p > 0.05
    assert report.verdict == "undecided"
    words = " ".join(s.get("en") for s in equality_sentences(report))
    assert "does not mean equal importance" in words
    assert "Verdict: undecided" in words


def test_enough_ballots_say_equal_within_the_margin() -> None:
    report = _report(np.zeros(28), 20_000)
    assert report.verdict == "equal"
    assert report.equivalence.smallest_margin < 1.25
    low, high = report.equivalence.band
    assert (report.shares.lower >= low).all()
    assert (report.shares.upper <= high).all()


def test_small_differences_can_be_shown_and_still_lie_within_the_margin() -> None:
    theta = np.where(np.arange(28) % 2, 0.05, -0.05)
    report = _report(theta, 30_000)
    assert report.tests.main.p < 0.001
    assert report.verdict == "equal"
    assert "small differences inside it" in equality_sentences(report)[0].get("en")


def test_large_differences_are_unequal_and_named() -> None:
    theta = np.zeros(28)
    theta[3] = 1.5
    report = _report(theta, 600)
    assert report.verdict == "unequal"
    assert 3 in report.equivalence.outside
    assert "item04" in equality_sentences(report)[0].get("zh")


def test_full_rankings_are_judged_by_worths(german: Ballots) -> None:
    report = equality_report(german, rng=0)
    assert report.by_share is None
    assert report.equivalence.measure == "worth"
    assert report.verdict == "unequal"


def test_shares_that_crowd_near_one_do_not_decide(rice: Ballots) -> None:
    """Most ballots list four of five: shares look alike, worths differ sixfold."""
    report = equality_report(rice, rng=0)
    assert report.by_share is not None
    assert report.by_share.verdict == "equal"
    assert report.verdict == "unequal"


def test_promised_number_of_ballots_confirms_equality_as_often_as_said() -> None:
    n = ballots_for_equal_shares(0.3, 10, margin=1.3)
    assert n is not None
    hits = []
    for seed in range(200):
        shares = pick_shares(simulate_ballots(np.zeros(10), n, 3, rng=seed))
        hits.append(bool((shares.lower >= 0.3 / 1.3).all() and (shares.upper <= 0.39).all()))
    assert np.mean(hits) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("margin", [1.0, 0.8, float("nan"), float("inf")])
def test_a_margin_must_be_a_ratio_above_one(top5: Ballots, margin: float) -> None:
    with pytest.raises(InputError, match="equivalence margin"):
        equality_report(top5, margin=margin)


def test_groups_test_equality_within_and_not_between() -> None:
    groups = np.repeat(np.arange(4), 3)
    between = np.repeat([-0.8, 0.0, 0.3, 0.5], 3)
    table = tabulate(simulate_ballots(between, 800, 4, rng=1))
    found = group_equality(table, groups)
    assert found.p > 0.01
    assert lr_test(table).p < 1e-6
    within = between + np.where(np.arange(12) == 4, 0.7, 0.0)
    found = group_equality(tabulate(simulate_ballots(within, 800, 4, rng=1)), groups)
    assert found.p < 1e-4
    assert (found.group_p_holm < 0.05).tolist() == [False, True, False, False]
    assert found.df == 8


def test_one_group_of_all_items_is_the_plain_likelihood_ratio(top5: Ballots) -> None:
    table = tabulate(top5)
    found = group_equality(table, np.zeros(28, dtype=np.int64))
    assert found.statistic == pytest.approx(lr_test(table).statistic, abs=1e-6)


def test_sentences_exist_in_both_languages_with_names(top5: Ballots) -> None:
    report = equality_report(top5, groups=np.arange(28) // 4, group_names=tuple("ABCDEFG"), rng=0)
    names = {code: f"指标{code[-2:]}" for code in top5.items}
    zh = [s.get("zh") for s in equality_sentences(report, names)]
    en = [s.get("en") for s in equality_sentences(report)]
    assert len(zh) == len(en) >= 7
    assert zh[0].startswith("结论：重要性不相当")
    assert "指标18" in "".join(zh)
    assert report.item_table()["share_band"].isin(["inside", "open", "outside"]).all()
    assert set(report.test_table()["test"]) >= {"picks", "likelihood_ratio", "score"}
    assert report.group_table()["code"].tolist() == list("ABCDEFG")
    assert report.effect_table()["value"].notna().any()


@pytest.mark.parametrize(
    ("J", "K", "n"), [(2, 1, 5), (2, 2, 5), (5, 4, 7), (6, 1, 1), (28, 5, 1), (3, 3, 4)]
)
def test_reports_of_tiny_surveys_are_defined(J: int, K: int, n: int) -> None:
    report = equality_report(simulate_ballots(np.zeros(J), n, K, rng=n), rng=0)
    assert report.verdict in ("undecided", "different", "unequal")
    assert all(np.isfinite(test.statistic) for test in report.tests.all)
    assert all(s.get("zh") for s in equality_sentences(report))


def test_ballots_that_all_agree_are_shown_unequal() -> None:
    ballots = Ballots(tuple(f"i{j}" for j in range(28)), np.tile(np.arange(5), (200, 1)))
    report = equality_report(ballots, rng=0)
    assert report.verdict == "unequal"
    assert report.effects.agreement == pytest.approx(1)
    assert not np.isnan(report.item_table()["worth"]).any()
