"""Life cycle of indicators, and dependence of stars on rule options."""

import numpy as np
import pytest

from calib.errors import InputError
from calib.files import shipped_data
from calib.framework import Thresholds, load_framework
from calib.outcomes import add_indicator, item_use, option_choices, rate_options, retire_indicator
from calib.outcomes.indicators import star_vector
from calib.outcomes.rule_options import dependent_table, option_table, range_table
from calib.population import load_population
from calib.rating import rate
from calib.weights import published_weights

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
LOCAL = FRAMEWORK.published["discrete"]
RULE = FRAMEWORK.rule.thresholds()
G = TRACK.leaf_weights(LOCAL)


def answers(count, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, (count, len(TRACK.leaves))) * 25.0
    return np.clip(X + 25.0 * rng.integers(-2, 3, (count, 1)), 0, 100)


def test_ceiling_floor_and_discrimination_are_what_they_say():
    X = answers(50, 1)
    X[:, 0] = 100.0
    X[:10, 1], X[10:, 1] = 0.0, 75.0
    use = item_use(X, G, low=0, high=100)
    assert use.ceiling[0] == 1
    assert np.isnan(use.discrimination[0])
    assert use.floor[1] == 0.2
    rest = np.delete(X, 5, axis=1) @ np.delete(G, 5)
    assert use.discrimination[5] == pytest.approx(np.corrcoef(X[:, 5], rest)[0, 1])


def test_retiring_rates_as_if_the_indicator_had_never_been():
    X = answers(300, 2)
    effect = retire_indicator(TRACK, X, LOCAL, RULE, "DA.DEC.D1")
    # The other two indicators of the capability share its weight half and half.
    g = np.array(G)
    j = TRACK.leaf_codes.index("DA.DEC.D1")
    kids = [TRACK.leaf_codes.index(c) for c in ("DA.DEC.D2", "DA.DEC.D3")]
    g[kids] += g[j] / 2
    g[j] = 0
    member = TRACK.membership(TRACK.at_depth(1))
    total = X @ g
    pillars = np.stack([X[:, row] @ g[row] / g[row].sum() for row in member], axis=1)
    star = np.minimum(
        np.searchsorted(RULE.band, total), np.searchsorted(RULE.gate, pillars).min(axis=1)
    )
    np.testing.assert_array_equal(effect.after, star)
    np.testing.assert_array_equal(effect.before, star_vector(TRACK, X, LOCAL, RULE))
    assert effect.up + effect.down == (effect.after != effect.before).sum() > 0
    with pytest.raises(InputError, match="no indicator"):
        retire_indicator(TRACK, X, LOCAL, RULE, "DA")


def test_a_retired_indicator_takes_its_own_gate_along():
    vdma = load_framework("vdma")
    track, local = vdma.tracks["all"], vdma.published["all"]
    gated = Thresholds(np.array([20.0, 40, 60, 80]), np.array([20.0, 40, 60, 80]), 1, False)
    X = np.full((1, len(track.leaves)), 90.0)
    X[0, 0] = 10.0
    effect = retire_indicator(track, X, local, gated, track.leaf_codes[0])
    assert effect.before[0] == 0
    assert effect.after[0] == 4


def test_rounding_is_no_discrimination():
    X = answers(60, 5)
    X[:, 1:] = 100.0 / 3
    use = item_use(X, G, low=0, high=100)
    assert np.isnan(use.discrimination).all()


def test_adding_the_mean_of_its_capability_changes_nothing_and_top_scores_only_raise():
    X = answers(200, 3)
    kids = [TRACK.leaf_codes.index(f"DA.DEC.D{i}") for i in (1, 2, 3)]
    how = {"parent": "DA.DEC", "weight": 0.25}
    same = add_indicator(TRACK, X, LOCAL, RULE, scores=X[:, kids].mean(axis=1), **how)
    np.testing.assert_array_equal(same.before, same.after)
    top = add_indicator(TRACK, X, LOCAL, RULE, scores=np.full(200, 100.0), **how)
    assert top.down == 0 < top.up
    with pytest.raises(InputError, match="no indicators"):
        add_indicator(TRACK, X, LOCAL, RULE, scores=X[:, 0], parent="DA", weight=0.2)


def test_each_option_is_rated_and_dependence_is_named():
    population = load_population(shipped_data() / "trial" / "trial.toml", FRAMEWORK)
    weights = published_weights(FRAMEWORK)
    base = FRAMEWORK.rule.defaults
    single = option_choices(FRAMEWORK, population, base, together=False)
    assert {k[0][0] for k in single if k} >= {"band_edge", "gate_value", "downgrade", "gate_scope"}
    assert not any(key == "missing" for changed in single for key, _ in changed)
    together = option_choices(FRAMEWORK, population, base, together=True)
    sizes = [len([c for c in single if c and c[0][0] == key]) + 1
             for key in {c[0][0] for c in single if c}]  # fmt: skip
    assert len(together) == np.prod(sizes)
    ratings = rate_options(population, weights, single)
    table = option_table(ratings)
    assert table["up"].iloc[0] == table["down"].iloc[0] == 0
    dependent = dependent_table(ratings)
    assert len(dependent) == (table["up"] + table["down"]).sum() > 0
    row = dependent.iloc[0]
    key, value = row["rule_option"].split(" = ")
    frame = rate(weights, population, rule_options={key: value}).frame()
    found = frame.loc[frame["enterprise"] == row["enterprise"], "star"].iloc[0]
    assert found == row["star_under_option"] != row["star"]
    wide = range_table(rate_options(population, weights, together))
    assert (wide["lowest"] <= wide["star"]).all()
    assert (wide["highest"] >= wide["star"]).all()
    assert set(dependent["enterprise"]) <= set(wide.loc[wide["same_share"] < 1, "enterprise"])


def test_enterprises_of_one_total_count_alike_in_the_upper_and_the_lower_group():
    rng = np.random.default_rng(4)
    X = rng.integers(0, 3, size=(22, 4)) * 50.0
    g = np.array([0.1, 0.2, 0.3, 0.4])
    found = item_use(X, g, low=0, high=100).upper_lower
    total, size = (X @ g).round(6), 6
    assert len(np.unique(total)) < 22
    for _ in range(5):  # no order of the table is better than another
        again = item_use(X[rng.permutation(22)], g, low=0, high=100).upper_lower
        np.testing.assert_allclose(again, found, atol=1e-9)
    mean = np.zeros(4)  # the mean over orders in which ties are broken at random
    for _ in range(4000):
        order = np.lexsort((rng.random(22), total))
        mean += (X[order[-size:]].mean(axis=0) - X[order[:size]].mean(axis=0)) / 4000
    np.testing.assert_allclose(found, mean, atol=1.5)
