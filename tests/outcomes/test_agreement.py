"""Intervals and tests on transition matrices, against statsmodels and closed forms."""

import itertools

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import SquareTable, mcnemar
from statsmodels.stats.proportion import proportion_confint

from calib.errors import InputError
from calib.outcomes import (
    bootstrap_agreement,
    bowker_symmetry,
    stuart_maxwell,
    weighted_kappa,
    wilson_interval,
)

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
    with pytest.raises(InputError, match="confidence"):
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
    # Wilson's interval of the share is close to the bootstrap's for 300 enterprises.
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


def test_where_nobody_moved_shares_have_wilson_intervals_and_kappa_none():
    found = {b.measure: b for b in bootstrap_agreement([np.diag([1, 5, 9, 6, 1])], rng=0)}
    for name in ("moved", "up", "down"):
        assert (found[name].value, found[name].low, found[name].by) == (0, 0, "wilson")
        assert found[name].high == pytest.approx(0.1487, abs=1e-4)  # 0 of 22
    for name in ("mean_change", "kappa_linear", "kappa_quadratic"):
        assert np.isnan([found[name].low, found[name].high]).all()
        assert found[name].by == "none"
    assert found["kappa_linear"].value == 1


def brute_force(matrix, statistic):
    """Share of all equally likely directions of the moves with a statistic as large."""
    moves = [(i, j) for i in range(len(matrix)) for j in range(len(matrix)) if i != j
             for _ in range(matrix[i, j])]  # fmt: skip
    mine, hits = statistic(matrix), 0
    for turned in itertools.product((False, True), repeat=len(moves)):
        other = np.diag(np.diag(matrix))
        for (i, j), turn in zip(moves, turned, strict=True):
            other[(j, i) if turn else (i, j)] += 1
        hits += statistic(other) >= mine - 1e-9
    return hits / 2 ** len(moves)


def test_few_moves_are_tested_exactly():
    one = np.diag([3, 4, 5])
    one[0, 1] = 1
    # One discordant pair can go one way or the other: as unequal either way (chi-square: .3173).
    assert bowker_symmetry(one).p == stuart_maxwell(one).p == 1.0
    assert bowker_symmetry(one).p_by == "exact"
    six = np.diag([3, 4, 5])
    six[0, 1] = 6
    assert bowker_symmetry(six).p == pytest.approx(mcnemar([[9, 6], [0, 9]], exact=True).pvalue)
    rng = np.random.default_rng(3)
    for _ in range(4):
        table = np.diag(rng.integers(0, 9, 4))
        for _ in range(6):
            i, j = rng.choice(4, 2, replace=False)
            table[i, j] += 1
        for test in (bowker_symmetry, stuart_maxwell):
            expected = brute_force(table, lambda m, t=test: t(m).statistic)
            assert test(table).p == pytest.approx(expected)


def test_many_moves_are_tested_by_chi_square():
    assert bowker_symmetry(VISION).p_by == stuart_maxwell(VISION).p_by == "chi-square"
    two = np.array([[50, 400], [460, 50]])  # many moves of one pair are still exact
    assert bowker_symmetry(two).p_by == "exact"
    assert bowker_symmetry(two).p == pytest.approx(mcnemar(two, exact=True).pvalue)


def test_groups_of_stars_that_no_move_connects_add_up():
    table = np.diag([4, 4, 4, 4])
    table[0, 1], table[2, 3], table[3, 2] = 5, 3, 1
    # Two McNemar tests: 5²/5 + 2²/4 on 2 df.
    assert stuart_maxwell(table).statistic == pytest.approx(6)
    assert stuart_maxwell(table).df == 2


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_weighted_kappa_follows_its_definition(weights):
    table = np.random.default_rng(5).integers(0, 4, (5, 5))
    share, index = table / table.sum(), np.arange(5)
    distance = np.abs(index[:, None] - index) ** (1 if weights == "linear" else 2)
    chance = np.outer(share.sum(axis=1), share.sum(axis=0))
    expected = 1 - (distance * share).sum() / (distance * chance).sum()
    assert weighted_kappa(table, weights) == pytest.approx(expected)
    assert np.isnan(weighted_kappa(np.diag([0, 7, 0]), weights))


def test_where_all_moved_alike_resampling_gives_no_interval():
    up = np.array([[0, 5, 0], [0, 0, 6], [0, 0, 0]])
    found = {a.measure: a for a in bootstrap_agreement([up], size=200, rng=1)}
    change = found["mean_change"]
    assert (change.value, change.by) == (1.0, "none")
    assert np.isnan([change.low, change.high]).all()
    assert found["moved"].by == "wilson"
    assert 0.7 < found["moved"].low < found["moved"].high == 1.0
