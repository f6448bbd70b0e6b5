"""Adjustment, dominance, life cycle and parts of a population follow the whole rule, or say not."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest

import calib
from calib.adjustment.adjusting import space_of
from calib.adjustment.star_fit import star_model
from calib.errors import InputError
from calib.experts.panel_tables import _stars
from calib.outcomes.dominance import leave_out
from calib.population import find_partitions, write_partitions
from calib.rating import count_partitions, score_nodes
from calib.rating.regions import cells_of

HOMES = calib.load_framework("au-aged-care")
# Gates on a part, on an item and by track; caps on items; edges that count upwards.
MIXED = {
    "edges": "lower",
    "gates": {"table": {"values": [20, 30, 50, 60]}},
    "node_gates": [
        {"node": "IC", "values": [5, 25, 45, 65], "track": "discrete"},
        {"node": "DA.DEC.D1", "values": [0, 0, 25, 50], "inclusive": True},
    ],
    "variants": [{"track": "process", "bands": [10, 30, 55, 85]}],
    "caps": [
        {"at_most": 3, "when": {"count": 2, "of": [{"node": "IN.VER.D1", "at_most": 25},
                                                  {"node": "IC.NET.D1", "at_most": 25}]}},
        {"at_most": 4, "when": {"node": "IC.NET.P1", "below": 60}},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def homes():
    return HOMES, calib.load_population("au-aged-care", HOMES)


@pytest.fixture(scope="module")
def mixed(aii, trial):
    framework = calib.with_rule(aii, **MIXED)
    firms = calib.generate_population(aii, 150, like=trial, rng=2).under(framework)
    return framework, firms


def draws(framework, n, seed):
    rng, base = np.random.default_rng(seed), calib.published_weights(framework)
    for k in range(n):
        local, shared = {}, None
        for t, tree in framework.tracks.items():
            local[t] = np.array(base.local[t])
            for family in tree.families:
                if family.parent == "" and shared is not None:
                    local[t][family.members] = shared
                    continue
                local[t][family.members] = rng.dirichlet(np.full(len(family.members), 2.0))
                if family.parent == "":
                    shared = local[t][family.members]
        yield calib.WeightSet.build(framework, f"w{k}", local, source="test")


@pytest.mark.parametrize("which", ["homes", "mixed"])
def test_stars_that_adjustment_sees_are_those_of_the_rating(which, request):
    framework, firms = request.getfixturevalue(which)
    base = calib.published_weights(framework)
    scored = calib.rate(base, firms).scored
    depth = len(framework.levels)
    space = space_of(base, list(framework.tracks), [depth])
    for weights in draws(framework, 6, 1):
        rating = calib.rate(weights, scored)
        for block in space.blocks:
            t = block.track.code
            sample = rating.samples[t]
            keep = ~np.isnan(scored.samples[t].X).any(axis=1)
            X = scored.samples[t].X[keep]
            model = star_model(block, X, framework.rule.effective(scored.rule_options, t))
            z = block.track.global_weights(weights.local[t])[block.nodes]
            np.testing.assert_array_equal(model.stars(z), sample.star[keep])
            # A point lies in a cell of its star, and in none of another.
            for i in range(0, len(X), 11):
                inside = [
                    s for s in range(framework.rule.stars)
                    if any((a @ z <= b + 1e-12).all() for a, b in cells_of(model, i, s, 1e-9))
                ]  # fmt: skip
                assert inside == [sample.star[keep][i]]


def test_an_adjustment_that_changes_the_fewest_stars_is_beaten_by_no_other_weights(homes):
    framework, firms = homes
    base = calib.published_weights(framework)
    scored = calib.rate(base, firms).scored
    before = calib.rate(base, scored).samples["all"].star
    fitted = calib.adjust(base, scored, cap={"weight": 0.30}, problem="stars", rng=1)
    found = (calib.rate(fitted.weights, scored).samples["all"].star != before).sum()
    assert fitted.weights.local["all"].max() <= 0.30 + 1e-9
    tried = 0
    for weights in draws(framework, 3000, 4):
        mixed_in = 0.85 * base.local["all"] + 0.15 * weights.local["all"]
        if mixed_in.max() <= 0.30:
            tried += 1
            other = weights.build(framework, "o", {"all": mixed_in}, source="test")
            assert (calib.rate(other, scored).samples["all"].star != before).sum() >= found
    assert tried >= 5


@pytest.mark.parametrize("which", ["homes", "mixed"])
def test_leaving_a_node_out_rates_as_without_it(which, request):
    framework, firms = request.getfixturevalue(which)
    base = calib.published_weights(framework)
    scored = calib.rate(base, firms).scored
    for t, tree in framework.tracks.items():
        sample = scored.samples[t].take(~np.isnan(scored.samples[t].X).any(axis=1))
        rule = framework.rule.effective(scored.rule_options, t)
        at = score_nodes(tree, sample.X, base.local[t], rule)
        parts = [i for i in tree.leaves if tree.codes[i] != "DA.DEC.D1"]  # its gate goes with it
        out = leave_out(at, np.array(parts))
        before = calib.rate(base, scored).samples[t]
        keep = np.isin(before.ids, sample.ids)
        for row, node in enumerate(parts):
            local = {k: np.array(v) for k, v in base.local.items()}
            family = next(f.members for f in tree.families if node in f.members)
            local[t][node] = 0.0
            local[t][family] /= local[t][family].sum()
            if len(framework.tracks) > 1 and tree.depth[node] == 1:
                continue
            without = calib.WeightSet.build(framework, "x", local, source="test")
            after = calib.rate(without, scored).samples[t]
            # A gate of the node itself goes with it; there is none on a single item but caps stay.
            if tree.codes[node] in rule.capping:
                continue
            np.testing.assert_array_equal(out.moves[row], (after.star - before.star)[keep])


def test_a_rule_that_weights_cannot_be_followed_through_is_refused_before_work_starts():
    cars = calib.load_framework("euro-ncap-2026")
    codes = list(cars.tracks["car"].leaf_codes)
    frame = pd.DataFrame([[60, 70, 80, 75]] * 3, columns=codes)
    frame.insert(0, "enterprise", ["a", "b", "c"])
    people, base = calib.Population.from_frame(frame, cars), calib.published_weights(cars)
    for call in (
        lambda: calib.adjust(base, people, cap={"weight": 0.3}, problem="stars", rng=1),
        lambda: calib.dominance(base, people, rng=1),
        lambda: calib.lifecycle(base, people),
        lambda: calib.stability(base, people),
    ):
        with pytest.raises(InputError, match="points that move between parts"):
            call()


def test_caps_on_nodes_without_a_score_are_refused_where_scores_are_filled_in():
    hospitals = calib.load_framework("cms-hospitals")
    capped = calib.with_rule(
        hospitals, caps=[{"at_most": 4, "when": {"node": "safety", "at_most": -0.5}}]
    )
    firms = calib.load_population("cms-hospitals", capped)
    base = calib.published_weights(capped)
    with pytest.raises(InputError, match="some enterprises have no score"):
        calib.dominance(base, firms, draws=0, rng=1)
    with pytest.raises(InputError, match="some enterprises have no score"):
        calib.adjust(base, firms, cap={"weight": 0.2}, problem="stars", rng=1)


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow")
def test_a_population_in_parts_is_counted_by_the_whole_rule(mixed, tmp_path):
    framework, firms = mixed
    parts = [
        firms.take({t: np.arange(len(s)) % 3 == k for t, s in firms.samples.items()})
        for k in range(3)
    ]
    write_partitions(tmp_path / "firms", parts)
    sets = list(draws(framework, 3, 9))
    local = {t: np.stack([w.local[t] for w in sets]) for t in framework.tracks}
    options = framework.rule.read(None)
    counts = count_partitions(find_partitions(tmp_path / "firms"), framework, local, options)
    for k, weights in enumerate(sets):
        rating = calib.rate(weights, firms)
        for t in framework.tracks:
            assert counts.per_set[t][k].tolist() == rating.counts(t).tolist()
    hospitals = calib.load_framework("cms-hospitals")
    own = {t: v[None] for t, v in hospitals.published.items()}
    with pytest.raises(InputError, match="bands that come from the enterprises"):
        count_partitions([], hospitals, own, hospitals.rule.read(None))


def test_stars_behind_the_influence_of_an_expert_are_those_of_the_rating(mixed):
    framework, firms = mixed
    scored = calib.rate(calib.published_weights(framework), firms).scored
    for weights in draws(framework, 2, 5):
        rating = calib.rate(weights, scored)
        for t in framework.tracks:
            found = _stars(scored, t, weights.local[t][None])
            np.testing.assert_array_equal(found[0], rating.samples[t].star)
