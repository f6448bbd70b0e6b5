"""Smallest shifts and one-weight intervals, against rating again and against a solver."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from calib.errors import InputError
from calib.framework import load_framework
from calib.outcomes import _nearest_tv_numba, smallest_shift
from calib.outcomes.nearest_l2 import nearest_l2, nearest_l2_jointly, project_by_nnls
from calib.outcomes.nearest_tv import nearest_tv, nearest_tv_jointly
from calib.rating import one_weight_intervals, stars

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
LOCAL = FRAMEWORK.published["discrete"]
RULE = FRAMEWORK.rule.thresholds()
RULES = {
    "published": RULE,
    "one star only": replace(RULE, one_star=True),
    "capability gates": replace(RULE, gate_depth=2),
}


def answers(count, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, (count, len(TRACK.leaves))) * 25.0
    return np.clip(X + 25.0 * rng.integers(-2, 3, (count, 1)), 0, 100)


def star_of(x, local, rule):
    nodes = TRACK.at_depth(rule.gate_depth)
    return int(stars(TRACK.leaf_weights(local) @ x, TRACK.within(local, nodes) @ x, rule)[0])


def solve_lp(c, g):
    u = len(g)
    found = linprog(
        np.r_[np.ones(u), np.zeros(u)], A_ub=np.hstack([c, -c]), b_ub=c @ g,
        A_eq=np.r_[-np.ones(u), np.ones(u)][None], b_eq=[0],
        bounds=[(0, w) for w in g] + [(0, None)] * u,
    )  # fmt: skip
    return found.fun if found.status == 0 else np.inf


def gated_conditions(count, u, groups, rng):
    x = rng.uniform(0, 100, (count, u))
    c = np.zeros((count, groups + 1, u))
    c[:, 0] = x - rng.uniform(30, 90, (count, 1))
    for p, part in enumerate(np.array_split(np.arange(u), groups)):
        c[:, p + 1, part] = x[:, part] - rng.uniform(20, 80, (count, 1))
    return c


@pytest.mark.parametrize(("u", "groups"), [(3, 1), (11, 3), (28, 3), (28, 11)])
def test_least_mass_equals_the_linear_program(u, groups):
    rng = np.random.default_rng(u + groups)
    g = rng.dirichlet(np.ones(u))
    c = gated_conditions(60, u, groups, rng)
    distance, weights = nearest_tv_jointly(c, g)
    expected = np.array([solve_lp(row, g) for row in c])
    np.testing.assert_allclose(distance, expected, atol=1e-9)
    some = np.isfinite(distance)
    assert some.any()
    np.testing.assert_allclose(0.5 * np.abs(weights - g).sum(axis=1)[some], distance[some])
    assert (np.einsum("nju,nu->nj", c, weights)[some] > -1e-9).all()
    single = nearest_tv(c[:, 0], g)[0]
    np.testing.assert_allclose(single, [solve_lp(row[:1], g) for row in c], atol=1e-9)


@pytest.mark.parametrize(("u", "groups"), [(11, 3), (28, 3), (28, 11)])
def test_the_compiled_solver_finds_what_the_array_solver_finds(u, groups):
    pytest.importorskip("numba")
    rng = np.random.default_rng(u * groups)
    g = rng.dirichlet(np.ones(u))
    c = gated_conditions(400, u, groups, rng)
    distance = nearest_tv_jointly(c, g)[0]
    compiled, moved = _nearest_tv_numba.nearest_tv_jointly(c, g)
    np.testing.assert_allclose(compiled, distance, atol=1e-10)
    some = np.isfinite(distance)
    assert (np.einsum("nju,nu->nj", c, moved)[some] > -1e-8).all()
    np.testing.assert_allclose(moved.sum(axis=1), 1)
    assert (moved > -1e-10).all()
    one = _nearest_tv_numba.nearest_tv(c[:, 0], g)
    np.testing.assert_allclose(one[0], nearest_tv(c[:, 0], g)[0], atol=1e-12)
    X = answers(300, 16)
    for rule in RULES.values():
        for direction in ("down", "up"):
            how = {"direction": direction, "depth": None if u == 28 else 2}
            a = smallest_shift(TRACK, X, LOCAL, rule, engine="numba", **how)
            b = smallest_shift(TRACK, X, LOCAL, rule, engine="numpy", **how)
            np.testing.assert_allclose(a.distance, b.distance, atol=1e-10)
            np.testing.assert_array_equal(np.isfinite(b.distance), a.binding != -3)
            assert (a.binding == b.binding).mean() > 0.97


def test_least_squares_equals_two_other_solvers():
    rng = np.random.default_rng(3)
    u = 11
    g = rng.dirichlet(np.ones(u))
    c = gated_conditions(40, u, 3, rng)
    distance, weights = nearest_l2_jointly(c, g)
    for i in range(len(c)):
        finite = project_by_nnls(c[i], g)
        if finite is None:
            assert np.isinf(distance[i])
            assert np.isinf(solve_lp(c[i], g))
            continue
        np.testing.assert_allclose(weights[i], finite, atol=1e-8)
        single, nearest = nearest_l2(c[i : i + 1, 0], g)
        one = project_by_nnls(c[i, :1], g)
        np.testing.assert_allclose(nearest[0], one, atol=1e-8)
        assert single[0] <= distance[i] + 1e-9
        if i < 5:
            other = minimize(
                lambda w: ((w - g) ** 2).sum(), finite, jac=lambda w: 2 * (w - g), method="SLSQP",
                bounds=[(0, 1)] * u, options={"ftol": 1e-15, "maxiter": 500},
                constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1},
                             {"type": "ineq", "fun": lambda w, c=c[i]: c @ w / 100}],
            )  # fmt: skip
            np.testing.assert_allclose(distance[i], np.sqrt(other.fun), atol=1e-6)


@pytest.mark.parametrize("depth", [1, 2, None], ids=["pillars", "capabilities", "leaves"])
@pytest.mark.parametrize("norm", ["tv", "l2"])
@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_star_changes_at_the_smallest_shift_and_not_before(rule, direction, norm, depth):
    # 1,000 enterprises under the published rule and total variation in leaf weights.
    main = rule is RULE and norm == "tv" and depth is None
    X = answers(1000 if main else 60, 12)
    how = {"direction": direction, "norm": norm, "depth": depth}
    exact = smallest_shift(TRACK, X, LOCAL, rule, **how)
    beyond = smallest_shift(TRACK, X, LOCAL, rule, margin=1e-6, **how)
    assert (beyond.distance >= exact.distance - 1e-9).all()
    for i in np.flatnonzero(np.isfinite(beyond.distance)):
        now, there = star_of(X[i], LOCAL, rule), star_of(X[i], beyond.at(i), rule)
        assert now == exact.star[i]
        assert there > now if direction == "up" else there < now
        if exact.distance[i] > 1e-8:
            assert star_of(X[i], exact.at(i, part=1 - 1e-6), rule) == now
    for i in np.flatnonzero(~np.isfinite(exact.distance))[:5]:
        with pytest.raises(InputError, match="no shift"):
            exact.at(i)


def test_no_smaller_shift_is_found_by_search():
    rng = np.random.default_rng(13)
    X = answers(12, 14)
    for direction in ("down", "up"):
        exact = smallest_shift(TRACK, X, LOCAL, RULE, direction=direction, depth=2)
        units, base = exact.units, exact.baseline
        inner = TRACK.within(LOCAL, units)
        other = rng.dirichlet(np.full(len(units), 0.3), 150)
        for i in range(len(X)):
            reach = min(exact.distance[i], 1.0) * 0.999
            size = 0.5 * np.abs(other - base).sum(axis=1, keepdims=True)
            tried = base + (other - base) * np.minimum(1.0, reach / size)
            for g in tried:
                star = star_of(X[i], TRACK.local_weights(g @ inner, LOCAL), RULE)
                assert star >= exact.star[i] if direction == "down" else star <= exact.star[i]


def test_pillars_without_weight_are_refused():
    local = np.array(LOCAL)
    local[TRACK.families[0].members] = [0.5, 0.5, 0.0]
    with pytest.raises(InputError, match="gated nodes DA have weight 0"):
        smallest_shift(TRACK, answers(3, 1), local, RULE, direction="down")


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_one_weight_intervals_hold_inside_and_break_outside(rule):
    X = answers(16, 15)
    found = one_weight_intervals(TRACK, X, LOCAL, rule)
    family = {int(i): f.members for f in TRACK.families for i in f.members}

    def moved(i, w):
        local = np.array(LOCAL)
        rest = [j for j in family[i] if j != i]
        local[rest] *= (1 - w) / (1 - local[i])
        local[i] = w
        return local

    checked = 0
    for n in range(len(X)):
        for i in range(len(TRACK.nodes)):
            low, high = found.low[n, i], found.high[n, i]
            assert low <= LOCAL[i] <= high
            eps = 1e-7
            for w in np.linspace(low + eps, high - eps, 4) if high - low > 3 * eps else []:
                assert star_of(X[n], moved(i, w), rule) == found.star[n]
            if low > eps:
                assert star_of(X[n], moved(i, low - eps), rule) == found.star_below[n, i]
                assert found.star_below[n, i] != found.star[n]
                checked += 1
            if high < 1 - eps:
                assert star_of(X[n], moved(i, high + eps), rule) == found.star_above[n, i]
                assert found.star_above[n, i] != found.star[n]
                checked += 1
    assert checked > 30
