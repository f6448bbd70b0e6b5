"""Maximum likelihood of top-k Plackett-Luce against published fits, brute force and choix."""

from __future__ import annotations

from dataclasses import replace
from math import comb
from typing import Any

import choix
import numpy as np
import pytest

from calib._types import FloatArray
from calib.ballots import (
    Ballots,
    NoMaximumError,
    PlackettLuce,
    PrefixCounter,
    PrefixTable,
    ballots_from_lists,
    effective_table,
    fit_ml,
    loglik,
    quasi_variances,
    sandwich,
    simulate_ballots,
    stage_test,
    tabulate,
)
from calib.ballots.likelihood import ballot_loglik, ballot_scores, derivatives, equal_loglik
from calib.errors import InputError

Case = tuple[Ballots, dict[str, Any]]


def se_against_first(fit: PlackettLuce) -> FloatArray:
    """Return standard errors of the differences from the first item's log-worth."""
    v = np.diag(fit.covariance)
    return np.sqrt(np.maximum(v + v[0] - 2 * fit.covariance[0], 0.0))


def test_reference_fits_agree_in_likelihood_worths_and_errors(case: Case) -> None:
    ballots, want = case
    table = tabulate(ballots)
    fit = fit_ml(table)
    assert fit.loglik == pytest.approx(want["loglik"], abs=1e-6)
    assert equal_loglik(table) == pytest.approx(want["loglik_equal"], abs=1e-6)
    np.testing.assert_allclose(fit.theta, want["theta_sum0"], atol=1e-6)
    np.testing.assert_allclose(fit.se, want["se_sum0"], atol=1e-6)
    if "se_vs_item1" in want:
        np.testing.assert_allclose(se_against_first(fit), want["se_vs_item1"], atol=1e-6)
        np.testing.assert_allclose(fit.worth, want["worth_sum1"], atol=1e-6)


def of_rank(table: PrefixTable, s: int) -> PrefixTable:
    """The choices at one rank alone, 0 for first choices."""
    rows = table.stages == s
    picks = np.zeros_like(table.picks)
    picks[s] = table.picks[s]
    return replace(
        table, keys=table.keys[rows], counts=table.counts[rows], stages=table.stages[rows],
        picks=picks,
    )  # fmt: skip


@pytest.mark.parametrize("case", ["german_goals", "rice"], indirect=True)
def test_stage_homogeneity_matches_the_reference(case: Case) -> None:
    ballots, want = case
    table = tabulate(ballots)
    found = stage_test(table)
    ranks = [fit_ml(of_rank(table, s)).loglik for s in range(found.stages)]
    ratio = 2 * (sum(ranks) - fit_ml(table).loglik)
    assert ratio == pytest.approx(want["stage_homogeneity_LRT"]["stat"], abs=1e-6)
    assert found.statistic == pytest.approx(ratio, rel=0.15)  # the score form of the same test
    assert found.p < 0.01
    assert (found.stages, found.df) == (
        want["stage_homogeneity_LRT"]["stages"],
        want["stage_homogeneity_LRT"]["df"],
    )


def test_choix_on_exploded_ballots_finds_the_same_worths() -> None:
    ballots = simulate_ballots(np.linspace(-1, 1, 7), 300, 3, rng=5)
    exploded = []
    for row in ballots.picks.tolist():
        rest = set(range(7))
        for chosen in row:
            rest.discard(chosen)
            exploded.append((chosen, tuple(rest)))
    theta = choix.ilsr_top1(7, exploded, tol=1e-12)
    np.testing.assert_allclose(fit_ml(tabulate(ballots)).theta, theta - theta.mean(), atol=1e-8)


def test_the_table_carries_the_sum_of_the_ballots_likelihoods(rice: Ballots) -> None:
    theta = np.array([0.3, -1.0, 0.2, 0.9, -0.4])
    assert loglik(tabulate(rice), theta) == pytest.approx(ballot_loglik(rice, theta).sum())


def test_score_and_information_are_the_derivatives(rice: Ballots) -> None:
    theta = np.array([0.3, -1.0, 0.2, 0.9, -0.4])
    table = tabulate(rice)
    d = derivatives(table, theta)
    h = 1e-5
    for j in range(5):
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        numeric = (loglik(table, up) - loglik(table, down)) / (2 * h)
        assert d.score[j] == pytest.approx(numeric, abs=1e-4)
        column = (derivatives(table, up).score - derivatives(table, down).score) / (2 * h)
        np.testing.assert_allclose(d.information[:, j], -column, atol=1e-4)
    np.testing.assert_allclose(ballot_scores(rice, theta).sum(axis=0), d.score, atol=1e-9)


def test_unlisted_items_were_offered_not_absent() -> None:
    """Two items listed by everyone, one by nobody: it must come out worthless, not unknown."""
    ballots = ballots_from_lists([["a", "b"], ["b", "a"]] * 5, items="abc")
    np.testing.assert_allclose(fit_ml(tabulate(ballots)).worth, [0.5, 0.5, 0.0])


def test_counting_by_transitions_and_by_sorting_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = np.random.default_rng(0).integers(1, 5, size=3000)
    ballots = simulate_ballots(np.linspace(-1, 1, 9), 3000, 4, lengths=lengths, rng=1)
    weight = np.random.default_rng(2).uniform(0.5, 2, size=3000)
    sorted_table = tabulate(ballots, weight)
    monkeypatch.setattr("calib.ballots.prefix._DIRECT_FROM", 1000)
    counter = PrefixCounter(9, 4)
    for part in np.array_split(np.arange(3000), 7):  # the first batches are sorted, later not
        counter.add(ballots.picks[part], weight[part])
    direct = counter.table()
    assert direct.cells == sorted_table.cells
    np.testing.assert_array_equal(np.sort(direct.keys[:, 0]), np.sort(sorted_table.keys[:, 0]))
    np.testing.assert_allclose(fit_ml(direct).theta, fit_ml(sorted_table).theta, atol=1e-9)
    np.testing.assert_allclose(direct.picks, sorted_table.picks)


def test_prefix_sets_of_top_five_of_28_are_at_most_24158() -> None:
    ballots = simulate_ballots(np.zeros(28), 150_000, 5, rng=3)
    assert tabulate(ballots).cells <= sum(comb(28, s) for s in range(5)) == 24_158


def test_more_than_64_items_are_fitted_alike() -> None:
    small = simulate_ballots(np.linspace(-1, 1, 6), 400, 3, rng=8)
    items = tuple(f"x{j}" for j in range(90))
    place = np.array([0, 10, 63, 64, 65, 89])
    large = Ballots(items, place[small.picks])
    fit = fit_ml(tabulate(large))
    assert not fit.chosen[1]
    np.testing.assert_allclose(fit.theta[place], fit_ml(tabulate(small)).theta, atol=1e-9)


def test_weights_count_as_repeated_ballots(rice: Ballots) -> None:
    times = np.random.default_rng(1).integers(1, 4, size=rice.n)
    repeated = rice.take(np.repeat(np.arange(rice.n), times))
    weighted = Ballots(rice.items, rice.picks, times.astype(float))
    np.testing.assert_allclose(
        fit_ml(tabulate(weighted)).theta, fit_ml(tabulate(repeated)).theta, atol=1e-10
    )


def test_order_of_items_does_not_matter(top5: Ballots) -> None:
    order = np.random.default_rng(2).permutation(28)
    moved = Ballots(tuple(top5.items[j] for j in np.argsort(order)), order[top5.picks])
    np.testing.assert_allclose(
        fit_ml(tabulate(moved)).theta[order], fit_ml(tabulate(top5)).theta, atol=1e-10
    )


def test_never_picked_items_have_worth_zero_and_leave_the_others_alone(top5: Ballots) -> None:
    wider = Ballots((*top5.items, "nobody"), top5.picks)
    fit = fit_ml(tabulate(wider))
    assert fit.theta[-1] == -np.inf
    assert fit.worth[-1] == 0
    assert fit.se[-1] == np.inf
    assert np.isfinite(fit.se[:-1]).all()
    assert not np.isnan(fit.covariance).any()
    np.testing.assert_allclose(fit.theta[:-1], fit_ml(tabulate(top5)).theta, atol=1e-9)


def test_ballots_that_all_agree_have_no_maximum_and_say_so() -> None:
    ballots = ballots_from_lists([["a", "b", "c"]] * 20, items="abcdef")
    with pytest.raises(NoMaximumError, match="use the shrinkage estimate"):
        fit_ml(tabulate(ballots))


def test_separated_groups_are_named() -> None:
    lists = [["a", "b", "c", "d"], ["b", "a", "d", "c"]] * 3
    with pytest.raises(NoMaximumError) as caught:
        fit_ml(tabulate(ballots_from_lists(lists, items="abcd")))
    assert caught.value.upper.tolist() == [True, True, False, False]
    assert caught.value.lower.tolist() == [False, False, True, True]


def test_two_items_and_first_choices_have_the_closed_form() -> None:
    two = ballots_from_lists([["a"]] * 3 + [["b"]], items="ab")
    fit = fit_ml(tabulate(two))
    np.testing.assert_allclose(fit.worth, [0.75, 0.25], atol=1e-12)
    assert se_against_first(fit)[1] == pytest.approx(np.sqrt(1 / 3 + 1 / 1))
    first = ballots_from_lists([["a"]] * 5 + [["b"]] * 3 + [["c"]] * 2, items="abc")
    np.testing.assert_allclose(fit_ml(tabulate(first)).worth, [0.5, 0.3, 0.2], atol=1e-12)


def test_listing_all_but_one_says_as_much_as_listing_all(german: Ballots) -> None:
    shorter = Ballots(german.items, german.picks[:, :3])
    assert fit_ml(tabulate(shorter)).loglik == pytest.approx(fit_ml(tabulate(german)).loglik)
    np.testing.assert_allclose(
        fit_ml(tabulate(shorter)).theta, fit_ml(tabulate(german)).theta, atol=1e-10
    )


def test_one_ballot_of_one_choice_is_defined() -> None:
    fit = fit_ml(tabulate(ballots_from_lists([["b"]], items="abc")))
    np.testing.assert_array_equal(fit.worth, [0, 1, 0])
    assert fit.loglik == 0


@pytest.mark.parametrize(
    ("picks", "problem"),
    [
        ([[0, 0]], "listed twice"),
        ([[0, 9]], "out of range"),
        ([[-1, 1]], "follows a gap"),
        ([[-1, -1]], "blank"),
        ([[0, 1, 2, 0]], "more ranks than items"),
    ],
)
def test_impossible_ballots_are_named(picks: list[list[int]], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Ballots(("a", "b", "c"), np.array(picks))


def test_quasi_variances_reproduce_independent_estimates_exactly() -> None:
    """Independent estimates: their own variances, whatever the constraint (Firth & de Menezes)."""
    v = np.array([0.1, 0.4, 0.2, 0.9])
    centre = np.eye(4) - 0.25
    found = quasi_variances(centre @ np.diag(v) @ centre)
    np.testing.assert_allclose(found, v, rtol=1e-8)


def test_quasi_variances_are_the_least_squares_solution(top5: Ballots) -> None:
    fit = fit_ml(tabulate(top5))
    q = quasi_variances(fit.covariance)
    i, j = np.triu_indices(28, 1)
    v = np.diag(fit.covariance)
    target = v[i] + v[j] - 2 * fit.covariance[i, j]

    def misfit(q: np.ndarray) -> float:
        return float((np.log((q[i] + q[j]) / target) ** 2).sum())

    rng = np.random.default_rng(0)
    best = misfit(q)
    assert all(misfit(q * (1 + 1e-3 * rng.standard_normal(28))) > best for _ in range(50))


def test_sandwich_of_doubled_clusters_is_that_of_the_single_ballots(top5: Ballots) -> None:
    """The same ballot twice from every enterprise holds no more information than once."""
    single = sandwich(top5, fit_ml(tabulate(top5)))
    twice = Ballots(
        top5.items,
        np.repeat(top5.picks, 2, axis=0),
        cluster=np.repeat(np.arange(top5.n).astype(str), 2),
    )
    doubled = sandwich(twice, fit_ml(tabulate(twice)))
    np.testing.assert_allclose(doubled, single * top5.n / (top5.n - 1), rtol=1e-8)
    assert effective_table(twice).size == pytest.approx(top5.n, rel=0.06)


def test_equal_weights_of_any_size_leave_the_effective_number_alone(top5: Ballots) -> None:
    weighted = Ballots(top5.items, top5.picks, np.full(top5.n, 7.5))
    assert effective_table(weighted).size == pytest.approx(top5.n)
