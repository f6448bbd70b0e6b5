"""Intervals and tests on transition matrices, against statsmodels and closed forms."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import SquareTable
from statsmodels.stats.proportion import proportion_confint

from calib.errors import InputError
from calib.outcomes.agreement import (
    bootstrap_agreement,
    bowker_symmetry,
    stuart_maxwell,
    wilson_interval,
)
from calib.outcomes.comparison import weighted_kappa

# Stuart's table of vision in both eyes, 7,477 women (Biometrika 40 (1953), 105-110).
VISION = np.array([
    [1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492],
])  # fmt: skip


def test_vision_table_gives_the_published_statistics():
    # Stuart (1955) reports 11.96 on 3 df; Bowker's statistic of the table is 19.11 on 6 df.
    homogeneity, symmetry = stuart_maxwell(VISION), bowker_symmetry(VISION)
    assert (round(homogeneity.statistic, 2), homogeneity.df) == (11.96, 3)
    assert (round(symmetry.statistic, 2), symmetry.df) == (19.11, 6)


def test_tests_agree_with_statsmodels():
    rng = np.random.default_rng(0)
    for _ in range(20):
        table = rng.integers(1, 30, (5, 5))
        other = SquareTable(table, shift_zeros=False)
        symmetry, homogeneity = other.symmetry(), other.homogeneity()
        mine = bowker_symmetry(table)
        assert mine.statistic == pytest.approx(symmetry.statistic)
        assert mine.p == pytest.approx(symmetry.pvalue)
        mine = stuart_maxwell(table)
        assert mine.statistic == pytest.approx(homogeneity.statistic)
        assert mine.p == pytest.approx(homogeneity.pvalue)


def test_empty_stars_do_not_break_the_tests():
    table = np.diag([0, 5, 9, 6, 0])
    assert np.isnan(stuart_maxwell(table).p)
    assert bowker_symmetry(table).df == 0
    table[1, 2] = 4
    # One pair of stars only: both are McNemar's test, (4 - 0)² / 4 on 1 df.
    assert stuart_maxwell(table).statistic == pytest.approx(4)
    assert bowker_symmetry(table).statistic == pytest.approx(4)
    assert stuart_maxwell(table).df == bowker_symmetry(table).df == 1


def test_wilson_intervals_agree_with_statsmodels():
    for count, total, level in ((0, 22, 0.95), (9, 22, 0.95), (22, 22, 0.9), (400, 1000, 0.99)):
        low, high = wilson_interval(count, total, level)
        other = proportion_confint(count, total, alpha=1 - level, method="wilson")
        assert (float(low), float(high)) == pytest.approx(other, abs=1e-12)
    with pytest.raises(InputError, match="level"):
        wilson_interval(1, 2, 1.5)


def test_bootstrap_intervals_match_resampling_enterprises():
    rng = np.random.default_rng(1)
    before = rng.integers(0, 5, 300)
    after = np.clip(before + rng.integers(-1, 2, 300), 0, 4)
    matrix = np.zeros((5, 5), dtype=np.int64)
    np.add.at(matrix, (before, after), 1)
    found = {b.measure: b for b in bootstrap_agreement([matrix], size=4000, rng=2)}
    rows = rng.integers(0, 300, (4000, 300))
    moved = (before[rows] != after[rows]).mean(axis=1)
    change = (after[rows] - before[rows]).mean(axis=1)
    for name, samples in (("moved", moved), ("mean_change", change)):
        low, high = np.quantile(samples, [0.025, 0.975])
        assert found[name].low == pytest.approx(low, abs=0.01)
        assert found[name].high == pytest.approx(high, abs=0.01)
    assert found["kappa_linear"].value == pytest.approx(weighted_kappa(matrix, "linear"))
    assert found["kappa_quadratic"].value == pytest.approx(weighted_kappa(matrix, "quadratic"))
    assert found["moved"].value == pytest.approx((before != after).mean())
    assert found["kappa_linear"].low < found["kappa_linear"].value < found["kappa_linear"].high
    again = bootstrap_agreement([matrix], size=4000, rng=2)
    assert [b.low for b in again] == [b.low for b in found.values()]
