"""The streaming kernel counts exactly what rating every pair one by one counts."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from calib.errors import InputError
from calib.framework import load_framework
from calib.rating import star_counts, stars
from calib.rating.collapse import fold, frontier
from calib.rating.kernel import count_folded

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
RULE = FRAMEWORK.rule.thresholds()
RULES = {
    "published": RULE,
    "one star only": replace(RULE, one_star=True),
    "capability gates": replace(RULE, gate_depth=2),
    "one star only, capability gates": replace(RULE, gate_depth=2, one_star=True),
    "uneven gates": replace(RULE, gate=np.array([5.0, 30.0, 45.0, 72.0])),
    "no gates": replace(RULE, gate=np.full(4, -np.inf)),
}
VARYING = {
    "everything": None,
    "pillars": ("",),
    "pillars and one pillar's capabilities": ("", "IC"),
    "the leaves of one capability": ("DA.DEC",),
    "nothing": (),
}


def draw(sets, varying, rng):
    local = np.tile(FRAMEWORK.published["discrete"], (sets, 1))
    for family in TRACK.families:
        if varying is None or family.parent in varying:
            local[:, family.members] = rng.dirichlet(np.ones(len(family.members)), sets)
    return local


def answers(count, rng):
    X = rng.integers(0, 5, (count, len(TRACK.leaves))) * 25.0
    return np.clip(X + 25.0 * rng.integers(-2, 3, (count, 1)), 0, 100)


def rate_each(X, local, rule):
    total = X @ TRACK.leaf_weights(local).T
    within = TRACK.within(local, TRACK.at_depth(rule.gate_depth))
    star = stars(total, np.einsum("nl,kpl->nkp", X, within), rule)[0]
    return (
        np.stack([(star == s).sum(axis=0) for s in range(5)], axis=1),
        np.stack([(star == s).sum(axis=1) for s in range(5)], axis=1),
    )


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("varying", VARYING.values(), ids=VARYING.keys())
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_counts_equal_rating_every_pair(rule, varying, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    rng = np.random.default_rng(5)
    X, local = answers(400, rng), draw(37, varying, rng)
    counts = star_counts(TRACK, X, local, rule, engine=engine)
    per_set, per_enterprise = rate_each(X, local, rule)
    np.testing.assert_array_equal(counts.per_set, per_set)
    np.testing.assert_array_equal(counts.per_enterprise, per_enterprise)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("varying", [None, ("",)], ids=["leaves", "pillars"])
def test_counts_do_not_depend_on_blocks_workers_or_order(varying, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    rng = np.random.default_rng(6)
    X, local = answers(3000, rng), draw(1203, varying, rng)
    whole = star_counts(TRACK, X, local, RULE, engine=engine, workers=1)
    for block, workers in ((1, 1), (97, 2), (248, 3), (5000, 2)):
        rows = slice(0, 200) if block == 1 else slice(None)
        counts = star_counts(
            TRACK, X[rows], local, RULE, engine=engine, workers=workers, block=block
        )
        np.testing.assert_array_equal(counts.per_enterprise, whole.per_enterprise[rows])
        if block > 1:
            np.testing.assert_array_equal(counts.per_set, whole.per_set)
    order = rng.permutation(len(X))
    shuffled = star_counts(TRACK, X[order], local, RULE, engine=engine)
    np.testing.assert_array_equal(shuffled.per_set, whole.per_set)
    np.testing.assert_array_equal(shuffled.per_enterprise, whole.per_enterprise[order])


def test_totals_on_an_edge_count_as_the_rating_rule_says():
    # Every answer 50 under any weights totals 50; every answer 60 stands on the edge of 3 stars.
    local = draw(500, None, np.random.default_rng(7))
    for score, star in ((60.0, 2), (80.0, 3), (20.0, 0), (60.0 + 1e-6, 3)):
        X = np.full((300, len(TRACK.leaves)), score)
        for engine in ("numpy", "auto"):
            counts = star_counts(TRACK, X, local, RULE, engine=engine)
            assert (counts.per_set[:, star] == 300).all(), (score, engine)


def test_parts_add_up_to_the_whole():
    rng = np.random.default_rng(8)
    X, local = answers(1000, rng), draw(50, None, rng)
    folded = fold(TRACK, local, RULE)
    parts = sum(count_folded(folded, X[i : i + 300]).per_set for i in range(0, 1000, 300))
    np.testing.assert_array_equal(parts, star_counts(TRACK, X, local, RULE).per_set)


def test_frontier_is_the_highest_level_that_decides():
    rng = np.random.default_rng(9)
    pillars = [TRACK.codes[i] for i in frontier(TRACK, draw(5, ("",), rng))]
    assert pillars == ["IC", "IN", "DA"]
    mixed = [TRACK.codes[i] for i in frontier(TRACK, draw(5, ("", "IC"), rng))]
    assert mixed == ["IC.DEV", "IC.NET", "IC.RES", "IN", "DA"]
    assert len(frontier(TRACK, draw(5, None, rng))) == len(TRACK.leaves)


def test_memory_does_not_grow_with_enterprises_times_sets():
    rng = np.random.default_rng(10)
    X, local = answers(20_000, rng), draw(2000, None, rng)
    folded = fold(TRACK, local, RULE)
    kept = (20_000 + 2000) * 5 * 8 * 3
    tracemalloc.start()
    for i in range(0, 20_000, 5000):
        count_folded(folded, X[i : i + 5000], engine="numpy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < kept + 60e6 < 20_000 * 2000 * 8 / 4


def test_missing_scores_and_wrong_shapes_are_refused():
    rng = np.random.default_rng(11)
    X, local = answers(5, rng), draw(4, None, rng)
    X[2, 3] = np.nan
    with pytest.raises(InputError, match="missing in 1 rows, the first is row 2"):
        star_counts(TRACK, X, local, RULE)
    with pytest.raises(InputError, match="shape"):
        star_counts(TRACK, X[:, :5], local, RULE)
    with pytest.raises(InputError, match="at least one set"):
        star_counts(TRACK, X, local[:0], RULE)
    with pytest.raises(InputError, match="workers"):
        star_counts(TRACK, answers(5, rng), local, RULE, workers=0)
