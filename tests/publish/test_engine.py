"""The engine of the pages agrees with Python on random frameworks, populations and weights."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from engine_cases import (
    check,
    find_node,
    random_case,
    random_framework,
    random_weights,
    run_engine,
)
from scipy.stats import kendalltau

from calib import acceptability
from calib.framework import load_framework
from calib.outcomes import FamilyRule, weighted_kappa
from calib.outcomes.draws import draw_family
from calib.population import generate_population
from calib.publish.engine import rule_data, score_rows, track_data
from calib.rating import score_answers, star_counts, stars_by_draw
from calib.rating.gates_and_caps import gates_of
from calib.weights import published_weights

pytestmark = pytest.mark.skipif(find_node() is None, reason="no node found")

CASES = int(os.environ.get("CALIB_ENGINE_CASES", "400"))
"""10,000 on demand: about a minute."""


def test_rating_weights_intervals_and_shares_agree_with_python_on_random_frameworks(tmp_path):
    kinds, rng = {}, np.random.default_rng(20171)
    for _ in range(0, CASES, 200):
        made = [random_case(rng) for _ in range(min(200, CASES))]
        for found, (_case, facts) in zip(
            run_engine([c for c, _ in made], tmp_path), made, strict=True
        ):
            for kind in check(found, facts):
                kinds[kind] = kinds.get(kind, 0) + 1
    assert {"compensation", "caps", "refused", "gaps", "lines", "not followed"} <= set(kinds)


def simple_cases(seed, count):
    """Frameworks whose rules are bands and gates, with complete scores, of their first track."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        fw = random_framework(rng, simple=True)
        fw = replace(
            fw,
            rule=replace(
                fw.rule,
                clusters=None,
                bands=fw.rule.bands or (20.0, 40.0, 60.0, 80.0)[: fw.rule.stars - 1],
            ),
        )
        track = next(iter(fw.tracks.values()))
        yield rng, fw, track, random_weights(track, rng)


def case_of(fw, track, local, X, **more):
    return {
        "track": track_data(track), "rule": rule_data(fw.rule), "X": score_rows(X),
        "options": fw.rule.defaults.as_dict(), "local": local.tolist(), **more,
    }  # fmt: skip


def test_strips_of_a_slider_are_what_moving_it_gives_with_locks_and_unanswered_items(tmp_path):
    cases = []
    for rng, fw, track, local in simple_cases(3, 80):
        X = rng.uniform(0, 100, (12, len(track.leaves)))
        X[rng.random(X.shape) < 0.1] = np.nan
        wide = [f for f in track.families if len(f.members) > 2] or track.families[:1]
        members = wide[int(rng.integers(len(wide)))].members
        locked = [int(members[-1])] if len(members) > 2 else []
        at = rng.random(25) * (1 - local[locked].sum())
        cases.append(case_of(fw, track, local, X, run="strip", node=int(members[0]), locked=locked,
                             at=at.tolist()))  # fmt: skip
    several = 0
    for case, found in zip(cases, run_engine(cases, tmp_path), strict=True):
        pieces, now = found["strip"]["pieces"], np.array(found["now"])
        several += len(pieces) > 1
        for u, there in zip(case["at"], found["at"], strict=True):
            stars = np.array(there)
            rated = (now >= 0) & (stars >= 0)
            expected = [int((stars > now)[rated].sum()), int((stars < now)[rated].sum())]
            piece = next(p for p in pieces if p["from"] <= u <= p["to"])
            assert [piece["up"], piece["down"]] == expected
    assert several > 40


def test_the_way_to_the_next_star_takes_the_fewest_points(tmp_path):
    from scipy.optimize import linprog

    cases, facts = [], []
    for rng, fw, track, local in simple_cases(8, 60):
        fw = replace(
            fw, rule=replace(fw.rule, defaults=replace(fw.rule.defaults, downgrade="highest-met"))
        )
        X = rng.uniform(0, 90, (6, len(track.leaves)))
        cases.append(case_of(fw, track, local, X, run="way"))
        facts.append((fw, track, local, X))
    reached = 0
    for (fw, track, local, X), ways in zip(facts, run_engine(cases, tmp_path), strict=True):
        thresholds = fw.rule.effective(None, track.code)
        nodes, gates = gates_of(track, thresholds)
        rows = np.vstack([track.leaf_weights(local), track.within(local, nodes)])
        for x, way in zip(X, ways, strict=True):
            star = int(stars_by_draw(track, x[None], local[None], thresholds)[0, 0])
            assert (way is None) == (star == fw.rule.stars - 1)
            if way is None:
                continue
            edges = np.array([thresholds.band[star], *gates[:, star]])
            some = np.isfinite(edges)
            best = linprog(np.ones(len(x)), A_ub=-rows[some], b_ub=(rows @ x - edges)[some] - 1e-9,
                           bounds=[(0, 100 - v) for v in x])  # fmt: skip
            assert (best.status == 0) == bool(way["together"])
            if way["together"]:
                reached += 1
                assert way["points"] == pytest.approx(best.fun, abs=1e-6)
                assert not way["held"]
            for item in way["alone"]:
                leaf = track.leaves.tolist().index(item["leaf"])
                for change, enough in ((1e-6, True), (-1e-6, False)):
                    raised = x.copy()
                    raised[leaf] = item["to"] + change
                    now = stars_by_draw(track, raised[None], local[None], thresholds)[0, 0]
                    assert (now > star) == enough
    assert reached > 100


def test_counts_over_draws_are_those_of_the_kernel(tmp_path):
    cases, expected = [], []
    for rng, fw, track, local in simple_cases(5, 60):
        X = rng.uniform(0, 100, (15, len(track.leaves)))
        family = track.families[int(rng.integers(len(track.families)))]
        draws = np.tile(local, (40, 1))
        draws[:, family.members] = rng.dirichlet(np.ones(len(family.members)), 40)
        cases.append(case_of(fw, track, local, X, run="count", draws=draws.tolist(),
                             varying=[int(i) for i in family.members]))  # fmt: skip
        thresholds = fw.rule.effective(None, track.code)
        expected.append(star_counts(track, X, draws, thresholds).per_enterprise.ravel().tolist())
    assert run_engine(cases, tmp_path) == expected


def test_draws_are_uniform_on_simplex_and_box_and_follow_their_seed(tmp_path):
    ranges = [
        {"members": [0, 1, 2], "low": [0, 0, 0], "high": [1, 1, 1], "kind": "uniform"},
        {"members": [3, 4, 5], "low": [0.1, 0.2, 0.0], "high": [0.4, 0.7, 0.5], "kind": "interval"},
    ]
    case = {"run": "draws", "ranges": ranges, "m": 6, "size": 20_000, "seed": 5}
    first, again, other = (
        np.array(x) for x in run_engine([case, case, {**case, "seed": 6}], tmp_path)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(first[:, :3].sum(axis=1), 1)
    np.testing.assert_allclose(first[:, :3].mean(axis=0), 1 / 3, atol=0.006)
    np.testing.assert_allclose(first[:, :3].var(axis=0), 1 / 18, atol=0.002)  # flat Dirichlet
    box = first[:, 3:]
    np.testing.assert_allclose(box.sum(axis=1), 1)
    rule = FamilyRule(kind="interval", bounds={"a": (0.1, 0.4), "b": (0.2, 0.7), "c": (0.0, 0.5)})
    python = draw_family(rule, "abc", np.full(3, 1 / 3), 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(box.mean(axis=0), python.mean(axis=0), atol=0.004)
    np.testing.assert_allclose(np.cov(box.T), np.cov(python.T), atol=0.0006)


def test_acceptability_is_that_of_python_within_the_error_of_sampling(tmp_path):
    fw = load_framework("aii")
    population = generate_population(fw, 60, rng=3)
    scored = score_answers(population)
    published = published_weights(fw)
    expected = acceptability(published, population, all=FamilyRule(), rng=1)
    data = [track_data(t) for t in fw.tracks.values()]
    ranges = [
        [{"members": [int(i) for i in f.members], "low": [0] * len(f.members),
          "high": [1] * len(f.members), "kind": "uniform"}
         for f in t.families if len(f.members) > 1]
        for t in fw.tracks.values()
    ]  # fmt: skip
    case = {
        "run": "sample", "tracks": data, "rule": rule_data(fw.rule),
        "X": [score_rows(s.X) for s in scored.samples.values()],
        "options": fw.rule.defaults.as_dict(),
        "local": [v.tolist() for v in published.local.values()],
        "ranges": {"ranges": ranges, "shared": True}, "size": 10_000, "seed": 1,
    }  # fmt: skip
    for counts, (t, sample) in zip(
        run_engine([case], tmp_path)[0], scored.samples.items(), strict=True
    ):
        share = np.array(counts).reshape(len(sample), -1) / 10_000
        # Four errors of the difference of two shares of about 10,000 draws.
        np.testing.assert_allclose(share, expected.probability(t), atol=0.03)


def test_agreement_of_two_ratings_is_that_of_python(tmp_path):
    rng = np.random.default_rng(5)
    cases = [
        {"run": "agree", "matrix": rng.multinomial(n, rng.dirichlet(np.full(16, a))).reshape(4, 4),
         "x": rng.integers(0, 6, n) / 7, "y": rng.integers(0, k, n) / 3}
        for n in (1, 2, 9, 40) for a in (0.05, 1.0) for k in (1, 3, 30)
    ]  # fmt: skip
    plain = [{k: v if isinstance(v, str) else v.tolist() for k, v in c.items()} for c in cases]
    for found, c in zip(run_engine(plain, tmp_path), cases, strict=True):
        kappas = [weighted_kappa(c["matrix"], how) for how in ("linear", "quadratic")]
        tau = kendalltau(c["x"], c["y"]).statistic if len(c["x"]) > 1 else np.nan
        own = [np.nan if v is None else v for v in (found["linear"], found["quadratic"])]
        np.testing.assert_allclose(own, kappas, atol=1e-12)
        np.testing.assert_allclose(
            np.nan if found["tau"] is None else found["tau"], tau, atol=1e-12
        )
