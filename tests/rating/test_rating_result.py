"""A rating introduces itself, and says how sure each star is where the weights vary."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.weights import Root, WeightSet, from_table
from calib.words import Name

AII = calib.load_framework("aii")
FIRMS = calib.load_population("trial", AII)
PUBLISHED = calib.published_weights(AII)


def varied(size=300):
    """Return the published set with Dirichlet draws of the pillars."""
    rng = np.random.default_rng(4)
    top = {t: tree.at_depth(1) for t, tree in AII.tracks.items()}
    pillars = rng.dirichlet(30 * PUBLISHED.local["discrete"][top["discrete"]], size)
    draws = {}
    for t in AII.tracks:
        draws[t] = np.tile(PUBLISHED.local[t], (size, 1))
        draws[t][:, top[t]] = pillars
    root = Root("panel", "panel", Name("专家", "experts"), "1")
    return PUBLISHED.with_uncertainty(from_table(root, PUBLISHED.local, draws))


def test_a_rating_says_its_stars_in_one_line():
    rating = calib.rate(PUBLISHED, FIRMS)
    assert "1★ 1, 2★ 5, 3★ 9, 4★ 6, 5★ 1; 4 downgraded" in repr(rating)
    assert len(repr(rating)) < 200
    assert len(rating._repr_html_()) < 10_000
    assert rating.summary("zh").splitlines()[1].startswith("! 样本")


def test_the_probability_of_a_star_is_the_share_of_draws_that_give_it():
    weights = varied()
    few = weights.with_uncertainty(_few(weights, 40))
    rating = calib.rate(few, FIRMS)
    for t in AII.tracks:
        own = rating.samples[t].star
        hits = np.zeros(len(own))
        for i in range(40):
            local = {u: weights.draws[u][i] for u in AII.tracks}
            one = WeightSet.build(AII, "one", local, source="test")
            hits += calib.rate(one, FIRMS).samples[t].star == own
        np.testing.assert_allclose(rating.probability[t][np.arange(len(own)), own], hits / 40)
    assert calib.rate(weights, FIRMS).frame()["p_now"].between(0, 1).all()
    assert "p_now" not in calib.rate(PUBLISHED, FIRMS).frame()


def _few(weights, size):
    """Return the uncertainty of the first draws only."""
    root = weights.roots[0]
    return from_table(root, weights.local, {t: d[:size] for t, d in weights.draws.items()})


def test_swapped_arguments_get_one_sentence():
    with pytest.raises(InputError, match=r"rate\(weights, population\): .* the two are swapped"):
        calib.rate(FIRMS, PUBLISHED)


def test_a_shipped_population_goes_by_its_name_and_another_name_is_told():
    assert len(FIRMS) == 22
    with pytest.raises(InputError, match=r"no shipped population 'trail' .*trial"):
        calib.load_population("trail", AII)


@pytest.mark.parametrize("thing", [AII, FIRMS, PUBLISHED, varied(), AII.tracks["discrete"]])
def test_objects_introduce_themselves_in_one_line(thing):
    assert len(repr(thing)) < 200
