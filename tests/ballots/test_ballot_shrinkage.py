"""Empirical-Bayes shrinkage: the approximation checked against integration without it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.integrate import quad

from calib.ballots import (
    Ballots,
    Shrinkage,
    ballots_from_lists,
    bootstrap,
    fit_ml,
    fit_shrunk,
    loglik,
    simulate_ballots,
    tabulate,
    worth_draws,
)
from calib.ballots.likelihood import equal_loglik, worths
from calib.ballots.shrinkage import laplace


def _marginal_by_sampling(
    table, sigma: float, *, draws: int = 4000, rng: int = 0
) -> tuple[float, float]:
    """Estimate the log marginal likelihood at one sigma by importance sampling.

    Parameters
    ----------
    table : sufficient statistics
    sigma : prior standard deviation of the log-worths, > 0
    draws : number of samples from a multivariate t (10 df) about the penalised mode

    Returns
    -------
    (estimate, standard error) of the log marginal likelihood: a check on :func:`laplace`.
    """
    gen = np.random.default_rng(rng)
    fit = laplace(table, sigma)
    J, df = table.J, 10.0
    basis = np.linalg.svd(np.eye(J) - 1.0 / J)[0][:, : J - 1]
    chol = np.linalg.cholesky(basis.T @ fit.covariance @ basis)
    z = gen.standard_normal((draws, J - 1))
    scale = np.sqrt(df / gen.chisquare(df, size=draws))
    contrasts = (basis.T @ fit.theta) + (z * scale[:, None]) @ chol.T
    theta = contrasts @ basis.T
    log_target = (
        _batch_loglik(table, theta)
        - 0.5 * (contrasts**2).sum(axis=1) / sigma**2
        - 0.5 * (J - 1) * np.log(2 * np.pi * sigma**2)
    )
    distance = (z**2).sum(axis=1) * scale**2
    log_proposal = _log_t(distance, df, J - 1) - np.log(np.diag(chol)).sum()
    ratio = log_target - log_proposal
    top = ratio.max()
    weight = np.exp(ratio - top)
    mean = float(weight.mean())
    error = float(weight.std(ddof=1) / np.sqrt(draws) / mean)
    return float(top + np.log(mean)), error


def _batch_loglik(table, theta: np.ndarray) -> np.ndarray:
    total = theta @ table.wins
    w = np.exp(theta)
    for start in range(0, len(theta), 250):
        part = slice(start, start + 250)
        for rows, free in table.blocks():
            total[part] -= table.counts[rows] @ np.log(free @ w[part].T)
    return np.asarray(total, dtype=float)


def _log_t(distance: np.ndarray, df: float, size: int) -> np.ndarray:
    from math import lgamma

    constant = lgamma((df + size) / 2) - lgamma(df / 2) - 0.5 * size * np.log(df * np.pi)
    return np.asarray(constant - 0.5 * (df + size) * np.log1p(distance / df), dtype=float)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_laplace_is_close_to_the_integral_for_two_items(sigma: float) -> None:
    table = tabulate(ballots_from_lists([["a"]] * 30 + [["b"]] * 18, items="ab"))

    def integrand(contrast: float) -> float:  # (theta_a - theta_b) / sqrt 2 ~ N(0, sigma^2)
        theta = np.array([contrast, -contrast]) / np.sqrt(2)
        prior = np.exp(-0.5 * (contrast / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        return float(np.exp(loglik(table, theta) + 33) * prior)

    exact = np.log(quad(integrand, -8 * max(sigma, 1), 8 * max(sigma, 1), epsabs=1e-12)[0]) - 33
    assert laplace(table, sigma).marginal == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 1.0])
def test_laplace_is_close_to_importance_sampling_for_28_items(top5: Ballots, sigma: float) -> None:
    table = tabulate(top5)
    value, error = _marginal_by_sampling(table, sigma, rng=1)
    assert error < 0.05
    assert laplace(table, sigma).marginal == pytest.approx(value, abs=0.1 + 3 * error)


def test_sigma_maximises_the_marginal_likelihood(top5: Ballots) -> None:
    table = tabulate(top5)
    fit = fit_shrunk(table)
    best = laplace(table, fit.sigma).marginal
    assert all(laplace(table, fit.sigma * f).marginal < best for f in (0.98, 1.02))
    low, high = fit.sigma_interval
    for edge in (low, high):  # the interval is where twice the log marginal falls by 3.84
        assert 2 * (best - laplace(table, edge).marginal) == pytest.approx(3.8415, abs=0.01)


def test_marginal_likelihood_tends_to_that_of_equal_worths(rice: Ballots) -> None:
    table = tabulate(rice)
    assert laplace(table, 1e-4).marginal == pytest.approx(equal_loglik(table), abs=1e-3)


def test_weak_priors_give_maximum_likelihood(rice: Ballots) -> None:
    table = tabulate(rice)
    np.testing.assert_allclose(laplace(table, 1e4).theta, fit_ml(table).theta, atol=1e-6)


def test_shrinkage_is_nearer_the_truth_than_maximum_likelihood() -> None:
    rng = np.random.default_rng(4)
    gain = []
    for seed in range(12):
        theta = 0.3 * rng.standard_normal(20)
        theta -= theta.mean()
        table = tabulate(simulate_ballots(theta, 60, 5, rng=seed))
        fitted = fit_ml(table).theta
        fitted = np.where(np.isfinite(fitted), fitted, fitted[np.isfinite(fitted)].min() - 1)
        shrunk = fit_shrunk(table).theta
        gain.append(((fitted - theta) ** 2).sum() - ((shrunk - theta) ** 2).sum())
    assert np.mean(gain) > 0


def test_intervals_cover_near_their_level() -> None:
    rng = np.random.default_rng(9)
    hits = []
    for seed in range(60):
        theta = 0.4 * rng.standard_normal(12)
        theta -= theta.mean()
        fit = fit_shrunk(tabulate(simulate_ballots(theta, 120, 4, rng=seed)))
        hits.append(np.abs(fit.theta - theta) < 1.96 * fit.se)
    assert 0.91 < np.mean(hits) < 0.98


def drawn(fit: Shrinkage, k: int, seed: int) -> np.ndarray:
    gen = np.random.default_rng(seed)
    return fit.draws_at(gen.random(k), gen.standard_normal((k, fit.theta.size)))


def test_sigma_zero_still_shows_uncertainty() -> None:
    fit = fit_shrunk(tabulate(simulate_ballots(np.zeros(28), 300, 5, rng=3)))
    assert fit.sigma < 0.05
    assert (fit.se > 0.01).all()
    assert drawn(fit, 200, 1).std(axis=0).min() > 0


@pytest.mark.parametrize(
    ("lists", "items"),
    [
        ([["a", "b", "c"]] * 40, "abcdefgh"),  # all ballots equal
        ([["a"]], "ab"),  # one ballot, two items
        ([["c", "a"]], "abcde"),  # one ballot
        ([["a"], ["b"], ["a"]], "abc"),  # k = 1, an item nobody picked
        ([["a", "b", "c"], ["c", "b", "a"]], "abcd"),  # k = J - 1
        ([["a", "b"], ["b", "a"]], "ab"),  # full rankings
    ],
)
def test_degenerate_surveys_have_finite_worths(lists: list[list[str]], items: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ballots = ballots_from_lists(lists, items=items)
        fit = fit_shrunk(tabulate(ballots))
        draws = drawn(fit, 50, 0)
    for values in (fit.theta, fit.se, fit.worth, draws):
        assert np.isfinite(values).all()
    assert (fit.worth > 0).all()
    np.testing.assert_allclose(draws.sum(axis=1), 1)


def test_bootstrap_refits_are_the_fits_of_the_resamples() -> None:
    ballots = simulate_ballots(np.linspace(-0.5, 0.5, 8), 150, 3, rng=2)
    resamples = np.random.default_rng(7).integers(0, ballots.n, (6, ballots.n))
    for row, rows in zip(bootstrap(ballots, 6, rng=7), resamples, strict=True):
        want = fit_ml(tabulate(ballots.take(rows))).theta
        np.testing.assert_allclose(row, want, atol=1e-6)


def test_bootstrap_spread_agrees_with_the_standard_errors(top5: Ballots) -> None:
    spread = bootstrap(top5, 600, rng=0).std(axis=0)
    ratio = spread / fit_ml(tabulate(top5)).se
    assert 0.9 < np.median(ratio) < 1.15


def test_bootstrap_handles_items_that_a_resample_never_picks() -> None:
    lists = [["a", "b"], ["b", "a"], ["c", "a"], ["a", "c"], ["b", "c"], ["c", "b"]] * 3
    ballots = ballots_from_lists([*lists, ["d", "a"]], items="abcd")
    worth = worths(bootstrap(ballots, 200, rng=3))
    assert not np.isnan(worth).any()
    assert (worth[:, 3] == 0).any()
    np.testing.assert_allclose(worth.sum(axis=1), 1)


def test_bootstrap_resamples_whole_enterprises(top5: Ballots) -> None:
    twice = Ballots(
        top5.items,
        np.repeat(top5.picks, 2, axis=0),
        cluster=np.repeat(np.arange(top5.n).astype(str), 2),
    )
    clustered = bootstrap(twice, 400, rng=0).std(axis=0)
    single = Ballots(twice.items, twice.picks)
    alone = bootstrap(single, 400, rng=0).std(axis=0)
    assert 1.2 < np.median(clustered / alone) < 1.6  # about sqrt 2


@pytest.mark.parametrize("method", ["shrinkage", "maximum_likelihood", "dowdall", "picks"])
def test_draws_centre_on_the_estimate(top5: Ballots, method: str) -> None:
    from calib.ballots import estimate

    draws = worth_draws(top5, 400, method=method, rng=1)
    found = estimate(top5, method)
    assert found.worth is not None
    assert found.se is not None
    np.testing.assert_allclose(draws.sum(axis=1), 1)
    np.testing.assert_allclose(draws.mean(axis=0), found.worth, atol=0.004)
    assert 0.85 < np.median(draws.std(axis=0) / found.se) < 1.2
