"""Star measures, star fits and rounding on the grid against brute force."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from calib.adjustment import fit_stars, nearest_weights, round_to_grid
from calib.adjustment.constraint_rows import contribution_rows, positive_rows, weight_cap_rows
from calib.adjustment.constraints import make_rows, stack_rows
from calib.adjustment.solve import share_caps
from calib.adjustment.star_fit import StarTask, star_model
from calib.adjustment.variables import build_space
from calib.errors import InfeasibleError, InputError
from calib.outcomes.dominance import leave_out, level_depths, leverage, moments_of
from calib.population import generate_population
from calib.rating import rate, score_answers, score_nodes, smallest_moves, stars, stars_by_draw
from calib.rating.one_weight import line_of
from calib.weights import published_weights


@pytest.fixture(scope="module")
def made(aii, trial):
    population = generate_population(aii, 120, like=trial, rng=5)
    return score_answers(population)


def move(track, local: np.ndarray, node: int, delta: float) -> np.ndarray:
    """Move one local weight, siblings rescaled in proportion."""
    out = local.copy()
    family = next(f.members for f in track.families if node in f.members)
    others = [i for i in family if i != node]
    out[node] = local[node] + delta
    out[others] *= (1 - out[node]) / local[others].sum()
    return out


def rated(made, aii, t: str, local: np.ndarray):
    w = published_weights(aii)
    sets = {k: v.copy() for k, v in w.local.items()}
    sets[t] = local
    if t == "discrete":
        for code in aii.shared:
            sets["process"][aii.tracks["process"].index[code]] = local[aii.tracks[t].index[code]]
    return rate(type(w).build(aii, "x", sets, source="test"), made).samples[t]


@pytest.mark.parametrize("one_star", [False, True])
@pytest.mark.parametrize("depth", [2, 3])
def test_leaving_out_agrees_with_rating_again(made, aii, depth: int, one_star: bool) -> None:
    rule_options = replace(made.rule_options, downgrade="one-star" if one_star else "highest-met")
    again = replace(made, rule_options=rule_options)
    t = "discrete"
    track, local = aii.tracks[t], np.array(aii.published[t])
    base = score_nodes(track, made.samples[t].X, local, aii.rule.thresholds(rule_options))
    nodes = track.at_depth(depth)
    found = leave_out(base, nodes)
    before = rated(again, aii, t, local)
    for i, node in enumerate(nodes):
        after = rated(again, aii, t, move(track, local, int(node), -local[node]))
        np.testing.assert_array_equal(found.moves[i], after.star - before.star)
        assert found.changed[i] == pytest.approx(np.mean(after.star != before.star))


def test_a_pillar_left_out_no_longer_gates(made, aii) -> None:
    t = "discrete"
    track, local = aii.tracks[t], np.array(aii.published[t])
    base = score_nodes(track, made.samples[t].X, local, aii.rule.thresholds(made.rule_options))
    found = leave_out(base, track.at_depth(1))
    for i, node in enumerate(track.at_depth(1)):
        after = rated(made, aii, t, move(track, local, int(node), -local[node]))
        rest = np.delete(np.arange(3), i)
        gates = np.searchsorted(aii.rule.thresholds().gate, after.scores[:, after.gated[rest]])
        star = np.minimum(after.band, gates.min(axis=1))
        np.testing.assert_array_equal(found.moves[i], star - rated(made, aii, t, local).star)


def test_rank_shift_counts_places(aii) -> None:
    track = aii.tracks["discrete"]
    X = np.zeros((2, 28))
    X[0, 0] = 100.0  # the first enterprise leads by the first indicator only
    X[1, 1] = 90.0
    base = score_nodes(track, X, np.array(aii.published["discrete"]), aii.rule.thresholds())
    found = leave_out(base, track.at_depth(3))
    assert found.rank_shift[0] == 1.0
    assert found.rank_shift[5] == 0.0


@pytest.mark.parametrize("one_star", [False, True])
def test_leverage_is_the_smallest_move_that_changes_a_star(made, aii, one_star: bool) -> None:
    t = "discrete"
    track, local = aii.tracks[t], np.array(aii.published[t])
    thresholds = replace(aii.rule.thresholds(), one_star=one_star)
    X = made.samples[t].X
    base = score_nodes(track, X, local, thresholds)

    def rate_each(sets):
        return stars_by_draw(track, X, np.array(sets), thresholds)

    (before,) = rate_each([local])
    for node in [*track.at_depth(1)[:1], *track.at_depth(2)[1:4], *track.at_depth(3)[3:6]]:
        line = line_of(base, int(node))
        assert line is not None
        moves = smallest_moves(base, int(node))
        reached = np.full(len(before), np.inf)
        grid = np.concatenate([np.linspace(line.low, 0, 260), np.linspace(0, line.high, 260)])
        order = grid[np.argsort(np.abs(grid), kind="stable")]
        rated_again = rate_each([move(track, local, int(node), float(d)) for d in order])
        for delta, star in zip(order, rated_again, strict=True):
            fresh = (star != before) & np.isinf(reached)
            reached[fresh] = abs(delta)
        step = max(-line.low, line.high) / 259
        # The grid may step over a short stretch, but never finds a change earlier than the answer.
        assert (moves <= reached + 1e-9).all()
        late = np.isfinite(moves) & (reached > moves + step + 1e-9)
        for i in np.flatnonzero(late):
            near = [
                move(track, local, int(node), s * (moves[i] + 1e-9))
                for s in (-1, 1)
                if line.low <= s * (moves[i] + 1e-9) <= line.high
            ]
            assert (rate_each(near)[:, i] != before[i]).any()


def by_crossings(base, line):
    """Look the star up just before and after every crossing of a threshold."""
    t = base.thresholds
    gated = base.scores[:, base.gated]
    before, _, _ = stars(base.total, gated, t)
    edges = [(base.total, line.total, t.band)]
    if line.above >= 0:
        edges.append((gated[:, line.above], line.gate, t.gate))
    best = np.full(len(base.total), np.inf)
    for start, slope, values in edges:
        for edge in values:
            with np.errstate(divide="ignore", invalid="ignore"):
                at = (edge - start) / slope
            at = np.where(np.isfinite(at), at, 0.0)
            for side in (-1e-9, 1e-9):
                move = np.clip(at + side, line.low, line.high)
                scores = gated.copy()
                if line.above >= 0:
                    scores[:, line.above] += move * line.gate
                after, _, _ = stars(base.total + move * line.total, scores, t)
                hit = (after != before) & (at >= line.low) & (at <= line.high)
                best = np.minimum(best, np.where(hit, np.abs(at), np.inf))
    return best


def test_the_closed_form_of_leverage_agrees_with_looking_at_every_crossing(made, aii) -> None:
    for t in aii.tracks:
        track = aii.tracks[t]
        base = score_nodes(
            track, made.samples[t].X, np.array(aii.published[t]), aii.rule.thresholds()
        )
        for node in range(len(track.nodes)):
            line = line_of(base, node)
            if line is None:
                continue
            np.testing.assert_allclose(
                smallest_moves(base, node), by_crossings(base, line), atol=1e-8
            )


def test_leverage_summarises_enterprises(made, aii) -> None:
    t = "process"
    track = aii.tracks[t]
    base = score_nodes(track, made.samples[t].X, np.array(aii.published[t]), aii.rule.thresholds())
    nodes = track.at_depth(2)
    found = leverage(base, nodes)
    each = [smallest_moves(base, int(node)) for node in nodes]
    moves = np.stack([m for m in each if m is not None])
    assert len(moves) == len(nodes)
    np.testing.assert_allclose(found.smallest, moves.min(axis=1))
    np.testing.assert_allclose(found.within, (moves <= 0.05).mean(axis=1))


# ---- E ------------------------------------------------------------------------------------------


def pillars(aii, X: np.ndarray, thresholds=None, star=None):
    t = "discrete"
    space = build_space({t: aii.tracks[t]}, {t: np.array(aii.published[t])}, (1,))
    model = star_model(space.blocks[0], X, thresholds or aii.rule.thresholds())
    star = model.stars(space.start) if star is None else star
    return space, model, StarTask(space.blocks[0], model, star)


@pytest.mark.parametrize("scope", ["pillar", "capability"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_star_model_rates_like_the_rating(made, aii, level: int, scope: str) -> None:
    rule_options = replace(made.rule_options, gate_scope=scope)
    again = replace(made, rule_options=rule_options)
    rng = np.random.default_rng(level)
    for t, track in aii.tracks.items():
        space = build_space({t: track}, {t: np.array(aii.published[t])}, (level,))
        model = star_model(space.blocks[0], made.samples[t].X, aii.rule.thresholds(rule_options))
        local = np.array(aii.published[t])
        for family in track.families:
            if track.depth[family.members[0]] == level and level > 1:
                local[family.members] = rng.dirichlet(np.ones(len(family.members)))
        z = track.global_weights(local)[space.blocks[0].nodes]
        np.testing.assert_array_equal(model.stars(z), rated(again, aii, t, local).star)


@pytest.mark.parametrize("one_star", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_fewest_star_changes_equal_the_best_of_a_dense_grid(aii, trial, seed, one_star) -> None:
    X = score_answers(generate_population(aii, 60, like=trial, rng=seed)).samples["discrete"].X
    thresholds = replace(aii.rule.thresholds(), one_star=one_star)
    space, model, task = pillars(aii, X, thresholds)
    rows = stack_rows([positive_rows(space), weight_cap_rows(space, 1.0, 1)])
    # Data analytics has to weigh at least 0.45: stars will change.
    least = make_rows([[0, 0, -1.0]], [-0.45], ["DA ≥ 0.45"])
    floor = stack_rows([rows, least])
    found = fit_stars(space.start, floor, space.equal, space.value, [task])
    a, c = np.meshgrid(np.linspace(0, 0.55, 221), np.linspace(0.45, 1, 221))
    grid = np.column_stack([a.ravel(), 1 - a.ravel() - c.ravel(), c.ravel()])
    grid = grid[grid[:, 1] >= 0]
    best = min(int((model.stars(z) != task.star).sum()) for z in grid[::3])
    assert found.proven
    assert found.bound == found.missed
    assert found.missed <= best
    assert len(task.missed(found.z)) == found.missed
    assert (floor.slack(found.z) >= -1e-9).all()


def test_reference_stars_made_by_known_weights_are_fitted_without_a_miss(aii, trial) -> None:
    X = score_answers(generate_population(aii, 80, like=trial, rng=9)).samples["discrete"].X
    _, model, _ = pillars(aii, X)
    truth = np.array([0.2, 0.3, 0.5])
    space, model, task = pillars(aii, X, star=model.stars(truth))
    found = fit_stars(space.start, positive_rows(space), space.equal, space.value, [task])
    assert found.missed == 0
    assert found.proven
    # … by weights no farther from the published ones than the known ones.
    assert np.linalg.norm(found.z - space.start) <= np.linalg.norm(truth - space.start) + 1e-9


def test_beyond_the_programmes_size_a_heuristic_answer_comes_with_a_bound(aii, trial) -> None:
    X = score_answers(generate_population(aii, 1500, like=trial, rng=3)).samples["discrete"].X
    space, _, task = pillars(aii, X)
    floor = stack_rows([positive_rows(space), make_rows([[0, 0, -1.0]], [-0.42], ["DA ≥ 0.42"])])
    plain = nearest_weights(space.start, floor, space.equal, space.value).z
    found = fit_stars(
        space.start, floor, space.equal, space.value, [task], max_enterprises=10, max_programmes=2
    )
    assert not found.proven
    assert "part of the enterprises" in found.method
    assert found.bound <= found.missed <= len(task.missed(plain))
    assert len(task.missed(found.z)) == found.missed
    assert floor.slack(found.z).min() >= -1e-10


def test_unaudited_enterprises_are_left_free(aii, trial) -> None:
    X = score_answers(trial).samples["discrete"].X
    space, _, task = pillars(aii, X)
    free = StarTask(task.block, task.model, np.full_like(task.star, -1))
    with pytest.raises(InputError, match="no star"):
        fit_stars(space.start, positive_rows(space), space.equal, space.value, [free])


# ---- rounding -----------------------------------------------------------------------------------


def test_grid_rounding_equals_enumeration_of_all_grid_points(aii, trial) -> None:
    t = "discrete"
    m = {t: moments_of(score_answers(trial).samples[t].X)}
    local = np.array(aii.published[t])
    rng = np.random.default_rng(0)
    for cap in (1.0, 0.38):
        local[aii.tracks[t].at_depth(1)] = rng.dirichlet(np.full(3, 30.0))
        space = build_space({t: aii.tracks[t]}, {t: local}, (1,))
        caps = share_caps(space, cap, 1, m)
        found = round_to_grid(space, space.start, positive_rows(space), caps, grid=0.05)
        every = np.array([p for p in itertools.product(range(21), repeat=3) if sum(p) == 20]) / 20
        ok = [z for z in every if caps[0].shares(z).max() <= cap + 1e-9]
        best = min(np.linalg.norm(z - space.start) for z in ok)
        assert found.proven
        assert found.distance == pytest.approx(best, abs=1e-12)
        assert found.steps.sum() == 20


def test_rounding_keeps_linear_caps_that_plain_rounding_breaks(aii, trial) -> None:
    t = "discrete"
    m = {t: moments_of(score_answers(trial).samples[t].X)}
    space = build_space({t: aii.tracks[t]}, {t: np.array(aii.published[t])}, (2,))
    rows = stack_rows([positive_rows(space), contribution_rows(space, m, 0.135, 2)])
    near = nearest_weights(space.start, rows, space.equal, space.value)
    found = round_to_grid(space, near.z, rows)
    assert rows.slack(found.z).min() >= -1e-9
    assert found.proven
    families = {}
    for step, node in zip(found.steps, space.blocks[0].nodes, strict=True):
        parent = int(aii.tracks[t].parent[node])
        families[parent] = families.get(parent, 0) + int(step)
    assert set(families.values()) == {100}


def test_a_cap_that_no_grid_point_meets_is_explained(aii) -> None:
    t = "discrete"
    space = build_space({t: aii.tracks[t]}, {t: np.array(aii.published[t])}, (1,))
    rows = stack_rows([positive_rows(space), weight_cap_rows(space, 0.34, 1)])
    assert round_to_grid(space, space.start, rows).steps.max() == 34
    with pytest.raises(InfeasibleError, match=r"grid of 0\.2.*\n.*weight ≤ 0\.34 \(by"):
        round_to_grid(space, space.start, rows, grid=0.2)
    with pytest.raises(InputError, match="does not divide"):
        round_to_grid(space, space.start, rows, grid=0.03)


def test_levels_are_known_by_code_name_and_plural(aii) -> None:
    assert level_depths(aii, "pillars") == (1,)
    assert level_depths(aii, ["capability", "pillar"]) == (1, 2)
    assert level_depths(aii, "all") == (1, 2, 3)
    assert level_depths(aii, "三级指标") == (3,)
    with pytest.raises(InputError, match="capabilities"):
        level_depths(aii, "capabilitys")
