from __future__ import annotations

import itertools
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from calib.errors import InputError
from calib.files import shipped_data
from calib.framework import RuleOptions, parse_framework
from calib.population import Population, Sample
from calib.rating import rate, score_answers, stars
from calib.weights import WeightSet, published_weights


def population(aii, X, track="discrete", kind="scores"):
    X = np.atleast_2d(np.asarray(X, dtype=float))
    ids = np.array([f"E{i}" for i in range(len(X))], dtype=object)
    sample = Sample(aii.tracks[track], ids, ids, X)
    return Population(aii, {track: sample}, kind, "test", True)


def by_pillar(aii, ic, it, da, track="discrete"):
    """Scores that are the same for all indicators of a pillar."""
    tree = aii.tracks[track]
    return np.array([(ic, it, da)[["IC", "IN", "DA"].index(c[:2])] for c in tree.leaf_codes], float)


def random_local(aii, rng):
    """Uniform weights at every node, shared over tracks on the first level."""
    out = {}
    top = rng.dirichlet(np.ones(3))
    for t, tree in aii.tracks.items():
        local = np.ones(len(tree.codes))
        for family in tree.families:
            draw = rng.dirichlet(np.ones(len(family.members)))
            local[family.members] = draw if family.parent else top
        out[t] = local
    return out


@pytest.mark.parametrize("score", [20, 40, 60, 80])
def test_an_enterprise_on_an_edge_everywhere_has_the_lower_star_under_any_weights(aii, score):
    rng = np.random.default_rng(score)
    tree = aii.tracks["discrete"]
    local = np.ones((10_000, len(tree.codes)))
    for family in tree.families:
        local[:, family.members] = rng.dirichlet(np.ones(len(family.members)), 10_000)
    x = np.full(len(tree.leaves), float(score))
    within = tree.within(local, tree.at_depth(1))
    gated = within @ x
    total = (gated * local[:, tree.at_depth(1)]).sum(axis=1)
    assert (total != score).any()  # rounding noise is there, and must not decide
    star, band, failed = stars(total, gated, aii.rule.thresholds())
    assert (star + 1 == score // 20).all()
    assert (band == star).all()
    assert not failed.any()


def test_the_full_rating_of_an_edge_enterprise_agrees_under_random_weight_sets(aii):
    people = population(aii, [[s] * 28 for s in (20, 40, 60, 80)])
    scored = score_answers(people)
    rng = np.random.default_rng(1)
    for _ in range(200):
        weights = WeightSet.build(aii, "random", random_local(aii, rng), source="test")
        assert (rate(weights, scored).samples["discrete"].star + 1).tolist() == [1, 2, 3, 4]


def brute_star(total, pillars, bands=(20, 40, 60, 80), gates=(10, 30, 50, 70)):
    """The rule, word by word: the highest star whose band and gates are all met."""
    star = 1
    for s in range(2, 6):
        if total > bands[s - 2] and all(p > gates[s - 2] for p in pillars):
            star = s
    return star


def test_stars_agree_with_the_rule_word_by_word_on_a_grid(aii):
    weights = published_weights(aii)
    grid = list(itertools.product(range(0, 101, 5), repeat=3))
    rating = rate(weights, population(aii, [by_pillar(aii, *p) for p in grid]))
    sample = rating.samples["discrete"]
    for row, pillars in enumerate(grid):
        total = round(0.35 * pillars[0] + 0.33 * pillars[1] + 0.32 * pillars[2], 9)
        assert sample.star[row] + 1 == brute_star(total, pillars)
        # With the published numbers every gate is ten points under its band's lower edge.
        assert sample.star[row] + 1 == brute_star(min(total, min(pillars) + 10), (1e9,))


def test_gates_and_bands_are_data_and_any_monotone_values_work(aii):
    from dataclasses import replace

    from calib.framework import Gates

    rule = replace(
        aii.rule,
        bands=(5.0, 33.0, 34.0, 90.0),
        gates={"table": Gates((0.0, 0.0, 60.0, 61.5), (False,) * 4)},
    )
    thresholds = rule.thresholds()
    rng = np.random.default_rng(2)
    total, gated = rng.uniform(0, 100, 500), rng.uniform(0, 100, (500, 3))
    star, _, _ = stars(total, gated, thresholds)
    for i in range(500):
        assert star[i] + 1 == brute_star(total[i], gated[i], rule.bands, (0.0, 0.0, 60.0, 61.5))


@pytest.mark.parametrize(
    ("option", "score", "star"),
    [
        ("upper-inclusive", 20.0, 1), ("upper-inclusive", 20.4, 2), ("upper-inclusive", 20.6, 2),
        ("round-half-up", 20.0, 1), ("round-half-up", 20.4, 1), ("round-half-up", 20.5, 2),
        ("round-half-up", 20.6, 2), ("round-half-up", 40.49, 2), ("round-half-up", 40.5, 3),
    ],
)  # fmt: skip
def test_band_edge_options(aii, option, score, star):
    rating = rate(
        published_weights(aii), population(aii, [[score] * 28]), rule_options={"band_edge": option}
    )
    assert rating.samples["discrete"].star[0] + 1 == star


@pytest.mark.parametrize(
    ("option", "weakest", "star"),
    [("table", 33, 3), ("table", 30, 2), ("example", 34.9, 2), ("example", 35, 3),
     ("example", 33, 2), ("table", 30.001, 3)],
)  # fmt: skip
def test_gate_value_options(aii, option, weakest, star):
    people = population(aii, [by_pillar(aii, weakest, 55, 59)])
    rating = rate(published_weights(aii), people, rule_options={"gate_value": option})
    sample = rating.samples["discrete"]
    assert sample.band[0] + 1 == 3
    assert sample.star[0] + 1 == star
    assert sample.causes() == ["IC" if star == 2 else ""]


@pytest.mark.parametrize(("option", "star"), [("highest-met", 1), ("one-star", 3)])
def test_downgrade_options(aii, option, star):
    people = population(aii, [by_pillar(aii, 100, 100, 8)])  # total 70.56, data analytics 8
    rating = rate(published_weights(aii), people, rule_options={"downgrade": option})
    sample = rating.samples["discrete"]
    assert (sample.band[0] + 1, sample.star[0] + 1) == (4, star)
    assert rating.downgrades == 1
    assert sample.causes() == ["DA"]


def test_gate_scope_options(aii):
    x = np.full(28, 70.0)
    tree = aii.tracks["discrete"]
    x[[c.startswith("DA.SVC") for c in tree.leaf_codes]] = 0  # one weak capability, no weak pillar
    weights = published_weights(aii)
    assert rate(weights, population(aii, [x])).samples["discrete"].star[0] + 1 == 4
    rating = rate(weights, population(aii, [x]), rule_options={"gate_scope": "capability"})
    assert rating.samples["discrete"].star[0] + 1 == 1
    assert rating.samples["discrete"].causes() == ["DA.SVC"]


def test_option_score_options(aii):
    answers = np.ones((2, 28))
    answers[1] = [
        aii.tracks["discrete"].nodes[i].item.options for i in aii.tracks["discrete"].leaves
    ]
    people = population(aii, answers, kind="answers")
    weights = published_weights(aii)
    low = rate(weights, people).samples["discrete"].total
    np.testing.assert_allclose(low, [0, 100], atol=1e-12)
    high = (
        rate(weights, people, rule_options={"option_score": "even-to-100"})
        .samples["discrete"]
        .total
    )
    assert high[0] >= 20 - 1e-12
    np.testing.assert_allclose(high[1], 100)
    with pytest.raises(InputError, match="states no option scores"):
        rate(weights, people, rule_options={"option_score": "given"})


def test_stars_under_half_steps_lie_between_those_of_the_lower_and_the_upper_degree(aii):
    """Star of any mixture of degrees: a graded framework is rated against both bounds."""
    document = tomllib.loads((shipped_data() / "frameworks" / "aii.toml").read_text("utf-8"))
    for node in document["nodes"]:
        if "item" in node:
            node["item"] |= {"kind": "graded", "degrees": 2}
    graded = parse_framework(document)
    rng = np.random.default_rng(5)
    tree = aii.tracks["discrete"]
    most = np.array([tree.nodes[i].item.options for i in tree.leaves])
    options = np.clip(np.rint(rng.uniform(0, 1.2, (300, 1)) * most + rng.normal(0, 1, (300, 28))),
                      1, most)  # fmt: skip
    degrees = 2 * options - rng.integers(0, 2, options.shape)
    choice = {"option_score": "half-steps"}
    people = population(aii, options, kind="answers")
    lower = rate(published_weights(aii), people, rule_options=choice)
    upper = rate(published_weights(aii), people, rule_options={"option_score": "even-to-100"})
    mixed = rate(published_weights(graded), population(graded, degrees, kind="answers"),
                 rule_options=choice)  # fmt: skip
    low, mid, high = (r.samples["discrete"].star for r in (lower, mixed, upper))
    assert (low <= mid).all()
    assert (mid <= high).all()
    assert (low < high).any()
    assert (low < mid).any()
    assert (mid < high).any()


def test_missing_answers_are_an_error_that_names_item_and_enterprise(aii):
    x = np.full((2, 28), 50.0)
    x[1, 3] = np.nan
    x[0, 5] = np.nan
    with pytest.raises(InputError) as caught:
        rate(published_weights(aii), population(aii, x))
    assert len(caught.value.faults) == 2
    assert "E1" in str(caught.value)
    assert "IC.DEV.D4" in str(caught.value)


def test_missing_answers_score_zero_when_declared(aii):
    x = np.full((1, 28), 50.0)
    x[0, 0] = np.nan
    rating = rate(published_weights(aii), population(aii, x), rule_options={"missing": "zero"})
    assert rating.samples["discrete"].total[0] == pytest.approx(50 - 50 * 0.35 * 0.32 / 4)
    assert any("1 unanswered" in n.get("en") for n in rating.notes)


def test_missing_answers_renormalise_among_answered_siblings_up_the_tree(aii):
    tree = aii.tracks["discrete"]
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 100, 28)
    gone = [c.startswith("IC.RES") or c == "IC.DEV.D1" for c in tree.leaf_codes]
    missing = np.where(gone, np.nan, x)
    rating = rate(
        published_weights(aii),
        population(aii, [missing, x]),
        rule_options={"missing": "renormalise"},
    )
    sample = rating.samples["discrete"]
    score = dict(zip(tree.leaf_codes, x, strict=True))
    dev = np.mean([score[f"IC.DEV.D{i}"] for i in (2, 3, 4)])
    net = np.mean([score[f"IC.NET.D{i}"] for i in (1, 2, 3)])
    expected = (0.32 * dev + 0.48 * net) / 0.80
    assert sample.scores[0, tree.index["IC"]] == pytest.approx(expected, rel=1e-13)
    assert np.isnan(sample.scores[0, tree.index["IC.RES"]])
    assert sample.node_stars[0, tree.index["IC.RES"]] == -1
    whole = rate(published_weights(aii), population(aii, [x])).samples["discrete"]
    assert sample.total[1] == pytest.approx(whole.total[0], rel=1e-14)


def test_without_any_answer_under_a_gated_pillar_an_enterprise_is_not_rated(aii):
    rows = [by_pillar(aii, 50, 50, np.nan), by_pillar(aii, 50, 50, 50)]
    renormalise = {"missing": "renormalise"}
    rating = rate(published_weights(aii), population(aii, rows), rule_options=renormalise)
    assert rating.not_rated["enterprise"].tolist() == ["E0"]
    assert rating.samples["discrete"].ids.tolist() == ["E1"]
    with pytest.raises(InputError, match="answered enough"):
        rate(published_weights(aii), population(aii, rows[:1] * 2), rule_options=renormalise)


def test_a_pillar_of_weight_zero_still_has_a_score_and_a_gate(aii):
    weights = published_weights(aii).with_weights({"DA": 0.0}, name="none")
    people = population(aii, [by_pillar(aii, 90, 90, 5)])
    sample = rate(weights, people).samples["discrete"]
    assert sample.scores[0, sample.track.index["DA"]] == pytest.approx(5)
    assert sample.star[0] + 1 == 1
    assert sample.causes() == ["DA"]


def test_permuting_enterprises_permutes_the_rating(aii, trial):
    weights = published_weights(aii)
    order = np.random.default_rng(4).permutation(12)
    one = rate(weights, trial).samples["discrete"]
    two = rate(weights, trial.take({"discrete": order})).samples["discrete"]
    np.testing.assert_array_equal(one.star[order], two.star)
    np.testing.assert_allclose(one.total[order], two.total, rtol=1e-15)


def test_unknown_readings_say_what_is_valid(aii):
    with pytest.raises(InputError, match="did you mean 'downgrade'"):
        aii.rule.read({"downgrad": "one-star"})
    with pytest.raises(InputError, match=r"highest-met \| one-star"):
        aii.rule.read({"downgrade": "two"})
    assert aii.rule.read(None) == RuleOptions()


def _zero_in_networks(aii):
    """Return weights under which only the first network indicator counts in its capability."""
    changes = {"IC.NET.D1": 1.0, "IC.NET.D2": 0.0, "IC.NET.D3": 0.0}
    return published_weights(aii).with_weights(changes, name="one")


def test_answered_items_of_weight_zero_do_not_stand_for_an_unanswered_one(aii):
    tree = aii.tracks["discrete"]
    x = by_pillar(aii, 80, 80, 80)
    x[tree.leaf_codes.index("IC.NET.D1")] = np.nan
    rule_options = {"missing": "renormalise"}
    sample = rate(_zero_in_networks(aii), population(aii, [x]), rule_options=rule_options).samples[
        "discrete"
    ]
    # The capability has no score, and hands its weight on; at 0 points it would cost the pillar.
    assert np.isnan(sample.scores[0, tree.index["IC.NET"]])
    assert sample.scores[0, tree.index["IC"]] == pytest.approx(80)
    assert sample.total[0] == pytest.approx(80)


def test_an_enterprise_whose_answers_all_weigh_nothing_is_refused(aii):
    rule = replace(aii.rule, gates={})
    free = replace(aii, rule=rule, digest="free")
    weights = WeightSet.build(
        free, "no IC", published_weights(aii).with_weights({"IC": 0.0}, name="x").local,
        source="test",
    )  # fmt: skip
    people = population(free, [by_pillar(aii, 90, np.nan, np.nan)])
    with pytest.raises(InputError, match="E0: no item of weight above 0 is answered"):
        rate(weights, people, rule_options={"missing": "renormalise"})
