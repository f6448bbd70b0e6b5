"""Unanswered items under ``renormalise``: measures agree with rating the raw answers again."""

from __future__ import annotations

import numpy as np
import pytest

from calib.adjustment import adjust
from calib.framework import Framework
from calib.outcomes.dominance import (
    complete_scores,
    contribution_share,
    dominance,
    leave_out,
    leverage,
    moments_of,
)
from calib.population import Population
from calib.rating import rate, score_answers, score_nodes, smallest_moves, stars_by_draw
from calib.weights import WeightSet, published_weights

RULE_OPTIONS = {"missing": "renormalise"}


def holey(aii, trial, share: float, seed: int) -> Population:
    rng = np.random.default_rng(seed)
    samples = {}
    for t, s in trial.samples.items():
        values = s.values.copy()
        values[rng.random(values.shape) < share] = np.nan
        samples[t] = type(s)(s.track, s.ids, s.names, values, s.attributes)
    return Population(aii, samples, trial.kind, "holes", True)


def moved(track, local: np.ndarray, node: int, weight: float) -> np.ndarray:
    out = local.copy()
    family = track.parent == track.parent[node]
    out[family] *= (1 - weight) / (1 - local[node])
    out[node] = weight
    return out


def stars_of(scored, aii: Framework, t: str, local: np.ndarray):
    published = published_weights(aii)
    sets = {k: v.copy() for k, v in published.local.items()}
    sets[t] = local
    one = type(scored)(
        **{f: getattr(scored, f) for f in scored.__dataclass_fields__ if f != "samples"},
        samples={t: scored.samples[t]},
    )
    for code in aii.shared:
        for k, track in aii.tracks.items():
            sets[k][track.index[code]] = local[aii.tracks[t].index[code]]
    return rate(WeightSet.build(aii, "x", sets, source="test"), one).samples[t]


@pytest.mark.parametrize("seed", range(2))
def test_leaving_out_agrees_with_rating_the_raw_answers_again(aii, trial, seed) -> None:
    scored = score_answers(holey(aii, trial, 0.08, seed), aii.rule.read(RULE_OPTIONS))
    weights = published_weights(aii)
    X = complete_scores(scored, weights)[0]
    checked = 0
    for t, track in aii.tracks.items():
        local = np.array(weights.local[t])
        thresholds = aii.rule.thresholds(scored.rule_options)
        base = score_nodes(track, X[t], local, thresholds, scored.samples[t].X)
        before = stars_of(scored, aii, t, local).star
        for depth in (2, 3):
            nodes = track.at_depth(depth)
            found = leave_out(base, nodes)
            for i, node in enumerate(nodes):
                after = stars_of(scored, aii, t, moved(track, local, int(node), 0.0))
                np.testing.assert_array_equal(found.moves[i], after.star - before)
                checked += len(before)
    assert checked > 600


@pytest.mark.parametrize("one_star", [False, True])
def test_leverage_agrees_with_rating_the_raw_answers_again(aii, trial, one_star) -> None:
    rule_options = RULE_OPTIONS | {"downgrade": "one-star" if one_star else "highest-met"}
    scored = score_answers(holey(aii, trial, 0.12, 7), aii.rule.read(rule_options))
    weights = published_weights(aii)
    t = "discrete"
    track, local = aii.tracks[t], np.array(weights.local[t])
    X = complete_scores(scored, weights)[0][t]
    thresholds = aii.rule.thresholds(scored.rule_options)
    base = score_nodes(track, X, local, thresholds, scored.samples[t].X)
    nodes = np.array([int(track.at_depth(2)[4]), *track.at_depth(3)[[0, 5]]])
    found = leverage(base, nodes)
    before = stars_of(scored, aii, t, local).star
    for i, node in enumerate(nodes):
        first = np.full(len(before), np.inf)
        # Interior grid: at weight 0 or 1 the siblings that count change.
        grid = np.linspace(1e-6, 1 - 1e-6, 81)
        sets = np.array([moved(track, local, int(node), weight) for weight in grid])
        again = stars_by_draw(track, scored.samples[t].X, sets, thresholds)
        for weight, star in zip(grid, again, strict=True):
            change = star != before
            first[change] = np.minimum(first[change], abs(weight - local[node]))
        moves = smallest_moves(base, int(node))
        assert found.smallest[i] == moves.min()
        here = np.isfinite(first)
        np.testing.assert_array_equal(here, moves < max(local[node], 1 - local[node]) - 1e-5)
        assert np.all(np.abs(first[here] - moves[here]) <= 1.4e-2)


def test_dominance_uses_the_raw_answers(aii, trial) -> None:
    population = holey(aii, trial, 0.1, 1)
    scored = score_answers(population, aii.rule.read(RULE_OPTIONS))
    weights = published_weights(aii)
    table = dominance(weights, scored, level="leaf", rng=0).measures
    t = "process"
    track, local = aii.tracks[t], np.array(weights.local[t])
    before = stars_of(scored, aii, t, local).star
    part = table[table["track"] == t].set_index("code")
    for node in track.at_depth(3):
        after = stars_of(scored, aii, t, moved(track, local, int(node), 0.0)).star
        expected = np.mean(after != before)
        assert part.loc[track.codes[node], "star_changed"] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_caps_hold_on_answers_filled_again_under_the_adjusted_weights(aii, trial, seed) -> None:
    population = holey(aii, trial, 0.25, seed)
    scored = score_answers(population, aii.rule.read(RULE_OPTIONS))
    weights = published_weights(aii)
    found = adjust(weights, scored, cap=0.085, measure="contribution", draws=0)
    largest = 0.0
    again = complete_scores(scored, found.weights)[0]
    for t in aii.tracks:
        g = found.weights.leaf(t)
        np.testing.assert_allclose(again[t] @ g, rate(found.weights, scored).samples[t].total)
        largest = max(largest, contribution_share(g, moments_of(again[t])).max())
    assert found.largest["contribution"] == pytest.approx(largest, abs=1e-12)
    assert found.holds == (largest <= 0.085 + 1e-8)
    assert found.holds
