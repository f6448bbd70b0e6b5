"""Options of the source, and forms that are never overwritten."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from calib._shipped_files import shipped_experiments
from calib.cli.experts import form_experts
from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment
from calib.experts.elicit import elicit


def experiment(methods):
    file = shipped_experiments() / "expert-panel.toml"
    document = tomllib.loads(file.read_text("utf-8"))
    document["sets"] = {
        "published": {"source": "published"},
        "panel": {**document["sets"]["panel"], "methods": methods, "draws": 100},
    }
    document.pop("outcomes", None)
    return parse_experiment(document, folder=shipped_experiments(), file="exp.toml")


def test_the_experiment_chooses_how_judgements_become_weights():
    run = run_experiment(experiment({"ahp": "geometric"}))
    panel = run.results["panel"].details["panel"]
    node = run.results["panel"].details["weights"].nodes["root"]
    rows = [i for i, m in enumerate(node.methods) if m == "ahp"]
    assert rows
    forms = {f.expert: f for f in panel.in_round(2)}
    for i in rows:
        response = forms[node.experts[i]].answers["root"].response
        expected = elicit("ahp", response[None], complete="geometric").weights[0]
        np.testing.assert_allclose(node.weights[i], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("methods", "word"),
    [({"ahp": "geometrc"}, "methods.ahp"), ({"ranks": "sum", "ties": "equal"}, "goes with"),
     ({"rank": "sum"}, "did you mean 'ranks'")],
)  # fmt: skip
def test_unknown_options_say_what_is_valid(methods, word):
    with pytest.raises(InputError, match=word):
        experiment(methods)


def test_a_form_that_may_hold_answers_is_not_overwritten(tmp_path):
    args = ["--method", "points", "-o", str(tmp_path / "f.xlsx")]
    runner = CliRunner()
    assert runner.invoke(form_experts, args).exit_code == 0
    before = (tmp_path / "f.xlsx").read_bytes()
    again = runner.invoke(form_experts, args)
    assert isinstance(again.exception, InputError)
    assert "is there already" in str(again.exception)
    assert (tmp_path / "f.xlsx").read_bytes() == before
