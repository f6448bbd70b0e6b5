"""The front door of the room: read a panel, weigh it, and use what comes back."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    PanelRequest,
    pool_panel,
    pool_weights,
    questions_of,
)
from calib.experts.panel_bootstrap import resample_experts
from calib.files import shipped_data

AII = calib.load_framework("aii")
EXAMPLE = shipped_data() / "panels" / "example"
FAST = {"unjudged": "published", "draws": 200}


@pytest.fixture(scope="module")
def panel():
    return calib.read_panel(EXAMPLE / "*", AII, synthetic=True)


@pytest.fixture(scope="module")
def weighed(panel):
    return calib.weigh_panel(panel, **FAST, rng=1)


def of_points(**stated):
    forms = tuple(
        ExpertForm(name, 1, {"root": Answer("points", np.array(v, dtype=float))})
        for name, v in stated.items()
    )
    return Panel(AII, {"root": questions_of(AII)["root"]}, forms)


def test_a_panel_is_read_by_a_pattern_and_prints_itself_in_one_line(panel):
    assert panel.rounds == (1, 2)
    assert repr(panel) == "<Panel: 20 experts, rounds: 2, nodes: 7, aii 1.0>"
    with pytest.raises(InputError, match=r"no files match 'none-\*\.xlsx'"):
        calib.read_panel("none-*.xlsx", AII)
    with pytest.raises(InputError, match="framework is a str; expected a Framework"):
        calib.read_panel(EXAMPLE / "*", "aii")


def test_what_a_panel_holds_makes_its_digest_and_not_where_it_was_read():
    one = of_points(Li=[60, 20, 20], Wang=[20, 20, 60])
    same = of_points(Li=[60, 20, 20], Wang=[20, 20, 60])
    other = of_points(Li=[60, 20, 20], Wang=[20, 30, 50])
    assert one.digest == same.digest != other.digest
    assert one.without(["Li"]).digest != one.digest


def test_weights_carry_the_resampled_experts_as_one_root(panel, weighed):
    (root,) = weighed.weights.roots
    assert (root.key, root.kind, root.stream) == (panel.digest, "panel", "1")
    for track, tree in AII.tracks.items():
        assert weighed.weights.draws[track].shape == (200, len(tree.nodes))
        assert tree.sibling_sums(weighed.weights.draws[track]) == pytest.approx(1, abs=1e-12)
    assert set(weighed.also) == {"1"}
    assert weighed.also["1"].roots == weighed.weights.roots


def test_two_poolings_of_one_panel_are_paired_replicate_by_replicate(panel):
    """Every draw of the geometric set is the geometric pool of the arithmetic draw's experts."""
    how = {**FAST, "small_panel": "as resampled"}
    weighed = calib.weigh_panel(panel, **how, rng=1)
    geometric = calib.weigh_panel(panel, pooling="geometric", **how, rng=1)
    node = weighed.pooled.nodes["root"]
    at = [AII.tracks["discrete"].index[c] for c in node.question.items]
    # 18 experts in three dimensions: counts are not unique, so both pools are taken from counts.
    from calib.experts.synthesis import panel_seed

    counts = resample_experts(
        np.ones((18, 1), dtype=bool), 200, rng=panel_seed(panel, 1),
        positions=[panel.experts.index(e) for e in node.experts], size=20,
    )  # fmt: skip
    for result, pool in ((weighed, "arithmetic"), (geometric, "geometric")):
        expected = pool_weights(node.weights, pool=pool, competence=counts)
        assert result.weights.draws["discrete"][:, at] == pytest.approx(expected, abs=1e-12)
    mixed = calib.blend({weighed.weights: 0.5, geometric.weights: 0.5})
    assert len(mixed.roots) == 1
    half = (weighed.weights.draws["process"] + geometric.weights.draws["process"]) / 2
    assert mixed.draws["process"] == pytest.approx(half, abs=1e-12)


def test_sets_of_one_panel_under_two_seeds_cannot_be_blended(panel, weighed):
    other = calib.weigh_panel(panel, **FAST, rng=2)
    with pytest.raises(InputError, match="different seeds"):
        calib.blend({weighed.weights: 0.5, other.weights: 0.5})


def test_a_replicate_does_not_depend_on_how_many_there_are(panel, weighed):
    few = calib.weigh_panel(panel, unjudged="published", draws=100, rng=1)
    for track in AII.tracks:
        assert (few.weights.draws[track] == weighed.weights.draws[track][:100]).all()


def test_parts_of_a_panel_are_resampled_with_their_own_size_and_together():
    part = resample_experts(np.ones((5, 1)) > 0, 4000, rng=3, positions=range(5), size=20)
    whole = resample_experts(np.ones((20, 1)) > 0, 4000, rng=3)
    assert (part.sum(axis=1) == 4).all()
    assert (whole.sum(axis=1) == 19).all()
    # Multinomial moments of the part (4 of 5), and luck that is shared with the whole.
    assert part.mean(axis=0) == pytest.approx(np.full(5, 0.8), abs=0.06)
    assert part.var(axis=0) == pytest.approx(np.full(5, 0.64), abs=0.08)
    shared = [np.corrcoef(part[:, i], whole[:, i])[0, 1] for i in range(5)]
    assert min(shared) > 0.5


def test_a_generator_stands_for_one_seed(panel):
    first = calib.weigh_panel(panel, **FAST, rng=np.random.default_rng(5))
    again = calib.weigh_panel(panel, **FAST, rng=np.random.default_rng(5))
    assert first.weights.roots == again.weights.roots
    assert (first.weights.draws["process"] == again.weights.draws["process"]).all()


def test_one_method_of_asking_can_be_weighed_by_itself(panel):
    found = calib.weigh_panel(panel, method="bwm", **FAST, rng=1)
    node = found.pooled.nodes["root"]
    assert set(node.methods) == {"bwm"}
    everybody = pool_panel(panel, 2, PanelRequest(**FAST), rng=1).nodes["root"]
    rows = [i for i, m in enumerate(everybody.methods) if m == "bwm"]
    assert 0 < len(rows) < len(everybody.methods)
    assert found.weights["IC"] == pytest.approx(everybody.weights[rows, 0].mean())
    assert "judgements by bwm only" in found.weights.provenance.detail
    with pytest.raises(InputError, match="no judgements by swing; there are ahp, bwm, ratings"):
        calib.weigh_panel(panel, method="swing", **FAST, rng=1)


def test_complete_and_incomplete_comparisons_are_one_method_to_ask_for():
    gap = np.array([[1, 2, 4], [0.5, 1, np.nan], [0.25, np.nan, 1]])
    forms = tuple(
        ExpertForm(name, 1, {"root": Answer(method, gap)})
        for name, method in (("Li", "ahp"), ("Wang", "ahp-incomplete"))
    )
    both = Panel(AII, {"root": questions_of(AII)["root"]}, forms)
    assert calib.weigh_panel(both, method="ahp", **FAST, rng=0).pooled.experts == ("Li", "Wang")


def test_a_population_tells_how_many_stars_each_expert_decides(panel, weighed):
    trial = calib.load_population(
        shipped_data() / "trial" / "trial.toml", AII
    )  # fmt: skip
    with_stars = calib.weigh_panel(panel, trial, **FAST, rng=1).frame("experts")
    assert with_stars["stars_up_without"].notna().all()
    assert weighed.frame("experts")["stars_up_without"].isna().all()
    with pytest.raises(InputError, match="panel is a Population; expected a Panel"):
        calib.weigh_panel(trial, panel)


@pytest.mark.parametrize(
    ("old", "new"), [("pool", "pooling"), ("level", "confidence"), ("methods", "formulas")]
)
def test_an_option_of_an_earlier_name_is_refused_with_its_new_one(panel, old, new):
    with pytest.raises(InputError, match=f"{old} is now called {new}"):
        calib.weigh_panel(panel, **{old: "geometric"})


def test_a_result_says_what_it_found_in_either_language(weighed):
    assert weighed.headline().get("en").startswith("round 2: 18 experts, arithmetic pooling; IC ")
    assert weighed.headline().get("zh").startswith("第 2 轮：18 位专家，算术平均；IC ")
    assert len(repr(weighed)) < 200
    assert "no real expert gave them" in weighed.summary("en")
    assert "并非真实专家的判断" in weighed.summary("zh")
    assert all("synthetic" in t.title.get("en") for t in weighed.tables)
    assert [t.name for t in weighed.tables][:2] == ["weights", "experts"]


def test_the_options_are_in_the_help():
    doc = calib.weigh_panel.__doc__
    for option in PanelRequest.model_fields:
        assert f"{option} : " in doc


def test_faults_reasons_and_hints_are_wholly_in_the_language_of_the_reader(panel, weighed):
    import re

    own = {"W", "P", "CR", "RI", "Holm", "p", "r", "Fisher", "calib", "simulated"}
    own |= {c for node in weighed.pooled.nodes.values() for c in node.question.items}
    own |= {"root", "discrete", "process", "IC", "IN", "DA", "Cram", "V", "R", "DA.COL"}
    said = [n.get("zh") for n in weighed.notes]
    said += [r.get("zh") for found in weighed.rounds for r in found.verdict.reasons]
    said += [h.get("zh") for node in weighed.pooled.nodes.values() for h in node.hint if h]
    assert len(said) > 20
    for text in said:
        plain = re.sub(r"(?<![A-Za-z0-9.])\d[\d.]*(e-?\d+)?", "", text)
        words = set(re.findall(r"[A-Za-z][A-Za-z0-9.]*", plain))
        words -= {w for w in words if w.startswith("synthetic")}
        assert words <= own, text
    with pytest.raises(InputError) as caught:
        calib.weigh_panel(of_points(Li=[60, 20, 20], Wang=[20, 20, 60]), rng=0)
    assert caught.value.get("zh").startswith("27 个节点无专家判断：discrete/IC、")
