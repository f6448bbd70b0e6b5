"""Best-Worst: proven optimum, published cases, input-based consistency, faults."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from calib.errors import InputError
from calib.experts import certify, elicit, solve_best_worst
from calib.experts.bestworst import find_best_worst, input_consistency, xi_scale

CASES = {
    c["id"]: c
    for c in json.loads(
        (Path(__file__).parents[2] / "data" / "verify" / "experts.json").read_text("utf-8")
    )
}


def respondents(k, n, seed, *, whole=True):
    """Draw judgements in which only the form is right: best and worst are stated once."""
    rng = np.random.default_rng(seed)
    a, o = rng.integers(1, 10, (2, k, n)).astype(float) if whole else 1 + 8 * rng.random((2, k, n))
    best = rng.integers(0, n, k)
    worst = (best + rng.integers(1, n, k)) % n
    rows = np.arange(k)
    top = np.maximum(a.max(axis=1), 2)
    a[rows, worst] = o[rows, best] = top
    a[rows, best] = o[rows, worst] = 1.0
    return a, o, best, worst


def linear_program(a, o, best, worst):
    """Solve all respondents in one block-diagonal HiGHS program; returns weights and ξ."""
    k, n = a.shape
    rows, cols, data = [], [], []
    at = 0
    for e in range(k):
        base = e * (n + 1)
        for j in range(n):
            for (p, cp), (q, cq) in (
                ((j, a[e, j]), (best[e], -1.0)),
                ((j, 1.0), (worst[e], -o[e, j])),
            ):
                for sign in (1.0, -1.0):
                    rows += [at, at, at]
                    cols += [base + p, base + q, base + n]
                    data += [sign * cp, sign * cq, -1.0]
                    at += 1
    upper = coo_matrix((data, (rows, cols)), shape=(at, k * (n + 1))).tocsr()
    equal = coo_matrix(
        (
            np.ones(k * n),
            (np.repeat(np.arange(k), n), (np.arange(k)[:, None] * (n + 1) + np.arange(n)).ravel()),
        ),
        shape=(k, k * (n + 1)),
    ).tocsr()
    cost = np.zeros(k * (n + 1))
    cost[n :: n + 1] = 1.0
    found = linprog(cost, upper, np.zeros(at), equal, np.ones(k), method="highs")
    x = found.x.reshape(k, n + 1)
    return x[:, :n], x[:, n]


@pytest.mark.parametrize("case", ["bwm_transport_2015", "bwm_car_consistent"])
def test_published_respondents_are_reproduced(case):
    inputs, expected = CASES[case]["inputs"], CASES[case]["expected"]
    rows = np.array([inputs["best_to_others"], inputs["others_to_worst"]], dtype=float)
    result = elicit("bwm", rows[None])
    assert result.weights[0] == pytest.approx(expected["linear_weights"], abs=1e-9)
    assert result.details.xi[0] == pytest.approx(expected["linear_ksi"], abs=1e-9)
    assert result.consistency[0] == pytest.approx(expected["input_based_CR"], abs=1e-9)
    a, o = rows[:1], rows[1:]
    _, worst = find_best_worst(a, o)
    # The published ratio divides by the index rounded to two places.
    scaled = result.details.xi[0] / np.round(xi_scale(a[0, worst[0]]), 2)
    assert scaled == pytest.approx(expected["linear_CR_ksi_over_CI"], abs=1e-9)


def test_consistency_index_has_the_published_values():
    case = CASES["bwm_consistency_index"]
    found = xi_scale(np.array(case["inputs"]["a_BW"]))
    assert found == pytest.approx(case["expected"]["CI_exact"], abs=1e-8)
    assert found == pytest.approx(case["expected"]["CI_published_2dp"], abs=case["tolerance"])


def test_a_thousand_respondents_with_eleven_criteria_are_at_the_proven_optimum():
    judged = respondents(1000, 11, seed=11)
    found = solve_best_worst(*judged)
    a, o, best, worst = judged
    rows = np.arange(1000)
    # Primal: the misfit of the weights, computed from the model and nothing else.
    misfit = np.maximum(
        np.abs(found.weights[rows, best][:, None] - a * found.weights),
        np.abs(found.weights - o * found.weights[rows, worst][:, None]),
    ).max(axis=1)
    assert (found.weights >= 0).all()
    assert found.weights.sum(axis=1) == pytest.approx(np.ones(1000), abs=1e-12)
    assert misfit == pytest.approx(found.xi, abs=1e-12)
    # Dual: no weights can do better than the bound that the multipliers prove.
    assert (found.dual >= 0).all()
    assert certify(*judged, found.dual) == pytest.approx(found.xi, abs=1e-12)
    assert np.abs(found.gap).max() < 1e-12


@pytest.mark.parametrize(
    ("n", "whole"), [(2, True), (3, True), (5, False), (11, True), (28, False)]
)
def test_closed_form_agrees_with_a_linear_programming_solver(n, whole):
    judged = respondents(40, n, seed=n, whole=whole)
    found = solve_best_worst(*judged)
    weights, xi = linear_program(*judged)
    assert found.xi == pytest.approx(xi, abs=1e-8)
    assert found.weights == pytest.approx(weights, abs=1e-7)
    assert np.abs(found.gap).max() < 1e-12


def test_certificate_rejects_what_is_no_multiplier():
    judged = respondents(3, 6, seed=2)
    dual = solve_best_worst(*judged).dual.copy()
    dual[0, 0, 0] -= 1.0
    dual[1] *= 2.0
    assert certify(*judged, dual)[:2].tolist() == [-np.inf, -np.inf]


def test_suboptimal_multipliers_prove_less():
    judged = respondents(5, 6, seed=2)
    found = solve_best_worst(*judged)
    uniform = np.full(found.dual.shape, 1 / found.dual[0].size)
    assert (certify(*judged, uniform) < found.xi).all()


def test_conflict_names_the_two_items_that_fix_xi():
    a, o, best, worst = respondents(30, 7, seed=7)
    found = solve_best_worst(a, o, best, worst)
    for e, pair in enumerate(found.conflict):
        kept = sorted({int(best[e]), int(worst[e]), *pair.tolist()})
        b, w = kept.index(best[e]), kept.index(worst[e])
        small = solve_best_worst(a[[e]][:, kept], o[[e]][:, kept], np.array([b]), np.array([w]))
        # In units of ξ the conflict alone fixes best and worst: dropping the rest changes nothing.
        ratio = found.weights[e, [best[e], worst[e]]] / found.xi[e]
        assert small.weights[0, [b, w]] / small.xi[0] == pytest.approx(ratio, rel=1e-9)


def test_input_based_ratio_names_the_offending_item():
    a = np.array([[1.0, 2, 4, 3, 8]])
    o = np.array([[8.0, 4, 2, 7, 1]])
    ratio, item = input_consistency(a, o, np.array([0]), np.array([4]))
    assert item.tolist() == [3]
    assert ratio[0] == pytest.approx((21 - 8) / 56)


def test_every_fault_of_a_best_worst_judgement_is_named():
    a = np.array([[1, 0.5, 5], [1, 3, 5], [1, 3, 5], [1, 2, 5]], dtype=float)
    o = np.array([[5, np.nan, 1], [5, 2, 1], [4, 2, 1], [5, 2, 1]], dtype=float)
    with pytest.raises(InputError) as caught:
        elicit(
            "bwm",
            np.stack([a, o], axis=1),
            items=["A", "B", "C"],
            experts=["Li", "Wang", "Zhao", "Qian"],
            best=[0, 1, 0, 0],
            worst=[2, 1, 2, 2],
        )
    text = str(caught.value)
    assert "Li, B, to others: comparison below 1 or not finite (found 0.5)" in text
    assert "Li, B, to worst: comparison missing" in text
    assert "Wang, B, worst: best and worst are the same item" in text
    assert "Zhao, A : C, to worst: best over worst is stated twice and differs: 5 and 4" in text
    assert "Qian" not in text


def test_ambiguous_best_item_has_to_be_named():
    rows = np.array([[[1, 1, 4], [4, 4, 1]]], dtype=float)
    with pytest.raises(InputError, match="several items could be the best one"):
        elicit("bwm", rows)
    assert elicit("bwm", rows, best=[0], worst=[2]).weights[0] == pytest.approx(
        [4 / 9, 4 / 9, 1 / 9]
    )
