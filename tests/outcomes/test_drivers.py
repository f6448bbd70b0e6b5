"""Shares of uncertainty: against closed forms, brute force, and runs with one root alone."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.outcomes.variance_shares import (
    explained_by_pair,
    factorial_variances,
    shapley_errors,
    shares_of,
)
from calib.rating import score_answers, stars_by_draw
from calib.weights import Root, from_table
from calib.words import Name

AII = calib.load_framework("aii")
TRIAL = calib.load_population("trial", AII)
PUBLISHED = calib.published_weights(AII)


def corners(function, inputs, size, seed):
    """Return a function's values at the corners of pairs of independent standard normal draws."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, size, inputs))
    out = []
    for corner in range(1 << inputs):
        picked = [bool(corner >> i & 1) for i in range(inputs)]
        out.append(function(np.where(picked, a, b)))
    return np.stack(out)[:, :, None]


def explained(values):
    """Return the variances explained by groups, over all pairs of draws."""
    return explained_by_pair(values).mean(axis=1)


def drawn(name, key, spread, size=200, seed=0):
    """Return the published weights with draws of the first level that belong to one root."""
    rng = np.random.default_rng([seed, *key.encode()])
    draws = {}
    tops = rng.dirichlet(spread * np.array([0.35, 0.33, 0.32]), size)
    for t, tree in AII.tracks.items():
        values = np.tile(PUBLISHED.local[t], (size, 1))
        values[:, tree.families[0].members] = tops
        draws[t] = values
    root = Root(key, "panel", Name(key, key), "1")
    known = from_table(root, PUBLISHED.local, draws)
    return PUBLISHED.renamed(name).with_uncertainty(known)


def test_an_additive_function_has_the_shares_of_its_variances():
    scales = np.array([1.0, 2.0, 3.0])
    found = shares_of(explained(corners(lambda x: x @ scales, 3, 40_000, 1)))
    expected = scales**2 / (scales**2).sum()
    np.testing.assert_allclose(found.first[:, 0], expected, atol=0.01)
    np.testing.assert_allclose(found.total[:, 0], found.first[:, 0], atol=1e-12)
    np.testing.assert_allclose(found.shapley[:, 0], found.first[:, 0], atol=1e-12)
    assert found.first.sum() == pytest.approx(1, abs=1e-12)  # exactly, in every sample


def test_the_simulation_error_of_shapley_shares_is_their_spread_over_simulations():
    def one(seed):
        return corners(lambda x: x[:, 0] + x[:, 0] * x[:, 1] + 0.5 * x[:, 2], 3, 60, seed)

    shares = [shares_of(explained(one(seed))).shapley[:, 0] for seed in range(200)]
    told = np.mean(
        [shapley_errors(explained_by_pair(one(seed)))[:, 0] for seed in range(40)], axis=0
    )
    np.testing.assert_allclose(told, np.std(shares, axis=0), rtol=0.25)


def test_an_interaction_is_in_total_shares_and_is_split_by_shapley():
    """Y = x1 + x1 x2 with standard normals: V = 2, first-order 1/2 and 0, interaction 1/2."""
    values = corners(lambda x: x[:, 0] + x[:, 0] * x[:, 1], 2, 200_000, 2)
    found = shares_of(explained(values))
    np.testing.assert_allclose(found.first[:, 0], [0.5, 0], atol=0.02)
    np.testing.assert_allclose(found.total[:, 0], [1, 0.5], atol=0.02)
    np.testing.assert_allclose(found.shapley[:, 0], [0.75, 0.25], atol=0.02)
    assert found.shapley.sum() == pytest.approx(1, abs=1e-12)


def test_ishigami_shares_agree_with_their_closed_form():
    """Ishigami and Homma (1990), a = 7, b = 0.1, on uniform inputs."""
    rng = np.random.default_rng(3)
    a, b = rng.uniform(-np.pi, np.pi, (2, 60_000, 3))

    def f(x):
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    values = np.stack([
        f(np.where([bool(c >> i & 1) for i in range(3)], a, b)) for c in range(8)
    ])[:, :, None]  # fmt: skip
    found = shares_of(explained(values))
    np.testing.assert_allclose(found.first[:, 0], [0.3139, 0.4424, 0], atol=0.02)
    np.testing.assert_allclose(found.total[:, 0], [0.5576, 0.4424, 0.2437], atol=0.02)


def test_a_factorial_agrees_with_an_analysis_of_variance_of_statsmodels():
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    values = np.random.default_rng(4).normal(size=(3, 2, 4))
    found = shares_of(factorial_variances(values[..., None], 3))
    index = pd.MultiIndex.from_product([range(3), range(2), range(4)], names=list("abc"))
    frame = pd.DataFrame({"y": values.ravel()}, index=index).reset_index()
    table = anova_lm(ols("y ~ C(a) + C(b) + C(c)", frame).fit(), typ=2)["sum_sq"]
    whole = ((frame["y"] - frame["y"].mean()) ** 2).sum()
    np.testing.assert_allclose(found.first[:, 0], table.iloc[:3] / whole, rtol=1e-10)
    assert found.shapley[:, 0].sum() == pytest.approx(1)
    assert (found.total >= found.first - 1e-12).all()


def test_a_product_is_one_interaction_that_is_split_evenly():
    """Y = x1 x2 x3 with standard normals: first-order shares 0, total 1, Shapley 1/3."""
    found = shares_of(explained(corners(lambda x: x.prod(axis=1), 3, 200_000, 6)))
    np.testing.assert_allclose(found.first[:, 0], 0, atol=0.04)
    np.testing.assert_allclose(found.total[:, 0], 1, atol=0.04)
    np.testing.assert_allclose(found.shapley[:, 0], 1 / 3, atol=0.03)


def test_an_input_whose_values_are_all_looked_at_agrees_with_the_factorial():
    """Y = f(a, b, s) from tables of 5 x 4 x 3 values, all pairs (A, B) of the first two drawn."""
    table = np.random.default_rng(7).normal(size=(5, 4, 3))
    exact = shares_of(factorial_variances(table[..., None], 3))
    a, b, c, d = (i.ravel() for i in np.indices((5, 4, 5, 4)))
    values = np.stack([table[c, d], table[a, d], table[c, b], table[a, b]])[..., None]
    by_pair = explained_by_pair(values)
    found = shares_of(by_pair.mean(axis=1))
    for name in ("variance", "first", "total", "shapley"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), atol=1e-12)
    alone = shares_of(explained_by_pair(table.reshape(1, 20, 3, 1)).mean(axis=1))
    assert alone.shapley.item() == pytest.approx(1)


def test_what_does_not_change_has_no_shares_and_is_said_not_to():
    assert shares_of(np.zeros((4, 1))).shapley.tolist() == [[0], [0]]
    still = calib.drivers(drawn("t", "t", 1e9), TRIAL, baseline=PUBLISHED, rng=1)
    assert still.frame()[["shapley", "shapley_se", "sd"]].to_numpy().tolist() == [[0, 0, 0]]
    assert "the same in every draw" in still.headline().get("en")
    beside = calib.blend({drawn("a", "a", 60): 0.5, drawn("t", "t", 1e9): 0.5})
    found = calib.drivers(beside, TRIAL, baseline=PUBLISHED, rng=1)
    assert found.frame()[["first_order", "total_order", "shapley", "shapley_se"]].to_numpy(
    ).tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]  # fmt: skip


def test_one_root_has_all_of_the_variance_and_a_note_says_what_that_means():
    found = calib.drivers(drawn("a", "a", 60), TRIAL, baseline=PUBLISHED, rng=1, size=16)
    assert found.frame()[["first_order", "total_order", "shapley", "shapley_se"]].to_numpy(
    ).tolist() == [[1, 1, 1, 0]]  # fmt: skip
    assert "one source only" in found.summary("en")


def test_the_headline_is_about_the_star_whose_number_varies_most():
    more = {"analytics": {"0.32": PUBLISHED, "more": PUBLISHED.with_weights({"DA": 0.6}, name="x")}}
    found = calib.drivers(PUBLISHED, TRIAL, choices=more, target="stars")
    variance = found.chosen.variance
    assert variance[0] < variance[found.most] == variance.max()
    assert f"the number with {found.most + 1}★" in found.headline().get("en")
    assert found.ranking() == [("analytics", 1.0)]


def test_roots_of_one_label_are_told_apart():
    one, other = drawn("a", "a", 60), drawn("b", "b", 30)
    roots = {w: Root(w, "panel", Name("专家组", "panel of 18 experts"), "1") for w in "ab"}
    one, other = (
        w.with_uncertainty(from_table(roots[k], w.local, w.draws))
        for k, w in (("a", one), ("b", other))
    )
    found = calib.drivers(calib.blend({one: 0.5, other: 0.5}), TRIAL, baseline=PUBLISHED, rng=1)
    labels = found.frame()["root"].tolist()
    assert labels == ["panel of 18 experts (1)", "panel of 18 experts (2)"]
    assert [found.error_of(r.label) for r in found.roots] == found.errors[:, 0].tolist()


def test_freezing_all_roots_but_one_equals_the_run_with_that_root_alone():
    one, other = drawn("a", "a", 60), drawn("b", "b", 200)
    mixed = calib.blend({one: 0.5, other: 0.5})
    decided = other.with_uncertainty(None)
    single = calib.blend({one: 0.5, decided: 0.5})
    frozen = mixed.uncertainty.draws(free=["a"])
    for t in AII.tracks:
        assert np.array_equal(frozen[t], single.draws[t])
    both = calib.drivers(mixed, TRIAL, baseline=PUBLISHED, target="stars", rng=1)
    lone = calib.drivers(single, TRIAL, baseline=PUBLISHED, target="stars", rng=1)
    np.testing.assert_array_equal(both.alone[0], lone.alone[0])
    np.testing.assert_allclose(lone.sampled.shapley[:, lone.sampled.variance > 0], 1)


def test_shares_of_roots_agree_with_the_variance_over_all_pairs_of_replicates():
    """Two roots of 40 replicates each: the whole grid is rated, and its analysis is exact."""
    mixed = calib.blend({drawn("a", "a", 30, 40): 0.5, drawn("b", "b", 90, 40): 0.5})
    grid = {"a": np.repeat(np.arange(40), 40), "b": np.tile(np.arange(40), 40)}
    local = mixed.uncertainty.make(grid)
    scored, rule = score_answers(TRIAL), AII.rule.thresholds()
    changes = np.zeros(1600)
    for t, s in scored.samples.items():
        then = stars_by_draw(s.track, s.X, PUBLISHED.local[t][None], rule)
        changes += (stars_by_draw(s.track, s.X, local[t], rule) != then).sum(axis=1)
    exact = shares_of(factorial_variances(changes.reshape(40, 40, 1), 2))
    found = calib.drivers(mixed, TRIAL, baseline=PUBLISHED, size=4000, rng=1)
    assert found.sampled.variance[0] == pytest.approx(exact.variance[0], rel=0.1)
    np.testing.assert_allclose(found.sampled.first, exact.first, atol=0.04)
    np.testing.assert_allclose(found.sampled.total, exact.total, atol=0.04)


def test_dependent_roots_get_the_covariance_shares_of_a_sum():
    """Roots drawn together, in a sum: the Shapley share is Cov(part, whole) / V(whole)."""
    one, other = drawn("a", "a", 60), drawn("b", "b", 200)
    mixed = calib.blend({one: 0.5, other: 0.5})
    ids = TRIAL.samples["discrete"].ids
    found = calib.drivers(
        mixed, TRIAL, target="enterprise", enterprise=str(ids[3]), together=[("a", "b")], rng=1
    )
    assert found.sampled.shapley.sum() == pytest.approx(1) or found.sampled.variance[0] == 0
    assert np.isnan(found.sampled.first).all()
    assert "not independent" in found.summary("en")
    few = calib.load_ensemble("trial", AII, n=3)
    kinds = calib.drivers(one, few, baseline=PUBLISHED, together=[("panel", "sample")], rng=1)
    assert np.isnan(kinds.errors).all()


def test_the_game_of_dependent_roots_gives_covariance_shares():
    rng = np.random.default_rng(5)
    x = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 4]], 5000)
    closed = np.array([0, x[:, 0].var(), x[:, 1].var(), x.sum(axis=1).var()])[:, None]
    covariance = np.cov(x.T, ddof=0).sum(axis=1)
    found = shares_of(closed).shapley[:, 0]
    np.testing.assert_allclose(found, covariance / covariance.sum(), rtol=1e-12)


def test_steps_of_a_procedure_are_tried_in_all_combinations():
    steps = {
        "pillars": {"published": PUBLISHED, "analytics": PUBLISHED.with_weights({"DA": 0.5},
                                                                               name="more")},
        "rounding": {"none": lambda w: w, "0.05": lambda w: calib.round_weights(w, 0.05)},
        "gate": {"table": {}, "example": {"gate_value": "example"}},
    }  # fmt: skip
    found = calib.drivers(PUBLISHED, TRIAL, choices=steps)
    values = found.frame("driver-values")
    assert len(values) == 8
    first = values[values["choices"] == "pillars = published, rounding = none, gate = table"]
    assert first["value"].item() == 0
    weights = calib.round_weights(steps["pillars"]["analytics"], 0.05)
    by_hand = calib.rate(weights, TRIAL, rule_options={"gate_value": "example"})
    base = calib.rate(PUBLISHED, TRIAL)
    changes = sum(int((by_hand.samples[t].star != base.samples[t].star).sum()) for t in AII.tracks)
    last = values["choices"] == "pillars = analytics, rounding = 0.05, gate = example"
    assert values.loc[last, "value"].item() == changes
    assert found.chosen.shapley.sum() == pytest.approx(1)


def test_a_procedure_takes_its_choices_by_name():
    def procedure(da, grid):
        return calib.round_weights(PUBLISHED.with_weights({"DA": da}, name="x"), grid)

    choices = {"da": {"less": 0.2, "more": 0.6}, "grid": {"fine": 0.01, "coarse": 0.05}}
    found = calib.drivers(procedure, TRIAL, choices=choices, baseline=PUBLISHED, target="stars")
    assert found.roots == ()
    assert found.chosen.shapley[:, found.chosen.variance > 0].sum(axis=0) == pytest.approx(1)


def test_shares_over_an_ensemble_agree_with_all_replicates_in_all_samples():
    few, panel = calib.load_ensemble("trial", AII, n=6), drawn("a", "a", 60, 40)
    changes = np.zeros((40, 6))
    for number, sample in enumerate(few):
        for t, s in score_answers(sample).samples.items():
            rule = AII.rule.thresholds()
            then = stars_by_draw(s.track, s.X, PUBLISHED.local[t][None], rule)
            now = stars_by_draw(s.track, s.X, panel.draws[t], rule)
            changes[:, number] += (now != then).sum(axis=1)
    exact = shares_of(factorial_variances(changes[..., None], 2))
    found = calib.drivers(panel, few, baseline=PUBLISHED, rng=1, size=1000)
    assert [r.kind for r in found.roots] == ["panel", "sample"]
    assert "which of 6 samples" in found.summary("en")
    np.testing.assert_allclose(found.sampled.first, exact.first, atol=0.02)
    np.testing.assert_allclose(found.sampled.shapley, exact.shapley, atol=0.02)
    # Sixteen pairs are off by what they say that they may be off by.
    tries = [calib.drivers(panel, few, baseline=PUBLISHED, rng=i, size=16) for i in range(16)]
    off = np.array([(t.sampled.shapley - exact.shapley)[0, 0] for t in tries])
    told = np.array([t.errors[0, 0] for t in tries])
    assert 0.6 < np.sqrt((off**2).mean()) / told.mean() < 1.5
    assert (np.abs(off) < 4 * told).all()


def test_decided_weights_over_an_ensemble_vary_by_the_sample_alone():
    few, more = (
        calib.load_ensemble("trial", AII, n=6),
        PUBLISHED.with_weights({"DA": 0.5}, name="x"),
    )
    found = calib.drivers(more, few, baseline=PUBLISHED, rng=1, size=2)
    changed = []
    for sample in few:
        now, then = calib.rate(more, sample), calib.rate(PUBLISHED, sample)
        changed.append(sum((now.samples[t].star != then.samples[t].star).sum() for t in AII.tracks))
    assert found.frame()["sd"].item() == pytest.approx(np.std(changed))
    assert found.sampled.shapley.tolist() == [[1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing varies"),
        ({"target": "enterprise", "enterprise": "D99"}, "no enterprise 'D99'"),
        ({"choices": {"one": {"a": {}}}}, "leaves no choice"),
        ({"weights": "published"}, "weights is a str"),
    ],
)
def test_what_cannot_be_asked_is_said(options, said):
    with pytest.raises(InputError, match=said):
        calib.drivers(options.pop("weights", PUBLISHED), TRIAL, **options)
