"""Large populations are worked through in pieces: the same results, in little memory."""

import importlib
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from calib.framework import load_framework
from calib.outcomes import crossings
from calib.population import generate_population
from calib.rating import rate, score_answers
from calib.shifts import Growth, grown_scores, weight_path
from calib.weights import published_weights

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
RULE = FRAMEWORK.rule.thresholds()
START = published_weights(FRAMEWORK)
PATH = weight_path(START, START.with_weights({"DA": 0.6}, name="later"), "log-ratio", (2026, 2030))


def scores(n):
    return score_answers(generate_population(FRAMEWORK, {"discrete": n}, rng=1))


def peak(work):
    """Return the most memory that work held at a time, in bytes, and its result."""
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_rating_needs_little_beside_its_results():
    scored = scores(40_000)
    most, rating = peak(lambda: rate(START, scored))
    s = rating.samples["discrete"]
    held = sum(a.nbytes for a in (s.total, s.star, s.band, s.failed, s.scores, s.node_stars))
    assert most < held + 8e6


def test_tipping_points_need_memory_for_a_piece_only():
    X = scores(12_000).samples["discrete"].X
    most, _ = peak(lambda: crossings.tipping_points(TRACK, X, PATH, RULE))
    assert most < 45e6  # all at once: 100 MB


@pytest.mark.parametrize("size", [1, 7, 64])
def test_pieces_change_no_result(monkeypatch, size):
    module = importlib.import_module("calib.rating.rate")
    scored = scores(64)
    X = scored.samples["discrete"].X
    X_end = grown_scores(TRACK, X, Growth(points={"": 2.0}), 4, low=0, high=100)
    whole = rate(START, scored).samples["discrete"]
    found = crossings.tipping_points(TRACK, X, PATH, RULE, X_end=X_end)
    times = np.linspace(0, 1, 5)
    along = crossings.stars_along(TRACK, X, PATH, RULE, times, X_end=X_end)
    monkeypatch.setattr(module, "CHUNK", size)
    monkeypatch.setattr(crossings, "CHUNK", size)
    again = rate(START, scored).samples["discrete"]
    for name in ("total", "scores"):
        np.testing.assert_allclose(getattr(again, name), getattr(whole, name), rtol=0, atol=1e-12)
    for name in ("star", "band", "failed", "node_stars"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    other = crossings.tipping_points(TRACK, X, PATH, RULE, X_end=X_end)
    assert len(found.row) > 10
    for field in fields(found):
        a, b = getattr(found, field.name), getattr(other, field.name)
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12, err_msg=field.name)
    np.testing.assert_array_equal(
        along, crossings.stars_along(TRACK, X, PATH, RULE, times, X_end=X_end)
    )
    none = crossings.tipping_points(TRACK, X[:0], PATH, RULE)
    assert len(none.row) == len(none.start) == 0
