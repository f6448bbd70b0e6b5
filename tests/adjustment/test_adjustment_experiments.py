"""Reverse adjustment in experiment files, on the command line, and as a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from shipped import shipped_run

from calib.adjustment import read_ledger, replay_ledger
from calib.cli import cli
from calib.errors import InfeasibleError, InputError
from calib.experiment import load_experiment, run_experiment, write_run
from calib.figures import dominance_comparison, to_svg_string
from calib.outcomes.dominance import dominance
from calib.weights import published_weights, read_weights

HEAD = """
schema = "calib.experiment/1"
name = "rounds"
title = {{ zh = "轮", en = "rounds" }}
framework = "aii"
baseline = "published"
seed = 7
[population]
file = "{trial}"
[sets.published]
source = "published"
[sets.adjusted]
source = "adjusted"
base = "published"
{body}
"""


@pytest.fixture
def experiment(tmp_path, root):
    def make(body: str):
        path = tmp_path / "x.toml"
        trial = root / "data" / "trial" / "trial.toml"
        path.write_text(HEAD.format(trial=trial.as_posix(), body=body), "utf-8")
        return load_experiment(path)

    return make


def test_an_adjusted_set_has_its_rounds_its_draws_and_its_ledger(experiment, tmp_path) -> None:
    body = 'cap = 0.14\nlevel = "leaf"\nsteps = [0.5, 1.0]\ngrid = 0.01\ndraws = 3\nstarts = 0'
    run = run_experiment(
        experiment(body + "\n[outcomes.dominance]\ncap = 0.14\ndraws = 5\nlevel = 'pillar'")
    )
    assert [n for n in run.sets if n.startswith("adjusted/")] == ["adjusted/1", "adjusted/2"]
    draws = run.context.set("adjusted").draws
    for t, track in run.experiment.framework.tracks.items():
        assert draws[t].shape[1] == len(track.codes)
        np.testing.assert_allclose(track.sibling_sums(draws[t]), 1, atol=1e-9)
    names = {t.name for t in run.tables}
    assert {"adjusted-rounds", "adjusted-measures", "adjusted-refits", "adjusted-dominance-after",
            "dominance", "dominance-flags"} <= names  # fmt: skip
    said = " ".join(n.get("en") for n in run.notes)
    assert "Every cap holds" in said
    assert "bootstrap refits" in said
    folder = write_run(run, tmp_path / "runs")
    ledger = read_ledger(folder / "files" / "adjusted-ledger.json")
    again = replay_ledger(ledger, run.context.scored)
    assert again.same
    assert again.final.digest == run.sets["adjusted"].digest
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert "files/adjusted-ledger.json" in json.dumps(manifest)


def test_the_same_experiment_gives_the_same_weights(experiment) -> None:
    body = "cap = 0.14\ndraws = 2\nstarts = 2"
    a, b = (run_experiment(experiment(body)) for _ in range(2))
    assert a.sets["adjusted"].digest == b.sets["adjusted"].digest
    assert a.frame("adjusted-refits").equals(b.frame("adjusted-refits"))  # type: ignore[attr-defined]


def test_faults_of_the_source_name_the_file_and_the_set(experiment) -> None:
    with pytest.raises(InputError, match="cap"):
        experiment("cap = 2.0")
    with pytest.raises(InputError, match=r"sets\.adjusted cap: nothing is asked"):
        run_experiment(experiment("draws = 0"))
    with pytest.raises(InfeasibleError, match="1/28"):
        run_experiment(experiment("cap = 0.02\ndraws = 0"))


def test_commands_measure_adjust_record_and_replay(root, tmp_path, aii) -> None:
    trial = str(root / "data" / "trial" / "trial.toml")
    runner = CliRunner()
    table, figure = tmp_path / "d.csv", tmp_path / "d.svg"
    done = runner.invoke(
        cli,
        ["dominance", trial, "--level", "capability", "--track", "pooled", "--cap", "0.15",
         "-o", str(table), "--figure", str(figure), "--lang", "zh"],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    assert "IN.VER" in done.output
    assert "合成数据" in done.output
    assert table.exists()
    assert figure.exists()
    weights, ledger = tmp_path / "w.toml", tmp_path / "l.json"
    done = runner.invoke(
        cli,
        ["adjust", trial, "--cap", "variance=0.14", "--step", "0.5", "--step", "1",
         "--ledger", str(ledger), "-o", str(weights)],
        catch_exceptions=False,
    )  # fmt: skip
    assert "Every cap holds after round 2" in done.output
    found = dominance(read_weights(weights, aii), _population(trial, aii), level="leaf", rng=0)
    rows = found.measures[found.measures["track"] != "pooled"]
    assert rows["variance_share"].max() <= 0.14 + 1e-8
    done = runner.invoke(
        cli, ["ledger", str(ledger), "--population", trial], catch_exceptions=False
    )
    assert "unbroken" in done.output
    assert "replayed 2 rounds" in done.output


def test_the_dominance_table_cuts_no_number_short(root, tmp_path) -> None:
    trial = str(root / "data" / "trial" / "trial.toml")
    done = CliRunner().invoke(cli, ["dominance", trial, "--track", "process", "--level", "leaf"])
    assert done.exit_code == 0
    assert "IC.DEV.P3" in done.output
    assert "…" not in done.output
    figure = tmp_path / "d.svg"
    refused = CliRunner().invoke(cli, ["dominance", trial, "--figure", str(figure)])
    assert refused.exit_code != 0
    assert "IC.DEV" not in refused.output
    assert not figure.exists()


def test_the_command_shows_prices_and_a_certificate(root) -> None:
    trial = str(root / "data" / "trial" / "trial.toml")
    done = CliRunner().invoke(
        cli, ["adjust", trial, "--cap", "contribution=0.085"], catch_exceptions=False
    )
    assert "KKT residual" in done.output
    assert "shadow" in done.output


def _population(trial: str, aii):
    from calib.population import load_population

    return load_population(trial, aii)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_figure_shows_every_measure_and_says_that_data_are_synthetic(
    aii, trial, language: str
) -> None:
    found = dominance(published_weights(aii), trial, level="capability", cap=0.15, rng=0)
    part = found.measures[found.measures["track"] == "process"]
    figure = dominance_comparison(part, lang=language, caps=found.caps, synthetic=found.synthetic)
    texts = " ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))
    assert ("合成数据" if language == "zh" else "synthetic") in texts
    assert "Shapley" in texts
    assert to_svg_string(figure).startswith("<svg")
    with pytest.raises(InputError, match="needs nodes"):
        dominance_comparison(part.iloc[:0])


@pytest.mark.slow
def test_the_shipped_three_round_calibration_ends_under_its_caps() -> None:
    run = shipped_run("three-round-calibration")
    found = run.results["adjusted"]
    assert found.holds
    assert len(found.rounds) == 3
    final = run.sets["adjusted"]
    for t, track in final.framework.tracks.items():
        for family in track.families:
            w = final.local[t][family.members] * 100
            assert np.allclose(w, np.rint(w), atol=1e-9) or np.ptp(w) < 1e-9
