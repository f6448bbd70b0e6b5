"""calib reproduces published official stars of real institutions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import calib
from calib.errors import InputError


def rated(name):
    framework = calib.load_framework(name)
    population = calib.load_population(name, framework)
    return framework, calib.rate(calib.published_weights(framework), population)


def test_australian_homes_have_their_published_star_but_three_that_contradict_themselves():
    _, rating = rated("au-aged-care")
    sample = rating.samples["all"]
    homes = sample.attributes["homes"].astype(int)
    published = sample.attributes["overall_star_rating"].astype(int)
    assert homes.sum() == 26_825
    agree = sample.star + 1 == published
    assert homes[agree].sum() == 26_822
    # Each of the other three has the sub-ratings of many homes that have the star we give.
    X = rating.scored.samples["all"].X
    for i in np.flatnonzero(~agree):
        same = (X[i] == X).all(axis=1) & agree
        assert homes[same].sum() > homes[i]


def test_us_hospitals_have_their_published_score_and_star():
    _, rating = rated("cms-hospitals")
    assert len(rating.scored) == 3355
    assert sorted(rating.samples) == ["3", "4", "5"]
    for sample in rating.samples.values():
        score = sample.attributes["summary_score"].astype(float)
        assert np.abs(sample.total - score).max() <= 2e-9
        assert (sample.star + 1 == sample.attributes["star"].astype(int)).all()


def test_hospitals_with_too_few_groups_are_not_rated():
    import pandas as pd

    framework = calib.load_framework("cms-hospitals")
    frame = calib.load_population("cms-hospitals", framework).frame()
    groups = ["mortality", "safety", "readmission", "patient_experience", "process"]
    frame[groups] = frame[groups].astype(float)
    frame.loc[frame.index[0], groups[:3]] = np.nan
    frame.loc[frame.index[1], groups[:2]] = np.nan
    head = pd.DataFrame({"enterprise": frame["enterprise"], "track": frame["track"]})
    changed = calib.Population.from_frame(head.join(frame[groups]), framework)
    rating = calib.rate(calib.published_weights(framework), changed)
    assert set(rating.not_rated["enterprise"]) == set(frame["enterprise"][:2])


THRESHOLDS = {
    "2026": ([60, 50, 40, 30, 20], [70, 60, 50, 40, 30]),
    "2027": ([70, 60, 50, 40, 30], [80, 70, 60, 50, 40]),
    "2028": ([80, 70, 60, 50, 40], [80, 70, 60, 50, 40]),
}
STAGES = ["safe-driving", "crash-avoidance", "crash-protection", "post-crash"]


def cars(scores):
    import pandas as pd

    frame = pd.DataFrame(scores, columns=STAGES)
    frame.insert(0, "enterprise", [f"C{i}" for i in range(len(frame))])
    return frame


def ncap(scores, year):
    framework = calib.load_framework("euro-ncap-2026")
    people = calib.Population.from_frame(cars(scores), framework)
    weights = calib.published_weights(framework)
    return calib.rate(weights, people, rule_options={"year": year}).samples["car"]


@pytest.mark.parametrize("year", ["2026", "2027", "2028"])
def test_euro_ncap_star_is_the_lowest_of_the_stages_where_no_points_move(year):
    sd, ca = (np.array(t) for t in THRESHOLDS[year])
    full = np.array([80, 70, 60, 50, 40])
    # Stages equally far from their own thresholds are in balance: nothing moves.
    gap = np.arange(-3, 19)
    base = np.stack([40 - full[0] + sd[0] + gap, 40 - full[0] + ca[0] + gap, 40 + gap], axis=1)
    for post in (39, 40, 55, 80):
        sample = ncap(np.column_stack([base, np.full(len(base), post)]).astype(float), year)
        assert (sample.moved == 0).all()
        own = [(v[:, None] >= t).sum(axis=1) for v, t in zip(base.T, (sd, ca, full), strict=True)]
        expected = np.minimum(np.min(own, axis=0), (post >= full).sum())
        assert sample.star.tolist() == expected.tolist()


@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_euro_ncap_agrees_with_the_official_package(year):
    pytest.importorskip("euroncap_rating_2026")
    import importlib.util
    from pathlib import Path

    path = Path(__file__).parents[2] / "benchmarks" / "check_euro_ncap.py"
    spec = importlib.util.spec_from_file_location("check_euro_ncap", path)
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    scores = np.array(list(itertools.product([30, 47, 61, 74, 88], repeat=4)), dtype=float)
    assert (check.ours(scores, year) == check.official(scores, year)).all()


@pytest.mark.parametrize("name", ["au-aged-care", "cms-hospitals", "euro-ncap-2026", "aii", "vdma"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_how_a_star_comes_about_is_told_from_the_file(name, lang):
    framework = calib.load_framework(name)
    told = calib.explain_rule(framework, lang=lang)
    steps = told.frame("steps")
    star = framework.rule.labels[int(told.sample.star[told.row])].get(lang)
    assert steps.iloc[-1, 2] == star
    # The star is the lowest that any step before it allows.
    order = [n.get(lang) for n in framework.rule.labels]
    allowed = [order.index(v) for v in steps.iloc[:-1, 2] if v]
    assert min(allowed) == order.index(star)
    assert told.summary(lang)


def test_a_cap_in_the_rule_takes_a_star_where_it_says_and_nowhere_else():
    framework = calib.load_framework("cms-hospitals")
    hospitals = calib.load_population("cms-hospitals", framework)
    base = calib.published_weights(framework)
    weak = {"at_most": 4, "when": {"node": "safety", "at_most": -0.5}}
    capped = calib.with_rule(framework, caps=[weak])
    before = calib.rate(base, hospitals)
    after = calib.rate(base.under(capped), hospitals.under(capped))
    lost = 0
    for t, sample in after.samples.items():
        old = before.samples[t].star + 1
        safety = sample.scores[:, sample.track.index["safety"]]
        with np.errstate(invalid="ignore"):  # no score on safety: the cap does not hold
            expected = np.where(safety <= -0.5 + 1e-9, np.minimum(old, 4), old)
        np.testing.assert_array_equal(sample.star + 1, expected)
        assert np.isnan(safety[sample.star == 4]).any() or t == "5"
        lost += int((expected < old).sum())
    assert after.downgrades == lost > 10
    again = before.scored.under(capped)
    np.testing.assert_array_equal(calib.rate(base.under(capped), again).counts(), after.counts())


def test_without_a_score_on_a_gated_node_a_hospital_is_not_rated():
    framework = calib.load_framework("cms-hospitals")
    hospitals = calib.load_population("cms-hospitals", framework)
    gate = {"node": "safety", "values": [-90, -80, -70, -60]}
    gated = calib.with_rule(framework, node_gates=[gate])
    before = calib.rate(calib.published_weights(framework), hospitals)
    after = calib.rate(calib.published_weights(gated), hospitals.under(gated))
    lacking = [
        str(i) for s in before.samples.values()
        for i, x in zip(s.ids, s.scores[:, s.track.index["safety"]], strict=True) if np.isnan(x)
    ]  # fmt: skip
    added = set(after.not_rated["enterprise"]) - set(before.not_rated["enterprise"])
    assert added == set(lacking)
    assert lacking


def test_weights_and_enterprises_only_go_under_a_framework_of_the_same_trees():
    framework, other = calib.load_framework("cms-hospitals"), calib.load_framework("vdma")
    with pytest.raises(InputError, match="other nodes"):
        calib.published_weights(framework).under(other)
    with pytest.raises(InputError, match="other nodes"):
        calib.load_population("cms-hospitals", framework).under(other)
    with pytest.raises(InputError, match="read from no file"):
        calib.with_rule(calib.with_rule(framework, caps=None), caps=None)
    with pytest.raises(InputError, match=r"rating\.caps\[0\]"):
        calib.with_rule(framework, caps=[{"at_most": 9, "when": {"node": "safety", "below": 0}}])


def test_hospitals_without_all_scores_are_left_out_with_a_note_and_cut_points_stay():
    framework = calib.load_framework("cms-hospitals")
    hospitals = calib.load_population("cms-hospitals", framework)
    base = calib.published_weights(framework)
    with pytest.raises(InputError, match="complete answers"):
        calib.stability(base, hospitals, incomplete="error")
    found = calib.stability(base, hospitals)
    stars = found.frame("stability").set_index("enterprise")["star"]
    assert len(stars) == 2966
    every = calib.rate(base, hospitals).frame("enterprises").set_index("enterprise")["star"]
    assert (every[stars.index] == stars).all()
    assert "389 of 3355" in found.notes[-1].text.get("en")
    path = calib.shift(base, {"safety": 0.30}, years=(2021, 2026))
    tipping = calib.tipping(path, hospitals)
    moved = tipping.frame("tipping-points")
    assert (stars[moved["enterprise"]].to_numpy() == moved["from_star"]).all()
    end = calib.rate(path.weights, hospitals).frame("enterprises").set_index("enterprise")["star"]
    last = moved.groupby("enterprise")["to_star"].last()
    assert (end[last.index] == last).all()
    assert "389" in tipping.notes[-1].text.get("en")


@pytest.mark.parametrize("seed", range(3))
def test_another_year_with_other_weights_and_cut_points_rates_as_by_hand(seed):
    rng = np.random.default_rng(seed)
    framework = calib.load_framework("cms-hospitals")
    hospitals = calib.load_population("cms-hospitals", framework)
    bands = {t: np.sort(rng.normal(0, 0.6, 4)).round(3).tolist() for t in framework.tracks}
    other = calib.with_rule(
        framework, clusters=None, variants=[{"track": t, "bands": b} for t, b in bands.items()]
    )
    w = rng.dirichlet(np.full(5, 5.0))
    weights = calib.WeightSet.build(
        other, "other", dict.fromkeys(framework.tracks, w), source="test"
    )
    rating = calib.rate(weights, hospitals.under(other))
    for t, sample in rating.samples.items():
        X = rating.scored.samples[t].X
        total = np.nansum(X * w, axis=1) / (~np.isnan(X) * w).sum(axis=1)
        np.testing.assert_array_equal(sample.star, (total[:, None] > np.array(bands[t])).sum(1))


def test_another_year_of_homes_has_its_own_weights_and_caps():
    framework = calib.load_framework("au-aged-care")
    staffing = {"at_most": 3, "year": 2026, "when": {"node": "staffing_rating", "at_most": 2}}
    years = calib.with_rule(framework, years=[2022, 2026], caps=[staffing])
    homes = calib.load_population("au-aged-care", years)
    w = np.array([0.25, 0.25, 0.35, 0.15])
    weights = calib.WeightSet.build(years, "other", {"all": w}, source="test")
    for year in ("2022", "2026"):
        rating = calib.rate(weights, homes, rule_options={"year": year})
        X = rating.scored.samples["all"].X
        known = ~np.isnan(X)
        total = np.nansum(X * w, axis=1) / (known * w).sum(axis=1)
        star = np.floor(total + 0.5 + 1e-9).clip(1, 5)
        if year == "2026":
            with np.errstate(invalid="ignore"):
                star = np.where(X[:, 2] <= 2, np.minimum(star, 3), star)
        np.testing.assert_array_equal(rating.samples["all"].star + 1, star)


CAPPED = """schema = "calib.framework/1"
code = "hygiene"
version = "1"
name = { zh = "卫生评级", en = "hygiene rating" }
source = "made up after a scheme of demerits with caps"
[[levels]]
code = "area"
name = { zh = "方面", en = "area" }
[[tracks]]
code = "all"
name = { zh = "全部", en = "all" }
[rating]
first = 0
score_range = [-90, 0]
years = [2013, 2026]
edges = "lower"
bands = [-50, -40, -30, -20, -15]
labels = [
  { zh = "0级", en = "0" }, { zh = "1级", en = "1" }, { zh = "2级", en = "2" },
  { zh = "3级", en = "3" }, { zh = "4级", en = "4" }, { zh = "5级", en = "5" },
]
[[rating.variants]]
year = 2026
bands = [-45, -36, -30, -20, -15]
[rating.coverage]
items = 1
[rating.rule_options]
missing = "renormalise"
"""


def _hygiene(folder):
    parts = [CAPPED]
    for top, points in ((4, 5), (2, 10), (1, 15), (0, 20)):
        any_of = ", ".join(f'{{ node = "{n}", below = {-3 * points} }}' for n in "HSC")
        parts.append(
            f"[[rating.caps]]\nat_most = {top}\nwhen = {{ any = [{any_of}] }}\n"
            f'name = {{ zh = "一方面超过 {points} 分", en = "an area above {points}" }}\n'
        )
    for n in "HSC":
        item = '{ kind = "number", range = [0, 30], scores = [0, -90] }'
        parts.append(
            f'[[nodes]]\ncode = "{n}"\nname = {{ zh = "{n}", en = "{n}" }}\n'
            f"weight = 0.3333333333333333\nitem = {item}\n"
        )
    path = folder / "hygiene.toml"
    path.write_text("".join(parts), encoding="utf-8")
    return calib.load_framework(path)


def test_a_scheme_of_added_demerits_with_four_caps_is_rated_as_by_hand(tmp_path):
    framework = _hygiene(tmp_path)
    points = (0, 5, 10, 15, 20, 25, 30)
    rows = [(h, s, c) for h in points for s in points for c in points]
    frame = pd.DataFrame(rows, columns=["H", "S", "C"])
    frame.insert(0, "track", "all")
    frame.insert(0, "enterprise", [f"E{i}" for i in range(len(rows))])
    firms = calib.Population.from_frame(frame, framework)
    weights = calib.published_weights(framework)
    limits = {"2013": (15, 20, 30, 40, 50), "2026": (15, 20, 30, 36, 45)}
    worst = (5, 10, 10, 15, 20)
    for year, sums in limits.items():
        rated = calib.rate(weights, firms, rule_options={"year": year})
        expected = [
            next((5 - k for k in range(5) if sum(r) <= sums[k] and max(r) <= worst[k]), 0)
            for r in rows
        ]
        assert rated.samples["all"].star.tolist() == expected


@pytest.mark.parametrize(("lang", "cap"), [("en", "cap: an area above 10"),
                                           ("zh", "封顶：一方面超过 10 分")])  # fmt: skip
def test_a_cap_is_explained_by_its_name_and_not_as_a_gate(tmp_path, lang, cap):
    framework = _hygiene(tmp_path)
    frame = pd.DataFrame([("A", "all", 0, 0, 15)], columns=["enterprise", "track", *"HSC"])
    firms = calib.Population.from_frame(frame, framework)
    rated = calib.rate(calib.published_weights(framework), firms, rule_options={"year": "2013"})
    told = calib.explain_star(rated, "A", lang=lang)
    steps = told.frame("steps").iloc[:, 0].tolist()
    assert cap in steps
    assert not [s for s in steps if "gate" in s or "门槛" in s]
    assert told.frame("steps").iloc[-1, 2] == framework.rule.labels[2].get(lang)
    said = " ".join(n.text.get(lang) for n in told.notes)
    assert "2013" in said
    assert cap.split("cap: ")[-1].removeprefix("封顶：") in said


def test_made_up_extremes_do_not_move_cut_points_that_come_from_the_enterprises():
    framework = calib.load_framework("cms-hospitals")
    hospitals = calib.load_population("cms-hospitals", framework)
    found = calib.unanswered(calib.published_weights(framework), hospitals)
    assert set(found.ratings) == {"renormalise", "leave-out", "impute"}
    said = " ".join(n.text.get("en") for n in found.notes)
    assert "the worst and the best case are left out" in said.lower()
    assert "whatever could have been answered" not in said
