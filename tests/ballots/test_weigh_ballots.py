"""``weigh_ballots``: one verb from a survey to weights with draws, notes and a verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import calib
from calib.ballots import Ballots, Survey, simulate_ballots, worth_draws
from calib.errors import InputError
from calib.framework import Framework


@pytest.fixture(scope="module")
def survey(aii: Framework) -> Survey:
    return calib.read_survey("unequal", aii)


def weigh(survey, **options):
    options = {"report": False, "draws": 200, "rng": 1, **options}
    return calib.weigh_ballots(survey, **options)


def test_a_survey_introduces_itself_in_one_line(survey):
    assert repr(survey) == "<Survey unequal.csv: ballots discrete 420, process 310; synthetic>"


def test_an_unknown_shipped_survey_gets_the_names_of_those_there_are(aii):
    with pytest.raises(InputError, match="near-equal, unequal"):
        calib.read_survey("unequl", aii)


def test_ballots_speak_at_the_level_that_was_ranked_unless_told_otherwise(survey, aii):
    published = calib.published_weights(aii)
    indicators, everything = weigh(survey).weights, weigh(survey, levels="all").weights
    for code, track in aii.tracks.items():
        above = track.depth < 3
        np.testing.assert_array_equal(indicators.local[code][above], published.local[code][above])
        assert np.abs(everything.local[code][above] - published.local[code][above]).max() > 0.05
        np.testing.assert_array_equal(
            indicators.local[code][~above], everything.local[code][~above]
        )
        assert (indicators.draws[code][:, above] == published.local[code][above]).all()


def test_counting_indicators_is_said_first(survey):
    notes = calib.weigh_ballots(survey, levels=["pillar", "indicator"], draws=1, rng=1).notes
    assert notes[0].warning
    assert "counts indicators" in notes[0].get("en")
    assert "一级指标" in notes[0].get("zh") or "支柱" in notes[0].get("zh")
    assert not any("counts indicators" in n.get("en") for n in weigh(survey).notes)


def test_methods_and_levels_under_one_seed_share_their_replicates(survey, aii):
    rows = aii.tracks["discrete"].depth == 3
    found = {
        m: weigh(survey, method=m).weights
        for m in ("shrinkage", "maximum_likelihood", "dowdall", "picks")
    }
    base = found["maximum_likelihood"].draws["discrete"][:, rows]
    for method, weights in found.items():
        ours = weights.draws["discrete"][:, rows]
        together = [np.corrcoef(a, b)[0, 1] for a, b in zip(base.T, ours.T, strict=True)]
        assert np.median(together) > 0.6, method
    other = weigh(survey, method="dowdall", rng=2).weights.draws["discrete"][:, rows]
    apart = [np.corrcoef(a, b)[0, 1] for a, b in zip(base.T, other.T, strict=True)]
    assert abs(np.median(apart)) < 0.2
    mixed = calib.blend({found["shrinkage"]: 0.5, found["dowdall"]: 0.5})
    assert [r.kind for r in mixed.roots] == ["survey"]
    with pytest.raises(InputError, match="rng"):
        calib.blend({found["shrinkage"]: 0.5, weigh(survey, rng=2).weights: 0.5})


@pytest.mark.parametrize("method", ["shrinkage", "maximum_likelihood", "borda_unlisted_zero"])
def test_replicate_i_does_not_depend_on_how_many_there_are(survey, method):
    few = weigh(survey, method=method, draws=20).weights.draws["process"]
    many = weigh(survey, method=method, draws=90).weights.draws["process"]
    np.testing.assert_allclose(many[:20], few, atol=1e-6)


def test_posterior_draws_have_the_posteriors_moments_and_follow_the_resamples():
    from calib.ballots import fit_shrunk, tabulate

    ballots = simulate_ballots(np.linspace(-0.8, 0.8, 9), 400, 3, rng=5)
    fit = fit_shrunk(tabulate(ballots))
    ours = np.log(worth_draws(ballots, 3000, rng=3))
    gen = np.random.default_rng(4)
    plain = np.log(fit.draws_at(gen.random(3000), gen.standard_normal((3000, 9))))
    np.testing.assert_allclose(ours.mean(0), plain.mean(0), atol=0.02)
    np.testing.assert_allclose(ours.std(0) / plain.std(0), 1, atol=0.08)
    score = worth_draws(ballots, 3000, method="picks", rng=3)
    assert min(np.corrcoef(ours[:, j], score[:, j])[0, 1] for j in range(9)) > 0.6


def test_whole_enterprises_are_resampled_for_every_method():
    one = simulate_ballots(np.linspace(-0.8, 0.8, 9), 200, 3, rng=5)
    twice = Ballots(
        one.items,
        np.repeat(one.picks, 2, axis=0),
        cluster=np.repeat(np.arange(one.n), 2).astype(str),
    )
    for method in ("shrinkage", "picks"):
        single = worth_draws(one, 300, method=method, rng=1)
        double = worth_draws(twice, 300, method=method, rng=1)
        np.testing.assert_allclose(single.std(0), double.std(0), rtol=0.2)


def test_the_uncertainty_of_the_levels_above_is_that_of_their_own_root(survey, aii):
    near = weigh(calib.read_survey("near-equal", aii), levels="all").weights
    both = weigh(survey, base=near).weights
    assert len(both.roots) == 2
    frozen = both.uncertainty.draws(free=[survey.digest])
    above = aii.tracks["discrete"].depth < 3
    assert np.ptp(frozen["discrete"][:, above], axis=0).max() == 0
    assert np.ptp(frozen["discrete"][:, ~above], axis=0).max() > 0
    assert np.ptp(both.draws["discrete"][:, above], axis=0).max() > 0


def test_the_digest_is_that_of_the_ballots(survey):
    part = survey.ballots["process"]
    fewer = replace(survey, ballots={**survey.ballots, "process": part.take(np.arange(300))})
    assert fewer.digest != survey.digest
    assert replace(survey, synthetic=False).digest == survey.digest


def test_the_headline_is_the_verdict_by_track(survey):
    found = calib.weigh_ballots(survey, also=["dowdall"], draws=5, rng=1)
    assert found.headline().get("en").startswith("discrete")
    assert "not equally important (420 ballots, 95% confidence)" in found.headline().get("en")
    assert found.also["dowdall"].draws["process"].shape[0] == 5
    assert set(found.frames) == {"items", "tests", "effects", "groups", "estimators"}
    assert len(repr(found)) < 200


def test_mixed_up_arguments_and_strange_levels_get_one_sentence(survey, aii):
    with pytest.raises(InputError, match="survey is a Framework; expected a Survey"):
        calib.weigh_ballots(aii)
    with pytest.raises(InputError, match="levels are pillar, capability, indicator"):
        weigh(survey, levels=["indicators"])
    with pytest.raises(InputError, match=r"did you mean 1\.25"):
        weigh(survey, margin=25)


def test_a_track_without_ballots_keeps_the_base_weights(survey, aii):
    only = replace(survey, ballots={"process": survey.ballots["process"]})
    found = calib.weigh_ballots(only, draws=5, rng=1)
    published = calib.published_weights(aii)
    np.testing.assert_array_equal(found.weights.local["discrete"], published.local["discrete"])
    assert np.ptp(found.weights.draws["discrete"], axis=0).max() == 0
    np.testing.assert_allclose(
        found.weights.local["process"], weigh(survey).weights.local["process"]
    )
    assert any("No ballots from" in n.get("en") and n.warning for n in found.notes)
    with pytest.raises(InputError, match="none from discrete"):
        weigh(only, levels="all")
