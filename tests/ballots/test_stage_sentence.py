"""The stage test: its size in small surveys, its power, and its sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calib.ballots import (
    ballots_from_lists,
    equality_report,
    equality_sentences,
    fit_shrunk,
    simulate_ballots,
    stage_test,
    tabulate,
)


@pytest.mark.parametrize("size", [60, 600])
def test_worths_that_differ_between_the_ranks_are_found(size):
    rng = np.random.default_rng(3)
    # First choices are always 0 or 1, later ones anything: worths differ between the ranks.
    lists = []
    for _ in range(size):
        first = int(rng.integers(0, 2))
        rest = [int(i) for i in rng.permutation(np.arange(2, 8))[:2]]
        lists.append(["abcdefgh"[i] for i in (first, *rest)])
    report = equality_report(ballots_from_lists(lists, items=tuple("abcdefgh")), rng=1)
    assert report.stages.p == pytest.approx(1 / 300)
    assert "follow different worths" in " ".join(s.get("en") for s in equality_sentences(report))
    assert report.test_table().set_index("test").loc["stage_homogeneity", "replicates"] == 299
    plain = replace(report, stages=replace(report.stages, p_monte_carlo=0.5))
    assert "follow different worths" not in " ".join(s.get("en") for s in equality_sentences(plain))


def test_the_size_is_near_the_level_where_chi_square_rejected_three_times_too_often():
    """Lists of 1 to 3 of 12: the likelihood ratio rejected about one survey in six."""
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(40):
        lengths = rng.integers(1, 4, size=60)
        theta = 0.5 * rng.standard_normal(12)
        table = tabulate(simulate_ballots(theta, 60, 3, lengths=lengths, rng=rng))
        rejected += stage_test(table, rng=rng).p <= 0.05
    assert rejected <= 5  # at 5%, more than 5 of 40 come up once in 70 runs


def test_the_statistic_is_what_the_single_choices_add_up_to():
    """It is 0 where every rank is balanced, and else the sum over single choices by hand."""
    lists = [list(order) for order in ("abc", "acb", "bac", "bca", "cab", "cba")] * 10
    found = stage_test(tabulate(ballots_from_lists(lists, items="abc")), monte_carlo=False)
    assert found.statistic == pytest.approx(0.0, abs=1e-12)
    assert (found.stages, found.df) == (2, 2)
    lists = [["a", "b"]] * 20 + [["b", "c"]] * 20 + [["c", "a"]] * 20
    found = stage_test(tabulate(ballots_from_lists(lists, items="abc")), monte_carlo=False)
    # Equal first choices; at rank 2 every pair splits 20 : 0, and u = (20-10-10, ...) = 0.
    assert found.statistic == pytest.approx(0.0, abs=1e-12)
    lists = [["a", "b"], ["a", "b"], ["b", "a"], ["c", "a"]] * 15
    table = tabulate(ballots_from_lists(lists, items="abc"))
    assert stage_test(table, monte_carlo=False).statistic == pytest.approx(
        _by_hand(lists, fit_shrunk(table).theta), rel=1e-9
    )


def _by_hand(lists, theta):
    """Sum the scores and informations of every single choice, in plain Python."""
    w = dict(zip("abc", np.exp(theta), strict=True))
    u, info = np.zeros((2, 3)), np.zeros((2, 3, 3))
    for ballot in lists:
        free = set("abc")
        for s, chosen in enumerate(ballot):
            p = np.array([w[x] * (x in free) for x in "abc"])
            p /= p.sum()
            u[s] += np.array([x == chosen for x in "abc"]) - p
            info[s] += np.diag(p) - np.outer(p, p)
            free.discard(chosen)
    parts = sum(x @ np.linalg.pinv(i) @ x for x, i in zip(u, info, strict=True))
    return parts - u.sum(0) @ np.linalg.pinv(info.sum(0)) @ u.sum(0)


def test_a_survey_that_shows_nothing_at_two_ranks_has_no_stage_test():
    report = equality_report(ballots_from_lists([["a", "b"]] * 3, items="ab"), rng=0)
    assert report.stages.df == 0
    assert np.isnan(report.stages.p)
    assert "follow different worths" not in " ".join(
        s.get("en") for s in equality_sentences(report)
    )


def test_one_heavy_ballot_shows_no_difference_between_the_ranks():
    """A survey worth one ballot shows nothing; it was compared with surveys of one plain ballot."""
    rng = np.random.default_rng(5)
    weight = np.r_[1e4, np.ones(119)]
    for _ in range(2):
        plain = simulate_ballots(np.zeros(6), 120, 3, rng=rng)
        report = equality_report(replace(plain, weight=weight), rng=1)
        assert np.isnan(report.stages.p)  # nothing is tested
