"""Respondent weights are relative: no error, test or shrinkage depends on their scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calib.ballots import (
    METHODS,
    Ballots,
    bootstrap,
    choose_mixture,
    effective_table,
    equality_report,
    estimate,
    fit_ml,
    fit_shrunk,
    quasi_variances,
    sandwich,
    segment_test,
    simulate_ballots,
    tabulate,
)
from calib.errors import InputError

SCALES = [1 / 120, 1e9, 1e300, 1e-300]


def _survey(weight: np.ndarray | None, cluster: np.ndarray | None = None) -> Ballots:
    plain = simulate_ballots(np.linspace(-0.6, 0.6, 7), 120, 3, rng=4)
    segment = np.where(np.arange(120) % 2 == 0, "even", "odd")
    return Ballots(plain.items, plain.picks, weight, cluster, segment)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("method", METHODS)
def test_equal_weights_of_any_scale_are_no_weights(method, scale):
    plain, scaled = (
        estimate(_survey(w), method) for w in (None, np.full(120, scale))
    )  # fmt: skip
    for field in ("worth", "se", "lower", "upper", "theta", "theta_se", "quasi_variance", "rank"):
        if getattr(plain, field) is not None:
            np.testing.assert_allclose(getattr(scaled, field), getattr(plain, field), rtol=1e-6)
    assert scaled.errors == plain.errors


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("clustered", [False, True])
def test_unequal_weights_of_any_scale_give_the_same_numbers(scale, clustered):
    weight = np.exp(np.random.default_rng(1).standard_normal(120))
    cluster = (np.arange(120) // 3).astype(str) if clustered else None
    one, other = _survey(weight, cluster), _survey(scale * weight, cluster)
    for method in ("shrinkage", "maximum_likelihood"):
        a, b = estimate(one, method), estimate(other, method)
        np.testing.assert_allclose(b.se, a.se, rtol=1e-5)
        np.testing.assert_allclose(b.quasi_variance, a.quasi_variance, rtol=1e-4)
        assert a.errors == b.errors == ("kish" if method == "shrinkage" else "robust")
    a, b = (
        equality_report(x, groups=np.arange(7) // 3, monte_carlo=False, rng=0) for x in (one, other)
    )
    np.testing.assert_allclose(b.test_table()["statistic"], a.test_table()["statistic"], rtol=1e-5)
    assert b.shrunk.sigma == pytest.approx(a.shrunk.sigma, rel=1e-5)
    a, b = (segment_test(x, permutations=20, rng=2) for x in (one, other))
    assert b.statistic == pytest.approx(a.statistic, rel=1e-6)
    assert b.p_permutation == a.p_permutation
    np.testing.assert_allclose(b.fits[0].se, a.fits[0].se, rtol=1e-5)
    a, b = (bootstrap(x, 5, rng=3) for x in (one, other))
    np.testing.assert_allclose(b, a, atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_fits_of_weighted_tables_do_not_depend_on_the_scale(scale):
    weight = np.exp(np.random.default_rng(1).standard_normal(120))
    one, other = tabulate(_survey(weight)), tabulate(_survey(scale * weight))
    a, b = fit_ml(one), fit_ml(other)
    np.testing.assert_allclose(b.se, a.se, rtol=1e-6)
    np.testing.assert_allclose(
        quasi_variances(b.covariance), quasi_variances(a.covariance), rtol=1e-6
    )
    np.testing.assert_allclose(sandwich(_survey(scale * weight), b),
                               sandwich(_survey(weight), a), rtol=1e-6)  # fmt: skip
    assert fit_shrunk(other).sigma == pytest.approx(fit_shrunk(one).sigma, rel=1e-5)


def test_weights_that_drown_each_other_are_one_error():
    weight = np.full(120, 1e300)
    weight[7] = 1e-300
    with pytest.raises(InputError, match="row 7: respondent weight beside the largest one"):
        _survey(weight)
    weight[7] = 1e289
    assert tabulate(_survey(weight)).effective().total == pytest.approx(119, abs=1e-6)


def test_the_information_of_weighted_ballots_is_that_of_kishs_number():
    """Weights in two halves, 1 and 3: (sum w)^2 / sum w^2 = 0.8 n ballots."""
    weight = np.where(np.arange(120) < 60, 1.0, 3.0)
    table = tabulate(_survey(weight))
    assert table.effective().total == pytest.approx(0.8 * 120)
    once = effective_table(_survey(weight)).table
    np.testing.assert_allclose(once.effective().counts, once.counts)


def test_a_table_scaled_for_clusters_is_not_scaled_back():
    cluster = (np.arange(120) // 3).astype(str)
    picks = np.repeat(_survey(None).picks[:40], 3, axis=0)
    found = effective_table(replace(_survey(None, cluster), picks=picks))
    assert found.size < 60
    assert found.table.effective().total == pytest.approx(found.size)


def test_robust_errors_of_weighted_ballots_are_those_of_the_resampled_ones():
    weight = np.exp(0.8 * np.random.default_rng(1).standard_normal(120))
    ballots = _survey(weight)
    spread = bootstrap(ballots, 800, rng=0).std(axis=0)
    ratio = estimate(ballots, "maximum_likelihood").theta_se / spread
    assert 0.8 < ratio.mean() < 1.1


def test_mixtures_are_bounded_in_work_and_say_when_they_stopped():
    ballots = simulate_ballots(np.zeros(15), 150, 4, rng=1)
    choice = choose_mixture(ballots, 3, rng=0)
    assert all(fit.iterations <= 110 for fit in choice.fits)
    assert choice.fits[0].converged
    assert choice.best.share.size == 1
    scaled = Ballots(ballots.items, ballots.picks, np.full(150, 1e-6))
    assert choose_mixture(scaled, 1, rng=0).best.bic == pytest.approx(choice.fits[0].bic)


def test_quasi_variances_of_a_difference_without_variance_do_not_exist():
    # Items 0 and 1 move together: their difference has no variance, no q reproduces that.
    shape = np.array([[1.0, 1.0, -2.0]])
    found = quasi_variances(shape.T @ shape)
    assert np.isnan(found).all()
