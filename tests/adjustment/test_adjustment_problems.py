"""Problems A to D against hand-solved cases, independent solvers and their certificates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from calib.adjustment import (
    ShareCap,
    correlation_target,
    nearest_under_share_cap,
    nearest_weights,
    risk_budget,
)
from calib.adjustment.constraints import (
    Rows,
    full_rank,
    irreducible_conflict,
    make_rows,
    nonnegative_rows,
    stack_rows,
)
from calib.adjustment.risk_budgeting import degenerate_direction
from calib.adjustment.variance_search import CapProblem, polish
from calib.errors import InfeasibleError, InputError, NotFoundError
from calib.outcomes.dominance import Moments, correlation_with_total, moments_of, variance_share


def scores(seed: int, n: int, q: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    raw = 0.7 * rng.normal(size=(n, 1)) + rng.normal(size=(n, q)) * rng.uniform(0.3, 1.5, q)
    return np.clip(np.round(raw * 1.2 + 2), 0, 4) * 25.0


def simplex(q: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((1, q)), np.ones(1)


def capped(q: int, cap: float) -> Rows:
    names = [f"w{i}" for i in range(q)]
    cap_rows = make_rows(np.eye(q), np.full(q, cap), [f"{n} ≤ {cap}" for n in names])
    return stack_rows([nonnegative_rows(names), cap_rows])


def share_cap(cov: np.ndarray, cap: float) -> ShareCap:
    q = len(cov)
    forms = np.zeros((q, q, q))
    for i in range(q):
        forms[i, i] += 0.5 * cov[i]
        forms[i, :, i] += 0.5 * cov[i]
    return ShareCap(forms, cov, np.full(q, cap), tuple(f"w{i} share ≤ {cap}" for i in range(q)))


# ---- A ------------------------------------------------------------------------------------------


def test_a_cap_moves_the_excess_equally_to_the_others() -> None:
    found = nearest_weights(np.array([0.6, 0.3, 0.1]), capped(3, 0.5), *simplex(3))
    np.testing.assert_allclose(found.z, [0.5, 0.35, 0.15], atol=1e-15)
    assert found.certificate.residual < 1e-14
    assert found.certificate.unique
    # ½(0.1² + 2·0.05²) at this cap; its derivative in the cap is -0.15.
    assert found.prices(capped(3, 0.5))[3] == pytest.approx(0.15)


def test_the_entropy_distance_moves_the_excess_in_proportion() -> None:
    start = np.array([0.6, 0.3, 0.1])
    found = nearest_weights(start, capped(3, 0.5), *simplex(3), distance="entropy")
    np.testing.assert_allclose(found.z, [0.5, 0.375, 0.125], atol=1e-12)
    assert found.certificate.residual < 1e-10


def test_two_caps_bind_one_after_the_other() -> None:
    found = nearest_weights(np.array([0.7, 0.28, 0.02]), capped(3, 0.4), *simplex(3))
    np.testing.assert_allclose(found.z, [0.4, 0.4, 0.2], atol=1e-14)


def test_weights_that_meet_every_demand_stay_where_they_are() -> None:
    start = np.array([0.3, 0.3, 0.4])
    found = nearest_weights(start, capped(3, 0.5), *simplex(3))
    np.testing.assert_allclose(found.z, start, atol=1e-15)
    assert found.objective < 1e-30


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("distance", ["euclidean", "entropy"])
def test_a_agrees_with_slsqp_on_random_demands(seed: int, distance: str) -> None:
    rng = np.random.default_rng(seed)
    q = 12
    start = rng.dirichlet(np.full(q, 0.7)) * 0.9 + 0.1 / q
    mean = rng.uniform(20, 80, q)
    cap = 1.4 / q + 0.03
    rows = stack_rows(
        [
            nonnegative_rows([f"w{i}" for i in range(q)]),
            make_rows((np.diag(mean) - cap * mean) / 100, np.zeros(q), [f"c{i}" for i in range(q)]),
            make_rows(np.eye(q)[1:4] - np.eye(q)[4:7], np.full(3, 0.02), list("abc")),
        ]
    )
    found = nearest_weights(start, rows, *simplex(q), distance=distance)  # type: ignore[arg-type]
    if distance == "euclidean":
        objective = lambda z: 0.5 * np.sum((z - start) ** 2)  # noqa: E731
    else:
        objective = lambda z: np.sum(z * np.log(np.maximum(z, 1e-12) / start))  # noqa: E731
    other = minimize(
        objective, np.full(q, 1 / q), method="SLSQP",
        constraints=[
            {"type": "ineq", "fun": rows.slack}, {"type": "eq", "fun": lambda z: z.sum() - 1}
        ],
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    np.testing.assert_allclose(found.z, other.x, atol=2e-5)
    assert found.objective <= other.fun + 1e-9
    assert found.certificate.residual < 1e-10


def test_shadow_prices_predict_what_a_looser_cap_saves() -> None:
    rng = np.random.default_rng(5)
    start = rng.dirichlet(np.full(10, 0.5))
    step = 1e-6
    tight, loose = capped(10, 0.2), capped(10, 0.2 + step)
    a = nearest_weights(start, tight, *simplex(10))
    b = nearest_weights(start, loose, *simplex(10))
    assert (a.objective - b.objective) / step == pytest.approx(a.prices(tight).sum(), rel=1e-3)


def test_contradicting_demands_are_named_and_are_irreducible() -> None:
    names = [f"w{i}" for i in range(4)]
    rows = stack_rows(
        [
            nonnegative_rows(names),
            make_rows(np.eye(4), np.full(4, 0.9), [f"{n} ≤ 0.9" for n in names]),
            make_rows(-np.eye(4)[:1], [-0.6], ["w0 ≥ 0.6"]),
            make_rows(-np.eye(4)[1:2], [-0.5], ["w1 ≥ 0.5"]),
        ]
    )
    found = irreducible_conflict(rows, *simplex(4))
    named = {rows.labels[i] for i in found}
    assert named == {"w0 ≥ 0.6", "w1 ≥ 0.5", "w2 ≥ 0", "w3 ≥ 0"}
    with pytest.raises(InfeasibleError, match=r"w1 ≥ 0\.5"):
        nearest_weights(np.full(4, 0.25), rows, *simplex(4))


def test_the_error_says_truly_which_demand_left_out_resolves_the_conflict() -> None:
    names = [f"w{i}" for i in range(6)]
    sign = nonnegative_rows(names)
    low = lambda i, x: make_rows(-np.eye(6)[i : i + 1], [-x], [f"w{i} ≥ {x}"])  # noqa: E731
    high = lambda i, x: make_rows(np.eye(6)[i : i + 1], [x], [f"w{i} ≤ {x}"])  # noqa: E731

    def said(*demands: Rows) -> str:
        with pytest.raises(InfeasibleError) as caught:
            nearest_weights(np.full(6, 1 / 6), stack_rows([sign, *demands]), *simplex(6))
        return str(caught.value)

    one = said(low(0, 0.6), low(1, 0.5))
    assert "Leaving out any one of them" in one
    two = said(low(0, 0.3), high(0, 0.2), low(1, 0.4), high(1, 0.1))
    assert "not enough" in two
    shared = said(low(0, 0.6), high(0, 0.5), low(1, 0.5))
    assert "Leaving out one of these resolves it: w0 ≥ 0.6." in shared


def test_a_single_demand_against_the_tree_is_said_to_be_one() -> None:
    pairs = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    group = make_rows(-pairs[:1], [-0.6], ["group ≥ 0.6"])
    other = make_rows(-pairs[1:], [-0.7], ["other ≥ 0.7"])
    sign = nonnegative_rows([f"w{i}" for i in range(4)])

    def said(*demands: Rows) -> str:
        with pytest.raises(InfeasibleError) as caught:
            nearest_weights(np.full(4, 0.25), stack_rows([sign, *demands]), pairs, np.full(2, 0.5))
        return str(caught.value)

    assert "this one cannot be met whatever the others:\n  - group ≥ 0.6\nLeft out" in said(group)
    assert "Leaving it out is not enough" in said(group, other)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 20))
def test_answers_stay_on_the_simplex_and_follow_a_permutation(seed: int, q: int) -> None:
    rng = np.random.default_rng(seed)
    start = rng.dirichlet(np.full(q, 0.5))
    cap = rng.uniform(1 / q, 1)
    order = rng.permutation(q)
    a = nearest_weights(start, capped(q, cap), *simplex(q))
    b = nearest_weights(start[order], capped(q, cap), *simplex(q))
    assert a.z.min() >= -1e-12
    assert a.z.sum() == pytest.approx(1, abs=1e-12)
    assert a.z.max() <= cap + 1e-12
    np.testing.assert_allclose(a.z[order], b.z, atol=1e-10)
    assert a.certificate.residual < 1e-10


# ---- B ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_b_reaches_its_budget_and_agrees_with_an_independent_solver(seed: int) -> None:
    q = 9
    m = moments_of(scores(seed, 100, q))
    budget = np.random.default_rng(seed).dirichlet(np.ones(q)) + 0.02
    found = risk_budget(m, budget)
    assert found.residual < 1e-10
    np.testing.assert_allclose(variance_share(found.g, m).share, budget / budget.sum(), atol=1e-12)
    scale = np.sqrt(np.diag(m.cov))
    corr = m.cov / np.outer(scale, scale)
    b = budget / budget.sum()
    other = minimize(
        lambda u: 0.5 * np.exp(u) @ corr @ np.exp(u) - b @ u, np.zeros(q), method="BFGS",
        jac=lambda u: np.exp(u) * (corr @ np.exp(u)) - b, options={"gtol": 1e-11},
    )  # fmt: skip
    y = np.exp(other.x) / scale
    np.testing.assert_allclose(found.g, y / y.sum(), atol=1e-6)


def test_b_with_equal_budget_and_no_correlation_is_inverse_deviation() -> None:
    m = Moments(50, np.zeros(3), np.diag([1.0, 4.0, 16.0]))
    found = risk_budget(m, np.ones(3))
    np.testing.assert_allclose(found.g, np.array([4, 2, 1]) / 7, atol=1e-12)


def test_b_on_fewer_enterprises_than_indicators_needs_no_shrinkage_when_none_is_degenerate() -> (
    None
):
    m = moments_of(scores(3, 22, 28), centred=True)
    assert np.linalg.matrix_rank(m.cov) < 28
    found = risk_budget(m, np.ones(28))
    assert found.shrinkage == 0
    assert found.residual < 1e-10
    np.testing.assert_allclose(variance_share(found.g, m).share, 1 / 28, atol=1e-9)


def test_b_shrinks_and_says_so_when_two_indicators_cancel_each_other() -> None:
    x = scores(4, 30, 3)
    x[:, 1] = 100 - x[:, 0]
    m = moments_of(x, centred=True)
    assert degenerate_direction(m.cov) is not None
    found = risk_budget(m, np.ones(3))
    assert found.shrinkage > 0
    assert found.residual < 1e-10
    assert np.isfinite(found.g).all()


def test_b_leaves_constant_indicators_their_weight_and_refuses_what_means_nothing() -> None:
    x = scores(5, 40, 4)
    x[:, 3] = 50
    found = risk_budget(moments_of(x), np.ones(4), start=np.array([0.3, 0.3, 0.2, 0.2]))
    assert found.g[3] == 0.2
    assert found.kept.tolist() == [False, False, False, True]
    assert found.g.sum() == pytest.approx(1)
    with pytest.raises(InputError, match="positive"):
        risk_budget(moments_of(x), np.array([1, 1, 0, 1.0]))
    with pytest.raises(InputError, match="varies"):
        risk_budget(moments_of(x[:1]), np.ones(4))


def test_b_accepts_budgets_that_differ_ten_thousandfold() -> None:
    m = moments_of(scores(6, 200, 6))
    budget = np.array([1, 1e-4, 1e-4, 0.5, 1e-3, 0.2])
    found = risk_budget(m, budget)
    np.testing.assert_allclose(variance_share(found.g, m).share, budget / budget.sum(), rtol=1e-8)


# ---- C ------------------------------------------------------------------------------------------


def test_derivatives_of_shares_agree_with_finite_differences() -> None:
    m = moments_of(scores(7, 60, 6))
    cap = share_cap(m.cov, 0.2)
    z = np.random.default_rng(0).dirichlet(np.ones(6))
    price = np.random.default_rng(1).uniform(size=6)
    h = 1e-6
    jac = np.array([(cap.shares(z + h * e) - cap.shares(z - h * e)) / (2 * h) for e in np.eye(6)]).T
    np.testing.assert_allclose(cap.jacobian(z), jac, rtol=1e-5, atol=1e-7)
    hess = np.array(
        [price @ (cap.jacobian(z + h * e) - cap.jacobian(z - h * e)) / (2 * h) for e in np.eye(6)]
    )
    np.testing.assert_allclose(cap.hessian(z, price), hess, rtol=1e-4, atol=1e-5)


def test_shares_of_the_cap_are_the_variance_shares() -> None:
    m = moments_of(scores(8, 60, 5))
    z = np.random.default_rng(0).dirichlet(np.ones(5))
    found = share_cap(m.cov, 0.3).shares(z)
    np.testing.assert_allclose(found, variance_share(z, m).share)


@pytest.mark.parametrize("seed", range(6))
def test_c_meets_its_caps_with_a_certificate_and_beats_equal_shares(seed: int) -> None:
    q = 10
    m = moments_of(scores(seed, 80, q))
    start = np.random.default_rng(seed).dirichlet(np.full(q, 3.0))
    equal = risk_budget(m, np.ones(q)).g
    cap = max(0.6 * variance_share(start, m).share.max(), 1.1 / q)
    rows = nonnegative_rows([f"w{i}" for i in range(q)])
    found = nearest_under_share_cap(
        start, rows, *simplex(q), [share_cap(m.cov, cap)], starts=[equal], rng=0
    )
    assert variance_share(found.z, m).share.max() <= cap + 1e-9
    assert found.certificate.residual < 1e-9
    assert found.objective <= 0.5 * np.sum((equal - start) ** 2) + 1e-12
    assert found.z.sum() == pytest.approx(1, abs=1e-12)
    assert len(found.optima) >= 1
    assert found.optima[0] == pytest.approx(found.objective)


def test_c_finds_the_best_of_a_dense_grid_in_three_dimensions() -> None:
    m = Moments(50, np.zeros(3), np.array([[9.0, 2, 1], [2, 4, 0.5], [1, 0.5, 1]]))
    start = np.array([0.5, 0.3, 0.2])
    cap = 0.5
    found = nearest_under_share_cap(
        start, nonnegative_rows(list("abc")), *simplex(3), [share_cap(m.cov, cap)], rng=0
    )
    a, b = np.meshgrid(np.linspace(0, 1, 801), np.linspace(0, 1, 801))
    grid = np.column_stack([a.ravel(), b.ravel(), 1 - a.ravel() - b.ravel()])
    grid = grid[grid[:, 2] >= 0]
    part = grid * (grid @ m.cov)
    ok = (part / part.sum(axis=1, keepdims=True)).max(axis=1) <= cap
    best = 0.5 * np.sum((grid[ok] - start) ** 2, axis=1).min()
    assert found.objective <= best + 1e-12
    assert found.objective == pytest.approx(best, abs=2e-3)


def test_c_with_equal_caps_of_one_over_q_is_the_equal_share_solution() -> None:
    m = moments_of(scores(9, 200, 4))
    equal = risk_budget(m, np.ones(4)).g
    found = nearest_under_share_cap(
        np.full(4, 0.25), nonnegative_rows(list("abcd")), *simplex(4),
        [share_cap(m.cov, 0.25 + 1e-9)], starts=[equal], rng=0,
    )  # fmt: skip
    np.testing.assert_allclose(found.z, equal, atol=1e-4)


def test_c_says_how_low_the_cap_can_go_and_what_stands_in_the_way() -> None:
    m = Moments(50, np.zeros(3), np.diag([100.0, 1, 1]))
    rows = stack_rows(
        [nonnegative_rows(list("abc")), make_rows([[-1.0, 0, 0]], [-0.5], ["a ≥ 0.5"])]
    )
    with pytest.raises(NotFoundError, match=r"not found: .*by 0\.4.*a ≥ 0\.5") as caught:
        nearest_under_share_cap(
            np.full(3, 1 / 3), rows, *simplex(3), [share_cap(m.cov, 0.5)], rng=0
        )
    assert "infeasible" not in str(caught.value)
    assert "does not prove" in str(caught.value)


def test_c_is_solved_where_one_equality_follows_from_others() -> None:
    m = Moments(50, np.zeros(3), np.array([[9.0, 2, 1], [2, 4, 0.5], [1, 0.5, 1]]))
    start, cap = np.array([0.5, 0.3, 0.2]), [share_cap(m.cov, 0.5)]
    rows = nonnegative_rows(list("abc"))
    plain = nearest_under_share_cap(start, rows, *simplex(3), cap, rng=0)
    thrice = np.array([[1.0, 1, 1], [2, 2, 2], [1, 1, 1]]), np.array([1.0, 2, 1])
    again = nearest_under_share_cap(start, rows, *thrice, cap, rng=0)
    np.testing.assert_allclose(again.z, plain.z, atol=1e-9)


def test_equalities_are_reduced_to_full_rank_and_contradictions_are_refused() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(4, 9))
    mixed = np.vstack([base[:2], base[0] - 2 * base[1], base[2:], base.sum(axis=0)])
    value = mixed @ rng.normal(size=9)
    equal, right = full_rank(mixed, value)
    assert equal.shape == (4, 9)
    assert np.linalg.matrix_rank(equal) == 4
    np.testing.assert_array_equal(equal, mixed[[0, 1, 3, 4]])
    np.testing.assert_array_equal(right, value[[0, 1, 3, 4]])
    value[2] += 0.1
    with pytest.raises(InfeasibleError, match="contradict"):
        full_rank(mixed, value)


# ---- D ------------------------------------------------------------------------------------------


def test_d_meets_correlations_that_some_weights_have() -> None:
    m = moments_of(scores(10, 120, 6))
    truth = np.random.default_rng(0).dirichlet(np.ones(6))
    target = correlation_with_total(truth, m)
    found = correlation_target(m, target)
    assert found.met
    np.testing.assert_allclose(found.g, truth, atol=1e-10)
    np.testing.assert_allclose(found.achieved, target, atol=1e-10)


def test_d_gives_a_negative_entry_as_certificate_and_the_nearest_feasible_weights() -> None:
    cov = np.array([[1, 0.9, 0.5], [0.9, 1, 0.6], [0.5, 0.6, 1.0]])
    m = Moments(100, np.zeros(3), cov)
    found = correlation_target(m, np.array([0.5, 1.0, 0.9]))
    assert not found.met
    assert found.exact.min() < 0
    assert "negative weight" in found.reason.get("en")
    np.testing.assert_allclose(found.exact, np.linalg.solve(cov, [0.5, 1, 0.9])
                               / np.linalg.solve(cov, [0.5, 1, 0.9]).sum())  # fmt: skip
    assert found.g.min() >= 0
    assert found.g.sum() == pytest.approx(1)
    assert found.residual < 1e-10
    other = minimize(
        lambda y: 0.5 * y @ cov @ y - np.array([0.5, 1, 0.9]) @ y, np.ones(3),
        bounds=[(0, None)] * 3, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-12},
    ).x  # fmt: skip
    np.testing.assert_allclose(found.g, other / other.sum(), atol=1e-6)


def test_d_says_when_a_singular_covariance_misses_the_target() -> None:
    m = moments_of(scores(11, 5, 8))
    found = correlation_target(m, np.arange(1.0, 9.0))
    assert not found.met
    assert "depend on each other" in found.reason.get("en")
    assert found.g.min() >= 0


def test_newton_steps_that_contradict_the_caps_are_no_optimum() -> None:
    scores = np.array([[3.42, -0.17, -2.32], [-0.17, 3.05, -0.58], [-2.32, -0.58, 2.93]])
    start = np.array([0.44, 0.28, 0.28])
    rows = nonnegative_rows(["a", "b", "c"])
    problem = CapProblem(start, rows, np.ones((1, 3)), np.ones(1), (share_cap(scores, 0.4),))
    point = polish(problem, start)
    assert point is None or point.certificate.residual <= 1e-9
