from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calib.errors import InputError
from calib.weights import (
    WeightSet,
    aitchison_distance,
    blend,
    compare_weights,
    distance_table,
    equal_weights,
    published_weights,
    read_weights,
    round_family,
    round_weights,
    to_toml,
    total_variation,
    write_weights,
)

HEAD = 'schema = "calib.weights/1"\nframework = "aii"\nname = "mine"\nunlisted = "published"\n'


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["toml", "csv", "xlsx", "parquet"])
def test_a_weight_set_survives_a_file_bit_for_bit(aii, tmp_path, ending):
    rng = np.random.default_rng(0)
    local = {}
    top = rng.dirichlet(np.ones(3))
    for t, tree in aii.tracks.items():
        values = np.ones(len(tree.codes))
        for family in tree.families:
            draw = rng.dirichlet(np.ones(len(family.members)))
            values[family.members] = draw if family.parent else top
        local[t] = values
    if ending == "xlsx":  # Excel keeps 16 digits of a double, so compare on a grid there
        weights = round_weights(WeightSet.build(aii, "w", local, source="test"), 0.001)
    else:
        weights = WeightSet.build(aii, "w", local, source="test")
    path = tmp_path / f"w.{ending}"
    write_weights(weights, path)
    again = read_weights(path, aii)
    if ending == "xlsx":
        for t in aii.tracks:
            np.testing.assert_allclose(again.local[t], weights.local[t], atol=1e-15)
    else:
        assert again.digest == weights.digest


def test_provenance_and_labels_survive_toml(aii, tmp_path):
    weights = published_weights(aii).with_weights({"DA": 0.4}, name='odd "name" \\ 名')
    path = write(tmp_path, to_toml(weights))
    again = read_weights(path, aii)
    assert again.name == 'odd "name" \\ 名'
    assert again.provenance.source == "override"
    assert "DA=0.4" in again.provenance.detail
    assert dict(again.provenance.inputs) == {"published": published_weights(aii).digest}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[weights]\nIC = 0.35\nIN = 0.33\nDA = 0.33\n", ["sum to 1.01", "+0.01 off 1"]),
        ("[weights]\nIC = -0.35\nIN = 0.68\nDA = 0.67\n", ["weights.discrete.IC", "-0.35"]),
        ("[weights]\nIC = nan\nIN = 0.68\nDA = 0.32\n", ["IC", "nan"]),
        ('[weights]\nIC = "0.35"\nIN = 0.33\nDA = 0.32\n', ["weights.IC"]),
        ("[weights]\nIC = 0.35\nIM = 0.33\nDA = 0.32\n", ["unknown code", "did you mean"]),
        ("[weights]\nIC = 0.35\nIN = 0.65\n", ["no weight for DA"]),
        ("[weights.discrete]\nIC = 0.5\nIN = 0.3\nDA = 0.2\n", ["shared by all tracks"]),
        ('[weights.discrete]\n"IC.XXX" = 0.5\n', ["unknown code", "discrete"]),
        ("[weights.discret]\nIC = 1\n", ["no such track", "discrete"]),
        ("[weights]\nIC = 0.35\n[weights.discrete]\nIC = 0.35\n", ["one place"]),
    ],
)
def test_a_faulty_weight_file_says_what_is_wrong(aii, tmp_path, body, words):
    path = write(tmp_path, HEAD + body)
    with pytest.raises(InputError) as caught:
        read_weights(path, aii)
    for word in ["mine.toml", *words]:
        assert word in str(caught.value)


def test_a_duplicate_key_is_refused(aii, tmp_path):
    with pytest.raises(InputError, match=r"mine\.toml.*[Oo]verwrite"):
        read_weights(write(tmp_path, HEAD + "[weights]\nIC = 0.35\nIC = 0.36\n"), aii)


def test_a_file_for_another_framework_or_version_is_refused(aii, tmp_path):
    other = HEAD.replace('"aii"', '"vdma"') + "[weights]\n"
    with pytest.raises(InputError, match="another framework"):
        read_weights(write(tmp_path, other), aii)
    newer = HEAD + 'framework_version = "2.0"\n[weights]\n'
    with pytest.raises(InputError, match="another version"):
        read_weights(write(tmp_path, newer), aii)


def test_faults_of_a_weight_table_name_the_cell(aii, tmp_path):
    table = published_weights(aii).frame()
    table["local_weight"] = table["local_weight"].astype(object)
    table.loc[0, "local_weight"] = "a third"
    table.loc[3, "code"] = table.loc[4, "code"]
    path = tmp_path / "w.csv"
    table.to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        read_weights(path, aii)
    text = str(caught.value)
    assert "row 2, column local_weight: is no number (found 'a third')" in text
    assert "row 6, column code: duplicate code" in text


def test_equal_weights_on_one_level_leave_the_others(aii):
    weights = equal_weights(aii, levels=["pillar"])
    assert weights.weight("IC") == pytest.approx(1 / 3)
    assert weights.weight("IC.DEV", "discrete") == 0.32
    everywhere = equal_weights(aii)
    assert everywhere.weight("IC.DEV", "discrete") == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="did you mean 'pillar'"):
        equal_weights(aii, levels=["pilar"])


def test_an_override_rescales_siblings_in_proportion(aii):
    weights = published_weights(aii).with_weights({"DA": 0.40}, name="da40")
    assert weights.weight("DA") == 0.40
    assert weights.weight("IC") == pytest.approx(0.6 * 0.35 / 0.68, rel=1e-15)
    assert weights.weight("IN.HOR", "process") == 0.32
    with pytest.raises(InputError, match=r"sum to 1\.2"):
        published_weights(aii).with_weights({"DA": 0.6, "IC": 0.6}, name="x")
    with pytest.raises(InputError, match="exactly 1"):
        published_weights(aii).with_weights({"DA": 0.3, "IC": 0.3, "IN": 0.3}, name="x")
    with pytest.raises(InputError, match=r"unknown code .did you mean"):
        published_weights(aii).with_weights({"DAA": 0.3}, name="x")


def test_blends_are_node_by_node(aii):
    a = published_weights(aii)
    b = a.with_weights({"DA": 0.40}, name="b")
    half = blend({a: 0.5, b: 0.5})
    assert half.weight("DA") == pytest.approx(0.36)
    geometric = blend({a: 0.5, b: 0.5}, method="geometric")
    raw = np.sqrt([0.35 * b.weight("IC"), 0.33 * b.weight("IN"), 0.32 * 0.40])
    assert geometric.weight("DA") == pytest.approx(raw[2] / raw.sum())
    with pytest.raises(InputError, match=r"sum to 0\.9"):
        blend({a: 0.5, b: 0.4})


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).filter(lambda x: sum(x) > 0.01))
def test_rounding_stays_on_the_grid_sums_to_1_and_is_the_nearest(parts):
    weights = np.array(parts) / sum(parts)
    rounded = round_family(weights)
    counts = rounded * 100
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)
    assert int(np.rint(counts).sum()) == 100
    assert np.abs(rounded - weights).max() < 0.01 + 1e-9
    # No exchange of one step between two siblings comes nearer.
    base = ((rounded - weights) ** 2).sum()
    for i in range(len(weights)):
        for j in range(len(weights)):
            if i != j and rounded[i] > 0.005:
                other = rounded.copy()
                other[i] -= 0.01
                other[j] += 0.01
                assert ((other - weights) ** 2).sum() >= base - 1e-12


def test_published_weights_are_on_the_grid_already(aii):
    published = published_weights(aii)
    rounded = round_weights(published)
    for t, tree in aii.tracks.items():
        upper = tree.depth < 3
        np.testing.assert_array_equal(rounded.local[t][upper], published.local[t][upper])
    assert "IC.NET (discrete)" in rounded.provenance.detail  # three equal indicators stay exact
    forced = round_weights(published, keep_equal=False)
    assert [forced.weight(f"IC.NET.D{i}") for i in (1, 2, 3)] == [0.34, 0.33, 0.33]
    with pytest.raises(InputError, match="divides 1"):
        round_weights(published, 0.03)


def test_any_number_of_sets_is_compared_with_the_baseline_that_comes_first(aii):
    published = published_weights(aii)
    a, b = (published.with_weights({"DA": w}, name=n) for n, w in (("a", 0.40), ("b", 0.25)))
    table = compare_weights(published, [a, b])
    da = table[(table["code"] == "DA") & (table["track"] == "process")].set_index("set")
    assert da["local_pp"].to_dict() == pytest.approx({"a": 8.0, "b": -7.0})
    assert table.equals(compare_weights(published, {"a": a, "b": b}))
    with pytest.raises(InputError, match=r"compare_weights\(baseline, candidate\)"):
        compare_weights(published, [])


def test_a_rounded_set_with_a_name_is_shown_under_it(aii):
    published = published_weights(aii)
    assert round_weights(published, 0.01, name="final").label.en == "final"
    assert round_weights(published, 0.01).label == published.label


def test_distances(aii):
    assert total_variation([0.35, 0.33, 0.32], [0.31, 0.29, 0.40]) == pytest.approx(0.08)
    a, b = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.6, 0.3])
    clr = lambda w: np.log(w) - np.log(w).mean()  # noqa: E731
    assert aitchison_distance(a, b) == pytest.approx(np.linalg.norm(clr(a) - clr(b)))
    assert aitchison_distance(a, a) == 0
    assert aitchison_distance([0.0, 1.0], [0.5, 0.5]) == np.inf
    shifted = published_weights(aii).with_weights({"DA": 0.40}, name="b")
    table = compare_weights(published_weights(aii), shifted)
    row = table[(table["code"] == "DA") & (table["track"] == "process")].iloc[0]
    assert row["local_pp"] == pytest.approx(8.0)
    distances = distance_table(shifted, published_weights(aii))
    assert distances["total_variation"].to_numpy() == pytest.approx(0.08)


def test_weight_sets_refuse_what_is_no_weight_set(aii):
    good = {t: np.array(v) for t, v in aii.published.items()}
    for change, word in ((0.01, "off 1"), (-1.0, "negative"), (np.nan, "no number")):
        bad = {t: v.copy() for t, v in good.items()}
        bad["discrete"][1] += change
        with pytest.raises(InputError, match=word):
            WeightSet.build(aii, "bad", bad, source="test")
    with pytest.raises(ValueError, match="read-only"):
        published_weights(aii).local["discrete"][0] = 1


def test_a_number_as_text_is_one_fault(aii, tmp_path):
    with pytest.raises(InputError) as caught:
        read_weights(write(tmp_path, HEAD + '[weights]\nIC = "0.35"\nIN = 0.33\nDA = 0.32\n'), aii)
    assert [f.where for f in caught.value.faults] == ["weights.IC"]


def test_a_track_code_with_a_dot_survives_toml(aii, tmp_path):
    tracks = {f"{t}.1": replace(tree, code=f"{t}.1") for t, tree in aii.tracks.items()}
    published = {f"{t}.1": v for t, v in aii.published.items()}
    dotted = replace(aii, tracks=tracks, published=published)
    own = published_weights(dotted)
    assert read_weights(write(tmp_path, to_toml(own)), dotted).digest == own.digest


@pytest.mark.parametrize(
    ("weights", "grid"),
    [([0.5, 0.2], 0.01), ([1.5, -0.5], 0.01), ([0.5, 0.5], np.inf), ([0.5, 0.5], np.nan),
     ([0.5, 0.5], 1e-12), ([0.5, 0.5], 0.3)],
)  # fmt: skip
def test_rounding_refuses_what_cannot_be_on_a_grid(weights, grid):
    with pytest.raises(InputError, match=r"expected (a step|non-negative)"):
        round_family(np.array(weights), grid)


@pytest.mark.parametrize(
    ("track", "code", "words"),
    [("proces", "IC.DEV", "did you mean 'process'"), ("process", "IC.RES", "unknown code")],
)
def test_an_override_that_would_change_nothing_is_refused(aii, track, code, words):
    with pytest.raises(InputError, match=words):
        published_weights(aii).with_weights({code: 0.3}, name="x", track=track)
