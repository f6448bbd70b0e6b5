"""Whole adjustments of a framework: levels, tracks, rounds, ledgers, refits, missing answers."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calib.adjustment import (
    AdjustRequest,
    AdjustResult,
    read_ledger,
    replay_ledger,
    write_ledger,
)
from calib.adjustment import adjust as adjusted
from calib.adjustment.solve import solve
from calib.adjustment.variables import build_space
from calib.errors import InfeasibleError, InputError
from calib.framework import load_framework
from calib.outcomes.dominance import dominance, moments_of
from calib.population import Population, generate_population
from calib.rating import rate, score_answers
from calib.weights import WeightSet, published_weights


def adjust(*args: object, **options: object) -> AdjustResult:
    """Adjust without floor, order and check: what these tests are about is the caps alone."""
    return adjusted(*args, **{"relative_floor": 0, "keep_order": False, "draws": 0} | options)


@pytest.fixture(scope="module")
def published(aii) -> WeightSet:
    return published_weights(aii)


def request_of(**changes) -> AdjustRequest:
    return AdjustRequest.make({"cap": 0.1, "level": "all", "starts": 2} | changes)


def siblings_sum_to_one(w: WeightSet) -> bool:
    return all(
        np.allclose(track.sibling_sums(w.local[t]), 1, atol=1e-12) and (w.local[t] >= 0).all()
        for t, track in w.framework.tracks.items()
    )


def test_the_default_call_caps_contributions_and_variance_shares(published, trial) -> None:
    found = adjust(published, trial, cap=0.12)
    assert set(found.spec.caps) == {"contribution", "variance"}
    assert found.holds
    assert found.solution.certificate is not None
    assert found.solution.certificate.residual < 1e-9
    assert siblings_sum_to_one(found.weights)
    assert found.measures["variance_before"].max() > 0.12
    assert found.prices["shadow_price"].iloc[0] > 0
    assert found.synthetic


@pytest.mark.parametrize(
    ("level", "moving"),
    [("indicator", {3}), ("capability", {2}), (("pillar", "indicator"), {1, 3})],
)
def test_untouched_levels_keep_their_local_weights_to_the_last_bit(
    aii, published, trial, level, moving
) -> None:
    cap = {"contribution": 0.19} if level == "capability" else {"contribution": 0.085}
    found = adjust(published, trial, cap=cap, level=level)
    for t, track in aii.tracks.items():
        for depth in (1, 2, 3):
            at = track.depth == depth
            same = np.array_equal(found.weights.local[t][at], published.local[t][at])
            assert same or depth in moving


def test_pillars_stay_the_same_in_all_tracks(aii, published, trial) -> None:
    found = adjust(published, trial, cap=0.39, level="pillar")
    for code in aii.shared:
        values = {found.weights.weight(code, t) for t in aii.tracks}
        assert len({round(v, 12) for v in values}) == 1
    assert found.holds


def test_a_variance_cap_on_shared_pillars_finds_the_weights_that_exist(
    aii, published, trial
) -> None:
    found = adjust(published, trial, cap={"variance": 0.355}, level="pillar")
    assert found.holds
    # Two numbers are free: look at all of them, finely.
    scored = score_answers(trial)
    a, b = (v.ravel() for v in np.meshgrid(np.arange(0.2, 0.5, 5e-4), np.arange(0.2, 0.5, 5e-4)))
    A = np.column_stack([a, b, 1 - a - b])
    ok = np.ones(len(A), dtype=bool)
    for t, track in aii.tracks.items():
        inside = track.within(published.local[t], track.at_depth(1))
        cov = np.cov((scored.samples[t].X @ inside.T).T, ddof=0)
        part = A * (A @ cov)
        ok &= (part / part.sum(axis=1, keepdims=True)).max(axis=1) <= 0.355
    start = np.array([published.weight(c) for c in ("IC", "IN", "DA")])
    best = np.linalg.norm(A[ok] - start, axis=1).min()
    answer = np.array([found.weights.weight(c) for c in ("IC", "IN", "DA")])
    assert best - 1e-3 < np.linalg.norm(answer - start) <= best + 1e-9


def test_the_distance_minimised_is_named_and_measured(published, trial) -> None:
    found = adjust(published, trial, cap={"variance": 0.24}, level="capability")
    assert "capability level, the lowest that moves" in found.minimised.get("en")
    assert "二级指标" in found.minimised.get("zh")
    whole = np.sqrt((found.distance["minimised"] ** 2).sum())
    assert whole == pytest.approx(np.sqrt(2 * found.solution.optima[0]))
    assert "starts converged" in found.solution.search().get("en")
    shares = adjust(published, trial, problem="correlations", level="pillar")
    assert "Σ⁻¹" in shares.minimised.get("en")
    assert shares.distance["minimised"].isna().all()


def test_small_matrices_are_solved_by_one_thread_and_the_threads_come_back(
    aii, published, trial, monkeypatch
) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    from calib.adjustment import solve as module

    def threads() -> set[int]:
        return {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}

    seen: list[set[int]] = []
    build = module.demand_rows

    def spy(*given):
        seen.append(threads())
        return build(*given)

    monkeypatch.setattr(module, "demand_rows", spy)
    scored = score_answers(trial)
    local = np.array(published.local["discrete"])
    space = build_space({"discrete": aii.tracks["discrete"]}, {"discrete": local}, (1, 2, 3))
    moments = {"discrete": moments_of(scored.samples["discrete"].X)}
    with threadpool_limits(2, user_api="blas"):
        solve(space, request_of(cap={"contribution": 0.08}).resolve(aii), moments, rng=0)
        assert seen == [{1}]
        assert threads() == {2}


def test_a_track_without_enterprises_follows_in_the_shared_pillars(aii, published, trial) -> None:
    some = trial.take({"discrete": np.arange(12)})
    found = adjust(published, some, cap=0.37, level="pillar")
    assert found.weights.weight("IN", "process") == found.weights.weight("IN", "discrete")
    assert found.weights.weight("IN") != published.weight("IN")
    track = aii.tracks["process"]
    rest = track.depth > 1
    np.testing.assert_array_equal(
        found.weights.local["process"][rest], published.local["process"][rest]
    )


def test_equal_shares_of_pillars_are_equal_in_the_pooled_covariance(aii, published, trial) -> None:
    found = adjust(published, trial, problem="shares", level="pillar")
    table = dominance(found.weights, trial, level="pillar", rng=0).measures
    pooled = table[table["track"] == "pooled"]
    np.testing.assert_allclose(pooled["variance_share"], 1 / 3, atol=1e-9)
    assert found.solution.certificate is not None
    assert found.solution.certificate.residual < 1e-10


def test_equal_shares_within_families_leave_other_levels_alone(aii, published, trial) -> None:
    found = adjust(published, trial, problem="shares", level="indicator")
    X = score_answers(trial).samples["discrete"].X
    track = aii.tracks["discrete"]
    local = found.weights.local["discrete"]
    members = track.families[4].members
    leaf = [int(np.flatnonzero(track.leaves == i)[0]) for i in members]
    part = X[:, leaf] * local[members]
    cov = np.cov(part.T, ddof=0)
    if part.var(axis=0).all():
        np.testing.assert_allclose(cov.sum(axis=0) / cov.sum(), 1 / len(members), atol=1e-9)


def test_bounds_groups_and_order_hold(aii, published, trial) -> None:
    found = adjust(
        published, trial, cap={"contribution": 0.2}, level=["pillar", "capability"],
        bounds={"IC.NET": (0.3, 0.45), "DA": (0.34, 0.4)}, keep_order=False,
        groups={"network": (["IC.DEV", "IC.NET"], 0.0, 0.25)},
    )  # fmt: skip
    rounded = adjust(
        published, trial, level=["pillar", "capability"], grid=0.01,
        groups={"shared": (["IC.DEV", "IC.NET"], 0.0, 0.25), "own": (["IC.RES"], 0.0, 0.05)},
    )  # fmt: skip
    assert rounded.weights.weight("IC") * rounded.weights.weight("IC.RES", "discrete") <= 0.05
    w = found.weights
    assert 0.34 - 1e-12 <= w.weight("DA") <= 0.4
    for t, track in aii.tracks.items():
        assert w.weight("IC.NET", t) <= 0.45 + 1e-12
        whole = track.global_weights(w.local[t])
        assert whole[track.index["IC.DEV"]] + whole[track.index["IC.NET"]] <= 0.25 + 1e-12


def test_no_two_siblings_change_places_when_order_is_kept(aii, published, trial) -> None:
    found = adjust(published, trial, cap=0.23, level=["pillar", "capability"], keep_order=True)
    for t, track in aii.tracks.items():
        for family in track.families[:4]:
            a, b = published.local[t][family.members], found.weights.local[t][family.members]
            order = np.argsort(-a, kind="stable")
            strict = np.diff(a[order]) < -1e-9
            assert (np.diff(b[order])[strict] <= 1e-9).all()


def test_every_fault_of_a_request_is_listed_at_once(published, trial) -> None:
    with pytest.raises(InputError) as caught:
        adjust(published, trial, cap={"varianz": 0.1, "weight": 1.5}, problem="cap", distance="l1")  # type: ignore[arg-type]
    text = str(caught.value)
    for word in ("varianz", "did you mean 'variance'", "1.5", "'cap'", "l1"):
        assert word in text
    with pytest.raises(InputError, match="no weight of that name"):
        adjust(published, trial, cap=0.2, level="capability", bounds={"IC.NETT": (0, 1)})
    with pytest.raises(InputError, match="nothing is asked"):
        adjust(published, trial)


def test_caps_below_one_over_the_number_of_nodes_are_refused_with_the_reason(
    published, trial
) -> None:
    with pytest.raises(InfeasibleError, match=r"below 1/28"):
        adjust(published, trial, cap=0.03)
    with pytest.raises(InfeasibleError, match=r"contribution ≤ 0\.07") as caught:
        adjust(published, trial, cap={"contribution": 0.07})
    in_chinese = caught.value.get("zh")
    assert "流程型/IN.VER.P1 现场层与车间层数据集成：贡献占比 ≤ 0.07" in in_chinese
    assert re.findall("[a-z]{3,}", in_chinese) == []


def test_what_holds_weights_back_is_named_in_both_languages(published, trial) -> None:
    found = adjust(
        published, trial, cap={"variance": 0.25}, level="capability", relative_floor=0.5,
        keep_order=True, rng=0, draws=0, replicates=2,
    )  # fmt: skip
    names = list(found.prices["demand"])
    assert "process/IC.DEV: variance share ≤ 0.25" in names
    assert "流程型/IC.DEV 智能设备联网：方差占比 ≤ 0.25" in [n.get("zh") for n in names]
    assert not [n for n in names if re.findall("[a-z]{3,}", n.get("zh"))]


def test_fewest_stars_beats_the_plain_adjustment(published, trial) -> None:
    plain = adjust(published, trial, cap={"contribution": 0.13}, level=["pillar", "capability"])
    fewest = adjust(
        published,
        trial,
        cap={"contribution": 0.13},
        level=["pillar", "capability"],
        problem="stars",
    )
    assert fewest.solution.stars is not None
    assert fewest.solution.stars.missed == len(fewest.stars)
    assert len(fewest.stars) <= len(plain.stars)
    assert fewest.holds


def test_weights_are_fitted_to_reference_stars(aii, published, trial) -> None:
    wanted = published.with_weights({"DA": 0.5}, name="truth")
    rating = rate(wanted, trial)
    stars = {
        str(i): int(s) + 1
        for r in rating.samples.values()
        for i, s in zip(r.ids, r.star, strict=True)
    }
    found = adjust(published, trial, problem="stars", level="pillar", reference=stars)
    assert found.solution.stars is not None
    assert found.solution.stars.missed == 0
    with pytest.raises(InputError, match="unknown enterprises: nobody"):
        adjust(published, trial, problem="stars", level="pillar", reference={"nobody": 3})


def test_rounded_weights_are_on_the_grid_and_under_the_caps(aii, published, trial) -> None:
    found = adjust(published, trial, cap=0.12, level=["pillar", "indicator"], grid=0.01)
    assert found.holds
    assert siblings_sum_to_one(found.weights)
    for t, track in aii.tracks.items():
        for family in track.families:
            w = found.weights.local[t][family.members] * 100
            if track.depth[family.members[0]] == 2:
                continue
            on = np.allclose(w, np.rint(w), atol=1e-9)
            kept = np.allclose(found.weights.local[t][family.members], 1 / len(w))
            assert on or kept
    assert all(r.distance >= r.bound - 1e-12 for r in found.rounding.values())


def test_rounds_stop_when_the_caps_hold_and_replay_to_the_same_weights(
    aii, published, trial, tmp_path
) -> None:
    scored = score_answers(trial)
    found = adjust(
        published, scored, steps=(0.5, 0.75, 1.0), cap=0.12, level="all", starts=2, rng=3
    )
    assert found.holds
    assert len(found.rounds) == 3
    largest = [found.rounds[0].largest_before["variance"]] + [
        r.largest_after["variance"] for r in found.rounds
    ]
    assert largest == sorted(largest, reverse=True)
    assert "over the cap" in found.rounds[0].reason.get("en")
    assert "超过上限" in found.rounds[0].reason.get("zh")
    path = tmp_path / "ledger.json"
    write_ledger(found.ledger, path)
    again = replay_ledger(read_ledger(path), scored)
    assert again.same
    assert again.final.digest == found.weights.digest


def test_rounds_on_weights_that_meet_the_caps_change_nothing(aii, published, trial) -> None:
    found = adjust(published, trial, steps=(0.5, 0.75, 1.0), cap=0.5, level="all", starts=2)
    assert found.rounds == ()
    assert found.weights.digest == published.digest
    assert "already" in found.stopped.get("en")


def test_a_changed_ledger_is_found_out(aii, published, trial, tmp_path) -> None:
    found = adjust(published, trial, cap=0.15, level="all", starts=0, steps=(1.0,))
    path = tmp_path / "ledger.json"
    write_ledger(found.ledger, path)
    data = json.loads(path.read_text("utf-8"))
    data[1]["content"]["after"]["discrete"]["IC"] += 0.01
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(InputError, match=r"entry 1.*changed after") as caught:
        read_ledger(path)
    assert "第 1 条记录" in caught.value.get("zh")
    other = score_answers(generate_population(aii, 30, like=trial, rng=1))
    with pytest.raises(InputError, match="population"):
        replay_ledger(found.ledger, other)


def test_a_request_survives_its_ledger_form() -> None:
    request = request_of(
        bounds={"IC": (0.2, 0.4)}, groups={"g": (("IC", "DA"), 0.1, 0.9)}, keep_order=True
    )
    assert AdjustRequest.make(json.loads(json.dumps(request.record()))) == request


def test_refits_say_how_far_the_caps_hold_beyond_the_sample(aii, published, trial) -> None:
    asked = {"cap": 0.13, "level": "leaf", "starts": 0, "draws": 8}
    found = adjust(published, trial, **asked, resamples=1).check
    assert found.held_in["variance"] == 1.0
    assert found.held["variance"] < 1.0
    assert found.excess["variance"] > 0
    assert 0 < found.left_out < 22
    assert (found.spread["sd"] >= 0).all()
    text = found.sentence()
    assert "left out" in text.get("en")
    assert "weights before" in text.get("en")
    assert "重抽样" in text.get("zh")
    again = adjust(published, trial, **asked, resamples=1).check
    np.testing.assert_array_equal(found.local["process"], again.local["process"])


def test_missing_answers_under_renormalise_are_filled_as_the_rating_fills_them(
    aii, published, trial
) -> None:
    sample = trial.samples["discrete"]
    values = sample.values.copy()
    values[0, 3] = np.nan
    values[1, 9:11] = np.nan
    holes = type(sample)(sample.track, sample.ids, sample.names, values, sample.attributes)
    population = Population(aii, {"discrete": holes}, trial.kind, "holes", True)
    rule_options = {"missing": "renormalise"}
    found = dominance(published, population, rule_options=rule_options, level="pillar", rng=0)
    assert any("unanswered" in n.get("en") for n in found.notes)
    from calib.outcomes.dominance import complete_scores

    scored = score_answers(population, aii.rule.read(rule_options))
    X = complete_scores(scored, published)[0]["discrete"]
    total = X @ published.leaf("discrete")
    np.testing.assert_allclose(total, rate(published, scored).samples["discrete"].total)
    assert adjust(published, population, cap=0.4, level="pillar", rule_options=rule_options).holds


def test_a_capability_whose_only_weighted_item_is_unanswered_is_filled_as_unscored(
    aii, published, trial
) -> None:
    from calib.outcomes.dominance import complete_scores
    from calib.weights import WeightSet

    track = aii.tracks["discrete"]
    local = {t: np.array(v) for t, v in published.local.items()}
    first, second = (track.index[c] for c in ("IC.RES.D1", "IC.RES.D2"))
    local["discrete"][first], local["discrete"][second] = 1.0, 0.0
    weights = WeightSet.build(aii, "one item", local, source="test")
    sample = trial.samples["discrete"]
    values = sample.values.copy()
    values[0, track.leaf_codes.index("IC.RES.D1")] = np.nan
    holes = type(sample)(sample.track, sample.ids, sample.names, values, sample.attributes)
    population = Population(aii, {"discrete": holes}, trial.kind, "holes", True)
    scored = score_answers(population, aii.rule.read({"missing": "renormalise"}))
    X = complete_scores(scored, weights)[0]["discrete"]
    total = rate(weights, scored).samples["discrete"].total
    np.testing.assert_allclose(X @ weights.leaf("discrete"), total)


def test_one_enterprise_is_measured_and_capped_without_variance(aii, published, trial) -> None:
    one = trial.take({"discrete": np.array([4])})
    found = dominance(published, one, rng=0, draws=5)
    assert not found.measures["variance_share"].any()
    assert any("single enterprise" in n.get("en") for n in found.notes)
    found = adjust(published, one, cap=0.14, level="all")
    assert any("does not vary" in n.get("en") for n in found.notes)
    assert found.measures["contribution_after"].max() <= 0.14 + 1e-9


def test_dominance_shows_every_measure_by_track_and_pooled(aii, published, trial) -> None:
    found = dominance(published, trial, cap=0.1, draws=40, rng=0)
    assert set(found.measures["track"]) == {"discrete", "process", "pooled"}
    assert set(found.measures["level"]) == {"pillar", "capability", "indicator"}
    for (_, _), part in found.measures.groupby(["track", "level"]):
        for share in ("contribution", "variance_share", "shapley", "weight"):
            assert part[share].sum() == pytest.approx(1)
    t = found.measures
    assert (t["variance_share_low"] <= t["variance_share_high"]).all()
    assert set(found.flags["level"]) == {"indicator"}
    assert (found.flags["value"] > 0.1).all()
    assert found.disagreement["tau"].dropna().between(-1, 1).all()
    assert found.concentration["effective"].max() <= 28
    same = dominance(published, trial, cap=0.1, draws=40, rng=0)
    assert found.measures.equals(same.measures)


def test_permuting_indicators_permutes_the_adjusted_weights(aii, published, trial) -> None:
    scored = score_answers(trial)
    track, X = aii.tracks["discrete"], scored.samples["discrete"].X
    spec = request_of(cap=0.07, starts=0).resolve(aii)
    local = np.array(published.local["discrete"])
    space = build_space({"discrete": track}, {"discrete": local}, (1, 2, 3))
    a = solve(space, spec, {"discrete": moments_of(X)}, rng=0).local["discrete"]
    # Indicators 0 and 2 of the first family trade their scores: so must their weights.
    swapped = X.copy()
    swapped[:, [0, 2]] = X[:, [2, 0]]
    b = solve(space, spec, {"discrete": moments_of(swapped)}, rng=0).local["discrete"]
    i, j = track.leaves[0], track.leaves[2]
    expected = a.copy()
    expected[[i, j]] = a[[j, i]]
    np.testing.assert_allclose(b, expected, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.16, 0.6), st.sampled_from(["capability", "leaf", "all"]))
def test_adjusted_weights_stay_on_the_simplex_at_every_node(seed, cap, level) -> None:
    fw = load_framework("aii")
    rng = np.random.default_rng(seed)
    local = {t: np.array(v) for t, v in fw.published.items()}
    for t, track in fw.tracks.items():
        for family in track.families[1:]:
            local[t][family.members] = rng.dirichlet(np.full(len(family.members), 4.0))
    start = WeightSet.build(fw, "random", local, source="test")
    population = generate_population(fw, 40, rng=seed)
    try:
        found = adjust(start, population, cap={"contribution": cap}, level=level)
    except InfeasibleError:  # what it says is tested above
        return
    assert siblings_sum_to_one(found.weights)
    assert found.holds
    assert found.solution.certificate is not None
    assert found.solution.certificate.residual < 1e-10


def test_frameworks_without_gates_or_of_one_level_work() -> None:
    for code in ("vdma", "cesi"):
        fw = load_framework(code)
        w = published_weights(fw)
        population = generate_population(fw, 40, rng=0)
        found = dominance(w, population, rng=0)
        assert np.isfinite(found.measures["variance_share"]).all()
        size = max(len(t.leaves) for t in fw.tracks.values())
        assert adjust(w, population, cap=max(0.3, 2 / size), level="all").holds
