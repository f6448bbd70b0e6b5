"""``calib.compare``: what a notebook gets is what a report shows; and how sure a move is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import calib
from calib.errors import InputError
from calib.weights import Root, from_table
from calib.words import Name

FRAMEWORK = calib.load_framework("aii")
PUBLISHED = calib.published_weights(FRAMEWORK)
MORE = PUBLISHED.with_weights({"DA": 0.5}, name="more")
FIRMS = calib.generate_population(FRAMEWORK, 150, rng=3)


def drawn(weights, stream):
    """Return a set with 60 draws of its first level around it; the panel is always the same."""
    rng = np.random.default_rng(7)
    draws = {t: np.tile(v, (60, 1)) for t, v in weights.local.items()}
    noise = rng.dirichlet(np.full(3, 30.0), 60)
    for t, tree in FRAMEWORK.tracks.items():
        top = tree.families[0].members
        mixed = 0.5 * weights.local[t][top] + 0.5 * noise
        draws[t][:, top] = mixed
    root = Root("panel-digest", "panel", Name("专家", "experts"), stream)
    return weights.with_uncertainty(from_table(root, weights.local, draws))


def test_a_notebook_gets_what_a_run_shows(tmp_path):
    document = {
        "schema": "calib.experiment/1", "name": "case", "framework": "aii",
        "population": {"generate": {"n": 150, "seed": 3}}, "seed": 11,
        "sets": {"published": {"source": "published"},
                 "more": {"source": "override", "weights": {"DA": 0.5}}},
        "outcomes": {"comparison": {"bootstrap": 200}},
    }  # fmt: skip
    from calib.experiment import parse_experiment

    run = calib.run_experiment(parse_experiment(document, folder=tmp_path, file="case.toml"))
    here = calib.compare(PUBLISHED, MORE, run.context.scored, bootstrap=200, rng=11)
    assert set(here.frames) == {t.name for t in run.tables}
    for name, table in here.frames.items():
        if name != "provenance":
            assert table.equals(run.frame(name)), name
    assert [d.name for d in here.drawings] == [d.name for d in run.drawings]
    assert here.frame().equals(here.frame("movers"))
    assert len(repr(here)) < 200


def test_several_candidates_are_compared_at_once_by_name():
    equal = calib.equal_weights(FRAMEWORK)
    together = calib.compare(PUBLISHED, {"a": MORE, "b": equal}, FIRMS, bootstrap=100, rng=1)
    assert list(together.ratings) == ["published", "a", "b"]
    alone = calib.compare(PUBLISHED, {"b": equal}, FIRMS, bootstrap=100, rng=1)
    both = together.frame("agreement-intervals")
    # Adding a set changes nothing about another.
    assert (
        both[both["set"] == "b"].reset_index(drop=True).equals(alone.frame("agreement-intervals"))
    )
    listed = calib.compare(PUBLISHED, [MORE, equal], FIRMS, bootstrap=100, rng=1)
    assert list(listed.ratings) == ["published", "more", "equal"]


def test_the_probability_of_a_move_is_the_share_of_paired_draws_that_make_it():
    base = drawn(PUBLISHED, "s")
    more = base.with_weights({"DA": 0.9}, name="more")
    found = calib.compare(base, more, FIRMS, bootstrap=100, rng=1)
    movers = found.frame().head(6)
    assert len(movers) > 2
    local = {n: found.sets[n].draws for n in ("published", "more")}
    for row in movers.itertuples():
        hits = 0
        for i in range(60):
            star = {}
            for name, draws in local.items():
                one = calib.WeightSet.build(
                    FRAMEWORK, name, {t: v[i] for t, v in draws.items()}, source="test"
                )
                rated = calib.rate(one, FIRMS).samples[row.track]
                star[name] = rated.star[list(rated.ids).index(row.enterprise)]
            step = star["more"] - star["published"]
            hits += (step > 0) if row.direction == "up" else (step < 0)
        assert row.p_moves == pytest.approx(hits / 60)
    decided = calib.compare(PUBLISHED, MORE, FIRMS, bootstrap=100, rng=1)
    assert "p_moves" not in decided.frame()


def test_draws_of_one_panel_with_two_seeds_are_refused():
    with pytest.raises(InputError, match="different seeds"):
        calib.compare(drawn(PUBLISHED, "1"), drawn(MORE, "2"), FIRMS).frame()


def test_wrong_arguments_get_one_sentence():
    with pytest.raises(InputError, match="swapped"):
        calib.compare(FIRMS, MORE, PUBLISHED)
    with pytest.raises(InputError, match="weights is a Population; expected a WeightSet"):
        calib.compare(PUBLISHED, FIRMS, FIRMS)
    with pytest.raises(InputError, match="no weight set"):
        calib.compare(PUBLISHED, [], FIRMS)
    with pytest.raises(InputError, match="level is now called confidence"):
        calib.compare(PUBLISHED, MORE, FIRMS, level=0.9)
    with pytest.raises(InputError, match="no attribute 'size'"):
        calib.compare(PUBLISHED, MORE, FIRMS, by="size")
    vdma = calib.published_weights(calib.load_framework("vdma"))
    with pytest.raises(InputError, match="is for framework"):
        calib.compare(PUBLISHED, vdma, FIRMS)


def test_totals_that_differ_by_rounding_noise_are_tied_in_kendalls_tau():
    # Everybody comes twice, the second time with the answers to equal siblings the other way
    # round: the two have one total on paper, under any weights that keep the siblings equal.
    frame = FIRMS.frame()
    twin = frame.copy()
    twin["enterprise"] = twin["enterprise"] + "-twin"
    for family in (f for t in FRAMEWORK.tracks.values() for f in t.families if f.parent.count(".")):
        codes = [c for c in frame.columns if c.startswith(f"{family.parent}.")]
        for track in ("D", "P"):
            own = [c for c in codes if c.split(".")[2].startswith(track)]
            if (frame[own].max() == 5).all():  # questions with the same options
                twin[own] = frame[own[::-1]].to_numpy()
    firms = calib.Population.from_frame(pd.concat([frame, twin]), FRAMEWORK)
    noise = 1 + 1e-15 * np.random.default_rng(2).uniform(-1, 1, 200)
    local = {t: v * noise[: len(v)] for t, v in PUBLISHED.local.items()}
    same = replace(PUBLISHED, name="same", local=local)
    totals = calib.rate(PUBLISHED, firms).samples["discrete"].total
    assert len(np.unique(totals)) > len(np.unique(totals.round(6)))  # the noise is there
    found = calib.compare(PUBLISHED, same, firms, bootstrap=100, rng=1).frame("agreement")
    np.testing.assert_allclose(found["kendall_tau"], 1.0, atol=1e-12)


def test_the_headline_of_the_tests_counts_the_sets_under_which_somebody_moves():
    """Sets of the years between and of earlier rounds only lead to those that count."""
    sets = {"same": PUBLISHED, "more": MORE, "more/1": calib.equal_weights(FRAMEWORK)}
    found = calib.compare(PUBLISHED, sets, FIRMS, bootstrap=100, rng=1).inference
    chosen = found.tests.query("scope == 'all' and test == 'Stuart–Maxwell' and set == 'more'")
    p, said = chosen["p"].item(), found.headline().get("en")
    assert said.startswith("Under 1 set")
    assert f"{int(p < 0.05)} differ at 95 % confidence, smallest p = {p:.2g}" in said
    alone = calib.compare(PUBLISHED, {"same": PUBLISHED}, FIRMS, bootstrap=100, rng=1)
    assert "nothing to test" in alone.inference.headline().get("en")
