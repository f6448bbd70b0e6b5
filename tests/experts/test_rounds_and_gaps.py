"""Self-assessment over rounds, and comparison sheets that were not filled in to the end."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.errors import Faults, InputError
from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    consistency_table,
    elicit,
    judge_nodes,
    matrix_from_pairs,
    questions_of,
    read_form,
    read_panel,
    write_form,
    write_next_round,
    write_panel_csv,
)
from calib.framework import load_framework

AII = load_framework("aii")
ROOT = {"root": questions_of(AII)["root"]}
POINTS = Answer("points", np.array([50.0, 30, 20]))


def read_one(path):
    faults = Faults()
    form = read_form(path, AII, faults)
    faults.raise_if_any()
    return form


def first_round(tmp_path, self_rating, answer=POINTS, method="points"):
    path = tmp_path / "first.xlsx"
    form = ExpertForm("Li", 1, {"root": answer})
    write_form(path, AII, ROOT, method, expert="Li", filled=form, self_rating=self_rating)
    return read_panel([path], AII)


def test_the_next_rounds_form_keeps_the_self_assessment(tmp_path):
    panel = first_round(tmp_path, (1, 2, 1, 3, 2))
    before = panel.forms[0]
    assert before.self_rating == (1, 2, 1, 3, 2)
    (path,) = write_next_round(panel, tmp_path / "second")
    after = read_one(path)
    assert after.round == 2
    assert after.self_rating == before.self_rating
    assert (after.basis, after.familiarity) == (before.basis, before.familiarity) == (0.9, 0.8)


def test_a_self_assessment_from_a_table_holds_until_cells_are_filled_in(tmp_path):
    table = ExpertForm("Li", 1, {"root": POINTS}, basis=0.85, familiarity=0.6)
    write_panel_csv(Panel(AII, ROOT, (table,)), tmp_path / "panel.csv")
    panel = read_panel([tmp_path / "panel.csv"], AII)
    (path,) = write_next_round(panel, tmp_path / "second", lang="en")
    second = read_one(path)
    assert (second.basis, second.familiarity, second.authority) == (0.85, 0.6, 0.725)
    assert second.self_rating == ()
    third = read_panel([tmp_path / "panel.csv", path], AII)
    assert read_one(write_next_round(third, tmp_path / "third")[0]).authority == 0.725
    # What the expert types now counts, part by part.
    typed = tmp_path / "typed.xlsx"
    write_form(
        typed, AII, ROOT, "points", expert="Li", round_number=2, filled=table,
        self_rating=(None, None, None, None, 1), kept=(0.85, 0.6),
    )  # fmt: skip
    assert (read_one(typed).basis, read_one(typed).familiarity) == (0.85, 1.0)


def test_an_expert_who_stated_nothing_keeps_stating_nothing(tmp_path):
    (path,) = write_next_round(first_round(tmp_path, None), tmp_path / "second")
    assert np.isnan(read_one(path).basis)
    assert np.isnan(read_one(path).familiarity)


# Incomplete comparisons ---------------------------------------------------------------------------

GAP = matrix_from_pairs(np.array([2.0, 6.0, np.nan]), 3)  # IC : IN and IC : DA, not IN : DA


def test_an_incomplete_comparison_sheet_is_read_as_incomplete_with_a_note(tmp_path):
    panel = first_round(tmp_path, None, Answer("ahp", GAP), "ahp")
    answer = panel.forms[0].answers["root"]
    assert answer.method == "ahp"
    np.testing.assert_allclose(answer.response, GAP)
    (note,) = panel.notes
    assert note.get("en") == (
        "Li (round 1) left comparisons out; read as incomplete, pairs missing at: root (1)"
    )
    assert "root 缺 1 对" in note.get("zh")
    node = judge_nodes(panel, 1)["root"]
    assert node.weights[0] == pytest.approx(np.array([6, 3, 1]) / 10)
    assert node.missing.tolist() == [1]
    assert consistency_table({"root": node})["missing_pairs"].tolist() == [1]


def test_the_command_line_tells_of_incomplete_comparisons(tmp_path):
    forms = (
        ExpertForm("Li", 1, {"root": Answer("ahp", GAP)}),
        ExpertForm("Wang", 1, {"root": POINTS}),
    )
    write_panel_csv(Panel(AII, ROOT, forms), tmp_path / "panel.csv")
    args = ["experts", str(tmp_path / "panel.csv"), "--lang", "en"]
    shown = CliRunner().invoke(cli, ["read", *args], catch_exceptions=False)
    assert "Li (round 1) left comparisons out; read as incomplete" in shown.output
    assert "random index 'simulated'" in shown.output


def test_comparisons_that_leave_items_unreached_are_a_fault_of_the_sheet(tmp_path):
    lonely = matrix_from_pairs(np.array([2.0, np.nan, np.nan]), 3)
    with pytest.raises(InputError, match=r"first\.xlsx, root: no chain .*: DA"):
        first_round(tmp_path, None, Answer("ahp", lonely), "ahp")


def test_incomplete_and_complete_comparisons_of_one_name_are_solved_together():
    whole = matrix_from_pairs(np.array([2.0, 6.0, 4.0]), 3)
    both = elicit("ahp", np.stack([whole, GAP]))
    assert both.weights[0] == pytest.approx(elicit("ahp", whole[None]).weights[0])
    alone = elicit("ahp-incomplete", GAP[None])
    assert both.weights[1] == pytest.approx(alone.weights[0])
    assert both.consistency[1] == alone.consistency[0] == 0.0  # a tree contradicts nothing
    assert both.details.missing.tolist() == [0, 1]
