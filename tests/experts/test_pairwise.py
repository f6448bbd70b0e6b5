"""Pairwise comparisons: weights, consistency and repair against published values."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calib.errors import ConvergenceError, InputError
from calib.experts import (
    column_mean_weights,
    consistency_ratio,
    eigenvector_weights,
    elicit,
    geometric_consistency_index,
    geometric_weights,
    kendall_w,
    least_squares_weights,
    matrix_from_pairs,
    optimal_completion,
    random_index,
    random_matrices,
    simulate_random_index,
    weigh_comparisons,
    worst_judgement,
)
from calib.experts.incomplete import components

CASES = {
    c["id"]: c
    for c in json.loads(
        (Path(__file__).parents[2] / "data" / "verify" / "experts.json").read_text("utf-8")
    )
}


def repaired(matrices, found):
    """Matrices with the worst comparison of each replaced by what the others imply."""
    out, rows = matrices.copy(), np.arange(len(matrices))
    i, j = found.pair.T
    out[rows, i, j], out[rows, j, i] = found.repaired, 1 / found.repaired
    return out


def matrix(case):
    rows = CASES[case]["inputs"]["matrix"]
    return np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)


@pytest.mark.parametrize("case", ["ahp_drinks_saaty2008", "ahp_jmcdm_8x8"])
def test_published_complete_matrices_are_reproduced(case):
    expected = CASES[case]["expected"]
    result = weigh_comparisons(matrix(case)[None])
    assert result.weights[0] == pytest.approx(expected["weights_eigenvector"], abs=1e-9)
    assert result.eigenvalue[0] == pytest.approx(expected["lambda_max"], abs=1e-9)
    assert result.gci[0] == pytest.approx(expected["GCI"], abs=1e-9)
    geometric = weigh_comparisons(matrix(case)[None], complete="geometric")
    assert geometric.weights[0] == pytest.approx(expected["weights_geometric_mean"], abs=1e-9)


def test_drinks_ratio_follows_the_random_index_that_is_named():
    expected = CASES["ahp_drinks_saaty2008"]["expected"]
    one = matrix("ahp_drinks_saaty2008")[None]
    saaty = weigh_comparisons(one, index="saaty")
    assert saaty.ratio[0] == pytest.approx(expected["CR_RI_1.35"], abs=1e-9)
    assert saaty.index == "saaty"
    donegan = weigh_comparisons(one, index=1.2519)
    assert donegan.ratio[0] == pytest.approx(expected["CR_donegan_dodd_1.2519"], abs=1e-9)
    assert donegan.index == "1.2519"


def test_hand_calculation_by_columns_is_reproduced_under_its_own_name():
    expected = CASES["ahp_jmcdm_8x8"]["expected"]
    result = weigh_comparisons(matrix("ahp_jmcdm_8x8")[None], complete="column-mean", index=1.41)
    assert result.weights[0] == pytest.approx(expected["normalised_column_mean_weights"], abs=1e-9)
    assert result.eigenvalue[0] == pytest.approx(expected["lambda_max_by_mean_of_ratios"], abs=1e-9)
    assert result.ratio[0] == pytest.approx(expected["CR_by_mean_RI_1.41"], abs=1e-9)


def test_harkers_eigenvector_is_reproduced():
    expected = CASES["ahp_incomplete_4x4_bozoki2010"]["expected"]
    result = weigh_comparisons(matrix("ahp_incomplete_4x4_bozoki2010")[None], incomplete="harker")
    assert result.weights[0] == pytest.approx(expected["harker_weights"], abs=1e-9)
    assert result.eigenvalue[0] == pytest.approx(expected["harker_lambda"], abs=1e-9)


@pytest.mark.parametrize("n", [2, 11, 16, 28])
def test_worst_judgement_exists_at_any_size(n):
    a = random_matrices(n, 3, rng=n)
    found = weigh_comparisons(a).worst()
    if n == 2:
        assert (found.pair == -1).all()
        return
    before = geometric_consistency_index(a, geometric_weights(a))
    mended = repaired(a, found)
    assert (geometric_consistency_index(mended, geometric_weights(mended)) < before).all()
    for one, (i, j), value in zip(a, found.pair, found.repaired, strict=True):
        others = np.delete(np.arange(n), [i, j])
        implied = np.exp(np.log(one[i, others] * one[others, j]).mean())
        assert value == pytest.approx(implied, rel=1e-9)


def pairs_to_matrix(names, pairs):
    a = np.eye(len(names))
    for key, value in pairs.items():
        i, j = (names.index(part) for part in key.split("|"))
        a[i, j], a[j, i] = value, 1 / value
    return a


def test_hierarchy_of_cities_is_synthesised():
    case = CASES["ahp_cities_saaty2005_hierarchy"]
    inputs, expected = case["inputs"], case["expected"]
    criteria = elicit(
        "ahp", pairs_to_matrix(inputs["criteria"], inputs["criteria_comparisons"])[None]
    )
    assert criteria.weights[0] == pytest.approx(expected["criteria_weights"], abs=1e-9)
    below = np.stack(
        [
            pairs_to_matrix(inputs["alternatives"], inputs["alternative_comparisons"][c])
            for c in inputs["criteria"]
        ]
    )
    total = criteria.weights[0] @ elicit("ahp", below).weights
    assert total == pytest.approx(expected["global_weights"], abs=1e-9)


def test_incomplete_matrix_has_the_published_optimal_completion():
    expected = CASES["ahp_incomplete_4x4_bozoki2010"]["expected"]
    a = matrix("ahp_incomplete_4x4_bozoki2010")
    best = optimal_completion(a)
    assert best.matrix[2, 3] == pytest.approx(expected["paper_missing_value"], abs=1e-6)
    assert best.matrix[2, 3] == pytest.approx(expected["x_cd_optimal"], abs=1e-9)
    assert best.eigenvalue == pytest.approx(expected["lambda_max"], abs=1e-9)
    assert best.weights == pytest.approx(expected["weights_eigen_optimal_completion"], abs=1e-9)
    fitted = least_squares_weights(a[None])[0]
    assert fitted == pytest.approx(expected["llsm_incomplete_weights"], abs=1e-9)
    result = weigh_comparisons(a[None], incomplete="optimal", index=0.8286 / (1 - 2 / 6))
    assert result.ratio[0] == pytest.approx(expected["CR_donegan_dodd_0_8286"], abs=1e-8)


def test_optimal_completion_beats_every_nearby_completion():
    rng = np.random.default_rng(4)
    a = random_matrices(7, 1, rng=rng)[0]
    for i, j in [(0, 3), (1, 5), (2, 6), (4, 6)]:
        a[i, j] = a[j, i] = np.nan
    best = optimal_completion(a)
    gaps = np.argwhere(np.isnan(np.triu(a, 1)))
    tries = np.repeat(best.matrix[None], 200, axis=0)
    for trial in tries:
        for i, j in gaps:
            factor = np.exp(rng.normal(0, 0.05))
            trial[i, j], trial[j, i] = trial[i, j] * factor, trial[j, i] / factor
    assert (eigenvector_weights(tries).eigenvalue > best.eigenvalue).all()
    assert best.gradient < 1e-9


@pytest.mark.parametrize("n", [2, 3, 11, 16, 28])
def test_eigenvectors_and_ratios_exist_at_any_size(n):
    a = random_matrices(n, 20, rng=n)
    result = weigh_comparisons(a)
    for one, w, lam in zip(a, result.weights, result.eigenvalue, strict=True):
        values, vectors = np.linalg.eig(one)
        top = int(np.argmax(values.real))
        assert lam == pytest.approx(values[top].real, rel=1e-11)
        exact = np.abs(vectors[:, top].real)
        assert w == pytest.approx(exact / exact.sum(), abs=1e-9)
    assert result.ratio.shape == (20,)
    # Random matrices have a mean CR of 1 by definition; two items cannot contradict each other.
    assert result.ratio.mean() == pytest.approx(1.0 if n > 2 else 0.0, abs=0.35)


@pytest.mark.parametrize("n", [3, 11, 16, 28])
def test_a_consistent_matrix_has_ratio_zero_at_any_size(n):
    w = np.random.default_rng(n).dirichlet(np.ones(n), size=5)
    result = weigh_comparisons(w[:, :, None] / w[:, None, :])
    assert result.weights == pytest.approx(w, abs=1e-10)
    assert result.ratio == pytest.approx(np.zeros(5), abs=1e-10)
    assert result.gci == pytest.approx(np.zeros(5), abs=1e-18)


def test_ratio_at_28_items_uses_the_index_of_28_items():
    """Not the one of 10 or 15 items, and not an extrapolation that runs away."""
    assert random_index(28) == pytest.approx(1.66, abs=0.02)
    assert random_index(16) == pytest.approx(1.596, abs=0.005)
    assert random_index(11) == pytest.approx(1.515, abs=0.005)
    with pytest.raises(ValueError, match="3 to 10 items, not 28"):
        random_index(28, index="saaty")


def test_shipped_random_index_is_what_a_new_simulation_gives():
    for n in (3, 7, 16):
        mean, error = simulate_random_index(n, 4000, rng=99 + n)
        assert random_index(n) == pytest.approx(mean, abs=4 * error)


def test_random_index_beyond_the_table_is_simulated_with_a_fixed_seed():
    """What is asked for again is kept, so that another process stands in for a second time."""
    code = "from calib.experts import random_index; print(random_index(43))"
    once = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert random_index(43) == float(once.stdout)
    assert random_index(40) < random_index(43) < random_index(50)


def test_index_of_incomplete_matrices_matches_simulated_optimal_completions():
    """Ágoston and Csató's linear rule, against 300 random matrices of 5 items with 2 gaps."""
    a = random_matrices(5, 300, rng=5)
    a[:, 0, 1] = a[:, 1, 0] = a[:, 2, 3] = a[:, 3, 2] = np.nan
    found = np.array([(optimal_completion(one).eigenvalue - 5) / 4 for one in a])
    assert random_index(5, 2) == pytest.approx(found.mean(), rel=0.12)


def test_a_tree_of_comparisons_cannot_contradict_itself():
    pairs = np.full((1, 6), np.nan)
    pairs[0, :3] = [2.0, 3.0, 4.0]
    result = weigh_comparisons(matrix_from_pairs(pairs, 4))
    assert result.weights[0] == pytest.approx(np.array([12, 6, 4, 3]) / 25)
    assert result.ratio[0] == 0.0
    assert result.worst().pair.tolist() == [[-1, -1]]


def test_repair_is_the_single_change_that_lowers_gci_most():
    """Brute force over every pair and a fine grid of values."""
    a = random_matrices(5, 1, rng=8)
    found = worst_judgement(a, geometric_weights(a))
    best = (np.inf, None)
    for i, j in itertools.combinations(range(5), 2):
        trial = np.repeat(a, 4001, axis=0)
        values = np.exp(np.linspace(np.log(1 / 100), np.log(100), 4001))
        trial[:, i, j], trial[:, j, i] = values, 1 / values
        gci = geometric_consistency_index(trial, geometric_weights(trial))
        at = int(gci.argmin())
        if gci[at] < best[0]:
            best = (float(gci[at]), (i, j), float(values[at]))
    assert tuple(found.pair[0]) == best[1]
    assert found.repaired[0] == pytest.approx(best[2], rel=3e-3)
    mended = repaired(a, found)
    after = geometric_consistency_index(mended, geometric_weights(mended))
    assert after[0] == pytest.approx(best[0], rel=1e-4)


def test_repair_of_an_incomplete_matrix_is_what_the_other_comparisons_imply():
    a = random_matrices(6, 1, rng=3)
    for i, j in [(0, 2), (1, 4), (3, 5)]:
        a[0, i, j] = a[0, j, i] = np.nan
    found = worst_judgement(a, least_squares_weights(a))
    i, j = found.pair[0]
    without = a.copy()
    without[0, i, j] = without[0, j, i] = np.nan
    w = least_squares_weights(without)[0]
    assert found.repaired[0] == pytest.approx(w[i] / w[j], rel=1e-9)


def test_reversed_comparison_is_found_and_repaired():
    w = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    a = w[:, None] / w[None, :]
    a[1, 3], a[3, 1] = a[3, 1], a[1, 3]
    found = weigh_comparisons(a[None]).worst()
    assert found.pair.tolist() == [[1, 3]]
    assert found.repaired[0] == pytest.approx(3.0)
    assert repaired(a[None], found)[0] == pytest.approx(w[:, None] / w[None, :])


def test_geometric_mean_matrices_are_accepted_like_any_other():
    a = np.exp(np.log(random_matrices(6, 9, rng=1)).mean(axis=0))
    assert elicit("ahp", a[None]).weights.sum() == pytest.approx(1)


def test_every_faulty_comparison_is_named_at_once():
    a = np.ones((2, 4, 4))
    a[0, 0, 1] = 3.0  # not mirrored
    a[0, 1, 2] = 0.0
    a[0, 2, 3] = a[0, 3, 2] = np.nan
    a[1, 0, 3] = -2.0
    a[1, 2, 2] = 5.0
    a[1, 1, 3] = np.nan
    with pytest.raises(InputError) as caught:
        elicit("ahp", a, experts=["Li", "Wang"], items=list("ABCD"))
    text = str(caught.value)
    assert len(caught.value.faults) == 5  # C : D was not compared, which is no fault
    assert "Li, A : B: not reciprocal" in text
    assert "Li, B : C: comparison is not positive (found 0.0)" in text
    assert "Wang, A : D: comparison is not positive (found -2.0)" in text
    assert "Wang, C : C: an item compared with itself must be 1 (found 5.0)" in text
    assert "Wang, B : D: only one of the two mirrored comparisons" in text


def test_disconnected_comparisons_name_the_unreached_items():
    pairs = np.full((1, 10), np.nan)
    pairs[0, [0, 1]] = 2.0, 3.0  # A-B, A-C; D-E stand apart
    pairs[0, 9] = 4.0
    with pytest.raises(InputError, match="expert 1, D : E: no chain of comparisons"):
        elicit("ahp-incomplete", matrix_from_pairs(pairs, 5), items=list("ABCDE"))
    assert components(matrix_from_pairs(pairs, 5)[0]) == [(0, 1, 2), (3, 4)]


def test_unconverged_iteration_raises_instead_of_returning():
    with pytest.raises(ConvergenceError, match="1 of 1 matrices"):
        eigenvector_weights(random_matrices(9, 1, rng=0), max_steps=2)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 10_000))
def test_weights_follow_a_renumbering_of_the_items(n, seed):
    rng = np.random.default_rng(seed)
    a = random_matrices(n, 1, rng=rng)
    order = rng.permutation(n)
    straight = weigh_comparisons(a)
    turned = weigh_comparisons(a[:, order][:, :, order])
    assert turned.weights[0] == pytest.approx(straight.weights[0][order], abs=1e-9)
    assert turned.ratio[0] == pytest.approx(straight.ratio[0], abs=1e-9)


def test_ratio_accepts_different_numbers_of_gaps():
    ratio = consistency_ratio(np.array([5.4, 5.4]), 5, np.array([0, 2]))
    assert ratio[1] == pytest.approx(ratio[0] / (1 - 4 / 12))


@pytest.mark.parametrize("weights_of", [geometric_weights, column_mean_weights,
                                        lambda a: eigenvector_weights(a[None])])  # fmt: skip
@pytest.mark.parametrize("value", [np.nan, 0.0, -2.0, np.inf])
def test_a_matrix_with_a_gap_is_refused_by_place(weights_of, value):
    if value == 0 and weights_of not in (geometric_weights, column_mean_weights):
        pytest.skip("Harker's matrices hold zeros")
    a = np.ones((3, 3))
    a[0, 2] = value
    with pytest.raises(InputError, match="row 1, column 3"):
        weights_of(a)


def test_agreement_needs_more_than_one_row():
    with pytest.raises(InputError):
        kendall_w(np.array([1.0, 2.0, 3.0]))
