"""Intervals of few experts: as wide as they say, on request."""

import numpy as np
import pytest
from scipy.stats import norm, t

import calib
from calib.errors import InputError
from calib.experts import bootstrap_weights
from calib.experts.panel_bootstrap import widened
from calib.files import shipped_data

AII = calib.load_framework("aii")
FEW = {"draws": 400, "unjudged": "published"}


@pytest.fixture(scope="module")
def panel():
    return calib.read_panel(shipped_data() / "panels" / "example" / "*", AII, synthetic=True)


@pytest.fixture(scope="module")
def both(panel):
    return [
        calib.weigh_panel(panel, small_panel=how, **FEW, rng=1)
        for how in ("as resampled", "student")
    ]


def test_draws_of_a_small_panel_are_widened_about_the_same_weights(both):
    """Log-ratios to the panel's weights grow by t/z, one factor for a node."""
    plain, wide = both
    for key, node in plain.pooled.nodes.items():
        k, a, b = len(node.experts), plain.pooled.pooled[key], wide.pooled.pooled[key]
        assert b.weights == pytest.approx(a.weights, abs=0)
        factor = t.isf(0.025, k - 1) / norm.isf(0.025)
        contrasts = [logs - logs[:, :1] for logs in (np.log(f.draws / f.weights) for f in (a, b))]
        assert contrasts[1] == pytest.approx(factor * contrasts[0], abs=1e-9)
        assert (b.se > a.se).all()


def test_widened_draws_are_weights_and_stay_paired(both):
    plain, wide = both
    for track, tree in AII.tracks.items():
        assert tree.sibling_sums(wide.weights.draws[track]) == pytest.approx(1, abs=1e-12)
    assert wide.weights.roots == plain.weights.roots


def test_intervals_of_seven_experts_cover_only_when_widened():
    """90 % intervals of the geometric mean of seven experts, whose truth is known."""
    rng = np.random.default_rng(3)
    true = np.array([0.4, 0.35, 0.25])
    held = np.zeros((300, 2))
    for run in range(len(held)):
        raw = true * np.exp(0.4 * rng.standard_normal((7, 3)))
        said = raw / raw.sum(axis=1, keepdims=True)
        found = bootstrap_weights(said, pool="geometric", draws=300, confidence=0.9, rng=run)
        wide = widened(found, None, 7, confidence=0.9)
        for column, b in enumerate((found, wide)):
            held[run, column] = ((b.low <= true) & (true <= b.high)).mean()
    narrow, mended = held.mean(axis=0)
    assert narrow < 0.86
    assert 0.86 < mended < 0.94


def test_an_unknown_spread_is_refused(panel):
    with pytest.raises(InputError, match="small_panel"):
        calib.weigh_panel(panel, small_panel="bca", **FEW, rng=1)
