"""Targets for variance shares are judged on the sample's own covariance, and a miss is said."""

from __future__ import annotations

import numpy as np
import pytest

from calib.adjustment import adjust, risk_budget
from calib.framework import load_framework
from calib.outcomes.dominance import (
    Moments,
    moments_of,
    pool_moments,
    shrinkage_intensity,
    variance_share,
)
from calib.population import Population
from calib.weights import published_weights

FIRST = np.array([0.0, 50.0, 100.0, 25.0])
CANCEL = np.column_stack([FIRST, 100.0 - FIRST, [50.0, 25.0, 75.0, 100.0]])


def test_a_target_that_only_shrinkage_reaches_is_reported_as_missed() -> None:
    for m in (moments_of(CANCEL), moments_of(CANCEL, centred=True)):
        found = risk_budget(m, np.ones(3))
        own = variance_share(found.g, moments_of(CANCEL)).share
        assert found.shrinkage > 0
        np.testing.assert_allclose(found.shares, own)
        assert found.miss == pytest.approx(np.abs(own - 1 / 3).max())
        assert found.miss > 0.1


def test_shrinkage_is_the_documented_one_wherever_the_covariance_needs_it() -> None:
    m = moments_of(CANCEL, centred=True)
    d = CANCEL - CANCEL.mean(axis=0)
    noise = signal = 0.0
    for i in range(3):
        for j in range(3):
            if i != j:
                product = d[:, i] * d[:, j]
                noise += product.var() / (len(d) - 1)
                signal += product.mean() ** 2
    expected = min(1.0, noise / signal)
    assert shrinkage_intensity(m) == pytest.approx(expected)
    assert risk_budget(m, np.ones(3)).shrinkage == pytest.approx(max(expected, 0.01))
    rng = np.random.default_rng(0)
    plain = moments_of(rng.normal(size=(50, 4)), centred=True)
    assert risk_budget(plain, np.ones(4)).shrinkage == 0.0
    assert risk_budget(plain, np.ones(4)).miss < 1e-10


def test_centred_scores_go_through_nodes_and_pools() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(9, 4)), rng.normal(size=(7, 4))
    mix = rng.dirichlet(np.ones(4), size=3).T
    one = moments_of(a, centred=True).through(mix)
    np.testing.assert_allclose(
        shrinkage_intensity(one), shrinkage_intensity(moments_of(a @ mix, centred=True))
    )
    pooled = pool_moments([moments_of(x, centred=True) for x in (a, b)])
    again = moments_of(np.vstack([a - a.mean(0), b - b.mean(0)]), centred=True)
    np.testing.assert_allclose(shrinkage_intensity(pooled), shrinkage_intensity(again))
    counts = np.array([2.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    weighted = moments_of(a, counts, centred=True)
    repeated = moments_of(np.repeat(a, counts.astype(int), axis=0), centred=True)
    assert shrinkage_intensity(weighted) == pytest.approx(shrinkage_intensity(repeated))
    bare = pool_moments([moments_of(a), moments_of(b, centred=True)])
    assert isinstance(bare, Moments)
    assert bare.centred is None


def cancelling(aii, trial) -> Population:
    """Give the trial two indicators of one capability that cancel each other."""
    samples = {}
    for t, s in trial.samples.items():
        values = s.values.copy()
        if t == "process":
            track = aii.tracks[t]
            first, second = (track.leaf_codes.index(c) for c in ("IN.HOR.P1", "IN.HOR.P2"))
            values[:, second] = 6 - values[:, first] if values.min() >= 1 else 4 - values[:, first]
        samples[t] = type(s)(s.track, s.ids, s.names, values, s.attributes)
    return Population(aii, samples, trial.kind, "cancelling", True)


def test_a_missed_target_is_the_first_line_and_has_no_certificate(aii, trial) -> None:
    found = adjust(
        published_weights(aii),
        cancelling(aii, trial),
        problem="shares",
        level="leaf",
        draws=0,
        rng=0,
    )
    assert found.misses
    assert "missed" in found.notes[0].get("en")
    assert "IN.HOR.P" in found.notes[0].get("en")
    assert found.misses[0].get("zh").startswith("方差占比目标未达到")
    assert found.solution.certificate is None


def test_met_targets_keep_their_certificate_and_miss_nothing(aii, trial) -> None:
    found = adjust(published_weights(aii), trial, problem="shares", level="pillar", draws=0, rng=0)
    assert found.misses == ()
    assert found.solution.certificate.residual < 1e-9


def test_rounding_shares_to_a_grid_says_by_how_much_they_miss(aii, trial) -> None:
    found = adjust(
        published_weights(aii), trial, problem="shares", level="pillar", draws=0, grid=0.01
    )
    assert "missed" in found.notes[0].get("en")
    assert "has 0.3" in found.notes[0].get("en")


def test_what_a_target_is_for_is_said_for_one_track_and_for_two(aii, trial) -> None:
    weights = published_weights(aii)
    two = adjust(weights, trial, problem="shares", level="all", draws=0, rng=0)
    assert any("family by family" in n.get("en") for n in two.notes)
    one = Population(
        load_framework("aii"), {"discrete": trial.samples["discrete"]}, trial.kind, "one", True
    )
    alone = adjust(weights, one, problem="shares", level="all", draws=0, rng=0)
    assert any("over the whole tree" in n.get("en") for n in alone.notes)
