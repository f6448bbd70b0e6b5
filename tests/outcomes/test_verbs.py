"""Acceptability, stability, life cycle, rule options and scale as a notebook calls them."""

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.weights import Root, from_table
from calib.words import Name

FRAMEWORK = calib.load_framework("aii")
PUBLISHED = calib.published_weights(FRAMEWORK)
FIRMS = calib.generate_population(FRAMEWORK, 60, rng=3)


def drawn(weights):
    """Return a set with 50 draws of its first level, all from one panel."""
    noise = np.random.default_rng(7).dirichlet(np.full(3, 30.0), 50)
    draws = {t: np.tile(v, (50, 1)) for t, v in weights.local.items()}
    for t, tree in FRAMEWORK.tracks.items():
        draws[t][:, tree.families[0].members] = noise
    root = Root("panel-digest", "panel", Name("专家", "experts"), "1")
    return weights.with_uncertainty(from_table(root, weights.local, draws))


def test_without_a_statement_the_sets_own_draws_decide():
    found = calib.acceptability(drawn(PUBLISHED), FIRMS)
    table = found.frame().set_index("enterprise")
    stars = []
    for i in range(50):
        local = {t: v[i] for t, v in drawn(PUBLISHED).draws.items()}
        one = calib.WeightSet.build(FRAMEWORK, "one", local, source="test")
        stars.append(calib.rate(one, FIRMS).enterprises().set_index("enterprise")["star"])
    for k in range(1, 6):
        expected = np.mean([s == k for s in stars], axis=0)
        np.testing.assert_allclose(table[f"p_{k}"].reindex(stars[0].index), expected, atol=1e-12)
    assert any("vary with experts" in n.get("en") for n in found.notes)
    counts = calib.rate(PUBLISHED, FIRMS).counts()
    whole = found.frame("expected-stars").query("scope == 'all'")
    np.testing.assert_allclose(whole["share_now"], counts / counts.sum())


def test_a_decided_set_needs_a_statement_and_is_told_one_that_works():
    said = "states no uncertainty, and set published is decided"
    with pytest.raises(InputError, match=said) as error:
        calib.acceptability(PUBLISHED, FIRMS)
    example = "all={'kind': 'dirichlet', 'concentration': 50}"
    assert example in error.value.get("en")
    assert example in error.value.get("zh")
    spread = {"kind": "dirichlet", "concentration": 50}
    found = calib.acceptability(PUBLISHED, FIRMS, all=spread, size=64, replicates=2, rng=1)
    assert found.frame()["p_now"].between(0, 1).all()


def test_a_statement_is_repeatable_and_beats_nothing_twice():
    stated = {"levels": {"pillar": {"kind": "uniform"}}, "size": 64, "replicates": 2, "rng": 1}
    exact = calib.acceptability(PUBLISHED, FIRMS, name="flat", **stated)
    assert (exact.frame()["error"] == 0).all()
    own = calib.acceptability(drawn(PUBLISHED), FIRMS, name="own", **stated)
    both = type(own).together([exact, own])
    assert set(both.frame()["case"]) == {"flat", "own"}
    assert [d.name for d in both.drawings] == ["acceptability-flat", "acceptability-own"]
    again = calib.acceptability(PUBLISHED, FIRMS, name="flat", **stated)
    assert again.frame("expected-stars").equals(exact.frame("expected-stars"))
    with pytest.raises(InputError, match=r"no level 'pilar' .*'pillar'"):
        calib.acceptability(PUBLISHED, FIRMS, levels={"pilar": {}})
    with pytest.raises(InputError, match="level is now called confidence"):
        calib.acceptability(PUBLISHED, FIRMS, level=0.9)


def test_stability_of_answers_and_of_scores_is_the_same():
    from calib.rating import score_answers

    one = calib.stability(PUBLISHED, FIRMS, levels=["pillar"], engine="numpy")
    two = calib.stability(PUBLISHED, score_answers(FIRMS), levels=["pillar"], engine="numpy")
    assert one.frame().equals(two.frame())
    near = one.frame("stability-near")
    assert (near["nearest_tv"] <= 0.05).all()
    assert f"{len(near)} enterprise" in one.summary("en")
    with pytest.raises(InputError, match="no level"):
        calib.stability(PUBLISHED, FIRMS, levels=["pilar"])


def test_rule_options_take_several_sets_and_only_answers():
    from calib.rating import score_answers

    equal = calib.equal_weights(FRAMEWORK)
    found = calib.rule_options([PUBLISHED, equal], FIRMS, together=False)
    assert set(found.frame()["set"]) == {"published", "equal"}
    base = found.frame().query("set == 'equal'").iloc[0]
    counts = calib.rate(equal, FIRMS).counts()
    assert [base[f"star_{k}"] for k in range(1, 6)] == counts.tolist()
    with pytest.raises(InputError, match="population is a Scored"):
        calib.rule_options(PUBLISHED, score_answers(FIRMS))


def test_scale_counts_what_rating_counts(tmp_path):
    pytest.importorskip("pyarrow")
    from calib.population import write_partitions

    write_partitions(tmp_path / "parts", [FIRMS])
    found = calib.scale([PUBLISHED], tmp_path / "parts", draws=8, rng=1, synthetic=True)
    whole = found.frame().query("scope == 'all'")
    np.testing.assert_array_equal(whole["count"], calib.rate(PUBLISHED, FIRMS).counts())
    assert found.notes[0].warning
    with pytest.raises(InputError, match="no such folder"):
        calib.scale(PUBLISHED, tmp_path / "none")


@pytest.mark.parametrize("verb", ["acceptability", "stability", "lifecycle", "rule_options"])
def test_swapped_arguments_get_one_sentence(verb):
    with pytest.raises(InputError, match=rf"{verb}\(weights, population\)"):
        getattr(calib, verb)(FIRMS, PUBLISHED)


def test_results_stay_short_and_speak_both_languages():
    stated = {"all": {"kind": "dirichlet"}, "size": 16, "replicates": 2, "rng": 1}
    for result in (
        calib.acceptability(PUBLISHED, FIRMS, **stated),
        calib.stability(PUBLISHED, FIRMS, levels=["pillar"]),
        calib.lifecycle(PUBLISHED, FIRMS, add=[{"parent": "DA.DEC", "weight": 0.2}]),
        calib.rule_options(PUBLISHED, FIRMS, together=False),
    ):
        assert len(repr(result)) < 200
        assert result.summary("zh") != result.summary("en")
        assert "<table" in result._repr_html_()
