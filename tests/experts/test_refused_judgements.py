"""Judgements that determine no weights or no order are refused by every public function."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from calib.errors import InputError
from calib.experts import (
    elicit,
    kendall_w,
    least_squares_weights,
    matrix_from_pairs,
    mean_ranks,
    optimal_completion,
    weigh_comparisons,
)


def star(values, n=5):
    """Compare item 0 with some others only: values[j] is a_0j."""
    pairs = np.full(n * (n - 1) // 2, np.nan)
    pairs[: len(values)] = values
    return matrix_from_pairs(pairs, n)


FUNCTIONS = {
    "weigh_comparisons": lambda m: weigh_comparisons(m[None]),
    "weigh_comparisons, optimal": lambda m: weigh_comparisons(m[None], incomplete="optimal"),
    "weigh_comparisons, harker": lambda m: weigh_comparisons(m[None], incomplete="harker"),
    "optimal_completion": optimal_completion,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_items_that_no_comparison_reaches_are_named(function):
    with pytest.raises(InputError, match="item 5: no chain of comparisons links"):
        function(star([2.0, 3.0, 4.0]))
    linked = star([2.0, 3.0, 4.0, 8.0])
    function(linked)  # with the fourth comparison every item is reached


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_comparisons_that_are_not_reciprocal_are_refused(function):
    wrong = star([2.0, 3.0, 4.0, 8.0])
    wrong[0, 1] = 3.0
    with pytest.raises(InputError, match="item 1 : item 2: not reciprocal"):
        function(wrong)
    wrong[0, 1] = wrong[1, 0] = -1.0
    with pytest.raises(InputError, match="comparison is not positive"):
        function(wrong)


def test_names_stand_in_the_error():
    matrices = np.stack([star([2.0, 3.0, 4.0, 8.0]), star([2.0, 3.0])])
    with pytest.raises(InputError, match=r"Wang, D: no chain .*\n.*Wang, E: no chain"):
        weigh_comparisons(matrices, experts=["Li", "Wang"], items=list("ABCDE"))


def test_a_tree_of_comparisons_gives_exactly_its_ratios():
    """Four comparisons of five items: a_0j = w_0 / w_j, solved by hand."""
    expected = 1 / np.array([1.0, 2, 3, 4, 8])
    expected /= expected.sum()
    assert least_squares_weights(star([2.0, 3, 4, 8])[None])[0] == pytest.approx(expected)
    assert optimal_completion(star([2.0, 3, 4, 8])).weights == pytest.approx(expected)


def finite_difference(matrix, i, j, step=1e-5):
    values = []
    for sign in (1, -1):
        moved = matrix.copy()
        moved[i, j] *= np.exp(sign * step)
        moved[j, i] = 1 / moved[i, j]
        values.append(np.linalg.eigvals(moved).real.max())
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize("seed", range(6))
def test_the_reported_gradient_is_that_of_the_returned_matrix(seed):
    rng = np.random.default_rng(seed)
    n = 5 + seed
    values = np.exp(rng.normal(0, 1.2, n * (n - 1) // 2))
    values[rng.permutation(np.arange(n - 1, values.size))[: 2 + seed]] = np.nan
    matrix = matrix_from_pairs(values, n)
    found = optimal_completion(matrix, tolerance=1e-9)
    gaps = np.argwhere(np.isnan(np.triu(matrix, 1)))
    eigenvalues, right = np.linalg.eig(found.matrix)
    turned, left = np.linalg.eig(found.matrix.T)
    v = right[:, eigenvalues.real.argmax()].real
    u = left[:, turned.real.argmax()].real
    a = found.matrix
    exact = [(u[i] * a[i, j] * v[j] - u[j] * a[j, i] * v[i]) / (u @ v) for i, j in gaps]
    assert found.gradient >= np.abs(exact).max() - 1e-13
    assert found.gradient < 1e-12
    # The formula itself, away from the optimum, against finite differences of the eigenvalue.
    assert max(abs(finite_difference(a, i, j)) for i, j in gaps) < 1e-8


# Agreement -------------------------------------------------------------------------------------


def test_w_refuses_what_is_no_ranking():
    ratings = np.array([[9.0, 7, 2], [8, 8, 1]])
    with pytest.raises(InputError, match=r"expert 1: the row is no ranking.*of='values'"):
        kendall_w(ratings)
    with pytest.raises(InputError) as told:
        kendall_w(np.array([[1.0, 2, 3], [1, 2, 2], [1, np.nan, 2]]))
    assert str(told.value) == ("expert 3: no value for item 2; expected a number for every item")
    # A tie with competition ranks would make S too large: ties need their mean rank.
    with pytest.raises(InputError, match="expert 2: the row is no ranking"):
        kendall_w(np.array([[1.0, 2, 3], [1, 2, 2]]))
    kendall_w(np.array([[1.0, 2, 3], [1, 2.5, 2.5]]))


def test_w_of_values_ranks_them_with_ties_as_friedman_does():
    values = np.random.default_rng(3).integers(1, 6, size=(12, 7)).astype(float)
    found = kendall_w(values, of="values")
    friedman = stats.friedmanchisquare(*values.T)
    assert found.chi2 == pytest.approx(friedman.statistic)
    assert found.p == pytest.approx(friedman.pvalue)
    assert found.w == pytest.approx(friedman.statistic / (12 * 6))
    assert found.w == kendall_w(mean_ranks(values)).w


def test_w_of_values_does_not_fill_gaps():
    with pytest.raises(InputError, match="expert 2: no value for item 1"):
        kendall_w(np.array([[9.0, 7], [np.nan, 8]]), of="values")


# Ranks -----------------------------------------------------------------------------------------

NAN = np.nan
SOUND = [
    [1, 2, 3, 4], [1, 2, 2, 4], [1, 2, 2, 3], [1, 2.5, 2.5, 4], [1, 1, 1, 1], [2.5, 2.5, 2.5, 2.5],
    [1, 1, 3, 3], [1, 1, 2, 2], [1.5, 1.5, 3.5, 3.5], [2, 1, NAN, NAN], [1, NAN, NAN, NAN],
    [1.5, 1.5, NAN, NAN], [4, 2, 2, 1],
]  # fmt: skip
GAPS = {
    "1 and 3 without 2": ([1, 3, NAN, NAN], 2),
    "1 2 4 without 3": ([1, 2, 4, NAN], 3),
    "1 3 3: the tie takes 2 and 3": ([1, 3, 3, NAN], 2),
    "1 1 4": ([1, 1, 4, NAN], 3),
    "two ways at once": ([1, 1, 2, 4], 4),
    "half a place": ([1, 2.5, 3, 4], 2),
}


@pytest.mark.parametrize("places", SOUND, ids=str)
def test_sound_places_are_read_however_ties_are_written(places):
    assert elicit("ranks", np.array([places], dtype=float)).weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("places", "item"), GAPS.values(), ids=GAPS)
def test_places_with_a_gap_are_a_fault_at_the_item_below_it(places, item):
    with pytest.raises(InputError, match=f"item {item}: a place above this one is left out"):
        elicit("ranks", np.array([places], dtype=float))
