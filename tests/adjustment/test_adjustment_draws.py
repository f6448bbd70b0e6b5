"""Adjusted weights carry draws: other enterprises and other starting weights, solved again."""

import numpy as np
import pytest

from calib.adjustment import AdjustRequest, AdjustResult
from calib.adjustment import adjust as adjusted
from calib.adjustment.adjusting import space_of
from calib.adjustment.solve import solve
from calib.errors import CalibError, InputError
from calib.outcomes.dominance import moments_of
from calib.rating import score_answers
from calib.weights import Root, WeightSet, blend, from_table, published_weights


def adjust(*args: object, **options: object) -> AdjustResult:
    """Adjust without floor, order and check: what these tests are about is the caps alone."""
    return adjusted(*args, **{"relative_floor": 0, "keep_order": False, "draws": 0} | options)


CAP = {"cap": {"contribution": 0.085}}
FREE = {"floor": 0, "keep_order": False}


@pytest.fixture(scope="module")
def published(aii) -> WeightSet:
    return published_weights(aii)


@pytest.fixture(scope="module")
def uncertain(aii, published) -> WeightSet:
    """The published weights, with five draws from a panel that never met."""
    rng = np.random.default_rng(3)
    draws = {}
    for t, track in aii.tracks.items():
        draws[t] = np.tile(published.local[t], (5, 1))
        for family in track.families[1:]:
            draws[t][:, family.members] = rng.dirichlet(np.full(len(family.members), 30.0), 5)
    root = Root("panel-1", "panel", "the panel", "seed 3")
    return published.with_uncertainty(from_table(root, published.local, draws))


def test_draws_are_made_only_when_asked_for(published, trial) -> None:
    found = adjust(published, trial, **CAP, replicates=3)
    assert found.refits._made == {}
    assert found.weights.draws["discrete"].shape[0] == 3
    assert len(found.refits._made) == 3
    assert [r.kind for r in found.weights.roots] == ["population"]


def test_a_draw_is_the_adjustment_on_a_bootstrap_sample(aii, published, trial) -> None:
    found = adjust(published, trial, **CAP, replicates=3, rng=2)
    spec = AdjustRequest(**CAP).resolve(aii)
    samples = score_answers(trial).samples
    for i in range(3):
        counts = found.refits.counts(i)
        moments = {
            t: moments_of(np.repeat(s.X, counts[t].astype(int), axis=0)) for t, s in samples.items()
        }
        alone = solve(space_of(published, list(samples), spec.depths), spec, moments).local
        for t, local in alone.items():
            np.testing.assert_allclose(found.weights.draws[t][i], local, atol=1e-9)


def test_with_the_enterprises_frozen_each_draw_is_adjusted_on_the_full_sample(
    uncertain, trial
) -> None:
    found = adjust(uncertain, trial, **CAP, replicates=4)
    assert {r.kind for r in found.weights.roots} == {"panel", "population"}
    frozen = found.weights.uncertainty.draws(free=["panel-1"])
    for i in range(4):
        local = {t: v[i] for t, v in uncertain.draws.items()}
        start = WeightSet.build(uncertain.framework, "draw", local, source="test")
        again = adjust(start, trial, **CAP).weights
        for t in local:
            np.testing.assert_allclose(frozen[t][i], again.local[t], atol=1e-9)


def test_with_everything_frozen_the_draws_are_the_point_on_its_grid(published, trial) -> None:
    found = adjust(published, trial, **CAP, grid=0.01, replicates=3)
    frozen = found.weights.uncertainty.draws(free=[])
    for t, local in found.weights.local.items():
        assert (frozen[t] == local).all()


def test_sets_adjusted_on_the_same_enterprises_are_paired(published, trial) -> None:
    one = adjust(published, trial, **CAP, replicates=4, resamples=7).weights
    two = adjust(published, trial, cap={"contribution": 0.1}, replicates=4, resamples=7).weights
    mixed = blend({one: 0.5, two: 0.5})
    expected = 0.5 * one.leaf("discrete") + 0.5 * two.leaf("discrete")
    assert np.isfinite(expected).all()
    assert len(mixed.roots) == 1
    other = adjust(published, trial, **CAP, replicates=4, resamples=8).weights
    with pytest.raises(InputError, match="different seeds"):
        blend({one: 0.5, other: 0.5})


def test_without_replicates_the_enterprises_are_taken_as_given(published, uncertain, trial) -> None:
    assert adjust(published, trial, **CAP, replicates=0).weights.draws is None
    given = adjust(uncertain, trial, **CAP, replicates=0).weights
    assert [r.key for r in given.roots] == ["panel-1"]
    assert given.draws["process"].shape[0] == 5


@pytest.mark.parametrize(
    "asked",
    [
        {"cap": {"variance": 0.10}, "level": "all", **FREE},
        {"cap": {"contribution": 0.05}, "level": "all", **FREE},
        {"cap": 0.22, "level": "capability", **FREE},
        {"cap": {"variance": 0.25}, "level": "capability", "floor": 0.05, "keep_order": True},
    ],
)
def test_draws_solved_in_one_batch_are_those_of_the_search_one_by_one(
    aii, published, trial, asked
) -> None:
    draws = 12
    found = adjust(published, trial, **asked, replicates=draws)
    refits, spec = found.refits, AdjustRequest(**asked).resolve(aii)
    warm = [b.track.global_weights(refits.full[b.track.code])[b.nodes] for b in refits.space.blocks]
    solved = 0
    for i, (local, met) in enumerate(refits.refit_all([published.local] * draws, range(draws))):
        moments = refits.moments(refits.counts(i))
        try:
            alone = solve(
                refits.space,
                spec.but(starts=0),
                moments,
                extra_starts=[np.concatenate(warm)],
                rng=0,
            ).local
        except CalibError:
            assert not met
            continue
        assert met
        solved += 1
        for t, w in alone.items():
            np.testing.assert_allclose(local[t], w, atol=1e-8)
    assert solved >= 4


def test_a_note_says_how_draws_are_rounded(published, trial) -> None:
    def said(**more: object) -> bool:
        found = adjust(published, trial, **CAP, replicates=3, **more)
        return any("rounded to the same grid" in n.get("en") for n in found.notes)

    assert said(grid=0.01)
    assert not said(steps=[0.5, 1.0])
    assert not said()


def test_draws_without_an_answer_are_counted_and_said(published, trial) -> None:
    found = adjust(
        published, trial, cap=0.22, level="capability", draws=12, replicates=12, starts=0
    )
    assert found.check.failed == found.refits.failed > 0
    said = [n for n in found.notes if n.warning and "keep" in n.get("en")]
    assert len(said) == 1
    assert str(found.check.failed) in said[0].get("zh")
    lost = [i for i in range(12) if not found.refits.refit(published.local, i)[1]]
    for t, local in found.refits.full.items():
        assert (found.weights.draws[t][lost] == local).all()


def test_no_weight_that_moves_falls_below_the_floor(published, trial) -> None:
    asked = {"cap": {"variance": 0.24}, "level": "capability"}
    tracks = published.framework.tracks
    free = adjust(published, trial, **asked).weights
    least = min(free.local[t][tracks[t].at_depth(2)].min() for t in tracks)
    held = adjust(published, trial, **asked, floor=least + 0.01)
    for t, track in tracks.items():
        assert held.weights.local[t][track.at_depth(2)].min() >= least + 0.01 - 1e-12
    assert held.holds
