"""Verbs over an ensemble: the sample shown is one of many, and the range over all is counted."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.rating import OverSamples

AII = calib.load_framework("aii")
PUBLISHED = calib.published_weights(AII)
MORE = PUBLISHED.with_weights({"DA": 0.45}, name="more")
FEW = calib.load_ensemble("trial", AII, n=6)
TRIAL = calib.load_population("trial", AII)


def rows(found, **keys):
    table = found.frame()
    for key, value in keys.items():
        table = table[table[key] == value]
    return table


def test_the_published_weights_give_every_sample_the_published_stars():
    found = calib.rate(PUBLISHED, FEW)
    assert isinstance(found, OverSamples)
    stars = rows(found, scope="all", quantity="count")
    for column in ("value", "sample_min", "sample_max"):
        assert stars[column].tolist() == [1, 5, 9, 6, 1]
    assert (stars["samples"] == 6).all()


def test_a_rating_of_other_weights_has_the_range_of_the_single_ratings():
    found = calib.rate(MORE, FEW)
    single = np.array([calib.rate(MORE, p).counts() for p in FEW])
    stars = rows(found, scope="all", quantity="count")
    np.testing.assert_array_equal(stars["value"], calib.rate(MORE, TRIAL).counts())
    np.testing.assert_array_equal(stars["sample_min"], single.min(axis=0))
    np.testing.assert_array_equal(stars["sample_median"], np.median(single, axis=0))
    np.testing.assert_array_equal(stars["sample_max"], single.max(axis=0))


def test_a_comparison_tells_how_many_move_over_the_samples():
    found = calib.compare(PUBLISHED, MORE, FEW, rng=1)
    up = rows(found, set="more", scope="all", quantity="up")
    single = [calib.compare(PUBLISHED, MORE, p, rng=1).frame("agreement") for p in FEW]
    by_hand = [a.loc[a["scope"] == "all", "up"].item() for a in single]
    assert (up["sample_min"].item(), up["sample_max"].item()) == (min(by_hand), max(by_hand))
    assert found.frame("movers").equals(calib.compare(PUBLISHED, MORE, TRIAL, rng=1).frame())


def test_dominance_tells_in_which_share_of_samples_an_indicator_is_over_its_cap():
    cap = {"variance_share": 0.10}
    two = FEW.first(2)
    found = calib.dominance(PUBLISHED, two, cap=cap, level="indicator", orders=10, rng=1)
    over = rows(found, quantity="over_variance_share").set_index(["track", "code"])
    for i, sample in enumerate(two):
        one = calib.dominance(PUBLISHED, sample, cap=cap, level="indicator", orders=10, rng=1)
        flags = {(f.track, f.code) for f in one.flags.itertuples() if f.track != "pooled"}
        counted = found.found[i].query("quantity == 'over_variance_share' and value == 1")
        assert {(r.track, r.code) for r in counted.itertuples()} == flags
    assert over["sample_mean"].between(0, 1).all()
    # Of what is beyond all samples the report warns, by number and by name.
    table = found.range
    beyond = table[(table["value"] > table["sample_max"] + 1e-9)
                   | (table["value"] < table["sample_min"] - 1e-9)]  # fmt: skip
    assert f"{len(beyond)} of {len(table)} numbers of the sample shown" in found.summary("en")
    assert found.names[beyond["code"].iloc[0]].get("zh") in found.notes[1].text.get("zh")


def test_acceptability_and_stability_have_their_ranges():
    two = FEW.first(2)
    sure = calib.acceptability(PUBLISHED, two, levels={"pillar": {"kind": "uniform"}}, size=64,
                               replicates=2, rng=1)  # fmt: skip
    misrated = rows(sure, quantity="misrated")
    by_hand = [
        (1 - calib.acceptability(PUBLISHED, p, levels={"pillar": {"kind": "uniform"}}, size=64,
                                 replicates=2, rng=1).frame()["p_now"]).sum()
        for p in two
    ]  # fmt: skip
    assert misrated["sample_mean"].item() == pytest.approx(np.mean(by_hand))
    near = calib.stability(PUBLISHED, two, levels=["pillar"])
    assert near.frame()["quantity"].tolist() == ["near"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_of_many_is_said_wherever_the_trial_is_used(lang):
    said = {"zh": "众多样本之一", "en": "one of many"}[lang]
    assert said in calib.rate(PUBLISHED, TRIAL).summary(lang)
    assert said in calib.compare(PUBLISHED, MORE, TRIAL, rng=1).summary(lang)
    assert said in calib.rate(PUBLISHED, FEW).summary(lang)
