"""Draws go through every transformation, paired by the roots that sets share."""

from __future__ import annotations

import numpy as np
import pytest

from calib.errors import InputError
from calib.framework import load_framework
from calib.weights import (
    Root,
    WeightSet,
    blend,
    equal_weights,
    from_table,
    override,
    published_weights,
    round_weights,
)
from calib.words import Name

AII = load_framework("aii")


def drawn(name, key, seed, size=40, stream="1"):
    """Return the published set with Dirichlet draws at every node, resting on one root."""
    rng = np.random.default_rng(seed)
    base = published_weights(AII)
    draws = {t: np.zeros((size, len(tree.nodes))) for t, tree in AII.tracks.items()}
    first = rng.dirichlet(60 * base.local["discrete"][AII.tracks["discrete"].at_depth(1)], size)
    for t, tree in AII.tracks.items():
        for family in tree.families:
            values = base.local[t][family.members]
            shared = family.parent == ""
            draws[t][:, family.members] = first if shared else rng.dirichlet(60 * values, size)
    root = Root(key, "panel", Name("专家", key), stream)
    return base.renamed(name).with_uncertainty(from_table(root, base.local, draws))


def test_a_decided_set_has_no_draws_and_says_so():
    weights = published_weights(AII)
    assert weights.draws is None
    assert weights.roots == ()
    assert "decided, no draws" in repr(weights)


def test_a_blend_mixes_draw_by_draw():
    a, b = drawn("a", "panel", 1), drawn("b", "survey", 2)
    mixed = blend({a: 0.7, b: 0.3})
    for t in AII.tracks:
        np.testing.assert_allclose(mixed.draws[t], 0.7 * a.draws[t] + 0.3 * b.draws[t], atol=1e-15)
    assert {r.key for r in mixed.roots} == {"panel", "survey"}


def test_sets_of_one_root_are_paired():
    a = drawn("a", "panel", 1)
    shifted = override(a, {"DA": 0.4})
    mixed = blend({a: 0.5, shifted: 0.5})
    assert len(mixed.roots) == 1
    np.testing.assert_allclose(
        mixed.draws["process"], (a.draws["process"] + shifted.draws["process"]) / 2, atol=1e-15
    )


def test_sets_of_one_root_drawn_with_different_seeds_are_refused():
    a, b = drawn("a", "panel", 1), drawn("b", "panel", 2, stream="2")
    with pytest.raises(InputError, match="drawn with different seeds"):
        blend({a: 0.5, b: 0.5})


def test_freezing_all_roots_but_one_is_the_run_with_that_root_alone():
    a, b = drawn("a", "panel", 1), drawn("b", "survey", 2)
    mixed = blend({a: 0.7, b: 0.3})
    alone = blend({a: 0.7, b.with_uncertainty(None): 0.3})
    frozen = mixed.uncertainty.draws(free=["panel"])
    for t in AII.tracks:
        np.testing.assert_array_equal(frozen[t], alone.draws[t])


@pytest.mark.parametrize(
    "transform",
    [
        lambda w: override(w, {"DA": 0.40, "IC.NET": 0.5}),
        lambda w: round_weights(w, 0.01, keep_equal=False),
        lambda w: equal_weights(AII, levels=["pillar"], base=w),
        lambda w: blend({w: 0.5, published_weights(AII): 0.5}, method="geometric"),
    ],
)
def test_draws_of_a_transformed_set_are_the_transformed_draws(transform):
    a = drawn("a", "panel", 1, size=12)
    made = transform(a)
    for i in range(12):
        one = WeightSet.build(AII, "one", {t: d[i] for t, d in a.draws.items()}, source="test")
        for t in AII.tracks:
            np.testing.assert_allclose(made.draws[t][i], transform(one).local[t], atol=1e-12)


def test_rounded_draws_stand_on_the_grid_and_sum_to_one():
    rounded = round_weights(drawn("a", "panel", 3), 0.01)
    for t, tree in AII.tracks.items():
        for family in tree.families:
            own = rounded.draws[t][:, family.members]
            np.testing.assert_allclose(own.sum(axis=1), 1, atol=1e-12)
            equal = np.ptp(rounded.local[t][family.members]) < 1e-12
            assert equal or np.allclose(own * 100, np.rint(own * 100))


def test_the_frame_has_intervals_that_hold_the_draws():
    a = drawn("a", "panel", 1, size=400)
    frame = a.frame(confidence=0.9)
    row = frame[(frame["code"] == "DA") & (frame["track"] == "discrete")].iloc[0]
    column = a.draws["discrete"][:, AII.tracks["discrete"].index["DA"]]
    assert row["local_low"] == pytest.approx(np.quantile(column, 0.05))
    assert row["global_high"] == pytest.approx(np.quantile(column, 0.95))
    decided = published_weights(AII).frame(confidence=0.9)
    assert decided["local_low"].isna().all()


def test_a_node_is_looked_up_by_its_code():
    weights = published_weights(AII)
    assert weights["DA"] == 0.32
    assert weights["IC.DEV", "process"] == 0.40
    with pytest.raises(InputError, match="weighs differently by track"):
        weights["IC.DEV"]
    with pytest.raises(InputError, match="no node DAA"):
        weights["DAA"]


def test_a_weight_set_introduces_itself_in_one_line():
    for weights in (published_weights(AII), drawn("a", "panel", 1)):
        assert len(repr(weights)) < 200
        assert len(weights._repr_html_()) < 400


def test_a_changed_set_needs_no_name(aii):
    changed = published_weights(aii).with_weights({"DA": 0.4})
    assert changed.name == "published with DA=0.4"
    assert changed["DA"] == 0.4
