"""What surveys could show: against repeated surveys, and against the verdicts themselves."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binom

import calib
from calib.ballots import (
    ballots_for_difference,
    pick_test,
    power_of_equality_test,
    score_test,
    simulate_ballots,
    tabulate,
)
from calib.cli import cli
from calib.errors import InputError


def repeated(items, picks, ballots, spread, surveys=400):
    """Return how often the test rejects, survey by survey through the test itself."""
    rng = np.random.default_rng(5)

    def statistic(scale):
        theta = scale * rng.standard_normal(items)
        table = tabulate(simulate_ballots(theta, ballots, picks, rng=rng))
        return (score_test(table) if picks == items else pick_test(table)).statistic

    limit = np.quantile([statistic(0.0) for _ in range(2 * surveys)], 0.95)
    return np.mean([statistic(spread) > limit + 1e-9 for _ in range(surveys)])


@pytest.mark.parametrize(
    ("items", "picks", "ballots"), [(28, 5, 12), (23, 5, 22), (6, 6, 20), (12, 3, 60)]
)
def test_power_is_how_often_the_test_rejects(items, picks, ballots):
    told = power_of_equality_test(items, picks, ballots, rng=1)
    assert told == pytest.approx(repeated(items, picks, ballots, 0.45), abs=0.09)


def test_a_trial_of_22_questionnaires_would_have_missed_two_differences_of_three():
    """benchmarks/sim_equality_power.py gives 0.38 and 0.33."""
    assert power_of_equality_test(28, 5, 12, rng=1) == pytest.approx(0.37, abs=0.04)
    assert power_of_equality_test(23, 5, 10, rng=1) == pytest.approx(0.33, abs=0.04)


@pytest.mark.parametrize(("picks", "ballots"), [(1, 22), (1, 200), (2, 200)])
def test_power_for_two_items_is_that_of_the_sign_test(picks, ballots):
    """Of two items the first pick is all there is: a binomial count, integrated over worths."""
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    first = 1 / (1 + np.exp(-0.45 * np.sqrt(2) * node))
    count = np.arange(ballots + 1)
    q = (2 * count - ballots) ** 2 / ballots
    size = np.array([binom.pmf(count, ballots, 0.5)[q > limit - 1e-9].sum() for limit in q])
    shown = binom.pmf(count, ballots, first[:, None])[:, size <= 0.05].sum(axis=1)
    told = power_of_equality_test(2, picks, ballots, rng=1)
    assert told == pytest.approx((weight * shown).sum() / weight.sum(), abs=0.025)


def test_equal_items_are_rejected_at_the_size_of_the_test():
    for ballots in (22, 80):
        found = power_of_equality_test(28, 5, ballots, spread=1e-9, rng=2)
        assert found == pytest.approx(0.05, abs=0.015)


def test_the_ballots_that_are_asked_for_have_the_power():
    needed = ballots_for_difference(28, 5, spread=0.3, rng=1)
    assert power_of_equality_test(28, 5, needed, spread=0.3, rng=2) == pytest.approx(0.8, abs=0.03)


def test_lists_of_several_lengths_tell_something_between():
    short, long = (power_of_equality_test(28, k, 20, rng=1) for k in (2, 8))
    both = power_of_equality_test(28, [2, 8], 20, rng=1)
    assert short < both < long


def test_no_more_is_picked_than_there_is():
    with pytest.raises(InputError, match="1 to 5"):
        power_of_equality_test(5, 6, 10)
    with pytest.raises(InputError, match="1 to 5"):
        calib.plan_ballots(items=5, picks=6)


def test_a_survey_that_shows_nothing_says_how_little_it_could_have_shown():
    rng = np.random.default_rng(3)
    few = calib.equality_report(simulate_ballots(np.zeros(28), 12, 5, rng=rng), rng=1)
    text = " ".join(n.get("en") for n in few.notes)
    assert "no evidence of equal importance" in text
    assert "2.5 times" in text
    many = calib.equality_report(simulate_ballots(np.zeros(28), 300, 5, rng=rng), rng=1)
    assert "no evidence of equal importance" not in " ".join(n.get("en") for n in many.notes)
    value = few.effect_table().set_index("quantity")["value"]
    assert value["power_of_test"] == pytest.approx(0.37, abs=0.05)
    assert value["ballots_needed_for_difference"] == pytest.approx(28, abs=4)


def test_the_command_line_plans_a_survey():
    done = CliRunner().invoke(cli, ["plan", "ballots", "--items", "28", "--ballots", "12"])
    assert "3,329 ballots" in done.output
