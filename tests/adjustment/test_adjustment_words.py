"""What reports of dominance and adjustment say about caps, intervals and grids."""

from pathlib import Path

import numpy as np
import pytest

from calib.experiment import parse_experiment, run_experiment
from calib.figures import dominance_comparison
from calib.framework import load_framework
from calib.outcomes.dominance import dominance
from calib.population import generate_population
from calib.report import display, find_column
from calib.weights import off_grid, published_weights, round_weights

FRAMEWORK = load_framework("aii")
POPULATION = generate_population(FRAMEWORK, {"discrete": 40}, rng=5)
WEIGHTS = published_weights(FRAMEWORK)
BASE = {
    "schema": "calib.experiment/1", "name": "case", "framework": "aii", "seed": 3,
    "population": {"generate": {"n": {"discrete": 40, "process": 30}}},
}  # fmt: skip


def test_without_an_interval_flags_say_neither_yes_nor_no():
    flags = dominance(WEIGHTS, POPULATION, cap=0.05).flags
    assert len(flags) > 0
    assert [
        display(v, find_column("interval_above_cap"), "en") for v in flags["interval_above_cap"]
    ] == ["–"] * len(flags)
    known = dominance(WEIGHTS, POPULATION, cap=0.05, draws=50, rng=1).flags
    for row in known[known["measure"] == "contribution"].to_dict("records"):
        assert row["interval_above_cap"] == (row["low"] > row["cap"])


def run(document):
    return run_experiment(parse_experiment({**BASE, **document}, folder=Path(), file="x.toml"))


def frames(figure):
    """Return how many cells of a figure of dominance are framed."""
    from matplotlib.patches import Rectangle

    return sum(isinstance(p, Rectangle) and not p.get_fill() for p in figure.axes[0].patches)


def test_caps_frame_only_the_level_that_they_are_declared_for():
    sets = {"published": {"source": "published"}}
    outcome = {"cap": 0.1, "cap_level": "capability", "draws": 0}
    done = run_experiment(
        parse_experiment(
            {**BASE, "sets": sets, "outcomes": {"dominance": outcome}}, folder=Path(), file="x.toml"
        )
    )
    drawn = {d.name: frames(d.draw("en")) for d in done.drawings if "dominance-" in d.name}
    flags = done.frame("dominance-flags")
    assert set(flags["level"]) == {"capability"}
    assert sum(n for name, n in drawn.items() if name.endswith("-pillar")) == 0
    assert sum(n for name, n in drawn.items() if name.endswith("-indicator")) == 0
    assert sum(n for name, n in drawn.items() if name.endswith("-capability")) == len(flags) > 0


def test_numbers_that_are_none_are_dashes_in_figures_and_noise_has_no_sign():
    found = dominance(WEIGHTS, POPULATION, level="pillar").measures
    found = found.assign(leverage=np.inf, variance_share=-8.33e-17)
    figure = dominance_comparison(found, lang="en")
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert "∞" not in texts
    assert "-0.0%" not in texts
    assert texts.count("–") == 3
    assert "not available" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize("source", ["rounded", "adjusted"])
def test_a_rounded_set_says_which_weights_are_off_its_grid(source):
    how = {"cap": {"contribution": 0.12}, "draws": 0} if source == "adjusted" else {}
    sets = {
        "published": {"source": "published"},
        "round": {"source": source, "base": "published", "grid": 0.01, **how},
    }
    done = run({"sets": sets})
    off = off_grid(done.sets["round"])
    said = [n.get("en") for n in done.notes if "not on the 0.01 grid" in n.get("en")]
    assert len(off) > 0
    assert len(said) == 1
    local = done.sets["round"].local
    for t, track in FRAMEWORK.tracks.items():
        for family in track.families:
            whole = np.allclose(
                local[t][family.members] * 100, np.rint(local[t][family.members] * 100)
            )
            assert whole or (family.parent in off and family.parent in said[0])
    assert off_grid(round_weights(WEIGHTS, keep_equal=False)) == ()


def test_the_command_line_says_in_chinese_what_stands_for_all_tracks_and_what_the_trial_is():
    from click.testing import CliRunner

    from calib.cli import cli

    command = ["dominance", "trial", "--level", "pillar", "--draws", "0", "--lang", "zh"]
    text = CliRunner().invoke(cli, command, catch_exceptions=False).output
    assert "各类型合计" in text
    assert "pooled" not in text
    assert "pillar" not in text
    assert "众多样本之一" in text or "其中之一" in text
