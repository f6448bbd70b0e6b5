"""Adjustments that one can defend: defaults, what can be met, and the verdict with its reasons."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.adjustment import AdjustRequest, AdjustResult, adjust, replay_ledger
from calib.errors import InputError, NotFoundError
from calib.population import Ensemble, load_ensemble
from calib.rating import score_answers
from calib.report import heading
from calib.weights import WeightSet, published_weights

OLD = {"floor": 0, "keep_order": False}
CAP = {"cap": 0.22, "level": "capability"}


@pytest.fixture(scope="module")
def published(aii) -> WeightSet:
    return published_weights(aii)


@pytest.fixture(scope="module")
def ensemble(aii) -> Ensemble:
    return load_ensemble("trial", aii, n=30)


@pytest.fixture(scope="module")
def old(published, ensemble) -> AdjustResult:
    return adjust(published, ensemble, **CAP, **OLD, draws=30, rng=1)


@pytest.fixture(scope="module")
def new(published, ensemble) -> AdjustResult:
    return adjust(published, ensemble, **CAP, draws=0)


def rules(found: AdjustResult, verdict: str) -> set[str]:
    return {f.rule for f in found.verdict.findings if f.verdict == verdict}


def test_without_floor_and_order_the_trial_adjustment_is_not_recommended_and_says_why(old) -> None:
    assert not old.verdict.recommended
    assert rules(old, "not_met") >= {
        "vanished", "reversed", "effective", "out_of_sample", "same_nodes", "holds_over_ensemble",
    }  # fmt: skip
    assert "caps" in rules(old, "met")
    said = old.verdict.sentence()
    assert said.get("en").startswith("not recommended")
    assert "process: IN.E2E end-to-end integration" in said.get("en")
    assert "流程型 IN.E2E" in said.get("zh")
    assert said.get("zh").startswith("不建议采用")
    assert "not recommended" in old.headline().get("en")
    assert old.notes[0].warning
    assert old.notes[0].get("en") == said.get("en")
    effective = next(f for f in old.verdict.findings if f.rule == "effective")
    g = {w: w.framework.tracks["process"].global_weights(w.local["process"]) for w in
         (old.before, old.weights)}  # fmt: skip
    nodes = old.weights.framework.tracks["process"].at_depth(2)
    after, before = (1 / np.sum(g[w][nodes] ** 2) for w in (old.weights, old.before))
    assert effective.measured == pytest.approx(after / before)


def test_under_the_defaults_no_weight_falls_under_half_its_start_and_order_is_kept(new) -> None:
    for t, track in new.weights.framework.tracks.items():
        start, after = new.before.local[t], new.weights.local[t]
        assert (after >= 0.5 * start - 1e-9).all()
        assert (after > 0).all()
        for family in track.families:
            for i in family.members:
                for j in family.members:
                    if start[i] > start[j] + 1e-9:
                        assert after[i] >= after[j] - 1e-9
    assert rules(new, "met") >= {"vanished", "reversed"}


def test_caps_that_floor_and_order_forbid_come_with_what_can_be_met_and_its_price(
    published, trial, new
) -> None:
    assert not new.holds
    assert new.relaxed is not None
    assert "weights were found" in new.notes[0].get("en")  # shares of variance: no proof
    assert "cannot be met" not in new.notes[0].get("en")
    ways = new.table("relaxations").frame.set_index("relaxation")
    assert ways.index[ways["in_force"]].tolist() == ["higher_caps"]
    assert new.largest["variance"] <= ways.loc["higher_caps", "largest_cap"] + 1e-8
    # The price of the way without floor and order is what an adjustment without them costs.
    free = adjust(published, trial, **CAP, **OLD, draws=0)
    assert free.holds
    moved = np.sqrt((free.distance["minimised"] ** 2).sum())
    assert ways.loc["neither", "euclidean"] == pytest.approx(moved, rel=1e-6)
    for table in new.tables:
        for lang in ("en", "zh"):
            assert all(heading(c, lang, {}) for c in table.columns.values())
    # Caps just below those in force cannot be met under the same floor and order.
    lower = {m: c - 0.003 for m, c in new.spec.caps.items()}
    below = adjust(published, trial, cap=lower, level="capability", draws=0)
    assert below.relaxed is not None


def test_a_lower_floor_alone_is_priced_by_the_floor_that_it_takes(published, trial) -> None:
    found = adjust(
        published, trial, cap={"variance": 0.232}, level="capability", relative_floor=0.8,
        keep_order=False, draws=0,
    )  # fmt: skip
    said = found.notes[0].get("en")
    assert "keeps 80% of its start" in said
    assert "order" not in said  # siblings may change places here
    ways = found.table("relaxations").frame.set_index("relaxation")
    floor = float(ways.loc["lower_floor", "relaxed_to"])
    again = adjust(
        published, trial, cap={"variance": 0.232}, level="capability", relative_floor=floor,
        keep_order=False, draws=0,
    )  # fmt: skip
    assert again.holds
    assert again.relaxed is None


def test_linear_caps_that_floor_and_order_forbid_cannot_be_met_and_that_is_proven(
    published, trial
) -> None:
    found = adjust(published, trial, cap={"weight": 0.34}, level="pillar", relative_floor=0.98,
                   draws=0)  # fmt: skip
    said = found.notes[0].get("en")
    assert "cannot be met while every weight keeps 98% of its start and siblings keep" in said
    assert "无法满足" in found.notes[0].get("zh")


def test_caps_that_nothing_can_meet_are_still_refused(published, trial) -> None:
    with pytest.raises(NotFoundError):
        adjust(published, trial, cap={"variance": 0.145}, level="capability", draws=0)


def test_a_harmless_adjustment_is_recommended_as_far_as_was_checked(published, trial) -> None:
    found = adjust(published, trial, cap={"variance": 0.30}, level="capability", draws=0)
    assert found.verdict.recommended
    assert rules(found, "cannot_know") == {"out_of_sample", "same_nodes"}
    assert "as far as was checked" in found.verdict.sentence().get("en")
    assert not found.notes[0].warning


def test_thresholds_of_the_verdict_are_options_of_the_request(published, trial) -> None:
    ask = {"cap": {"variance": 0.30}, "level": "capability", "draws": 0}
    strict = adjust(published, trial, **ask, verdict={"effective": 1.0})
    assert "effective" in rules(strict, "not_met") | rules(strict, "met")
    dropped = adjust(published, trial, **ask, verdict={"effective": False, "same_nodes": False})
    assert not {"effective", "same_nodes"} & {f.rule for f in dropped.verdict.findings}
    with pytest.raises(InputError, match="effective"):
        adjust(published, trial, **ask, verdict={"effective": 2})


def test_the_default_call_checks_enterprises_left_out(published, trial) -> None:
    found = adjust(published, trial, cap={"contribution": 0.085})
    assert found.check is not None
    assert found.check.draws == 60
    assert "out_of_sample" in rules(found, "met") | rules(found, "not_met")


def test_floor_0_and_a_relative_floor_contradict_each_other(aii) -> None:
    with pytest.raises(InputError, match="vanish"):
        AdjustRequest(cap=0.3, floor=0, relative_floor=0.5).resolve(aii)
    assert AdjustRequest(cap=0.3).resolve(aii).least == 0.5
    assert AdjustRequest(cap=0.3, floor=0).resolve(aii).least == 0.0


def test_rounds_keep_the_order_and_floor_of_the_first_start_and_replay(published, trial) -> None:
    found = adjust(published, trial, **CAP, steps=[0.5, 1.0], draws=0)
    for t in published.local:
        assert (found.weights.local[t] >= 0.5 * published.local[t] - 1e-9).all()
    assert found.relaxed is not None
    assert replay_ledger(found.ledger, score_answers(trial)).same


def test_the_decision_page_takes_over_the_verdict_of_the_adjustment(published, old):
    found = calib.decide(published, old, calib.load_population("trial", published.framework),
                         driver_size=0)  # fmt: skip
    own = next(r for r in found.rulings if r.name == "own_verdict")
    assert own.verdict == "not_met"
    assert own.found.get("en") == old.verdict.short().get("en")
    assert found.advice == "reject"
    without = calib.decide(published, old, calib.load_population("trial", published.framework),
                           rules={"own_verdict": False}, driver_size=0)  # fmt: skip
    assert "own_verdict" not in {r.name for r in without.rulings}


def test_weights_that_only_the_shown_sample_asks_for_are_named(old):
    """Range and extremes of what the same adjustment gives on other samples."""
    table = old.frame("ensemble")
    assert (table["sample_min"] <= table["low"]).all()
    assert (table["high"] <= table["sample_max"]).all()
    out = table.query("local_after < low - 0.01 or local_after > high + 0.01")
    said = [n.get("en") for n in old.notes if "5 to 95 % range" in n.get("en")]
    assert len(said) == (len(out) > 0)
    if said:
        assert "of the samples only" in said[0]
        assert any(said[0] in c.get("en") for c in old.evidence.caveats)
