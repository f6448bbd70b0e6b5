"""Dominance measures against hand-made values, brute force and definitions."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calib.errors import InputError
from calib.outcomes.dominance import (
    Moments,
    concentration,
    contribution_share,
    correlation_with_total,
    dominated_enterprises,
    entering_gains,
    item_rest_correlation,
    main_effect,
    moments_of,
    pool_moments,
    shapley_exact,
    shapley_sampled,
    shrinkage_intensity,
    variance_share,
)

REFERENCES = Path(__file__).parents[3] / "data" / "verify"
CASES = json.loads((REFERENCES / "importance.json").read_text("utf-8"))["cases"]


def likert(seed: int, n: int, q: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    raw = common * 0.8 + rng.normal(size=(n, q)) * rng.uniform(0.4, 1.6, q)
    return np.clip(np.round(raw * 1.2 + 2), 0, 4) * 25.0


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_reference_cases_are_met_exactly(case: dict) -> None:
    m = Moments(100, np.zeros(3), np.array(case["covariance"], dtype=float))
    g = np.array(case["weights"])
    np.testing.assert_allclose(correlation_with_total(g, m) ** 2, case["r_squared"], atol=1e-14)
    if "variance_share" in case:
        np.testing.assert_allclose(variance_share(g, m).share, case["variance_share"], atol=1e-14)


def test_moments_agree_with_numpy_and_do_not_lose_digits_far_from_zero() -> None:
    X = likert(1, 20_000, 5)
    for shift in (0.0, 1e6):
        m = moments_of(X + shift)
        np.testing.assert_allclose(m.cov, np.cov(X.T, ddof=0), rtol=1e-9)
        np.testing.assert_allclose(m.mean, X.mean(axis=0) + shift, rtol=1e-12)


def test_counts_repeat_enterprises() -> None:
    X = likert(2, 30, 4)
    counts = np.random.default_rng(0).integers(0, 4, 30).astype(float)
    repeated = np.repeat(X, counts.astype(int), axis=0)
    np.testing.assert_allclose(moments_of(X, counts).cov, moments_of(repeated).cov, atol=1e-9)


def test_pooling_within_groups_ignores_differences_of_group_means() -> None:
    a, b = likert(3, 40, 3), likert(4, 60, 3)
    pooled = pool_moments([moments_of(a), moments_of(b + 1000)])
    expected = (40 * np.cov(a.T, ddof=0) + 60 * np.cov(b.T, ddof=0)) / 100
    np.testing.assert_allclose(pooled.cov, expected)


def test_variance_share_is_the_covariance_of_the_part_with_the_total() -> None:
    X = likert(5, 200, 6)
    g = np.random.default_rng(0).dirichlet(np.ones(6))
    total = X @ g
    expected = [np.cov(g[i] * X[:, i], total, ddof=0)[0, 1] / total.var() for i in range(6)]
    found = variance_share(g, moments_of(X))
    np.testing.assert_allclose(found.share, expected)
    np.testing.assert_allclose(found.own + found.correlated, found.share)
    assert found.share.sum() == pytest.approx(1)


def test_item_rest_correlation_matches_direct_computation() -> None:
    X = likert(6, 150, 5)
    g = np.array([0.4, 0.1, 0.2, 0.2, 0.1])
    direct = [np.corrcoef(X[:, i], X @ g - g[i] * X[:, i])[0, 1] for i in range(5)]
    np.testing.assert_allclose(item_rest_correlation(g, moments_of(X)), direct)


def test_contribution_and_concentration_by_hand() -> None:
    m = Moments(2, np.array([50.0, 100.0]), np.eye(2))
    np.testing.assert_allclose(contribution_share(np.array([0.5, 0.5]), m), [1 / 3, 2 / 3])
    c = concentration(np.array([0.5, 0.3, 0.2]))
    assert c.hhi == pytest.approx(0.38)
    assert c.effective == pytest.approx(1 / 0.38)


def test_an_enterprise_exactly_at_the_cap_is_not_dominated() -> None:
    X = np.array([[50.0, 50.0], [100.0, 0.0], [0.0, 0.0]])
    over = dominated_enterprises(X, np.array([0.5, 0.5]), 0.5)
    np.testing.assert_allclose(over, [1 / 3, 0.0])


def test_a_constant_indicator_has_share_and_correlation_zero_not_nan() -> None:
    X = likert(7, 50, 4)
    X[:, 2] = 75.0
    g = np.full(4, 0.25)
    m = moments_of(X)
    effect = main_effect(X, X @ g)
    for values in (
        variance_share(g, m).share, correlation_with_total(g, m), item_rest_correlation(g, m),
        shapley_exact(g, m).share, effect.effect, effect.adjusted,
    ):  # fmt: skip
        assert values[2] == 0
        assert np.isfinite(values).all()


def test_one_enterprise_has_no_variance_measures_and_no_nan() -> None:
    X = likert(8, 1, 4)
    m = moments_of(X)
    g = np.full(4, 0.25)
    assert not variance_share(g, m).share.any()
    assert not shapley_exact(g, m).share.any()
    assert not shapley_sampled(g, m, orders=10, rng=0).share.any()
    assert not main_effect(X, X @ g).effect.any()


def test_missing_scores_are_refused() -> None:
    with pytest.raises(InputError, match="missing"):
        moments_of(np.array([[1.0, np.nan]]))
    with pytest.raises(InputError, match="at least one"):
        moments_of(np.zeros((0, 3)))


def brute_lmg(g: np.ndarray, m: Moments) -> np.ndarray:
    """Average what each indicator adds to R² over all orders, R² by a pseudo-inverse."""
    q = len(g)
    cov_total = m.cov @ g
    variance = g @ cov_total

    def r2(subset: tuple[int, ...]) -> float:
        if not subset:
            return 0.0
        s = list(subset)
        inverse = np.linalg.pinv(m.cov[np.ix_(s, s)], rcond=1e-10, hermitian=True)
        return float(cov_total[s] @ inverse @ cov_total[s] / variance)

    known = {s: r2(s) for k in range(q + 1) for s in itertools.combinations(range(q), k)}
    out = np.zeros(q)
    for i in range(q):
        others = [j for j in range(q) if j != i]
        for k in range(q):
            share = math.factorial(k) * math.factorial(q - k - 1) / math.factorial(q)
            for s in itertools.combinations(others, k):
                out[i] += share * (known[tuple(sorted((*s, i)))] - known[s])
    return out


def test_lmg_of_eleven_capabilities_equals_the_brute_force_definition() -> None:
    X = likert(9, 300, 11)
    g = np.random.default_rng(1).dirichlet(np.ones(11))
    m = moments_of(X)
    found = shapley_exact(g, m).share
    np.testing.assert_allclose(found, brute_lmg(g, m), atol=1e-10)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


def test_lmg_of_a_singular_covariance_equals_the_definition_with_pseudo_inverse() -> None:
    X = likert(10, 5, 7)  # 5 enterprises, 7 indicators
    g = np.random.default_rng(2).dirichlet(np.ones(7))
    m = moments_of(X)
    np.testing.assert_allclose(shapley_exact(g, m).share, brute_lmg(g, m), atol=1e-8)


def test_all_orders_average_to_the_exact_shares() -> None:
    m = moments_of(likert(11, 100, 5))
    g = np.array([0.3, 0.3, 0.2, 0.1, 0.1])
    orders = np.array(list(itertools.permutations(range(5))))
    gains = entering_gains(g, m, orders)
    np.testing.assert_allclose(gains.sum(axis=1), 1.0)
    np.testing.assert_allclose(gains.mean(axis=0), shapley_exact(g, m).share, atol=1e-12)


def test_sampled_lmg_lies_within_its_stated_standard_error() -> None:
    X = likert(12, 200, 12)
    m = moments_of(X)
    g = np.random.default_rng(3).dirichlet(np.ones(12))
    exact = shapley_exact(g, m).share
    scores = []
    for seed in range(20):
        found = shapley_sampled(g, m, orders=200, rng=seed)
        scores.append((found.share - exact) / found.error)
    z = np.array(scores)
    assert abs(z.mean()) < 0.3
    assert 0.8 < z.std() < 1.25


def test_owen_values_of_single_groups_are_the_shapley_shares() -> None:
    m = moments_of(likert(13, 200, 6))
    g = np.full(6, 1 / 6)
    exact = shapley_exact(g, m).share
    alone = shapley_sampled(g, m, orders=4000, nests=[np.arange(6)], rng=0)
    assert np.all(np.abs(alone.share - exact) < 5 * alone.error + 1e-12)


def test_owen_values_of_groups_sum_to_the_groups_shapley_values() -> None:
    m = moments_of(likert(14, 200, 4))
    g = np.array([0.4, 0.3, 0.2, 0.1])
    group = np.array([0, 0, 1, 1])
    found = shapley_sampled(g, m, orders=4000, nests=[group], rng=1)
    value = lambda s: entering_gains(g, m, np.array([s]))[0]  # noqa: E731
    first = value([0, 1, 2, 3])[:2].sum()
    last = value([2, 3, 0, 1])[:2].sum()
    assert found.share[:2].sum() == pytest.approx(0.5 * (first + last), abs=1e-9)


def test_main_effect_is_the_between_group_share_of_variance() -> None:
    X = likert(15, 400, 4)
    total = X @ np.array([0.4, 0.3, 0.2, 0.1])
    found = main_effect(X, total, draws=300, rng=0)
    for i in range(4):
        fitted = np.zeros(len(X))
        for level in np.unique(X[:, i]):
            fitted[X[:, i] == level] = total[X[:, i] == level].mean()
        assert found.effect[i] == pytest.approx(fitted.var() / total.var(), abs=1e-12)
    assert (found.low <= found.effect).all()
    assert (found.effect <= found.high).all()
    assert (found.adjusted <= found.effect).all()


def test_main_effect_of_an_unrelated_indicator_is_near_zero_once_adjusted() -> None:
    rng = np.random.default_rng(0)
    raw, corrected = [], []
    for _ in range(200):
        x = rng.integers(0, 5, size=(22, 1)) * 25.0
        found = main_effect(x, rng.normal(size=22))
        raw.append(found.effect[0])
        corrected.append(found.adjusted[0])
    assert np.mean(raw) == pytest.approx(4 / 21, abs=0.04)
    assert np.mean(corrected) < 0.08


def test_scores_with_many_levels_are_grouped_rather_than_explained_perfectly() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(22, 1))
    assert main_effect(x, rng.normal(size=22)).effect[0] < 0.9


def test_shrinkage_is_strong_for_noise_and_weak_for_a_clear_structure() -> None:
    rng = np.random.default_rng(2)
    noise = moments_of(rng.normal(size=(22, 10)), centred=True)
    common = rng.normal(size=(500, 1)) + 0.2 * rng.normal(size=(500, 10))
    assert shrinkage_intensity(noise) > 0.4
    assert shrinkage_intensity(moments_of(common, centred=True)) < 0.05


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.integers(2, 8))
def test_scaling_all_scores_changes_no_share(seed: int, scale: float, q: int) -> None:
    X = likert(seed, 30, q)
    g = np.random.default_rng(seed).dirichlet(np.ones(q))
    a, b = moments_of(X), moments_of(X * scale)
    np.testing.assert_allclose(variance_share(g, a).share, variance_share(g, b).share, atol=1e-9)
    np.testing.assert_allclose(shapley_exact(g, a).share, shapley_exact(g, b).share, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_permuting_indicators_permutes_every_measure(seed: int, q: int) -> None:
    X = likert(seed, 25, q)
    rng = np.random.default_rng(seed)
    g, order = rng.dirichlet(np.ones(q)), rng.permutation(q)
    a, b = moments_of(X), moments_of(X[:, order])
    for measure in (contribution_share, correlation_with_total, item_rest_correlation):
        np.testing.assert_allclose(measure(g, a)[order], measure(g[order], b), atol=1e-9)
    exact, moved = shapley_exact(g, a).share, shapley_exact(g[order], b).share
    np.testing.assert_allclose(exact[order], moved, atol=1e-7)
