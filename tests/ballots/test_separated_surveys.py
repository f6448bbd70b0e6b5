"""Surveys in which some items stand above all others: no exception, and no error of 0."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner

from calib.ballots import (
    Ballots,
    NoMaximumError,
    ballots_from_lists,
    equality_report,
    equality_sentences,
    estimate,
    estimate_all,
    fit_ml,
    maximum_note,
    method_table,
    segment_test,
    simulate_ballots,
    stage_test,
    tabulate,
)
from calib.ballots.plackett import fit_tied, supremum_loglik
from calib.cli import cli
from calib.framework import load_framework

SIX = tuple(f"i{j}" for j in range(6))


def test_two_ballots_that_cross_have_a_report():
    ballots = ballots_from_lists([["i0", "i1", "i2"], ["i1", "i0", "i3"]], items=SIX)
    report = equality_report(ballots, rng=0)
    assert np.isfinite(report.test_table()["statistic"]).all()
    assert all(s.get("zh") for s in equality_sentences(report))


@pytest.mark.parametrize("seed", range(20))
def test_tiny_separated_and_unequal_surveys_have_a_report_and_estimates(seed):
    rng = np.random.default_rng(seed)
    J, n = int(rng.integers(2, 8)), int(rng.integers(1, 9))
    K = int(rng.integers(1, J + 1))
    theta = rng.choice([0, 1, 4, 30]) * rng.standard_normal(J)
    lengths = rng.integers(1, K + 1, n) if rng.random() < 0.6 else None
    plain = simulate_ballots(theta, n, K, lengths=lengths, rng=rng)
    weight = rng.choice([1e-12, 0.5, 1e6]) * np.exp(rng.standard_normal(n))
    ballots = Ballots(plain.items, plain.picks, weight, None, np.arange(n).astype(str))
    report = equality_report(ballots, groups=np.arange(J) // 2, monte_carlo=False, rng=1)
    assert all(s.get("en") for s in equality_sentences(report))
    found = estimate_all(ballots)
    assert "maximum_likelihood" in set(method_table(ballots, found)["method"]) or all(
        e.method != "maximum_likelihood" for e in found
    )
    for one in found:
        if one.method == "maximum_likelihood":
            assert not (one.se == 0).any()
    if n > 1:
        assert np.isfinite(segment_test(ballots, permutations=3, rng=1).statistic)


@pytest.mark.parametrize("spread", [3.0, 4.0])
def test_very_unequal_worths_have_a_report(spread):
    for seed in range(2):
        theta = spread * np.random.default_rng(seed).standard_normal(12)
        ballots = simulate_ballots(theta, 100, 4, rng=seed)
        assert equality_report(ballots, groups=np.arange(12) // 4, rng=0).groups is not None


def test_the_supremum_is_the_limit_of_the_likelihood():
    """Two layers of two: within each a coin, between them certainty."""
    lists = [["a", "b", "c", "d"], ["b", "a", "d", "c"]] * 3 + [["a", "b", "c", "d"]] * 3
    table = tabulate(ballots_from_lists(lists, items="abcd"))
    coin = 6 * np.log(6 / 9) + 3 * np.log(3 / 9)
    assert supremum_loglik(table) == pytest.approx(2 * coin, abs=1e-9)
    # Tied within the layers every choice inside one is a fair coin: 9 ballots, 2 layers.
    tied = fit_tied(table, np.array([0, 0, 1, 1]))
    assert tied == pytest.approx(18 * np.log(0.5), abs=1e-9)


def test_the_supremum_bounds_the_likelihood_along_every_direction():
    from calib.ballots import loglik

    rng = np.random.default_rng(5)
    for seed in range(20):
        ballots = simulate_ballots(4 * rng.standard_normal(5), 4, 3, rng=seed)
        table = tabulate(ballots)
        top = supremum_loglik(table)
        reached = max(
            loglik(table, scale * rng.standard_normal(5))
            for scale in (1, 5, 20)
            for _ in range(200)
        )
        assert reached <= top + 1e-9
        assert top <= 1e-12


def test_an_item_that_nobody_chose_has_no_error_and_no_interval():
    ballots = simulate_ballots(np.linspace(-1, 1, 6), 80, 2, rng=1)
    wider = Ballots((*ballots.items, "nobody"), ballots.picks)
    found = estimate(wider, "maximum_likelihood")
    for values in (found.se, found.lower, found.upper, found.theta_se, found.quasi_variance):
        assert np.isnan(values[-1])
        assert np.isfinite(values[:-1]).all()
    assert "no maximum exists" in " ".join(n.get("en") for n in found.notes)
    note = maximum_note(wider)
    assert "nobody" in note.get("en")
    assert "最大似然估计不存在" in note.get("zh")
    assert maximum_note(ballots) is None
    assert "no maximum exists" in " ".join(method_table(wider, [found])["note"])


def test_separated_surveys_say_so_in_the_table_of_methods():
    ballots = ballots_from_lists([["a", "b"]] * 4, items="abcd")
    rows = method_table(ballots, estimate_all(ballots)).set_index("method")
    assert "No maximum-likelihood estimate exists" in rows.loc["maximum_likelihood", "note"]


def test_the_command_line_reports_on_two_ballots(tmp_path):
    fw = load_framework("aii")
    code, track = next(iter(fw.tracks.items()))
    leaves = [track.nodes[i].code for i in track.leaves]
    file = tmp_path / "two.csv"
    rows = [leaves[:3], [leaves[1], leaves[0], leaves[3]]]
    file.write_text(
        "respondent,rank1,rank2,rank3\n"
        + "\n".join(",".join([str(r), *row]) for r, row in enumerate(rows)),
        encoding="utf-8",
    )
    args = [str(file), "--track", code, "--choices", "3", "--lang", "en"]
    result = CliRunner().invoke(cli, ["ballots", *args])
    assert result.exit_code == 0, result.output
    assert "No maximum-likelihood estimate exists" in result.output or (
        "The likelihood has no maximum" in result.output
    )
    assert "standard errors: by the model" in result.output


def test_layers_of_a_chain_are_its_items():
    from calib.ballots.plackett import Contest, layers

    table = tabulate(ballots_from_lists([list("abcd")] * 2, items="abcd"))
    found = layers(Contest(table.counts, table.available(), table.wins))
    order = [int(j) for part in found.members for j in part]
    assert order == [0, 1, 2, 3]
    assert found.supremum == pytest.approx(0.0, abs=1e-12)
    assert all(a < b for a, b in pairwise(order))


def test_weights_of_a_few_ballots_have_estimates_though_no_quasi_variances():
    """Ten times the weight on one of five ballots: the robust covariance is all but singular."""
    lists = [["a", "b"], ["c", "a"], ["b", "d"], ["d", "c"], ["a", "d"]]
    for heavy in range(5):
        weight = np.where(np.arange(5) == heavy, 1e4, 1.0)
        ballots = ballots_from_lists(lists, items="abcdef", weight=weight)
        found = [e for e in estimate_all(ballots) if e.method == "maximum_likelihood"]
        for one in found:
            assert not (one.se == 0).any()


def two_above_four(weight=None):
    """Sixty full rankings in which two items always stand above the four others."""
    rng = np.random.default_rng(0)
    picks = np.array([[*rng.permutation(2), *(2 + rng.permutation(4))] for _ in range(60)])
    return Ballots(tuple("abcdef"), picks, None if weight is None else np.full(60, weight))


def test_a_fully_separated_survey_has_a_stage_test():
    found = stage_test(tabulate(two_above_four()), rng=1)
    # Ranks 1 and 2 choose among two or one, ranks 3 to 5 among four, three, two.
    assert 0 < found.df <= 20
    assert 0 < found.p <= 1


@pytest.mark.parametrize("weight", [1e-12, 1e-6, 1e9])
def test_tiny_and_huge_weights_separate_as_plain_ballots_do(weight):
    plain, weighted = two_above_four(), two_above_four(weight)
    for ballots in (plain, weighted):
        with pytest.raises(NoMaximumError) as caught:
            fit_ml(tabulate(ballots))
        assert caught.value.upper.tolist() == [True, True, False, False, False, False]
    one, other = (equality_report(b, monte_carlo=False, rng=0) for b in (plain, weighted))
    assert one.unshrunken.above == other.unshrunken.above == ("a", "b")
    assert other.tests.main.statistic == pytest.approx(one.tests.main.statistic, rel=1e-6)
    assert other.stages.statistic == pytest.approx(one.stages.statistic, rel=1e-6)
