"""Experiments on shifts, robustness, rule options and scale: what the tables say is so."""

from dataclasses import replace

import numpy as np
import pytest
from one_language import foreign_words
from shipped import shipped_run

from calib.cli.run import print_stars
from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.outcomes import tipping_points
from calib.population import generate_population
from calib.rating import rate

BASE = {
    "schema": "calib.experiment/1",
    "name": "case",
    "framework": "aii",
    "population": {"generate": {"n": 200, "seed": 3}},
    "sets": {"published": {"source": "published"}},
    "seed": 11,
}


def run(tmp_path, sets=None, outcomes=None, **options):
    document = {**BASE, "sets": {**BASE["sets"], **(sets or {})}, "outcomes": outcomes or {}}
    return run_experiment(parse_experiment(document, folder=tmp_path, file="case.toml"), **options)


def test_tipping_points_agree_with_the_sets_of_the_years(tmp_path):
    shift = {"source": "shift", "weights": {"DA": 0.9}, "years": [2020, 2024]}
    done = run(tmp_path, {"later": shift}, {"tipping": {}})
    table = done.frame("tipping-points")
    assert len(table) > 3
    # The page shows the month; the file keeps the exact moment.
    shown = next(t.shown for t in done.tables if t.name == "tipping-points")
    for text, exact in zip(shown["year"], table["year"], strict=True):
        year, month = (int(part) for part in text.split("-"))
        assert year + (month - 1) / 12 <= exact < year + month / 12
    assert list(done.sets) == ["published", "later", "later/2021", "later/2022", "later/2023"]
    by_year = done.frame("stars-by-year")
    for name, year in (("later/2022", 2022), ("later", 2024), ("published", 2020)):
        rows = by_year[(by_year["scope"] == "all") & (by_year["year"] == year)]
        np.testing.assert_array_equal(rows["count"], done.ratings[name].counts())
    row = table.iloc[0]
    path = done.results["later"].path
    for year, star in (
        (row["year"] - 1e-7, row["from_star"]),
        (row["year"] + 1e-7, row["to_star"]),
    ):
        frame = rate(path.at(year, "moment"), done.context.scored).frame()
        assert frame.loc[frame["enterprise"] == row["enterprise"], "star"].iloc[0] == star


def test_growth_moves_stars_while_weights_stand_still(tmp_path, capsys):
    shift = {"source": "shift", "to": "published", "years": [2020, 2030],
             "growth": {"points": {"": 4.0}}}  # fmt: skip
    done = run(tmp_path, {"still": shift}, {"tipping": {"sets": ["still"]}})
    table = done.frame("tipping-points")
    assert (table["to_star"] > table["from_star"]).all()
    sample = done.context.scored.samples["discrete"]
    rule = done.context.framework.rule.thresholds(done.context.rule_options)
    end = np.minimum(100, sample.X + 40)
    path = done.results["still"].path
    found = tipping_points(sample.track, sample.X, path, rule, X_end=end)
    assert (table["track"] == "discrete").sum() == len(found.row) > 5
    # One answer wherever the set is shown: its enterprises have grown by its year.
    by_year = done.frame("stars-by-year")
    stars = done.frame("stars")
    for name, year in (("still/2024", 2024), ("still", 2030), ("published", 2020)):
        for scope in ("all", "discrete"):
            rows = by_year[(by_year["scope"] == scope) & (by_year["year"] == year)]
            shown = stars[(stars["set"] == name) & (stars["scope"] == scope)]["count"]
            np.testing.assert_array_equal(rows["count"], shown)
    assert (done.ratings["still"].counts() != done.ratings["published"].counts()).any()
    print_stars(done, "en")
    printed = next(t for t in capsys.readouterr().out.splitlines() if "still, " in t)
    assert "enterprises grown" in printed
    counts = [int(c) for c in printed.split("│")[2:7]]
    assert counts == done.ratings["still"].counts().tolist()
    folder = write_run(done, tmp_path / "runs")
    assert "enterprises grown to 2030" in (folder / "report.html").read_text("utf-8")
    assert any("include that growth" in n.get("en") and n.warning for n in done.notes)
    with pytest.raises(InputError, match="growth of an unknown node 'XX'"):
        run(tmp_path, {"still": {**shift, "growth": {"points": {"XX": 1.0}}}})
    with pytest.raises(InputError, match="either to"):
        run(tmp_path, {"none": {"source": "shift", "years": [2020, 2030]}})
    with pytest.raises(InputError, match="finds no set with source = 'shift'"):
        run(tmp_path, {}, {"tipping": {}})


def test_acceptability_cases_are_exact_where_they_can_be_and_repeatable(tmp_path):
    cases = {
        "pillars": {"levels": {"pillar": {"kind": "uniform"}}},
        "all": {"all": {"kind": "dirichlet", "concentration": 40.0}},
        "order": {"families": {"": {"kind": "uniform", "order": ["IC", "IN", "DA"]}}},
    }
    outcome = {"acceptability": {"cases": cases, "size": 128, "replicates": 4}}
    done = run(tmp_path, {}, outcome, workers=1)
    table = done.frame("acceptability")
    np.testing.assert_allclose(table.filter(regex=r"^p_\d").sum(axis=1), 1)
    assert (table.loc[table["case"] == "pillars", "error"] == 0).all()
    assert (table.loc[table["case"] == "all", "error"] > 0).any()
    again = run(tmp_path, {}, outcome, workers=2)
    assert again.frame("acceptability").equals(table)
    assert again.frame("expected-stars").equals(done.frame("expected-stars"))
    for wrong, message in (
        ({"levels": {"pilar": {}}}, "did you mean 'pillar'"),
        ({"families": {"IX": {}}}, "no node 'IX'"),
        ({}, "states no uncertainty"),
        ({"draws": "published"}, "no draws"),
    ):
        with pytest.raises(InputError, match=message):
            run(tmp_path, {}, {"acceptability": {"cases": {"x": wrong}}})


def test_stability_tables_name_who_is_near_and_by_what(tmp_path):
    done = run(tmp_path, {}, {"stability": {"within": 4.0}})
    table, near = done.frame("stability"), done.frame("stability-near")
    assert set(table["level"]) == {"pillar", "capability", "indicator"}
    nearest = table[["down_tv", "up_tv"]].min(axis=1)
    assert len(near) == (nearest <= 0.04).sum() > 0
    # More freedom never makes the way longer: leaf weights can do what pillar weights can.
    wide = table.pivot_table(index="enterprise", columns="level", values="up_tv", dropna=False)
    wide = wide.fillna(np.inf)
    assert (wide["indicator"] <= wide["capability"] + 1e-12).all()
    assert (wide["capability"] <= wide["pillar"] + 1e-12).all()
    moves = done.frame("stability-shifts")
    changes = moves.astype({"change": float})
    sums = changes.groupby(["level", "enterprise", "direction"])["change"].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-9)
    spans = done.frame("weight-intervals")
    assert ((spans["low"] <= spans["weight"]) & (spans["weight"] <= spans["high"])).all()


def test_comparison_and_life_cycle_say_what_the_sets_do(tmp_path):
    sets = {"later": {"source": "override", "weights": {"DA": 0.5}}}
    outcomes = {
        "comparison": {"bootstrap": 200},
        "lifecycle": {"add": [{"parent": "DA.DEC", "weight": 0.3}]},
    }
    done = run(tmp_path, sets, outcomes)
    shares = done.frame("star-intervals")
    assert ((shares["low"] <= shares["share"]) & (shares["share"] <= shares["high"])).all()
    intervals = done.frame("agreement-intervals")
    row = intervals[(intervals["scope"] == "all") & (intervals["measure"] == "up")].iloc[0]
    base = done.ratings["published"].frame()["star"]
    assert row["value"] == pytest.approx((done.ratings["later"].frame()["star"] > base).mean())
    assert set(done.frame("transition-tests")["test"]) == {"Bowker", "Stuart–Maxwell"}
    titles = {t.name: t.title for t in done.tables}
    for name in ("star-intervals", "agreement-intervals"):
        assert "95 %" in titles[name].get("en")
        assert "95%" in titles[name].get("zh")
    added = done.frame("lifecycle-added")
    assert (added["up"] == 0).all()  # everybody at the floor of a new indicator: nobody rises
    assert len(done.frame("lifecycle")) == 28 + 23
    with pytest.raises(InputError, match="no attribute 'size'"):
        run(tmp_path, sets, {"comparison": {"by": "size"}})


def renamed(population, number):
    """Ids of its own for each part: an enterprise stands in one of them."""
    samples = {
        t: replace(s, ids=np.array([f"{i}-{number}" for i in s.ids], dtype=object))
        for t, s in population.samples.items()
    }
    return replace(population, samples=samples)


def test_scale_counts_parts_as_the_run_counts_its_population(tmp_path):
    pytest.importorskip("pyarrow")
    from calib.framework import load_framework
    from calib.population import write_partitions

    framework = load_framework("aii")
    populations = [renamed(generate_population(framework, 80, rng=s), s) for s in range(3)]
    write_partitions(tmp_path / "national", populations)
    scale = {"parts": "national", "draws": 20, "synthetic": True}
    done = run(tmp_path, {"equal": {"source": "equal"}}, {"scale": scale})
    table = done.frame("scale-stars")
    for name in ("published", "equal"):
        rows = table[(table["set"] == name) & (table["scope"] == "all")]
        expected = sum(rate(done.sets[name], p).counts() for p in populations)
        np.testing.assert_array_equal(rows["count"], expected)
    expected = done.frame("scale-expected")
    assert (expected["low"] <= expected["high"]).all()
    assert any(name.startswith("national/") for name in done.inputs)


@pytest.mark.parametrize("name", ["shift-to-analytics", "robustness", "rule-options"])
def test_shipped_experiments_run_and_draw(name):
    done = shipped_run(name)
    from calib.figures import to_svg_string

    drawn = 0
    for drawing in done.drawings:
        if drawing.name.startswith(("stars-over-years", "acceptability", "stability")):
            assert to_svg_string(drawing.draw("zh")).startswith("<svg")
            drawn += 1
    assert drawn > 0 or name == "rule-options"
    for lang in ("zh", "en"):
        assert foreign_words(done, lang) == set()


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"kind": "uniform", "within": 0.1}, "'uniform' has no use for within"),
        ({"kind": "interval"}, "'interval' needs within or bounds"),
        ({"kind": "dirichlet", "bounds": {"IC": [0, 1]}}, "'dirichlet' has no use for bounds"),
    ],
)
def test_a_rule_with_idle_or_missing_keys_is_refused(tmp_path, rule, problem):
    with pytest.raises(InputError, match=problem):
        run(tmp_path, outcomes={"acceptability": {"cases": {"c": {"all": rule}}}})


def test_new_indicators_stand_on_the_scale_and_beside_others(tmp_path):
    added = [{"parent": "DA", "weight": 0.2}, {"parent": "DA.DEC", "weight": 0.2, "score": 500.0}]
    with pytest.raises(InputError) as caught:
        run(tmp_path, outcomes={"lifecycle": {"add": added}})
    assert "add[0].parent" in str(caught.value)
    assert "add[1].score" in str(caught.value)
    flat = {"framework": "vdma", "population": {"generate": {"n": 20, "seed": 1}}}
    document = {**BASE, **flat, "outcomes": {"lifecycle": {"add": [{"parent": "", "weight": 0.5}]}}}
    done = run_experiment(parse_experiment(document, folder=tmp_path, file="case.toml"))
    assert done.frame("lifecycle-added")["down"].iloc[0] > 0


def test_stability_takes_an_engine_and_at_least_one_level(tmp_path):
    done = run(tmp_path, outcomes={"stability": {"engine": "numpy", "levels": ["pillar"]}})
    assert set(done.frame("stability")["level"]) == {"pillar"}
    for wrong in ({"engine": "fortran"}, {"levels": []}):
        with pytest.raises(InputError):
            run(tmp_path, outcomes={"stability": wrong})
