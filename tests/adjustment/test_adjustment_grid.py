"""Rounding under caps against every grid point there is, and reverse adjustment against a rival."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from types import ModuleType

import numpy as np
import pytest

from calib.adjustment import AdjustResult, round_to_grid
from calib.adjustment import adjust as adjusted
from calib.adjustment.constraint_rows import positive_rows
from calib.adjustment.solve import share_caps
from calib.adjustment.variables import build_space
from calib.errors import InfeasibleError
from calib.outcomes.dominance import moments_of
from calib.population import generate_population
from calib.rating import score_answers
from calib.weights import published_weights


def adjust(*args: object, **options: object) -> AdjustResult:
    """Adjust without floor, order and check: what these tests are about is the caps alone."""
    return adjusted(*args, **{"relative_floor": 0, "keep_order": False, "draws": 0} | options)


STEPS = 5


def all_shares(size: int) -> np.ndarray:
    """Return every way to share ``STEPS`` steps out among ``size`` siblings."""
    cuts = itertools.combinations(range(STEPS + size - 1), size - 1)
    return np.array([np.diff([-1, *c, STEPS + size - 1]) - 1 for c in cuts])


@pytest.mark.parametrize("tried", [0, 500_000])
@pytest.mark.parametrize(("seed", "place"), [(0, 1e-4), (0, 3e-3), (1, None), (1, 1e-4), (1, 0.05)])
def test_rounding_under_a_variance_cap_is_the_best_of_all_grid_points(
    aii, seed, place, tried
) -> None:
    track, rng = aii.tracks["discrete"], np.random.default_rng(seed)
    local = np.array(aii.published["discrete"])
    capabilities = [f for f in track.families if int(track.depth[f.members[0]]) == 2]
    for family in capabilities:
        local[family.members] = rng.dirichlet(np.full(len(family.members), 5.0))
    X = score_answers(generate_population(aii, 25, rng=seed)).samples["discrete"].X
    moments = {"discrete": moments_of(X)}
    space = build_space({"discrete": track}, {"discrete": local}, (2,))
    parts = [all_shares(len(f.members)) for f in capabilities]
    every = np.indices([len(p) for p in parts]).reshape(3, -1)
    steps = np.hstack([p[i] for p, i in zip(parts, every, strict=True)])
    above = track.global_weights(local)[track.parent[space.blocks[0].nodes]]
    Z = steps * above / STEPS
    inside = track.within(local, space.blocks[0].nodes)
    part = Z * (Z @ np.cov((X @ inside.T).T, ddof=0))
    largest = (part / part.sum(axis=1, keepdims=True)).max(axis=1)
    far = np.linalg.norm(Z - space.start, axis=1)
    cap = float(largest.min() - 0.002 if place is None else np.quantile(largest, place))
    caps = share_caps(space, cap, 2, moments)
    if place is None:
        with pytest.raises(InfeasibleError, match=r"no weights on the grid of 0\.2"):
            round_to_grid(
                space, space.start, positive_rows(space), caps, grid=1 / STEPS, tried=tried
            )
        return
    found = round_to_grid(
        space, space.start, positive_rows(space), caps, grid=1 / STEPS, tried=tried
    )
    assert found.proven
    assert found.distance == pytest.approx(far[largest <= cap + 1e-9].min(), abs=1e-12)


def test_indicators_of_the_trial_are_rounded_under_a_cap_that_grid_weights_meet(aii, trial) -> None:
    process = trial.take({"process": np.arange(10)})
    found = adjust(published_weights(aii), process, cap={"variance": 0.098}, grid=0.01)
    assert found.holds
    local = found.weights.local["process"][aii.tracks["process"].leaves] * 100
    on = np.abs(local - np.rint(local)) < 1e-9
    equal = np.isclose(local, 100 / 3)
    assert (on | equal).all()
    (rounding,) = found.rounding.values()
    assert rounding.bound <= rounding.distance
    assert "of the adjusted weights, proven nearest" in rounding.sentence("process").get("en")


def test_a_cap_that_leaves_little_room_is_met_on_the_grid_or_the_bound_is_said(aii, trial) -> None:
    """Under .096 earlier searches ended 0.0312 away; nothing is nearer than what they proved."""
    process = trial.take({"process": np.arange(10)})
    found = adjust(published_weights(aii), process, cap={"variance": 0.096}, grid=0.01)
    (rounding,) = found.rounding.values()
    assert found.holds
    assert 0.0169 < rounding.bound <= rounding.distance < 0.0300
    said = rounding.sentence("process").get("en")
    assert rounding.proven or "not proven" in said


@pytest.fixture(scope="module")
def rival(root) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "check_adjustment", root / "benchmarks" / "check_adjustment.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_adjustment"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [8, 10, 12, 16, 18, 20, 24, 26])
def test_no_answer_is_missed_that_an_independent_solver_finds(aii, rival, seed) -> None:
    (outcome,) = rival.compare(seed, aii, effort=1)
    assert np.isfinite(outcome.theirs)
    assert outcome.verdict == "found"
    assert outcome.excess < 1e-9
    assert not outcome.farther
