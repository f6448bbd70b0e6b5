"""Options of the source, and forms that are never overwritten."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment
from calib.experts import elicit
from calib.files import shipped_experiments


def experiment(formulas):
    file = shipped_experiments() / "expert-panel.toml"
    document = tomllib.loads(file.read_text("utf-8"))
    document["sets"] = {
        "published": {"source": "published"},
        "panel": {**document["sets"]["panel"], "formulas": formulas, "draws": 100},
    }
    document.pop("outcomes", None)
    return parse_experiment(document, folder=shipped_experiments(), file="exp.toml")


def test_the_experiment_chooses_how_judgements_become_weights():
    run = run_experiment(experiment({"ahp": "geometric"}))
    panel = run.results["panel"].panel
    node = run.results["panel"].pooled.nodes["root"]
    rows = [i for i, m in enumerate(node.methods) if m == "ahp"]
    assert rows
    forms = {f.expert: f for f in panel.in_round(2)}
    for i in rows:
        response = forms[node.experts[i]].answers["root"].response
        expected = elicit("ahp", response[None], complete="geometric").weights[0]
        np.testing.assert_allclose(node.weights[i], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("formulas", "word"),
    [({"ahp": "geometrc"}, "formulas.ahp"), ({"ranks": "sum", "ties": "equal"}, "goes with"),
     ({"rank": "sum"}, "did you mean 'ranks'")],
)  # fmt: skip
def test_unknown_options_say_what_is_valid(formulas, word):
    with pytest.raises(InputError, match=word):
        experiment(formulas)


def test_a_form_that_may_hold_answers_is_not_overwritten(tmp_path):
    args = ["--method", "points", "-o", str(tmp_path / "f.xlsx")]
    runner = CliRunner()
    assert runner.invoke(cli, ["form", "experts", *args]).exit_code == 0
    before = (tmp_path / "f.xlsx").read_bytes()
    again = runner.invoke(cli, ["form", "experts", *args])
    assert isinstance(again.exception, InputError)
    assert "is there already" in str(again.exception)
    assert (tmp_path / "f.xlsx").read_bytes() == before


def test_a_next_round_that_was_stopped_keeps_its_finished_forms_and_writes_the_rest(
    tmp_path, aii, monkeypatch
):
    from calib.experts import Answer, ExpertForm, Panel, form_write, questions_of

    answers = [Answer("points", np.array(v, dtype=float)) for v in ([50, 30, 20], [20, 30, 50])]
    forms = tuple(ExpertForm(f"e{i}", 1, {"root": a}) for i, a in enumerate(answers))
    panel = Panel(aii, {"root": questions_of(aii)["root"]}, forms)
    write = form_write.write_form

    def stopped(path, *args, **kwargs):
        if path.name == "round-2-e1.xlsx":
            raise KeyboardInterrupt
        write(path, *args, **kwargs)

    monkeypatch.setattr(form_write, "write_form", stopped)
    with pytest.raises(KeyboardInterrupt):
        form_write.write_next_round(panel, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["round-2-e0.xlsx"]
    (tmp_path / "round-2-e0.xlsx").write_bytes(b"filled in meanwhile")
    monkeypatch.setattr(form_write, "write_form", write)
    said = []
    made = form_write.write_next_round(panel, tmp_path, lang="en", notice=said.append)
    assert [p.name for p in made] == ["round-2-e0.xlsx", "round-2-e1.xlsx"]
    assert all(p.exists() for p in made)
    assert made[0].read_bytes() == b"filled in meanwhile"
    assert len(said) == 1
    assert "round-2-e0.xlsx: is there already and is kept" in said[0]
    with pytest.raises(InputError, match="all 2 forms of round 2 are there already"):
        form_write.write_next_round(panel, tmp_path)
