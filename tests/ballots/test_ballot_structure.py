"""Orders, scores, agreement, segments, outliers and groups of opinion."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from calib.ballots import (
    METHODS,
    Ballots,
    ballots_from_lists,
    choose_mixture,
    comparison_table,
    estimate,
    estimate_all,
    fit_mixture,
    fit_shrunk,
    kemeny,
    kemeny_order,
    outlying_ballots,
    positional_score,
    preference_counts,
    segment_test,
    simulate_ballots,
    tabulate,
)
from calib.ballots.voting import _Cuts
from calib.errors import InputError

Case = tuple[Ballots, dict[str, Any]]


@pytest.mark.parametrize("case", ["german_goals", "rice"], indirect=True)
def test_kemeny_matches_the_references(case: Case) -> None:
    ballots, want = case
    found = kemeny(ballots)
    assert found.disagreements == want["kemeny"]["objective"]
    assert found.order.tolist() == want["kemeny"]["order_0based"]


def test_preference_counts_are_those_of_the_definition() -> None:
    ballots = ballots_from_lists([["a", "b"], ["c"]], items="abcd")
    P = preference_counts(ballots)
    # a>b a>c a>d b>c b>d from the first ballot; c over the rest from the second
    want = np.array([[0, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [0, 0, 0, 0]])
    np.testing.assert_array_equal(P, want)


def test_kemeny_is_optimal_by_brute_force() -> None:
    gen = np.random.default_rng(1)
    for size in (3, 5, 7):
        for _ in range(12):
            P = gen.integers(0, 5, (size, size)).astype(float)
            np.fill_diagonal(P, 0)
            best = min(
                np.tril(P[np.ix_(o, o)], -1).sum() for o in map(list, permutations(range(size)))
            )
            found = kemeny_order(P)
            assert found.disagreements == best
            assert sorted(found.order.tolist()) == list(range(size))


def test_kemeny_respects_strict_majorities_between_groups() -> None:
    found = kemeny(simulate_ballots(np.array([3.0, 3, 3, -3, -3, -3]), 300, 3, rng=0))
    assert set(found.order[:3].tolist()) == {0, 1, 2}
    assert len(found.blocks) >= 2


def test_kemeny_of_28_nearly_equal_items_meets_its_own_bound() -> None:
    """The order's cost equals the bound of the relaxation with every triangle inequality."""
    P = preference_counts(simulate_ballots(np.zeros(28), 400, 5, rng=8))
    found = kemeny_order(P)
    first, second = np.triu_indices(28, 1)
    margin = P[second, first] - P[first, second]
    cuts = _Cuts(28)
    cuts._used[:] = True
    x = cuts.solve(margin, np.zeros(first.size), integral=False)
    bound = float(P[first, second].sum() + margin @ x)
    assert found.cuts > 0
    assert bound - 1e-6 <= found.disagreements < bound + 1


def test_kemeny_of_tied_and_paired_items_is_defined() -> None:
    assert kemeny_order(np.zeros((5, 5))).disagreements == 0
    assert kemeny(ballots_from_lists([["b"]], items="ab")).order.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("borda_unlisted_zero", [3 + 0, 2 + 3, 0, 0]),
        ("borda_mean_unlisted", [3 + 1, 2 + 3, 0.5 + 1, 0.5 + 1]),
        ("dowdall", [1, 1 / 2 + 1, 0, 0]),
        ("first_choice", [1, 1, 0, 0]),
        ("picks", [1, 2, 0, 0]),
    ],
)
def test_positional_scores_give_the_points_of_their_names(name: str, points: list[float]) -> None:
    picks = np.array([[0, 1, -1], [1, -1, -1]])
    found = positional_score(Ballots(tuple("abcd"), picks), name)
    np.testing.assert_allclose(found.share, np.array(points) / np.sum(points))


def test_errors_of_score_shares_are_those_of_the_bootstrap(top5: Ballots) -> None:
    gen = np.random.default_rng(0)
    shares = [
        positional_score(top5.take(gen.integers(0, top5.n, top5.n)), "dowdall").share
        for _ in range(300)
    ]
    ratio = np.std(shares, axis=0) / positional_score(top5, "dowdall").se
    assert 0.9 < np.median(ratio) < 1.1


def test_all_estimators_lie_side_by_side(top5: Ballots) -> None:
    found = estimate_all(top5)
    assert [one.method for one in found] == list(METHODS)
    table = comparison_table(found)
    assert len(table) == 28
    assert not table.isna().to_numpy().any()
    for one in found:
        if one.worth is not None and one.lower is not None and one.upper is not None:
            assert one.worth.sum() == pytest.approx(1)
            assert ((one.lower <= one.worth) & (one.worth <= one.upper)).all()
        assert sorted(one.table().columns[:2]) == ["code", "rank"]
    # an indicator far ahead leads everywhere
    assert len({int(np.argmin(one.rank)) for one in found}) <= 2


def test_maximum_likelihood_is_left_out_where_it_does_not_exist() -> None:
    ballots = ballots_from_lists([["a", "b"]] * 5, items="abcd")
    methods = [one.method for one in estimate_all(ballots)]
    assert "maximum_likelihood" not in methods
    assert "shrinkage" in methods


def test_unknown_estimators_get_a_suggestion(top5: Ballots) -> None:
    with pytest.raises(InputError, match="did you mean 'shrinkage'"):
        estimate(top5, "shrinkag")
    with pytest.raises(InputError, match="did you mean 'dowdall'"):
        positional_score(top5, "dowdal")


def _two_segments(difference: float, n: int, seed: int) -> Ballots:
    theta = np.linspace(-0.5, 0.5, 8)
    parts = [
        simulate_ballots(theta * sign, n, 3, rng=seed + i).picks
        for i, sign in enumerate((1.0, 1.0 - difference))
    ]
    labels = np.repeat(["large", "small"], n)
    return Ballots(tuple("abcdefgh"), np.concatenate(parts), segment=labels)


def test_segments_that_differ_are_told_apart() -> None:
    found = segment_test(_two_segments(2.0, 150, 1))
    assert found.p < 1e-6
    assert found.df == 7
    assert found.segments == ("large", "small")
    assert found.fits[0].worth[7] > found.fits[1].worth[7]


def test_size_of_the_segment_test_is_near_nominal() -> None:
    p = [segment_test(_two_segments(0.0, 150, 10 * s)).p_chi2 for s in range(100)]
    assert 0.0 < np.mean(np.array(p) < 0.05) < 0.11


def test_small_segments_are_tested_by_permutation() -> None:
    found = segment_test(_two_segments(0.0, 15, 3), permutations=49, rng=0)
    assert found.p_permutation is not None
    assert found.p == found.p_permutation
    assert found.p * 50 == pytest.approx(round(found.p * 50))


def test_segments_of_enterprises_with_several_ballots_are_shuffled_whole() -> None:
    """Every enterprise sends its ballot three times: cluster-blind tests would reject at once."""
    blind, fair = [], []
    for seed in range(15):
        drawn = simulate_ballots(np.zeros(8), 40, 3, rng=seed)
        labels = np.repeat(np.repeat(["a", "b"], 20), 3)
        picks = np.repeat(drawn.picks, 3, axis=0)
        firms = np.repeat(np.arange(40).astype(str), 3)
        single = Ballots(drawn.items, picks, segment=labels)
        blind.append(segment_test(single, permutations=19, rng=seed).p)
        several = Ballots(drawn.items, picks, cluster=firms, segment=labels)
        fair.append(segment_test(several, permutations=19, rng=seed).p)
    assert np.mean(np.array(blind) <= 0.05) > 0.5
    assert np.mean(np.array(fair) <= 0.05) < 0.2


def test_segment_tests_need_two_segments(top5: Ballots) -> None:
    with pytest.raises(InputError, match="one segment per ballot"):
        segment_test(top5)
    with pytest.raises(InputError, match="every ballot is in 'x'"):
        segment_test(top5, ["x"] * top5.n)


def test_reversed_ballots_are_outlying() -> None:
    theta = np.linspace(-2, 2, 12)
    usual = simulate_ballots(theta, 200, 5, rng=0).picks
    strange = np.arange(5)[None]  # the five least worthy items, the worst first
    ballots = Ballots(tuple("abcdefghijkl"), np.concatenate([usual, strange]))
    found = outlying_ballots(ballots, fit_shrunk(tabulate(ballots)).theta, rng=1)
    assert found.p.argmin() == 200
    assert found.flagged()[200]
    assert found.flagged().sum() <= 2


def test_outlier_p_values_are_uniform_under_the_model() -> None:
    theta = np.linspace(-1, 1, 10)
    lengths = np.random.default_rng(0).integers(1, 5, size=2000)
    ballots = simulate_ballots(theta, 2000, 4, lengths=lengths, rng=1)
    full = ballots.lengths == 4
    found = outlying_ballots(ballots, theta, rng=2)
    assert found.z[full].mean() == pytest.approx(0, abs=0.1)
    assert np.mean(found.p[full] < 0.1) == pytest.approx(0.1, abs=0.03)


def test_mixtures_recover_two_opinions_and_bic_their_number() -> None:
    theta = 1.3 * np.random.default_rng(0).standard_normal((2, 12))
    picks = [simulate_ballots(t, n, 4, rng=n).picks for t, n in zip(theta, (400, 200), strict=True)]
    ballots = Ballots(tuple("abcdefghijkl"), np.concatenate(picks))
    choice = choose_mixture(ballots, 3, starts=3, rng=1)
    assert choice.best.share.size == 2
    assert [fit.share.size for fit in choice.fits] == [1, 2, 3]
    best = choice.best
    assert best.share[0] == pytest.approx(2 / 3, abs=0.08)
    truth = theta[0] - theta[0].mean()
    assert np.corrcoef(best.theta[0], truth)[0, 1] > 0.95
    assert (best.membership.argmax(axis=1)[:400] == 0).mean() > 0.85
    assert choice.fits[1].loglik > choice.fits[0].loglik


def test_a_mixture_of_one_group_is_the_plain_fit(top5: Ballots) -> None:
    from calib.ballots.shrinkage import laplace

    fit = fit_mixture(top5, 1, rng=0)
    np.testing.assert_allclose(fit.theta[0], laplace(tabulate(top5), 2.0).theta, atol=1e-5)
    with pytest.raises(InputError, match="0 groups"):
        fit_mixture(top5, 0)
