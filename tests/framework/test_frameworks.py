from __future__ import annotations

import tomllib

import numpy as np
import pytest

from calib.errors import InputError
from calib.files import shipped_data
from calib.framework import list_frameworks, load_framework, parse_framework

# The published table of local weights, transcribed from the white paper (figure 20).
PILLARS = {"IC": 0.35, "IN": 0.33, "DA": 0.32}
DISCRETE = {
    "IC.DEV": 0.32, "IC.NET": 0.48, "IC.RES": 0.20, "IN.HOR": 0.28, "IN.VER": 0.48, "IN.E2E": 0.24,
    "DA.DEC": 0.20, "DA.PLC": 0.30, "DA.SCM": 0.25, "DA.COL": 0.15, "DA.SVC": 0.10,
}  # fmt: skip
PROCESS = {
    "IC.DEV": 0.40, "IC.NET": 0.60, "IN.HOR": 0.32, "IN.VER": 0.50, "IN.E2E": 0.18,
    "DA.DEC": 0.20, "DA.SPM": 0.30, "DA.SCM": 0.24, "DA.ENS": 0.16, "DA.SVC": 0.10,
}  # fmt: skip


def document(name="aii"):
    return tomllib.loads((shipped_data() / "frameworks" / f"{name}.toml").read_text("utf-8"))


@pytest.mark.parametrize(("track", "capabilities"), [("discrete", DISCRETE), ("process", PROCESS)])
def test_the_alliances_framework_has_the_published_weights(aii, track, capabilities):
    tree = aii.tracks[track]
    local = dict(zip(tree.codes, aii.published[track], strict=True))
    assert {c: local[c] for c in PILLARS} == PILLARS
    found = {n.code: local[n.code] for n in tree.nodes if n.depth == 2}
    assert found == capabilities


@pytest.mark.parametrize(
    ("track", "split"),
    [("discrete", [4, 3, 2, 2, 3, 2, 3, 3, 2, 2, 2]), ("process", [3, 3, 2, 2, 2, 2, 3, 2, 2, 2])],
)
def test_indicators_split_over_capabilities_and_share_equally(aii, track, split):
    tree = aii.tracks[track]
    families = [f for f in tree.families if f.parent and tree.depth[f.members[0]] == 3]
    assert [len(f.members) for f in families] == split
    for family in families:
        assert np.ptp(aii.published[track][family.members]) == 0


def test_the_tracks_have_28_and_23_indicators_and_13_capabilities_between_them(aii):
    assert {t: len(x.leaves) for t, x in aii.tracks.items()} == {"discrete": 28, "process": 23}
    capabilities = {n.code for t in aii.tracks.values() for n in t.nodes if n.depth == 2}
    assert len(capabilities) == 13
    assert aii.shared == ("IC", "IN", "DA")


def test_every_indicator_says_whether_its_name_is_the_papers(aii):
    for track in aii.tracks.values():
        assert {track.nodes[i].status for i in track.leaves} == {"glossary", "provisional"}


def test_vdma_keeps_printed_weights_and_says_that_they_sum_to_1_001():
    printed = [n["weight"] for n in document("vdma")["nodes"]]
    assert printed == [0.254, 0.143, 0.102, 0.185, 0.138, 0.179]
    vdma = load_framework("vdma")
    assert vdma.printed_sums == pytest.approx({("all", ""): 1.001})
    np.testing.assert_allclose(vdma.published["all"], np.array(printed) / 1.001, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "leaves", "stars"),
    [("vdma", 6, 6), ("nist-mbe", 6, 4), ("cesi", 10, 5), ("cmm", 1, 5)],
)
def test_other_assessment_systems_load(name, leaves, stars):
    framework = load_framework(name)
    assert name in list_frameworks()
    assert len(framework.tracks["all"].leaves) == leaves
    assert framework.rule.stars == stars
    if name != "vdma":
        assert framework.equal_families  # no weights are printed


def test_within_weights_are_global_weights_over_the_nodes_own(aii):
    tree = aii.tracks["discrete"]
    rng = np.random.default_rng(0)
    local = np.ones((5, len(tree.codes)))
    for family in tree.families:
        local[:, family.members] = rng.dirichlet(np.ones(len(family.members)), 5)
    top = tree.at_depth(1)
    within = tree.within(local, top)
    leaf = tree.leaf_weights(local)
    np.testing.assert_allclose(leaf.sum(axis=1), 1, atol=1e-14)
    np.testing.assert_allclose((within * local[:, top, None]).sum(axis=1), leaf, atol=1e-15)
    np.testing.assert_allclose(tree.local_weights(leaf, local[0]), local, atol=1e-14)


def test_a_deeper_tree_with_leaves_at_several_depths_works():
    body = document("cmm")
    body["code"] = "deep"
    body["levels"] = [{"code": f"l{i}", "name": {"zh": "层", "en": "level"}} for i in range(1, 5)]
    name = {"zh": "项", "en": "item"}
    item = {"kind": "qualitative", "options": 3}
    body["nodes"] = [
        {"code": "A", "name": name, "weight": 0.25, "item": item},
        {"code": "B", "name": name, "weight": 0.75},
        {"code": "B1", "parent": "B", "name": name, "weight": 0.5, "item": item},
        {"code": "B2", "parent": "B", "name": name, "weight": 0.5},
        {"code": "B2a", "parent": "B2", "name": name},
        {"code": "B2a1", "parent": "B2a", "name": name, "item": item},
    ]
    tree = parse_framework(body).tracks["all"]
    assert tree.leaf_codes == ("A", "B1", "B2a1")
    assert [tree.codes[i] for i in tree.at_depth(2)] == ["A", "B1", "B2"]
    np.testing.assert_allclose(
        tree.leaf_weights(parse_framework(body).published["all"]), [0.25, 0.375, 0.375]
    )


def change(body, node, **keys):
    next(n for n in body["nodes"] if n["code"] == node).update(keys)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda b: change(b, "IC", weight=0.36), ["sum to 1.01", "+0.01 off 1"]),
        (
            lambda b: change(b, "IC", weight=-0.35),
            ["nodes[0].weight", "greater than or equal to 0"],
        ),
        (lambda b: change(b, "IC", weight="0.35"), ["nodes[0].weight", "'0.35'"]),
        (lambda b: change(b, "IC.DEV", code="IC"), ["duplicate code", "'IC'"]),
        (lambda b: change(b, "IC.DEV", parent="XX"), ["parent is not listed above it", "'XX'"]),
        (lambda b: change(b, "IC.DEV.D1", tracks=["discrte"]), ["no such track", "'discrete'"]),
        (lambda b: b["rating"].update(bands=[20, 40, 40, 80]), ["rise strictly"]),
        (lambda b: b["rating"]["gates"]["table"].update(values=[30, 10, 50, 70]), ["not fall"]),
        (lambda b: b["rating"].update(bandz=1), ["unknown key", "did you mean 'bands'"]),
        (lambda b: b["rating"]["rule_options"].update(missing="skip"), ["renormalise", "'skip'"]),
        (lambda b: b["published"].pop("unstated"), ["no weights are stated"]),
        (lambda b: change(b, "IC.RES", weight=None), ["no weight for IC.RES"]),
        (
            lambda b: change(b, "IC.DEV", weight={"discret": 0.32, "process": 0.4}),
            ["weighs in a track that it is not in", "'discret'", "did you mean 'discrete'"],
        ),
        (lambda b: b["tracks"][1].update(aliases=["离散"]), ["of another track", "'离散'"]),
        (
            lambda b: change(b, "IC.DEV", weight={"discrete": "0.32", "process": 0.4}),
            ["weight.discrete: Input should be a valid number (found '0.32')"],
        ),
    ],
)
def test_a_faulty_framework_is_refused_with_what_would_be_valid(edit, words):
    body = document()
    edit(body)
    with pytest.raises(InputError) as caught:
        parse_framework(body, path="mine.toml")
    for word in ["mine.toml", *words]:
        assert word in str(caught.value)


def test_all_faults_of_a_framework_are_listed_at_once():
    body = document()
    body["rating"]["bands"] = [20, 40, 40, 80]
    change(body, "IC.DEV", parent="XX")
    with pytest.raises(InputError) as caught:
        parse_framework(body, path="mine.toml")
    assert len(caught.value.faults) >= 2


def test_an_unknown_framework_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'vdma'"):
        load_framework("vmda")


def test_frameworks_from_documents_are_told_apart():
    body = document()
    one = parse_framework(body)
    change(body, "IC", weight=0.36)
    change(body, "IN", weight=0.32)
    assert one.digest
    assert parse_framework(body).digest != one.digest
    assert parse_framework(document()).digest == one.digest


def test_a_folder_does_not_hide_a_shipped_framework(tmp_path, monkeypatch):
    (tmp_path / "vdma").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_framework("vdma").code == "vdma"


def test_each_capability_of_the_alliance_describes_its_five_levels_in_each_track(aii):
    for tree in aii.tracks.values():
        for node in tree.nodes:
            wanted = 5 if node.depth == 2 else 0
            assert len(node.descriptions) == wanted, node.code
    discrete, process = (t.nodes[t.index["IN.E2E"]].descriptions for t in aii.tracks.values())
    assert discrete != process


def test_descriptions_that_do_not_fit_the_stars_or_tracks_are_faults():
    file = document()
    net = next(n for n in file["nodes"] if n["code"] == "IC.NET")
    net["descriptions"] = net["descriptions"][:4]
    end = next(n for n in file["nodes"] if n["code"] == "IN.E2E")
    end["descriptions"]["batch"] = end["descriptions"].pop("process")
    with pytest.raises(InputError) as caught:
        parse_framework(file)
    found = {f.where.split()[-1]: f for f in caught.value.faults}
    assert "IC.NET.descriptions" in found
    assert "5 descriptions" in str(found["IC.NET.descriptions"])
    assert "IN.E2E.descriptions.batch" in found
