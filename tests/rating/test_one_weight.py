"""One weight alone: moves and leaving out agree with rating again, also with unanswered items."""

from dataclasses import replace

import numpy as np
import pytest

from calib.framework import load_framework
from calib.rating import (
    effective_local,
    node_scores,
    score_nodes,
    smallest_moves,
    stars,
    weight_intervals,
)
from calib.rating.one_weight import left_out

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
LOCAL = FRAMEWORK.published["discrete"]
RULE = FRAMEWORK.rule.thresholds()


def answers(count, seed, gaps=0.0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, (count, len(TRACK.leaves))) * 25.0
    X = np.clip(X + 25.0 * rng.integers(-2, 3, (count, 1)), 0, 100)
    X[rng.random(X.shape) < gaps] = np.nan
    return X


def star_of(row, local, rule, without=None):
    """Rate one enterprise from its answers, as the definition has it."""
    own = effective_local(TRACK, local, ~np.isnan(row))
    scores = node_scores(TRACK, np.nan_to_num(row)[None], own)
    top, gates = TRACK.families[0].members, TRACK.at_depth(rule.gate_depth)
    kept = scores[:, [g for g in gates if g != without]]
    return int(stars(scores[:, top] @ own[top], kept, rule)[0][0])


def moved(local, node, weight):
    out = np.array(local)
    family = np.flatnonzero(TRACK.parent == TRACK.parent[node])
    rest = family[family != node]
    out[rest] *= (1 - weight) / (1 - local[node])
    out[node] = weight
    return out


@pytest.mark.parametrize("one_star", [False, True])
@pytest.mark.parametrize("gaps", [0.0, 0.08])
def test_the_smallest_move_changes_the_star_and_less_does_not(gaps, one_star):
    rule = replace(RULE, one_star=one_star)
    raw = answers(25, 4, gaps)
    base = score_nodes(TRACK, np.nan_to_num(raw), LOCAL, rule, raw)
    checked = 0
    for node in [*TRACK.at_depth(1), TRACK.index["DA.DEC"], TRACK.index["DA.DEC.D1"]]:
        node = int(node)
        moves = smallest_moves(base, node)
        for i in range(len(raw)):
            now = star_of(raw[i], LOCAL, rule)
            w = LOCAL[node]
            inside = [w + f * min(moves[i], 1) for f in (-0.999, -0.5, 0.5, 0.999)]
            for weight in (x for x in inside if 0 < x < 1):
                assert star_of(raw[i], moved(LOCAL, node, weight), rule) == now
            if np.isfinite(moves[i]):
                beyond = [np.clip(w + s * (moves[i] + 1e-6), 0, 1) for s in (-1, 1)]
                there = [star_of(raw[i], moved(LOCAL, node, x), rule) for x in beyond]
                assert any(star != now for star in there)
                checked += 1
    assert checked > 10


def test_the_smallest_move_is_the_nearer_end_of_the_interval():
    base = score_nodes(TRACK, answers(60, 5), LOCAL, RULE)
    spans = weight_intervals(base)
    for node in range(len(TRACK.nodes)):
        moves = smallest_moves(base, node)
        down = np.where(spans.star_below[:, node] != spans.star, LOCAL[node] - spans.low[:, node],
                        np.inf)  # fmt: skip
        up = np.where(spans.star_above[:, node] != spans.star, spans.high[:, node] - LOCAL[node],
                      np.inf)  # fmt: skip
        np.testing.assert_allclose(moves, np.minimum(down, up), atol=1e-12)


@pytest.mark.parametrize("gaps", [0.0, 0.08])
def test_leaving_out_is_rating_again_without_the_node(gaps):
    raw = answers(40, 6, gaps)
    base = score_nodes(TRACK, np.nan_to_num(raw), LOCAL, RULE, raw)
    for node in [*TRACK.at_depth(1), TRACK.index["DA.DEC"], TRACK.index["DA.DEC.D1"]]:
        found = left_out(base, int(node)).star
        expected = [star_of(row, moved(LOCAL, int(node), 0.0), RULE, int(node)) for row in raw]
        np.testing.assert_array_equal(found, expected)


def test_an_only_child_cannot_move():
    vdma = load_framework("vdma")
    track, local = vdma.tracks["all"], np.array(vdma.published["all"])
    top = track.families[0].members
    local[top] = 0.0
    local[top[0]] = 1.0
    base = score_nodes(track, np.full((2, len(track.leaves)), 50.0), local, vdma.rule.thresholds())
    assert smallest_moves(base, int(top[0])) is None
    assert left_out(base, int(top[0])) is None


def test_a_gate_above_a_level_without_gates_moves_too():
    """A level named as the gates' own that has none hides no gate of a node above it."""
    edges = tuple(RULE.gate)
    none = np.full(len(edges), -np.inf)
    rule = replace(RULE, gate=none, gate_depth=2, named=(("@1", edges),))
    X = answers(40, 12)
    base = score_nodes(TRACK, X, LOCAL, rule)
    same = score_nodes(TRACK, X, LOCAL, RULE)
    for node in (TRACK.index["DA.DEC.D1"], TRACK.index["IC.NET.D2"]):
        np.testing.assert_array_equal(smallest_moves(base, node), smallest_moves(same, node))
    held, plain = weight_intervals(base), weight_intervals(same)
    np.testing.assert_array_equal(held.low, plain.low)
    np.testing.assert_array_equal(held.star_above, plain.star_above)
