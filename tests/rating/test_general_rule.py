"""A framework file can say what real star systems say, and every reader of it agrees."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.framework import Rounding, parse_framework
from calib.outcomes import stars_along, tipping_points
from calib.population import Population
from calib.rating import one_weight_intervals, score_answers, star_counts
from calib.rating.clusters import cluster_bands

N = {"zh": "甲", "en": "a"}


def document(**rating):
    """Two parts of two items each, scored in points, four stars."""
    nodes = []
    for part, weight in (("A", 0.6), ("B", 0.4)):
        nodes.append({"code": part, "name": {"zh": part, "en": part}, "weight": weight})
        nodes += [
            {"code": f"{part}{i}", "parent": part, "name": {"zh": f"{part}{i}", "en": f"{part}{i}"},
             "weight": w, "item": {"kind": "number", "range": [-50, 100]}}
            for i, w in ((1, 0.7), (2, 0.3))
        ]  # fmt: skip
    base = {"score_range": [-50, 100], "bands": [0, 40, 70],
            "labels": [{"zh": f"{k}星", "en": f"{k}★"} for k in (1, 2, 3, 4)]}  # fmt: skip
    return {
        "schema": "calib.framework/1", "code": "general", "version": "1", "name": N,
        "levels": [{"code": "part", "name": N}, {"code": "item", "name": {"zh": "乙", "en": "b"}}],
        "tracks": [{"code": "small", "name": {"zh": "小", "en": "small"}},
                   {"code": "large", "name": {"zh": "大", "en": "large"}}],
        "rating": {**base, **rating}, "nodes": nodes,
    }  # fmt: skip


def crowd(framework, n=400, seed=3):
    import pandas as pd

    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        np.round(rng.uniform(-50, 100, (n, 4)), 1), columns=["A1", "A2", "B1", "B2"]
    )
    frame.insert(0, "enterprise", [f"E{i}" for i in range(n)])
    frame.insert(1, "track", np.where(np.arange(n) % 2, "small", "large"))
    return Population.from_frame(frame, framework), frame


def by_hand(row, star_of):
    a, b = 0.7 * row.A1 + 0.3 * row.A2, 0.7 * row.B1 + 0.3 * row.B2
    return star_of(0.6 * a + 0.4 * b, a, b, row)


def check(rating, star_of, rule_options=None):
    framework = parse_framework(document(**rating))
    people, frame = crowd(framework)
    rated = calib.rate(calib.published_weights(framework), people, rule_options=rule_options)
    found = {i: s for t in rated.samples.values() for i, s in zip(t.ids, t.star + 1, strict=True)}
    for row in frame.itertuples():
        assert found[row.enterprise] == by_hand(row, star_of), row
    return framework, people, rated


def plain(total):
    return 1 + (total > 0) + (total > 40) + (total > 70)


GATES = [
    {"node": "A", "values": [-20, 10, 50]},
    {"node": "B2", "values": [-40, 0, 30], "inclusive": True, "track": "small"},
]


def gated(total, a, b, row):
    star = min(plain(total), 1 + (a > -20) + (a > 10) + (a > 50))
    if row.track == "small":
        star = min(star, 1 + (row.B2 >= -40) + (row.B2 >= 0) + (row.B2 >= 30))
    return star


def test_gates_stand_on_one_named_node_and_in_one_track():
    check({"node_gates": GATES}, gated)


def test_bands_differ_by_track_and_year():
    rating = {
        "years": [2026, 2027],
        "variants": [{"track": "large", "bands": [10, 50, 80]},
                     {"year": 2027, "track": "large", "bands": [20, 60, 90]}],
    }  # fmt: skip

    def star(edges):
        def of(total, a, b, row):
            if row.track == "small":
                return plain(total)
            return 1 + sum(total > e for e in edges)

        return of

    check(rating, star([20, 60, 90]))  # the newest year is the default
    check(rating, star([10, 50, 80]), {"year": "2026"})
    with pytest.raises(InputError, match="no such value"):
        check(rating, star([10, 50, 80]), {"year": "2025"})


CAPS = [
    {"at_most": 3, "when": {"node": "B", "below": 20}},
    {"at_most": 2, "when": {"all": [{"node": "A1", "at_most": 0}, {"node": "B1", "at_most": 0}]}},
    {"at_most": 1, "when": {"count": 3, "of": [
        {"node": c, "above": 60} for c in ("A1", "A2", "B1", "B2")]}},
]  # fmt: skip


def capped(total, a, b, row):
    star = plain(total)
    if b < 20:
        star = min(star, 3)
    if row.A1 <= 0 and row.B1 <= 0:
        star = min(star, 2)
    if sum(x > 60 for x in (row.A1, row.A2, row.B1, row.B2)) >= 3:
        star = 1
    return star


def test_caps_on_one_node_on_all_of_several_and_on_a_count():
    _, _, rated = check({"caps": CAPS}, capped)
    assert any("A1/A2/B1/B2" in c for s in rated.samples.values() for c in s.causes())


def test_what_lacks_coverage_is_not_rated_and_is_no_lowest_star():
    rating = {"coverage": {"items": 0.75, "nodes": [{"nodes": ["A", "B"], "at_least": 2}]},
              "rule_options": {"missing": "renormalise"}}  # fmt: skip
    framework = parse_framework(document(**rating))
    _, frame = crowd(framework, 4)
    frame.loc[0, "A1"] = np.nan  # three of four items: rated, A2 takes over
    frame.loc[1, ["A1", "B1"]] = np.nan  # half of the items
    people = Population.from_frame(frame, framework)
    rated = calib.rate(calib.published_weights(framework), people)
    assert rated.counts().sum() == 3
    assert rated.not_rated["enterprise"].tolist() == ["E1"]
    large = rated.samples["large"]
    b = 0.7 * frame.B1[0] + 0.3 * frame.B2[0]
    assert large.total[0] == pytest.approx(0.6 * frame.A2[0] + 0.4 * b)
    text = rated.summary("en") + rated.summary("zh")
    assert "not rated" in text
    assert "不评级" in text
    assert [t.name for t in rated.tables][-1] == "not-rated"  # every column is declared


def moved_by_hand(x, gates, points):
    """Try every move of whole points between three parts in a row."""
    best = None
    shift = [max(g[-1] for g in gates) - g[-1] for g in gates]
    for f, g in itertools.product(range(points, -points - 1, -1), range(-points, points + 1)):
        if f * g > 0 or abs(f) + abs(g) > points:
            continue
        now = (x[0] - f, x[1] + f - g, x[2] + g)
        own = [v + s for v, s in zip(now, shift, strict=True)]
        mean = sum(v + s for v, s in zip(x, shift, strict=True)) / 3
        cost = sum((v - mean) ** 2 for v in own)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, now)
    return best[1]


@pytest.mark.parametrize("towards", ["balance", "star"])
def test_points_move_between_neighbours_only_and_only_so_many(towards):
    doc = document()
    gates = {"A": [0, 30, 60], "B": [-10, 20, 50], "C": [0, 30, 60]}
    doc["nodes"] = [{"code": c, "name": {"zh": c, "en": c}, "weight": w,
                     "item": {"kind": "number", "range": [-50, 100]}}
                    for c, w in (("A", 0.3), ("B", 0.3), ("C", 0.4))]  # fmt: skip
    doc["levels"] = doc["levels"][:1]
    del doc["rating"]["bands"]
    doc["rating"]["node_gates"] = [
        {"node": c, "values": v, "inclusive": True} for c, v in gates.items()
    ]
    doc["rating"]["compensation"] = {"nodes": list("ABC"), "points": 4, "towards": towards}
    framework = parse_framework(doc)
    import pandas as pd

    X = np.random.default_rng(1).integers(-20, 90, (500, 3)).astype(float)
    frame = pd.DataFrame(X, columns=list("ABC"))
    frame.insert(0, "enterprise", [f"E{i}" for i in range(len(X))])
    frame.insert(1, "track", "small")
    rated = calib.rate(calib.published_weights(framework), Population.from_frame(frame, framework))

    def star(now):
        return min(sum(v >= g for g in gates[c]) for c, v in zip("ABC", now, strict=True))

    for row, found in zip(X, rated.samples["small"].star, strict=True):
        if towards == "balance":
            assert found == star(moved_by_hand(row, list(gates.values()), 4))
        else:
            every = [
                star((row[0] - f, row[1] + f - g, row[2] + g))
                for f, g in itertools.product(range(-4, 5), repeat=2)
                if f * g <= 0 and abs(f) + abs(g) <= 4
            ]
            assert found == max(every)


@pytest.mark.parametrize(
    ("rule", "mode"), [("half-up", ROUND_HALF_UP), ("half-even", ROUND_HALF_EVEN)]
)
@pytest.mark.parametrize("places", [0, 1])
@pytest.mark.parametrize("inclusive", [True, False])
def test_rounding_first_is_the_same_as_the_effective_threshold(rule, mode, places, inclusive):
    rounding = Rounding(rule, places)
    unit = Decimal(1).scaleb(-places)
    for edge in (2.0, 2.3, 3.0, 2.55):
        limit = rounding.threshold(edge, inclusive, 1e-9)
        for k in range(-400, 401):
            x = Decimal("2.5") + Decimal(k) / 400
            rounded = x.quantize(unit, rounding=mode)
            passes = rounded >= Decimal(str(edge)) if inclusive else rounded > Decimal(str(edge))
            assert (float(x) > limit) == passes, (x, edge)


def test_a_half_that_binary_sums_miss_is_rounded_as_on_paper():
    assert 0.285 * 100 < 28.5  # what a plain comparison sees
    limit = Rounding("half-up").threshold(29.0, True, 1e-9)
    assert limit < 0.285 * 100
    assert not limit < 28.49999


ITEMS = [
    ({"kind": "graded", "options": 5, "degrees": 2}, 7, 100 * 6 / 9),
    ({"kind": "checklist", "options": 4}, 0, 0.0),
    ({"kind": "checklist", "options": 4}, 3, 75.0),
    ({"kind": "number", "range": [0, 500], "scores": [100, 0]}, 125, 75.0),
    ({"kind": "number", "range": [-5, 100]}, -2.5, -2.5),
    ({"kind": "qualitative", "options": 3}, 2, 50.0),
]


@pytest.mark.parametrize(("item", "answer", "score"), ITEMS)
def test_every_kind_of_item_gives_its_score(item, answer, score):
    import pandas as pd

    doc = document(
        score_range=[-5 if item.get("range") == [-5, 100] else 0, 100], bands=[30, 40, 70]
    )
    doc["nodes"] = [{"code": "A", "name": N, "weight": 1.0, "item": item}]
    doc["levels"] = doc["levels"][:1]
    framework = parse_framework(doc)
    frame = pd.DataFrame({"enterprise": ["x"], "track": ["small"], "A": [answer]})
    scored = score_answers(Population.from_frame(frame, framework))
    assert scored.samples["small"].X[0, 0] == pytest.approx(score)
    for bad in (-1 if item["kind"] != "number" else -6, 600):
        frame["A"] = bad
        with pytest.raises(InputError, match="expected"):
            Population.from_frame(frame, framework)


ONLY_GATES_AND_ITEM_CAPS = {
    "node_gates": GATES,
    "caps": [CAPS[0], CAPS[1]],
}


def own_set(framework, local):
    weights = calib.published_weights(framework)
    return replace(weights, local=dict.fromkeys(framework.tracks, local), name="own")


def test_counting_under_many_sets_agrees_with_rating_each():
    framework = parse_framework(document(**ONLY_GATES_AND_ITEM_CAPS))
    people, _ = crowd(framework)
    scored = score_answers(people)
    rng = np.random.default_rng(5)
    for t, sample in scored.samples.items():
        track = framework.tracks[t]
        local = np.repeat(framework.published[t][None], 40, axis=0)
        for family in track.families:
            local[:, family.members] = rng.dirichlet(np.ones(len(family.members)), 40)
        rule = framework.rule.effective(scored.rule_options, t)
        found = star_counts(track, sample.X, local, rule).per_set
        for k in range(40):
            weights = own_set(framework, local[k])
            rated = calib.rate(weights, scored)
            assert np.bincount(rated.samples[t].star, minlength=4).tolist() == found[k].tolist()


def test_stability_intervals_and_tipping_points_follow_named_gates_and_caps_on_items():
    framework = parse_framework(document(**ONLY_GATES_AND_ITEM_CAPS))
    people, _ = crowd(framework, 60)
    scored = score_answers(people)
    weights = calib.published_weights(framework)
    for t, sample in scored.samples.items():
        track, local = framework.tracks[t], framework.published[t]
        rule = framework.rule.effective(scored.rule_options, t)
        found = one_weight_intervals(track, sample.X, local, rule)

        def star(weight, node, track=track, local=local, t=t):
            own = np.array(local)
            family = next(f.members for f in track.families if node in f.members)
            rest = family[family != node]
            own[rest] *= (1 - weight) / own[rest].sum()
            own[node] = weight
            return calib.rate(own_set(framework, own), scored).samples[t].star

        for node in (track.index["A"], track.index["B1"]):
            for w in np.linspace(0.005, 0.995, 23):
                inside = (found.low[:, node] + 1e-7 < w) & (w < found.high[:, node] - 1e-7)
                assert (star(w, node)[inside] == found.star[inside]).all()
            low = found.low[:, node]
            for i in np.flatnonzero(low > 1e-6)[:8]:
                assert star(low[i] - 1e-6, node)[i] == found.star_below[i, node]
    shifted = calib.shift(weights, {"A": 0.3}, years=range(2025, 2031))
    path = shifted.path
    sample = scored.samples["small"]
    rule = framework.rule.effective(scored.rule_options, "small")
    times = np.linspace(0, 1, 41)
    grid = stars_along(sample.track, sample.X, path, rule, times)
    events = tipping_points(sample.track, sample.X, path, rule)
    for i in range(len(sample)):
        mine = events.row == i
        now = events.start[i]
        for k, time in enumerate(times):
            for e in np.flatnonzero(mine & (events.time < time)):
                now = events.after[e]
            assert grid[k, i] == now
            now = events.start[i]


REFUSED = [
    {"caps": [CAPS[2] | {"when": {"all": [{"node": "A", "below": 9}, {"node": "B", "below": 9}]}}]},
    {"node_gates": [{"node": "A", "values": [0, 1, 2]}],
     "compensation": {"nodes": ["A", "B"], "points": 3}},
]  # fmt: skip


@pytest.mark.parametrize("rating", REFUSED)
def test_what_an_analysis_cannot_follow_it_says_before_computing(rating):
    framework = parse_framework(document(**rating))
    people, _ = crowd(framework, 30)
    weights = calib.published_weights(framework)
    for call in (calib.stability, calib.dominance):
        with pytest.raises(InputError, match=r"caps|points that move") as fault:
            call(weights, people)
        assert "封顶" in str(fault.value.get("zh")) or "调剂" in str(fault.value.get("zh"))


WRONG = [
    ({"caps": [{"at_most": 4, "when": {"node": "A", "below": 3}}]}, "caps nothing"),
    ({"caps": [{"at_most": 2, "when": {"node": "X", "below": 3}}]}, "no such node"),
    ({"caps": [{"at_most": 2, "when": {"node": "A"}}]}, "not one condition"),
    (
        {"caps": [{"at_most": 2, "when": {"count": 3, "of": [{"node": "A", "below": 1}]}}]},
        "more than",
    ),
    ({"node_gates": [{"values": [1, 2, 3]}]}, "either node or level"),
    ({"node_gates": [{"node": "A", "values": [1, 2]}]}, "3 values"),
    ({"variants": [{"track": "huge", "bands": [1, 2, 3]}]}, "no such value"),
    ({"coverage": {"nodes": [{"level": "part", "at_least": 5}]}}, "1 to 2"),
    ({"bands": [], "score_range": [-50, 100]}, "neither bands nor gates"),
]


@pytest.mark.parametrize(("rating", "says"), WRONG)
def test_a_rule_that_does_not_fit_is_one_clear_fault(rating, says):
    with pytest.raises(InputError, match=says):
        parse_framework(copy.deepcopy(document(**rating)))


def test_cluster_bands_are_the_converged_midpoints_of_neighbouring_means():
    rng = np.random.default_rng(2)
    x = np.sort(np.concatenate([rng.normal(m, 0.3, 80) for m in (-2, -1, 0, 1, 2)]))
    bands = np.array(cluster_bands(x, 5))
    part = np.searchsorted(bands, x)
    means = np.array([x[part == k].mean() for k in range(5)])
    assert bands == pytest.approx((means[1:] + means[:-1]) / 2)
    with pytest.raises(InputError, match="too few"):
        cluster_bands(np.array([1.0, 1, 2]), 5)


@pytest.mark.parametrize(("code", "asked"), [("aii", True), ("cesi", True), ("vdma", False)])
def test_edges_are_asked_about_only_where_bands_are_whole_points(code, asked):
    assert calib.load_framework(code).rule.asks("band_edge") is asked
