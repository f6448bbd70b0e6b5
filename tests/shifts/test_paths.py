"""Paths of weight sets: ends, shapes, bounds on their speed, and what is refused."""

import numpy as np
import pytest

from calib.errors import InputError
from calib.framework import load_framework
from calib.population import generate_population
from calib.rating import score_answers
from calib.shifts import PATH_KINDS, Growth, grown_population, grown_scores, weight_path
from calib.weights import published_weights

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
START = published_weights(FRAMEWORK)
END = START.with_weights({"DA": 0.5, "IC.DEV": 0.6}, name="later")


@pytest.mark.parametrize("kind", PATH_KINDS)
def test_paths_meet_both_ends_and_stay_weights(kind):
    path = weight_path(START, END, kind, (2026, 2031))
    for t, tree in FRAMEWORK.tracks.items():
        local = path.local(t, np.linspace(0, 1, 11))
        np.testing.assert_allclose(local[0], START.local[t], atol=1e-15)
        np.testing.assert_allclose(local[-1], END.local[t], atol=1e-15)
        np.testing.assert_allclose(tree.sibling_sums(local), 1, atol=1e-12)
    assert path.at(2031, "x").weight("DA") == pytest.approx(0.5)
    with pytest.raises(InputError, match="outside the path"):
        path.at(2032, "x")


def test_shapes_are_as_named():
    years = (2026, 2030)
    straight = weight_path(START, END, "linear", years).at(2027, "a")
    assert straight.weight("DA") == pytest.approx(0.75 * 0.32 + 0.25 * 0.5)
    geometric = weight_path(START, END, "log-ratio", years)
    ratio = [
        geometric.at(y, "a").weight("DA") / geometric.at(y, "a").weight("IN")
        for y in range(2026, 2031)
    ]
    np.testing.assert_allclose(np.diff(np.log(ratio)), np.log(ratio[-1] / ratio[0]) / 4)
    adoption = weight_path(START, END, "logistic", years, steepness=8)
    done = adoption.progress(np.array([0, 0.25, 0.5, 0.75, 1]))
    s = 1 / (1 + np.exp(-8 * (np.array([0, 0.25, 0.5, 0.75, 1]) - 0.5)))
    np.testing.assert_allclose(done, (s - s[0]) / (s[-1] - s[0]), atol=1e-14)


@pytest.mark.parametrize("kind", PATH_KINDS)
def test_stated_speeds_bound_finite_differences(kind):
    path = weight_path(START, END, kind, (0, 1), steepness=12)
    h = 1e-4
    t = np.linspace(h, 1 - h, 400)
    left, middle, right = (path.local("discrete", t + d) for d in (-h, 0, h))
    first, second = path.speeds("discrete")
    reached = []
    for f, family in enumerate(TRACK.families):
        d1 = np.abs((right - left)[:, family.members]).sum(axis=1) / (2 * h)
        d2 = np.abs((right - 2 * middle + left)[:, family.members]).sum(axis=1) / h**2
        assert d1.max() <= first[f] * (1 + 1e-4) + 1e-8
        assert d2.max() <= second[f] * (1 + 1e-3) + 1e-5
        reached.append(d1.max() / first[f] if first[f] else 1.0)
    assert min(reached) > 0.3  # bounds that mean something


def test_zero_weights_at_one_end_need_a_linear_path():
    gone = START.with_weights({"DA.SVC": 0.0}, name="gone", track="discrete")
    with pytest.raises(InputError, match=r"DA\.SVC.*log-ratio"):
        weight_path(START, gone, "log-ratio", (2026, 2030))
    assert weight_path(START, gone, "linear", (2026, 2030)).at(2030, "x").weight("DA.SVC") == 0
    with pytest.raises(InputError, match="must rise"):
        weight_path(START, END, "linear", (2030, 2026))


def test_growth_counts_the_lowest_named_node_and_stays_on_the_scale():
    X = np.full((2, len(TRACK.leaves)), 50.0)
    X[1] = 98.0
    growth = Growth(points={"": 1.0, "DA": 3.0, "DA.SVC": 0.0}, catch_up={"IC": 0.5})
    grown = grown_scores(TRACK, X, growth, 2, low=0, high=100)
    of = {c: j for j, c in enumerate(TRACK.leaf_codes)}
    assert grown[0, of["IN.HOR.D1"]] == 52
    assert grown[0, of["DA.DEC.D1"]] == 56
    assert grown[0, of["DA.SVC.D1"]] == 50
    assert grown[0, of["IC.DEV.D1"]] == pytest.approx(100 - 48 / 4)
    assert grown[1, of["DA.DEC.D1"]] == 100


def test_grown_populations_move_on_straight_lines_between_the_years():
    scored = score_answers(generate_population(FRAMEWORK, 12, rng=1))
    growth = Growth(points={"": 2.0}, catch_up={"DA": 0.2})
    half = grown_population(scored, growth, (2026, 2030), 2028).samples["discrete"].X
    X = scored.samples["discrete"].X
    end = grown_scores(TRACK, X, growth, 4, low=0, high=100)
    np.testing.assert_allclose(half, (X + end) / 2)
    with pytest.raises(InputError, match="outside the path"):
        grown_population(scored, growth, (2026, 2030), 2031)
