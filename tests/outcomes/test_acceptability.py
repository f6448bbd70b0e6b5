"""Star probabilities: closed forms, uniform sampling, and the Monte-Carlo error."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from calib.errors import InfeasibleError, InputError
from calib.framework import load_framework
from calib.outcomes import (
    FamilyRule,
    draw_weights,
    pillar_probabilities,
    share_above,
    star_probabilities,
)
from calib.outcomes.draws import draw_family, simplex_from_uniform
from calib.rating import node_scores, stars

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
LOCAL = FRAMEWORK.published["discrete"]
RULE = FRAMEWORK.rule.thresholds()


def answers(count, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, (count, len(TRACK.leaves))) * 25.0
    return np.clip(X + 25.0 * rng.integers(-2, 3, (count, 1)), 0, 100)


def test_two_pillars_have_the_share_of_an_interval():
    # A 30 + (1 - A) 70 > 60 for A < 1/4.
    values = np.array([[30.0, 70.0], [70.0, 30.0], [50.0, 50.0], [61.0, 99.0], [60.0, 80.0]])
    np.testing.assert_allclose(share_above(values, 60), [0.25, 0.25, 0.0, 1.0, 1.0], atol=1e-15)


def test_three_pillars_have_the_share_of_a_triangle():
    # One corner above: the corner's triangle is cut at (100-60)/(100-50) = 0.8 along both sides.
    np.testing.assert_allclose(share_above(np.array([[100.0, 50, 50]]), 60), [0.64], atol=1e-15)
    # Equal scores (a confluent case) and mixed ones against a fine simplex grid.
    rng = np.random.default_rng(0)
    draws = rng.dirichlet(np.ones(4), 400_000)
    for values in ([20.0, 20, 80, 80], [10.0, 30, 50, 90], [0.0, 0, 0, 100]):
        exact = share_above(np.array([values]), 45.0)[0]
        share = (draws @ values > 45).mean()
        assert abs(exact - share) < 5 * np.sqrt(exact * (1 - exact) / len(draws))


@pytest.mark.parametrize("one_star", [False, True])
@pytest.mark.parametrize("depth", [1, 2])
def test_exact_pillar_probabilities_match_many_draws(one_star, depth):
    rule = replace(RULE, one_star=one_star, gate_depth=depth)
    X = answers(60, 1)
    exact = pillar_probabilities(TRACK, X, LOCAL, rule)
    np.testing.assert_allclose(exact.sum(axis=1), 1)
    runs = [
        draw_weights(
            FRAMEWORK, FRAMEWORK.published, {"": FamilyRule(kind="uniform")}, 4096, rng=seed
        )["discrete"]
        for seed in range(8)
    ]
    found = star_probabilities(TRACK, X, runs, rule)
    assert np.abs(found.probability - exact).max() < 0.01
    assert (np.abs(found.probability - exact) <= 6 * found.error + 2e-4).mean() > 0.99


def test_quasi_random_draws_are_closer_to_the_truth_than_independent_ones():
    X = answers(80, 2)
    exact = pillar_probabilities(TRACK, X, LOCAL, RULE)
    off = {}
    for quasi in (True, False):
        runs = [
            draw_weights(FRAMEWORK, FRAMEWORK.published, {"": FamilyRule()}, 1024, quasi=quasi,
                         rng=seed)["discrete"] for seed in range(4)
        ]  # fmt: skip
        off[quasi] = np.abs(star_probabilities(TRACK, X, runs, RULE).probability - exact).mean()
    assert off[True] < off[False] / 3


def test_error_of_independent_draws_covers_the_truth():
    X = answers(200, 3)
    exact = pillar_probabilities(TRACK, X, LOCAL, RULE)
    run = draw_weights(FRAMEWORK, FRAMEWORK.published, {"": FamilyRule()}, 4000, quasi=False, rng=1)
    found = star_probabilities(TRACK, X, [run["discrete"]], RULE)
    some = (exact > 0.02) & (exact < 0.98)
    z = (found.probability - exact)[some] / found.error[some]
    assert (np.abs(z) < 3.5).all()


def test_uniform_is_uniform_on_the_simplex():
    rng = np.random.default_rng(4)
    flat = simplex_from_uniform(rng.random((20_000, 3)))
    for j in range(4):  # every marginal is Beta(1, 3)
        assert stats.kstest(flat[:, j], stats.beta(1, 3).cdf).pvalue > 0.001
    normalised = rng.random((20_000, 4))
    normalised /= normalised.sum(axis=1, keepdims=True)
    assert stats.kstest(normalised[:, 0], stats.beta(1, 3).cdf).pvalue < 1e-6


def test_dirichlet_has_the_stated_centre_and_variance():
    codes, centre = ["a", "b", "c"], np.array([0.5, 0.3, 0.2])
    points = np.random.default_rng(5).random((40_000, 2))
    rule = FamilyRule(kind="dirichlet", concentration=20)
    for p in (points, None):
        drawn = draw_family(rule, codes, centre, 40_000, np.random.default_rng(6), p)
        np.testing.assert_allclose(drawn.sum(axis=1), 1)
        np.testing.assert_allclose(drawn.mean(axis=0), centre, atol=0.003)
        np.testing.assert_allclose(drawn.var(axis=0), centre * (1 - centre) / 21, rtol=0.05)


def test_intervals_and_orders_are_uniform_on_what_is_left():
    codes, centre = ["a", "b", "c"], np.array([0.35, 0.33, 0.32])
    flat = np.random.default_rng(7).dirichlet(np.ones(3), 300_000)
    rule = FamilyRule(kind="interval", bounds={"a": (0.2, 0.5)}, within=0.2, order=("a", "c"))
    drawn = draw_family(rule, codes, centre, 5000, np.random.default_rng(8))
    low, high = np.array([0.2, 0.13, 0.12]), np.array([0.5, 0.53, 0.52])
    kept = flat[((flat >= low) & (flat <= high)).all(axis=1) & (flat[:, 0] >= flat[:, 2])]
    assert ((drawn >= low - 1e-12) & (drawn <= high + 1e-12)).all()
    assert (drawn[:, 0] >= drawn[:, 2]).all()
    for j in range(3):
        assert stats.ks_2samp(drawn[:, j], kept[:, j]).pvalue > 0.001
    full = FamilyRule(kind="uniform", order=("c", "a", "b"))
    ordered = draw_family(full, codes, centre, 5000, np.random.default_rng(9))
    kept = flat[(flat[:, 2] >= flat[:, 0]) & (flat[:, 0] >= flat[:, 1])]
    assert stats.ks_2samp(ordered[:, 0], kept[:, 0]).pvalue > 0.001


def test_impossible_bounds_and_unknown_codes_are_said():
    codes, centre = ["a", "b"], np.array([0.5, 0.5])
    rng = np.random.default_rng(0)
    rule = FamilyRule(kind="interval", bounds={"a": (0, 0.4), "b": (0, 0.4)})
    with pytest.raises(InfeasibleError, match=r"highest to 0\.8"):
        draw_family(rule, codes, centre, 10, rng)
    with pytest.raises(InputError, match="did you mean"):
        draw_family(FamilyRule(kind="uniform", order=("aa",)), ["ab", "b"], centre, 10, rng)
    with pytest.raises(InputError, match="no node 'IX'"):
        draw_weights(FRAMEWORK, FRAMEWORK.published, {"IX": FamilyRule()}, 10, rng=1)


def test_first_level_draws_are_shared_by_the_tracks_and_given_draws_are_kept():
    rules = {"": FamilyRule(), "DA": FamilyRule(kind="dirichlet")}
    drawn = draw_weights(FRAMEWORK, FRAMEWORK.published, rules, 64, rng=2)
    tops = [drawn[t][:, tree.families[0].members] for t, tree in FRAMEWORK.tracks.items()]
    np.testing.assert_array_equal(tops[0], tops[1])
    for t, tree in FRAMEWORK.tracks.items():
        np.testing.assert_allclose(tree.sibling_sums(drawn[t]), 1)
        np.testing.assert_array_equal(
            drawn[t][:, tree.index["IC"] + 1], FRAMEWORK.published[t][tree.index["IC"] + 1]
        )
    mixed = draw_weights(FRAMEWORK, FRAMEWORK.published, {"": FamilyRule()}, 64, given=drawn, rng=3)
    inner = TRACK.index["DA"] + 1
    np.testing.assert_array_equal(mixed["discrete"][:, inner], drawn["discrete"][:, inner])


def test_probabilities_are_the_shares_of_stars_one_by_one():
    X = answers(20, 5)
    local = draw_weights(FRAMEWORK, FRAMEWORK.published, {"": FamilyRule()}, 100, rng=4)["discrete"]
    found = star_probabilities(TRACK, X, [local], RULE)
    counts = np.zeros((20, 5))
    for row in local:
        scores = node_scores(TRACK, X, row)[:, TRACK.families[0].members]
        star = stars(scores @ row[TRACK.families[0].members], scores, RULE)[0]
        counts[np.arange(20), star] += 1
    np.testing.assert_allclose(found.probability, counts / 100)
