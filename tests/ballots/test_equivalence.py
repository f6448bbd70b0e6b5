"""Verdicts of equality: what they rest on, how often they err, and what they need."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.integrate import dblquad
from scipy.stats import beta, binom

from calib.ballots import (
    Ballots,
    EqualityReport,
    adjusted_residuals,
    ballots_for_equal_shares,
    ballots_for_equal_worths,
    effective_size,
    equality_report,
    equality_sentences,
    equivalence_of_worths,
    pick_shares,
    simulate_ballots,
    stage_test,
    tabulate,
    worth_intervals,
)
from calib.ballots.equivalence import chance_all_within, detectable
from calib.ballots.likelihood import savage_points, worths
from calib.cli import cli
from calib.errors import InputError
from calib.experiment.sources.ballots import BallotsParams


def _at_the_margin(J: int, margin: float = 1.25) -> np.ndarray:
    """Return log-worths of which the first is ``margin / J`` as a worth and the others alike."""
    theta = np.zeros(J)
    theta[0] = np.log(margin * (J - 1) / (J - margin))
    return theta


def _heavy(n: int, weight: float, J: int = 28, K: int = 5) -> Ballots:
    drawn = simulate_ballots(np.zeros(J), n, K, rng=1)
    w = np.ones(n)
    w[3] = weight
    return Ballots(drawn.items, drawn.picks, w)


@pytest.mark.parametrize(
    ("J", "K", "seeds"), [(6, 6, (0, 8, 14)), (8, 5, (2, 5, 17)), (11, 11, (0, 2, 3))]
)
def test_an_item_at_the_margin_is_not_called_equal(J: int, K: int, seeds: tuple[int]) -> None:
    """In these samples shrunken worths all lie within the margin; in others nothing is equal."""
    theta = _at_the_margin(J)
    for seed in seeds:
        drawn = simulate_ballots(theta, 100, K, rng=seed)
        report = equality_report(drawn, rng=0, monte_carlo=False)
        assert report.equivalence.measure == "worth"
        assert report.verdict != "equal"
    for seed in range(100, 150):
        drawn = simulate_ballots(theta, 100, K, rng=seed)
        verdict = equivalence_of_worths(
            worth_intervals(drawn), drawn, margin=1.25, differences_shown=False
        )
        assert verdict.verdict != "equal"


@pytest.mark.parametrize(("J", "K", "cv"), [(6, 6, 0.0), (8, 5, 0.0), (6, 6, 2.0)])
def test_unshrunken_worths_are_covered_all_at_once(J: int, K: int, cv: float) -> None:
    gen = np.random.default_rng(5)
    theta = _at_the_margin(J)
    held = []
    for _ in range(150):
        drawn = simulate_ballots(theta, 100, K, rng=gen)
        weight = gen.lognormal(0.0, np.sqrt(np.log1p(cv**2)), 100) if cv else None
        found = worth_intervals(Ballots(drawn.items, drawn.picks, weight))
        held.append(((found.lower <= worths(theta)) & (worths(theta) <= found.upper)).all())
    assert np.mean(held) > 0.9


def test_enough_full_rankings_say_equal() -> None:
    report = equality_report(simulate_ballots(np.zeros(6), 900, 6, rng=2), rng=0)
    assert report.verdict == "equal"


def test_an_item_that_nobody_chose_is_not_equal_and_named() -> None:
    gen = np.random.default_rng(0)
    picks = np.array([gen.permutation(5)[:4] for _ in range(40)])
    report = equality_report(Ballots(tuple("abcdef"), picks), margin=4.9, rng=0)
    assert report.equivalence.measure == "worth"
    assert not report.equivalence.finite
    assert report.verdict != "equal"
    assert "nobody chose: f" in " ".join(s.get("en") for s in equality_sentences(report))
    assert "无人选择：f" in "".join(s.get("zh") for s in equality_sentences(report))


def test_items_that_always_stand_above_others_are_named_and_shown_unequal() -> None:
    gen = np.random.default_rng(0)
    picks = np.array([[0, *(1 + gen.permutation(5))] for _ in range(60)])
    report = equality_report(Ballots(tuple("abcdef"), picks), rng=0)
    words = " ".join(s.get("en") for s in equality_sentences(report))
    assert "above any of the former: a / b, c, d, e, f" in words
    assert "cannot be 'equal'" in words
    assert report.verdict == "unequal"
    assert equality_sentences(report)[1].get("zh").startswith("重要性的最大似然估计不存在")


def test_pick_share_intervals_are_clopper_and_pearsons(top5: Ballots) -> None:
    shares = pick_shares(top5)
    tail = 0.05 / (2 * 28)
    hits = shares.count
    np.testing.assert_allclose(shares.lower, beta.ppf(tail, hits, top5.n - hits + 1))
    np.testing.assert_allclose(shares.upper, beta.ppf(1 - tail, hits + 1, top5.n - hits))


def test_one_ballot_of_one_choice_does_not_refute_equality() -> None:
    report = equality_report(simulate_ballots(np.zeros(28), 1, 1, rng=0), rng=0)
    assert report.verdict == "undecided"


@pytest.mark.parametrize(("J", "K"), [(28, 5), (28, 1), (6, 6)])
def test_one_heavy_ballot_says_no_more_than_one_ballot(J: int, K: int) -> None:
    report = equality_report(_heavy(119, 1e4, J, K), monte_carlo=False)
    assert report.size < 1.1
    assert report.verdict == "undecided"
    assert report.by_worth.verdict == "undecided"


@pytest.mark.parametrize("cv", [1.0, 2.0])
def test_weighted_shares_are_covered_all_at_once(cv: float) -> None:
    gen = np.random.default_rng(3)
    held = []
    for _ in range(200):
        drawn = simulate_ballots(np.zeros(28), 120, 5, rng=gen)
        weight = gen.lognormal(0.0, np.sqrt(np.log1p(cv**2)), 120)
        shares = pick_shares(Ballots(drawn.items, drawn.picks, weight))
        assert shares.sizes.max() <= effective_size(weight) * (1 + 1e-12)
        held.append(((shares.lower <= 5 / 28) & (shares.upper >= 5 / 28)).all())
    assert np.mean(held) > 0.94


@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("n", [30, 120])
def test_the_scale_of_weights_changes_nothing(n: int, scale: float) -> None:
    drawn = simulate_ballots(np.linspace(-0.3, 0.3, 8), n, 3, rng=4)
    weight = np.random.default_rng(4).lognormal(size=n)
    one, other = (
        equality_report(Ballots(drawn.items, drawn.picks, weight * s), rng=0) for s in (1.0, scale)
    )
    assert one.verdict == other.verdict
    for test, same in zip(one.tests.all, other.tests.all, strict=True):
        assert test.p == pytest.approx(same.p, rel=1e-6)
    np.testing.assert_allclose(one.shares.lower, other.shares.lower, rtol=1e-6)
    np.testing.assert_allclose(one.by_worth.lower, other.by_worth.lower, rtol=1e-5)
    assert one.equivalence.ballots_needed == other.equivalence.ballots_needed


def test_many_equal_enterprises_are_worth_what_their_totals_are() -> None:
    """Copies of 40 ballots from 40 enterprises tell no more than the 40 ballots."""
    drawn = simulate_ballots(np.zeros(10), 40, 3, rng=0)
    copied = Ballots(
        drawn.items,
        np.repeat(drawn.picks, 5, axis=0),
        cluster=np.repeat(np.arange(40), 5).astype(str),
    )
    single, many = pick_shares(drawn), pick_shares(copied)
    np.testing.assert_allclose(many.sizes, 39, rtol=1e-9)
    assert (many.upper - many.lower >= single.upper - single.lower).all()


def test_chance_of_variables_that_sum_to_zero_is_that_of_quadrature() -> None:
    low, high = -1.2, 1.5

    def density(y: float, x: float) -> float:
        third = -x - y
        if not low <= third <= high:
            return 0.0
        return float(np.exp(-2 / 3 * (x * x + x * y + y * y)) / (np.pi * np.sqrt(3)))

    want = dblquad(density, low, high, low, high, epsabs=1e-4)[0]
    assert chance_all_within(low, high, 3) == pytest.approx(want, abs=2e-3)
    assert chance_all_within(-1.0, 2.0, 2) == pytest.approx(0.6826895)
    assert chance_all_within(0.1, 2.0, 5) == 0.0
    assert chance_all_within(-40.0, 40.0, 28) == pytest.approx(1.0, abs=1e-4)


def test_promised_ballots_for_28_indicators_confirm_equality_as_often_as_said() -> None:
    n = ballots_for_equal_shares(5 / 28, 28, margin=1.25)
    assert n is not None
    assert 3200 < n < 3450
    tail = 0.05 / (2 * 28)
    least = binom.isf(tail, n, 5 / 28 / 1.25) + 1
    most = binom.ppf(tail, n, 5 / 28 * 1.25) - 1
    gen = np.random.default_rng(0)
    hits = []
    for _ in range(150):
        picks = np.argpartition(gen.random((n, 28)), 5, axis=1)[:, :5]
        counts = np.bincount(picks.ravel(), minlength=28)
        hits.append(least <= counts.min() and counts.max() <= most)
    assert np.mean(hits) == pytest.approx(0.8, abs=0.09)


def test_promised_full_rankings_confirm_equality_as_often_as_said() -> None:
    information = float(savage_points(6, 6).variance[6])
    n = ballots_for_equal_worths(information, 6, margin=1.25)
    assert n is not None
    hits = []
    for seed in range(150):
        found = worth_intervals(simulate_ballots(np.zeros(6), n, 6, rng=seed))
        hits.append((found.lower >= 1 / 7.5).all() and (found.upper <= 1.25 / 6).all())
    assert np.mean(hits) == pytest.approx(0.8, abs=0.09)


def test_weighted_ballots_are_needed_in_larger_number() -> None:
    plain, heavy = (
        equality_report(_heavy(119, w), monte_carlo=False).equivalence for w in (1.0, 30.0)
    )
    assert plain.ballots_needed is not None
    assert heavy.ballots_needed is not None
    kish = 148**2 / (118 + 900)
    assert heavy.ballots_needed / plain.ballots_needed == pytest.approx(119 / kish, rel=0.05)


@pytest.mark.parametrize(
    ("margin", "meant"), [(25.0, "1.25"), (0.25, "1.25"), (0.8, "1.25"), (10.0, "1.1")]
)
def test_a_margin_in_percent_is_refused_with_the_ratio_it_means(margin: float, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {meant}"):
        equality_report(simulate_ballots(np.zeros(5), 20, 2, rng=0), margin=margin)


@pytest.mark.parametrize(("alpha", "meant"), [(5.0, "0.05"), (0.95, "0.05"), (95.0, "0.05")])
def test_an_alpha_in_percent_is_refused_with_the_level_it_means(alpha: float, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {meant}"):
        equality_report(simulate_ballots(np.zeros(5), 20, 2, rng=0), alpha=alpha)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 0.5, float("nan"), 1e9])
def test_an_alpha_is_inside_zero_and_one_half(alpha: float) -> None:
    with pytest.raises(InputError, match="level alpha"):
        equality_report(simulate_ballots(np.zeros(5), 20, 2, rng=0), alpha=alpha)


def test_the_command_line_refuses_percentages(root) -> None:
    survey = str(root / "data" / "surveys" / "near-equal.csv")
    for option, meant in (("--alpha=5", "0.05"), ("--margin=25", "1.25")):
        done = CliRunner().invoke(cli, ["ballots", survey, option])
        assert isinstance(done.exception, InputError)
        assert f"did you mean {meant}?" in str(done.exception)


def _both(report: EqualityReport) -> tuple[str, str]:
    said = equality_sentences(report)
    return "".join(s.get("zh") for s in said), " ".join(s.get("en") for s in said)


def test_the_report_says_why_the_other_measure_does_not_decide(rice: Ballots) -> None:
    report = equality_report(rice, rng=0)
    assert report.by_share is not None
    assert report.by_share.verdict != report.verdict
    zh, en = _both(report)
    assert "By the pick share it would be 'equally important within the declared margin'" in en
    assert "若按入选率判断" in zh


def test_each_band_of_the_table_goes_with_its_own_interval() -> None:
    report = equality_report(simulate_ballots(np.linspace(-0.4, 0.4, 12), 900, 5, rng=0), rng=0)
    table = report.item_table()
    assert report.by_share is not None
    for name, verdict in (("", report.by_share), ("worth_", report.by_worth)):
        low, high = table[f"{name}simultaneous_lower"], table[f"{name}simultaneous_upper"]
        inside = (low >= verdict.band[0]) & (high <= verdict.band[1])
        outside = (high < verdict.band[0]) | (low > verdict.band[1])
        want = np.where(inside, "inside", np.where(outside, "outside", "open"))
        assert table["share_band" if not name else "worth_band"].tolist() == want.tolist()


def test_residuals_of_few_ballots_have_the_binomial_p_values() -> None:
    drawn = simulate_ballots(np.zeros(28), 10, 1, rng=0)
    residuals = adjusted_residuals(tabulate(drawn))
    assert residuals is not None
    counts = np.bincount(drawn.picks.ravel(), minlength=28)
    above, below = binom.sf(counts - 1, 10, 1 / 28), binom.cdf(counts, 10, 1 / 28)
    np.testing.assert_allclose(residuals.p, np.minimum(2 * np.minimum(above, below), 1))


def test_few_ballots_of_one_choice_rarely_single_an_indicator_out() -> None:
    found = []
    for seed in range(40):
        residuals = adjusted_residuals(tabulate(simulate_ballots(np.zeros(28), 10, 1, rng=seed)))
        assert residuals is not None
        found.append(residuals.differs().any())
    assert np.mean(found) <= 0.05


def test_ranks_are_not_compared_where_one_ballot_has_all_the_weight() -> None:
    survey = _heavy(119, 1e4)
    assert np.isnan(stage_test(tabulate(survey), ballots=survey, rng=1).p)
    light = _heavy(119, 3.0)
    assert stage_test(tabulate(light), ballots=light, rng=1).p > 0


def test_one_heavy_ballot_singles_no_indicator_out() -> None:
    residuals = adjusted_residuals(tabulate(_heavy(119, 1e4, K=1)))
    assert residuals is not None
    assert not residuals.differs().any()


def test_an_experiment_refuses_percentages_with_a_hint() -> None:
    for key, value, meant in (("alpha", 5, "0.05"), ("margin", 25, "1.25")):
        with pytest.raises(ValueError, match=f"did you mean {meant}"):
            BallotsParams.model_validate({"file": "x.csv", key: value})


def test_no_detectable_difference_is_larger_than_a_share_can_be() -> None:
    assert detectable(tabulate(_heavy(119, 1e4))).share is None
    found = detectable(tabulate(_heavy(119, 1.0))).share
    assert found is not None
    assert found < 0.2
