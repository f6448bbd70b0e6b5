"""Tipping points: confirmed by rating again, and against polynomial roots."""

from dataclasses import replace

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.framework import load_framework
from calib.outcomes import stars_along, tipping_points
from calib.rating import stars
from calib.shifts import Growth, grown_scores, weight_path
from calib.weights import WeightSet, published_weights

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
RULE = FRAMEWORK.rule.thresholds()
START = published_weights(FRAMEWORK)


def answers(count, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, (count, len(TRACK.leaves))) * 25.0
    return np.clip(X + 25.0 * rng.integers(-2, 3, (count, 1)), 0, 100)


def target(kind):
    if kind == "pillars":
        return START.with_weights({"DA": 0.6}, name="target")
    rng = np.random.default_rng(4)
    local, top = {}, rng.dirichlet(np.ones(3))
    for t, tree in FRAMEWORK.tracks.items():
        values = np.empty(len(tree.nodes))
        for family in tree.families:
            values[family.members] = rng.dirichlet(np.full(len(family.members), 3.0))
        values[tree.families[0].members] = top
        local[t] = values
    return WeightSet.build(FRAMEWORK, "target", local, source="test")


def star_at(x, x_end, path, rule, time):
    local = path.local("discrete", np.array([time]))[0]
    x = x + time * (x_end - x)
    nodes = TRACK.at_depth(rule.gate_depth)
    return int(stars(TRACK.leaf_weights(local) @ x, TRACK.within(local, nodes) @ x, rule)[0])


@pytest.mark.parametrize("grow", [False, True], ids=["as now", "growing"])
@pytest.mark.parametrize("what", ["pillars", "all levels"])
@pytest.mark.parametrize("kind", ["linear", "log-ratio", "logistic"])
def test_stars_change_at_tipping_points_and_nowhere_else(kind, what, grow):
    X = answers(120, 1)
    X_end = X
    if grow:
        growth = Growth(points={"": 2.0}, catch_up={"DA": 0.1})
        X_end = grown_scores(TRACK, X, growth, 4, low=0, high=100)
    path = weight_path(START, target(what), kind, (2026, 2030))
    for rule in (RULE, replace(RULE, one_star=True), replace(RULE, gate_depth=2)):
        found = tipping_points(TRACK, X, path, rule, X_end=X_end if grow else None)
        assert rule.gate_depth == 2 or len(found.row) > 2
        assert found.touching == 0
        for e in range(len(found.row)):
            i, t = found.row[e], found.time[e]
            if 1e-9 < t < 1 - 1e-9:
                assert star_at(X[i], X_end[i], path, rule, t - 1e-9) == found.before[e]
                assert star_at(X[i], X_end[i], path, rule, t + 1e-9) == found.after[e]
        # Between tipping points the star stands still: a fine grid sees the very same changes.
        grid = np.linspace(0, 1, 201)
        seen = stars_along(TRACK, X, path, rule, grid, X_end=X_end if grow else None)
        for i in range(len(X)):
            mine = found.row == i
            now = np.full(len(grid), found.start[i])
            for t, after in zip(found.time[mine], found.after[mine], strict=True):
                now[grid > t] = after
            off = np.abs(grid[:, None] - found.time[mine]).min(axis=1, initial=1.0) > 1e-9
            np.testing.assert_array_equal(now[off], seen[off, i])


def test_linear_paths_cross_where_polynomial_roots_are():
    X = answers(60, 2)
    path = weight_path(START, target("all levels"), "linear", (0, 1))
    found = tipping_points(TRACK, X, path, replace(RULE, gate=np.full(4, -np.inf)))
    # The total is a polynomial of degree 3 in time: four values determine it.
    t = np.array([0.0, 1 / 3, 2 / 3, 1.0])
    totals = TRACK.leaf_weights(path.local("discrete", t)) @ X.T
    checked = 0
    for e in range(len(found.row)):
        coefficients = np.polyfit(t, totals[:, found.row[e]], 3)
        edge = RULE.band[max(found.before[e], found.after[e]) - 1]
        roots = np.roots(coefficients - np.array([0, 0, 0, edge]))
        assert np.abs(roots - found.time[e]).min() < 1e-9
        checked += 1
    assert checked > 5


def test_a_pillar_shift_tips_where_two_lines_meet():
    # T(t) = T0 + t (T1 - T0): the crossing of 60 is (60 - T0) / (T1 - T0).
    X = answers(200, 3)
    path = weight_path(START, target("pillars"), "linear", (2026, 2030))
    found = tipping_points(TRACK, X, path, RULE)
    ends = TRACK.leaf_weights(path.local("discrete", np.array([0.0, 1.0]))) @ X.T
    for e in np.flatnonzero(found.node == -1):
        low, high = ends[:, found.row[e]]
        edge = RULE.band[max(found.before[e], found.after[e]) - 1]
        assert found.time[e] == pytest.approx((edge - low) / (high - low), abs=1e-12)
    assert (found.node == -1).any()


def test_a_shift_tells_its_tipping_points_and_grown_enterprises_tell_others():
    firms = calib.generate_population(FRAMEWORK, 200, rng=3)
    moving = calib.shift(START, {"DA": 0.9}, years=(2020, 2024), name="later")
    found = calib.tipping(moving, firms)
    table = found.frame()
    assert len(table) > 3
    assert set(table["set"]) == {"later"}
    bare = calib.tipping(moving.path, firms, name="later").frame()
    assert bare.equals(table)
    # What is shown for a year is what rating under that year's set gives.
    by_year = found.frame("stars-by-year")
    for year in (2020, 2022, 2024):
        rows = by_year[(by_year["scope"] == "all") & (by_year["year"] == year)]
        expected = calib.rate(moving.at(year), firms).counts()
        np.testing.assert_array_equal(rows["count"], expected)
    growing = calib.shift(
        START, {"DA": 0.9}, years=(2020, 2024), name="grown", growth={"points": {"": 5.0}}
    )
    both = type(found).together([found, calib.tipping(growing, firms)])
    assert set(both.frame()["set"]) == {"later", "grown"}
    assert [d.name for d in both.drawings] == ["stars-over-years-later", "stars-over-years-grown"]
    assert any("as assumed" in n.get("en") for n in both.notes)
    assert len(repr(both)) < 200


def test_swapped_arguments_get_one_sentence():
    firms = calib.generate_population(FRAMEWORK, 5, rng=3)
    moving = calib.shift(START, {"DA": 0.9}, years=(2020, 2024))
    with pytest.raises(InputError, match="swapped"):
        calib.tipping(firms, moving)
    with pytest.raises(InputError, match="shift is a WeightSet"):
        calib.tipping(START, firms)
