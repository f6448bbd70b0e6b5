"""Verbs over an ensemble: the sample shown is one of many, and the range over all is counted."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.files import shipped_data
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
    single = [
        calib.compare(PUBLISHED, MORE, p, rng=1, bootstrap=100).frame("agreement") for p in FEW
    ]
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


def test_years_indicators_and_rule_options_have_their_ranges():
    two = FEW.first(2)
    moving = calib.shift(PUBLISHED, {"DA": 0.45}, years=(2025, 2030))
    tipped = rows(calib.tipping(moving, two), quantity="changing")
    by_hand = [calib.tipping(moving, p).frame()["enterprise"].nunique() for p in two]
    assert [tipped["sample_min"].item(), tipped["sample_max"].item()] == sorted(by_hand)
    spent = rows(calib.lifecycle(PUBLISHED, two, ceiling=0.3), quantity="spent").set_index("code")
    single = [calib.lifecycle(PUBLISHED, p, ceiling=0.3).frame().set_index("code") for p in two]
    mean = np.mean([one["spent"][spent.index] for one in single], axis=0)
    np.testing.assert_array_equal(spent["sample_mean"], mean)
    assert mean.any()
    options = calib.rule_options(PUBLISHED, two)
    down = rows(options, quantity="down").set_index("rule_option")["sample_mean"]
    frames = [calib.rule_options(PUBLISHED, p).frame().set_index("rule_option") for p in two]
    np.testing.assert_array_equal(down, np.mean([f["down"][down.index] for f in frames], axis=0))


def test_an_experiment_shows_the_range_over_samples_of_every_analysis_that_names_them(tmp_path):
    shipped = shipped_data() / "trial" / "ensemble.csv"
    lines = shipped.read_text("ascii").splitlines()[:45]
    (tmp_path / "few.csv").write_text("\n".join(lines), "ascii")
    (tmp_path / "over.toml").write_text(EXPERIMENT, "utf-8")
    run = calib.run_experiment(tmp_path / "over.toml")
    two = FEW.first(2)
    for name in ("comparison", "acceptability", "tipping", "lifecycle", "rule-options",
                 "dominance", "stability"):  # fmt: skip
        assert isinstance(run.outcomes[name], OverSamples), name
        assert (run.outcomes[name].range["samples"] == 2).all()
    direct = calib.compare(PUBLISHED, MORE, two, rng=1).range.query("set == 'more'")
    found = run.outcomes["comparison"].range.query("set == 'more'")
    columns = ["value", "sample_min", "sample_mean", "sample_max"]
    np.testing.assert_array_equal(found[columns], direct[columns])
    assert set(run.outcomes["dominance"].range["set"]) == {"published", "more"}
    assert set(run.outcomes["acceptability"].range["case"]) == {"any", "near"}
    assert "few.csv" in run.inputs
    rows = run.frame("dominance-samples")  # in the order of the analysis itself
    table = calib.dominance(PUBLISHED, TRIAL, orders=10, rng=1).frame()
    own = table[(table["track"] == "discrete") & (table["level"] == "indicator")]["code"].tolist()
    found = rows.query("set == 'published' and track == 'discrete'")["code"].unique().tolist()
    assert found == own
    assert "众多样本之一" in run.summary("zh")


EXPERIMENT = """
schema = "calib.experiment/1"
name = "over-samples"
framework = "aii"
baseline = "published"
population = { file = "trial" }
[sets.published]
source = "published"
[sets.more]
source = "override"
weights = { DA = 0.45 }
[sets.moving]
source = "shift"
base = "published"
to = "more"
years = [2025, 2026]
[outcomes.comparison]
ensemble = "few.csv"
bootstrap = 100
[outcomes.acceptability]
ensemble = "few.csv"
size = 64
replicates = 2
cases.any.levels.pillar.kind = "uniform"
cases.near.levels.pillar = { kind = "dirichlet", concentration = 60 }
[outcomes.stability]
ensemble = "few.csv"
levels = ["pillar"]
[outcomes.tipping]
ensemble = "few.csv"
[outcomes.lifecycle]
ensemble = "few.csv"
[outcomes.rule-options]
ensemble = "few.csv"
sets = ["published"]
together = false
[outcomes.dominance]
ensemble = "few.csv"
sets = ["published", "more"]
cap = 0.1
orders = 10
draws = 0
"""
