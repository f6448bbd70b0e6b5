"""Tests of the claim that all items are equally important."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, Seed
from calib.ballots.likelihood import equal_loglik, savage_points
from calib.ballots.plackett import supremum_loglik
from calib.ballots.prefix import PrefixTable, tabulate
from calib.ballots.robust import (
    cluster_index,
    effective_size,
    effective_table,
    outer_products,
)
from calib.ballots.share_intervals import PickShares, exact_p
from calib.ballots.simulation import null_statistics, penalised_ratio
from calib.ballots.survey import Ballots

__all__ = [
    "EqualityTest",
    "EqualityTests",
    "Residuals",
    "adjusted_residuals",
    "chi2_sf",
    "clustered_residuals",
    "clustered_test",
    "equality_tests",
    "holm",
    "lr_test",
    "pick_test",
    "pick_variance",
    "score_test",
]

MONTE_CARLO_BELOW = 50


@dataclass(frozen=True, slots=True)
class EqualityTest:
    """One test of equal importance.

    Parameters
    ----------
    name : ``picks`` (Q), ``likelihood_ratio``, ``score`` or ``clustered``
    statistic, df : test statistic and its degrees of freedom
    p_chi2 : p-value from the chi-square distribution
    p_monte_carlo : p-value from simulated ballots of equally important items, or None
    replicates : simulated sets of ballots behind it
    """

    name: str
    statistic: float
    df: int
    p_chi2: float
    p_monte_carlo: float | None = None
    replicates: int = 0

    @property
    def p(self) -> float:
        """The p-value to use: Monte Carlo where it was computed."""
        return self.p_chi2 if self.p_monte_carlo is None else self.p_monte_carlo


@dataclass(frozen=True, slots=True)
class EqualityTests:
    """Every test of equal importance that applies to a set of ballots.

    Parameters
    ----------
    picks : Q test on pick counts (Cochran's Q); None when every ballot lists every item
    likelihood_ratio, score : tests under Plackett-Luce, which also use the order of the picks
    clustered : score test with errors clustered by enterprise; None without clusters
    """

    picks: EqualityTest | None
    likelihood_ratio: EqualityTest
    score: EqualityTest
    clustered: EqualityTest | None

    @property
    def all(self) -> tuple[EqualityTest, ...]:
        """The tests that apply."""
        tests = (self.picks, self.likelihood_ratio, self.score, self.clustered)
        return tuple(test for test in tests if test is not None)

    @property
    def main(self) -> EqualityTest:
        """The test that decides whether differences were shown.

        Clustered errors if enterprises sent several ballots; else Q, which assumes no model;
        the score test when every ballot lists every item and Q says nothing.
        """
        return self.clustered or self.picks or self.score


def chi2_sf(statistic: float, df: int) -> float:
    """Return the upper tail of the chi-square distribution; 1 when there is no freedom."""
    from scipy.special import chdtrc

    return float(chdtrc(df, max(statistic, 0.0))) if df > 0 else 1.0


def pick_variance(table: PrefixTable) -> float:
    """Return ``sum_i w_i^2 k_i (J - k_i) / (J (J - 1))``: the scale of Q under equality.

    Notes
    -----
    Under equality a ballot of k picks is a random k-subset: each pick indicator has variance
    ``k (J - k) / J^2`` and two of them covariance ``-k (J - k) / (J^2 (J - 1))``.
    """
    k = np.arange(table.lengths2.size)
    J = table.J
    return float(table.lengths2 @ (k * (J - k)) / (J * (J - 1)))


def pick_test(table: PrefixTable) -> EqualityTest | None:
    """Test equal pick chances: Cochran's Q for any mixture of ballot lengths.

    Notes
    -----
    ``Q = sum_j (X_j - sum_i w_i k_i / J)^2 / V`` with V from :func:`pick_variance`; for n ballots
    of the same k it is ``J (J - 1) / (n k (J - k)) sum_j (X_j - n k / J)^2``. A plain chi-square
    of the counts would ignore that the picks of one ballot exclude each other.

    References
    ----------
    Cochran (1950), *Biometrika* 37, 256-266.
    """
    scale = pick_variance(table)
    if scale <= 0:
        return None
    k = np.arange(table.lengths.size)
    expected = float(table.lengths @ k) / table.J
    statistic = float(((table.pick_counts - expected) ** 2).sum()) / scale
    return EqualityTest("picks", statistic, table.J - 1, chi2_sf(statistic, table.J - 1))


def lr_test(table: PrefixTable) -> EqualityTest:
    """Test equal worths by the likelihood ratio under Plackett-Luce.

    Notes
    -----
    With respondent weights the ratio is multiplied by ``sum w / sum w^2``; under equality
    weights say nothing about rankings, and chi-square then holds (Rao & Scott 1984).
    """
    gain = supremum_loglik(table) - equal_loglik(table)
    statistic = max(2.0 * gain * table.kish_factor, 0.0)
    return EqualityTest("likelihood_ratio", statistic, table.J - 1, chi2_sf(statistic, table.J - 1))


def score_test(table: PrefixTable) -> EqualityTest:
    """Test equal worths by the score under Plackett-Luce, with exact permutation variance.

    Notes
    -----
    The score at equal worths sums Savage (exponential-order) scores: an item listed at rank r
    scores ``1 - sum_{s<r} 1 / (J - s)``, an unlisted one ``-sum_{s<k} 1 / (J - s)``. Its
    covariance for a ballot of k picks is ``sum_{s<k} (1 - 1/m) / (J - 1) (I - 11'/J)``, m = J - s.

    References
    ----------
    Savage (1956), *Ann. Math. Statist.* 27, 590-615.
    """
    points = savage_points(table.J, table.lengths.size - 1)
    statistic = float((_equal_score(table) ** 2).sum()) / float(table.lengths2 @ points.variance)
    return EqualityTest("score", statistic, table.J - 1, chi2_sf(statistic, table.J - 1))


def _equal_score(table: PrefixTable) -> FloatArray:
    """Return the score at equal worths, (J,): choices won less those won on average."""
    expected = np.zeros(table.J)
    for rows, free in table.blocks():
        expected += (table.counts[rows] / (table.J - table.stages[rows])) @ free
    return np.asarray(table.wins - expected, dtype=float)


def clustered_test(ballots: Ballots, table: PrefixTable) -> EqualityTest | None:
    """Test equal worths by the score with its variance taken between enterprises.

    Returns
    -------
    EqualityTest
        ``u' M^- u`` with M the clustered covariance of the score, referred to
        ``(G - 1)(J - 1) / (G - J + 1) F(J - 1, G - J + 1)``; ``p_chi2`` holds that p-value.
        With too few enterprises for that (G < J + 1) the ordinary score statistic divided by the
        mean design effect, referred to chi-square (Rao & Scott 1984). None when ballots
        are not clustered.
    """
    from scipy.special import fdtrc

    clusters = cluster_index(ballots)
    df = ballots.J - 1
    if clusters is None:
        return None
    if clusters[1] < ballots.J + 1:
        return _scaled_score(ballots, table)
    zero = np.zeros(ballots.J)
    score = _equal_score(table)
    middle = outer_products(ballots, zero, score / table.total)
    basis = np.linalg.svd(np.eye(ballots.J) - 1.0 / ballots.J)[0][:, :df]
    inner = basis.T @ middle @ basis
    if np.linalg.matrix_rank(inner) < df:
        return _scaled_score(ballots, table)
    u = basis.T @ score
    statistic = float(u @ np.linalg.solve(inner, u))
    groups = clusters[1]
    f = statistic * (groups - df) / (df * (groups - 1))
    return EqualityTest("clustered", statistic, df, float(fdtrc(df, groups - df, f)))


def _scaled_score(ballots: Ballots, table: PrefixTable) -> EqualityTest:
    ratio = effective_table(ballots).size / effective_size(ballots.weights)
    statistic = score_test(table).statistic * ratio
    df = ballots.J - 1
    return EqualityTest("clustered", statistic, df, chi2_sf(statistic, df))


def equality_tests(
    ballots: Ballots,
    *,
    monte_carlo: bool | None = None,
    replicates: int = 4999,
    rng: Seed = None,
) -> EqualityTests:
    """Run every test of equal importance that applies.

    Parameters
    ----------
    ballots : the ballots
    monte_carlo : whether to simulate the null; by default below 50 (effective) ballots
    replicates : simulated sets of ballots; a fifth as many for the likelihood ratio
    """
    table = tabulate(ballots)
    small = effective_size(ballots.weights) < MONTE_CARLO_BELOW
    simulate = small if monte_carlo is None else monte_carlo
    picks, ratio, score = pick_test(table), lr_test(table), score_test(table)
    if simulate:
        observed = penalised_ratio(ballots)
        null = null_statistics(ballots, replicates, replicates // 5, rng=rng)
        picks = None if picks is None else _with_null(picks, picks.statistic, null.picks)
        score = _with_null(score, score.statistic, null.score)
        ratio = _with_null(ratio, observed, null.likelihood_ratio)
    return EqualityTests(picks, ratio, score, clustered_test(ballots, table))


def _with_null(test: EqualityTest, observed: float, null: FloatArray) -> EqualityTest:
    # Ties count as extreme: a small tolerance keeps rounding from breaking them.
    extreme = int((null >= observed - 1e-9 * (1.0 + abs(observed))).sum())
    p = (1 + extreme) / (1 + null.size)
    return EqualityTest(test.name, test.statistic, test.df, test.p_chi2, p, null.size)


@dataclass(frozen=True, slots=True)
class Residuals:
    """How far each item's pick count stands from equality.

    Parameters
    ----------
    z : (J,) adjusted residuals, about standard normal under equality
    p : (J,) two-sided p-values
    p_holm : (J,) the same, corrected for J comparisons
    expected : pick count of every item under equality
    """

    z: FloatArray
    p: FloatArray
    p_holm: FloatArray
    expected: float

    def differs(self, alpha: float = 0.05) -> BoolArray:
        """Return which items differ from equality after Holm's correction, (J,)."""
        return self.p_holm < alpha


def adjusted_residuals(table: PrefixTable) -> Residuals | None:
    """Return adjusted residuals of the pick counts; None when every ballot lists every item.

    Notes
    -----
    ``z_j = (X_j - E) / sqrt(V (1 - 1/J))``, so that ``Q = (1 - 1/J) sum z_j^2``. The p-values are
    binomial at Kish's effective number of ballots: the tails that a correction for J comparisons
    asks for are not normal in a small survey.
    """
    scale = pick_variance(table)
    if scale <= 0:
        return None
    k = np.arange(table.lengths.size)
    expected = float(table.lengths @ k) / table.J
    z = (table.pick_counts - expected) / np.sqrt(scale * (1.0 - 1.0 / table.J))
    kish = np.full(table.J, table.kish)
    p = exact_p(table.pick_counts / table.total, kish, expected / table.total)
    return Residuals(z, p, holm(p), expected)


def clustered_residuals(shares: PickShares) -> Residuals:
    """Return residuals of the pick shares over their own (clustered) standard errors.

    Notes
    -----
    A share of exactly 0 or 1 shows no variance; its residual takes the binomial error of the
    expected share at the effective number of ballots instead. The p-values are binomial at the
    effective numbers of ballots behind the shares.
    """
    centre = shares.expected
    binomial = np.sqrt(max(centre * (1.0 - centre), 0.0) / shares.size)
    se = np.where(shares.se > 1e-12, shares.se, binomial)
    known = se > 1e-12
    z = np.where(known, (shares.share - centre) / np.where(known, se, 1.0), 0.0)
    p = exact_p(shares.share, shares.sizes, centre) if 0.0 < centre < 1.0 else np.ones(z.size)
    total = float(shares.count.sum())
    return Residuals(z, p, holm(p), total / len(shares.items))


def holm(p: FloatArray) -> FloatArray:
    """Return Holm's step-down adjusted p-values, (J,)."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p, method="holm")[1] if p.size else p, dtype=float)
