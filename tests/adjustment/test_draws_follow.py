"""Draws of adjusted weights follow the whole procedure: damped rounds and the grid."""

from __future__ import annotations

import numpy as np
import pytest

import calib
from calib.weights import off_grid, published_weights

OPTIONS = {
    "cap": {"contribution": 0.18}, "level": ["capability"], "draws": 0, "replicates": 12, "rng": 3,
    "relative_floor": 0, "keep_order": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def trial():
    framework = calib.load_framework("aii")
    return published_weights(framework), calib.load_population("trial", framework)


def test_draws_of_rounded_weights_stand_on_the_grid(trial):
    found = calib.adjust(*trial, grid=0.01, **OPTIONS).weights
    off = set(off_grid(found, 0.01))
    tree = found.framework.tracks["process"]
    draws = found.draws["process"]
    assert len(draws) == 12
    assert np.ptp(draws, axis=0).max() > 0.005
    for family in tree.families:
        own = draws[:, family.members]
        assert own.sum(axis=1) == pytest.approx(1)
        if family.parent not in off:
            assert 100 * own == pytest.approx(np.rint(100 * own), abs=1e-9)


def test_draws_of_half_a_round_go_half_the_way(trial):
    weights, firms = trial
    whole = calib.adjust(weights, firms, **OPTIONS).weights
    half = calib.adjust(weights, firms, steps=[0.5], **OPTIONS).weights
    for t, tree in whole.framework.tracks.items():
        start = tree.leaf_weights(weights.local[t])
        for end, middle in zip(whole.draws[t], half.draws[t], strict=True):
            expected = (start + tree.leaf_weights(end)) / 2
            assert tree.leaf_weights(middle) == pytest.approx(expected, abs=1e-9)
        between = (start + tree.leaf_weights(whole.local[t])) / 2
        assert tree.leaf_weights(half.local[t]) == pytest.approx(between, abs=1e-6)


def test_what_was_observed_is_the_set_itself(trial):
    found = calib.adjust(*trial, grid=0.01, **OPTIONS).weights
    held = found.uncertainty.draws(free=[])
    for t, values in held.items():
        assert (values == found.local[t]).all()
