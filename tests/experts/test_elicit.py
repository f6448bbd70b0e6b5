"""Stated numbers and rank orders behind the one elicitation interface."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from calib.errors import InputError
from calib.experts import (
    METHODS,
    RANK_FORMULAS,
    check_responses,
    elicit,
    place_weights,
    rank_weights,
)

CASES = {
    c["id"]: c
    for c in json.loads(
        (Path(__file__).parents[2] / "data" / "verify" / "experts.json").read_text("utf-8")
    )
}


@pytest.mark.parametrize("n", [5, 11])
def test_place_weights_have_the_published_values(n):
    expected = CASES[f"rank_weights_n{n}"]["expected"]
    for formula, key in zip(
        RANK_FORMULAS, ["ROC", "rank_sum", "rank_reciprocal", "sum_reciprocal"], strict=True
    ):
        assert place_weights(n, formula) == pytest.approx(expected[key], abs=1e-11)


@pytest.mark.parametrize("n", [1, 2, 16, 28])
@pytest.mark.parametrize("formula", RANK_FORMULAS)
def test_place_weights_decrease_and_sum_to_one(n, formula):
    w = place_weights(n, formula)
    assert w.sum() == pytest.approx(1)
    assert (np.diff(w) < 0).all()


@pytest.mark.parametrize("formula", RANK_FORMULAS)
def test_partial_order_is_the_mean_over_the_full_orders_that_agree(formula):
    ranks = np.array([[2.0, np.nan, 1.0, np.nan, np.nan], [1, 3, 3, 1, 5]])
    found = rank_weights(ranks, formula=formula)
    for row, w in zip(np.where(np.isnan(ranks), 9.0, ranks), found, strict=True):
        agreeing = [
            order
            for order in itertools.permutations(range(5))
            if all(row[a] <= row[b] for a, b in itertools.pairwise(order))
        ]
        mean = np.zeros(5)
        for order in agreeing:
            mean[list(order)] += place_weights(5, formula) / len(agreeing)
        assert w == pytest.approx(mean)


def test_partial_order_is_the_centroid_of_its_polytope():
    """Monte Carlo: uniform weights on the simplex, kept where they agree with the order."""
    w = np.random.default_rng(1).dirichlet(np.ones(4), size=400_000)
    agree = (w[:, 2] >= w[:, 0]) & (w[:, 0] >= np.maximum(w[:, 1], w[:, 3]))
    found = rank_weights(np.array([[2, np.nan, 1, np.nan]]))[0]
    assert found == pytest.approx(w[agree].mean(axis=0), abs=0.002)


def test_ties_as_equal_weights_give_the_centroid_of_the_face():
    w = np.random.default_rng(2).dirichlet(np.ones(3), size=400_000)
    # Items 0, 1 tied on top of 2, 3 unranked: masses (2a, b, c) uniform on their simplex.
    a, b, c = w[:, 0] / 2, w[:, 1], w[:, 2]
    agree = (a >= b) & (a >= c)
    expected = [a[agree].mean(), a[agree].mean(), b[agree].mean(), c[agree].mean()]
    found = rank_weights(np.array([[1, 1, np.nan, np.nan]]), ties="equal")[0]
    assert found == pytest.approx(expected, abs=0.002)


def test_how_ties_are_written_does_not_matter():
    same = np.array([[1, 2, 2, 4], [1, 2, 2, 3], [1, 2.5, 2.5, 4]])
    found = rank_weights(same)
    assert np.ptp(found, axis=0) == pytest.approx(np.zeros(4))


def test_points_keep_the_raw_sum():
    result = elicit("points", np.array([[60, 30, 10], [50, 30, 10]], dtype=float))
    assert result.raw_sum.tolist() == [100, 90]
    assert result.weights[1] == pytest.approx(np.array([5, 3, 1]) / 9)
    assert np.isnan(result.consistency).all()
    assert np.isnan(result.consistency).all()


@pytest.mark.parametrize("n", [2, 11, 16, 28])
@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_returns_weights_at_any_size(method, n):
    w = np.random.default_rng(n).dirichlet(np.full(n, 5.0), size=3)
    responses = {
        "vector": {
            "ranks": (-w).argsort(axis=1).argsort(axis=1) + 1.0,
            "ratings": 1 + 9 * w,
            "swing": np.round(100 * w / w.max(axis=1, keepdims=True), 6),
        }.get(method, w),
        "matrix": w[:, :, None] / w[:, None, :],
        "best-worst": np.stack(
            [w.max(axis=1, keepdims=True) / w, w / w.min(axis=1, keepdims=True)], axis=1
        ),
    }[METHODS[method].shape]
    result = elicit(method, responses)
    assert result.weights.sum(axis=1) == pytest.approx(np.ones(3))
    if METHODS[method].shape != "vector" or method in ("direct", "points", "swing"):
        assert result.weights == pytest.approx(w, abs=1e-7)
    order = np.take_along_axis(result.weights, (-w).argsort(axis=1), axis=1)
    assert (np.diff(order, axis=1) <= 1e-9).all()


@pytest.mark.parametrize(
    ("method", "row", "text"),
    [
        ("points", [0, 0, 0], "expert 1: the values sum to 0"),
        ("points", [10, -5, 95], "B: value out of range (found -5.0); expected a number ≥ 0"),
        ("points", [10, np.nan, 90], "B: no value"),
        ("direct", [0.5, np.inf, 0.5], "B: value out of range"),
        ("ratings", [3, 11, 5], "B: value out of range (found 11.0)"),
        ("swing", [90, 50, 10], "the largest swing must be the reference (found 90.0)"),
        ("ranks", [np.nan, np.nan, np.nan], "nothing is ranked"),
        ("ranks", [1, 7, 2], "B: not a place (found 7.0); expected a place from 1 to 3"),
        ("ranks", [2, 3, 3], "no item has the first place"),
    ],
)
def test_unusable_numbers_are_named(method, row, text):
    with pytest.raises(InputError) as caught:
        elicit(method, np.array([row], dtype=float), items=["A", "B", "C"])
    assert text in str(caught.value)


def test_all_faults_of_a_batch_come_at_once():
    bad = np.array([[0, 0, 0], [1, -1, np.nan], [5, 3, 2]], dtype=float)
    assert [(p.expert, p.items) for p in check_responses("points", bad)] == [
        (1, (2,)),
        (1, (1,)),
        (0, ()),
    ]


def test_duplicate_experts_are_refused():
    with pytest.raises(InputError, match="duplicate expert: Li"):
        elicit("points", np.ones((2, 3)), experts=["Li", "Li"])


def test_unknown_method_and_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="unknown method 'anp'"):
        elicit("anp", np.ones((2, 3)))
    with pytest.raises(ValueError, match="expected a batch of"):
        elicit("ahp", np.ones((2, 3)))
