"""Main effects: levels under rounding noise, local linear fits of continuous scores, intervals."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.outcomes.dominance import dominance, main_effect
from calib.population import load_population
from calib.rating import score_answers
from calib.weights import published_weights


def refused(root, *options: str) -> str:
    trial = str(root / "data" / "trial" / "trial.toml")
    done = CliRunner().invoke(cli, [*options[:1], trial, *options[1:]])
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    return done.output + str(done.exception)


def group_means(x: np.ndarray, total: np.ndarray) -> float:
    fitted = np.zeros(len(x))
    for level in np.unique(np.round(x, 6)):
        here = np.round(x, 6) == level
        fitted[here] = total[here].mean()
    return float(fitted.var() / total.var())


def test_levels_that_differ_by_rounding_noise_are_one_level(aii, trial) -> None:
    weights = published_weights(aii)
    scored = score_answers(trial)
    found = dominance(weights, scored, level="capability", rng=0).measures
    track = aii.tracks["process"]
    X = scored.samples["process"].X
    total = X @ weights.leaf("process")
    nodes = track.at_depth(2)
    scores = X @ track.within(weights.local["process"], nodes).T
    codes = [track.codes[i] for i in nodes]
    x = scores[:, codes.index("DA.SPM")]
    assert len(np.unique(x)) > len(np.unique(np.round(x, 6)))  # the noise is there
    row = found[(found["track"] == "process") & (found["code"] == "DA.SPM")]
    assert row["main_effect"].item() == pytest.approx(group_means(x, total), abs=1e-9)
    assert row["main_effect"].item() == pytest.approx(0.635, abs=5e-4)


def test_permuting_equal_siblings_changes_no_main_effect(aii) -> None:
    rng = np.random.default_rng(3)
    weights = published_weights(aii)
    track = aii.tracks["process"]
    family = next(f for f in track.families if f.parent == "DA.SPM")
    own = [track.leaf_codes.index(track.codes[i]) for i in family.members]
    nodes = track.at_depth(2)
    mix = track.within(weights.local["process"], nodes).T
    for _ in range(40):
        X = rng.integers(0, 5, size=(10, len(track.leaf_codes))) * 25.0
        swapped = X.copy()
        swapped[:, own] = X[:, own[::-1]]
        total = X @ weights.leaf("process")
        one = main_effect(X @ mix, total).effect
        two = main_effect(swapped @ mix, total).effect
        np.testing.assert_allclose(one, two, atol=1e-9)


@pytest.mark.parametrize("n", [22, 51, 2000, 50_000])
@pytest.mark.parametrize("shape", ["uniform", "normal", "lognormal"])
def test_a_total_explains_itself(n: int, shape: str) -> None:
    rng = np.random.default_rng(n)
    total = {"uniform": rng.random, "normal": rng.normal, "lognormal": rng.lognormal}[shape](size=n)
    found = main_effect(total[:, None], total, draws=20, rng=0)
    for value in (found.effect, found.adjusted, found.low, found.high):
        assert value[0] == pytest.approx(1.0, abs=0.01)


def test_smooth_main_effects_agree_with_regression_splines() -> None:
    from statsmodels.gam.api import BSplines

    rng = np.random.default_rng(5)
    x = rng.uniform(0, 100, size=(1500, 1))
    for curve in (lambda u: u, lambda u: (u - 50) ** 2 / 40, lambda u: 20 * np.sin(u / 16)):
        m = curve(x[:, 0])
        total = m + rng.normal(size=1500) * m.std()
        basis = np.column_stack([np.ones(1500), BSplines(x, df=[10], degree=[3]).basis])
        fitted = basis @ np.linalg.lstsq(basis, total, rcond=None)[0]
        found = main_effect(x, total)
        assert found.smooth == (True,)
        assert found.effect[0] == pytest.approx(fitted.var() / total.var(), abs=0.01)


def test_the_interval_of_a_main_effect_covers_the_truth_in_small_samples() -> None:
    rng = np.random.default_rng(8)
    hits = {"line": 0, "noise": 0, "five levels": 0}
    for _ in range(100):
        x, z = rng.uniform(-1, 1, size=(22, 1)) * np.sqrt(3), rng.normal(size=22)
        five = (rng.integers(0, 5, size=(22, 1)) - 2) / np.sqrt(2)
        samples = {
            "line": (x, np.sqrt(0.5) * x[:, 0] + np.sqrt(0.5) * z, 0.5),
            "noise": (x, z, 0.0),
            "five levels": (five, np.sqrt(0.5) * five[:, 0] + np.sqrt(0.5) * z, 0.5),
        }
        for name, (scores, total, truth) in samples.items():
            found = main_effect(scores, total, draws=100, rng=rng)
            hits[name] += bool(found.low[0] <= truth <= found.high[0])
    assert min(hits.values()) >= 86, hits


def test_with_as_many_groups_as_enterprises_there_is_no_interval() -> None:
    x = np.array([[0.0], [25.0], [50.0], [75.0]])
    found = main_effect(x, np.array([1.0, 5.0, 2.0, 8.0]), draws=20, rng=0)
    assert found.adjusted[0] == 0
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])


def test_the_command_shows_the_corrected_main_effect_and_its_interval(root, aii) -> None:
    trial = str(root / "data" / "trial" / "trial.toml")
    asked = ["dominance", trial, "--level", "pillar", "--track", "process"]
    done = CliRunner().invoke(cli, [*asked, "--draws", "30"], catch_exceptions=False)
    assert "main effect low" in done.output
    table = dominance(
        published_weights(aii), load_population(trial, aii), level="pillar", draws=30, rng=0
    ).measures
    row = table[(table["track"] == "process") & (table["code"] == "IC")]
    low, high = row["main_effect_low"].item(), row["main_effect_high"].item()
    for value in (low, high, row["main_effect_adjusted"].item()):
        assert (f"{value:.4f}" if value else "0") in done.output


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("dominance", "--cap", "25"), "0.25"),
        (("adjust", "--cap", "25"), "0.25"),
        (("adjust", "--cap", "variance=12%"), "0.12"),
        (("adjust", "--cap", "0.1", "--high", "40"), "0.4"),
        (("adjust", "--cap", "0.1", "--low", "5%"), "0.05"),
        (("adjust", "--cap", "0.1", "--grid", "1"), "0.01"),
        (("adjust", "--cap", "0.1", "--step", "50"), "0.5"),
    ],
)
def test_a_percent_given_for_a_share_is_refused_with_the_share_meant(root, options, hint) -> None:
    assert f"did you mean {hint}?" in refused(root, *options)


@pytest.mark.parametrize(
    "options",
    [
        ("adjust", "--cap", "0"),
        ("adjust", "--cap", "-0.1"),
        ("adjust", "--cap", "nan"),
        ("adjust", "--cap", "0.1", "--step", "0"),
        ("adjust", "--cap", "0.1", "--grid", "0.7"),
        ("adjust", "--cap", "0.1", "--cap", "0.2"),
    ],
)
def test_shares_out_of_range_are_refused(root, options) -> None:
    assert options[-1] in refused(root, *options)


def test_a_total_that_varies_by_rounding_only_is_explained_by_nothing() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(0.0, 100.0, size=(30, 1))
    X = np.hstack([x, 100.0 - x])
    total = 0.1 * X[:, 0] + 0.1 * X[:, 1]  # 10 for everybody, but for the last digit
    assert 0 < np.ptp(total) < 1e-12
    found = main_effect(X, total, draws=50, rng=1)
    np.testing.assert_array_equal(found.effect, 0.0)
    np.testing.assert_array_equal(found.high, 0.0)
