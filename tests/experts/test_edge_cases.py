"""Corners of expert weighting: tiny panels, zero weights, judgements that contradict each other."""

import zipfile

import numpy as np
import pytest
import python_calamine

from calib.errors import Faults, InputError
from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    PanelRequest,
    Question,
    centred_log_ratios,
    delphi_rounds,
    elicit,
    expert_clusters,
    judge_nodes,
    matrix_from_pairs,
    pool_panel,
    pool_weights,
    questions_of,
    read_form,
    read_panel,
    round_statistics,
    stop_or_go,
    sums_table,
    write_form,
    write_next_round,
)
from calib.experts.pairwise import check_comparisons
from calib.framework import load_framework

AII = load_framework("aii")
ROOT = {"root": questions_of(AII)["root"]}


def panel_of(*answers):
    forms = [ExpertForm(f"expert {i}", 1, {"root": a}) for i, a in enumerate(answers)]
    return Panel(AII, ROOT, tuple(forms))


def points(*values):
    return Answer("points", np.array(values, dtype=float))


@pytest.mark.parametrize(("pool", "trim"), [("median", 0.1), ("trimmed", 0.4)])
def test_a_pool_that_leaves_nothing_is_an_error_and_not_nan(pool, trim):
    with pytest.raises(InputError, match="0 for every item"):
        pool_weights(np.eye(3), pool=pool, trim=trim)


def test_six_typed_digits_of_a_reciprocal_are_enough_and_five_are_not():
    for value in (3.0, 6.0, 7.0, 9.0, 1.7):
        matrix = np.array([[[1.0, value], [float(f"{1 / value:.6g}"), 1.0]]])
        assert check_comparisons(matrix) == []
    short = np.array([[[1.0, 3.0], [0.3333, 1.0]]])
    assert [str(p.text) for p in check_comparisons(short)] == [
        "not reciprocal: product of the mirrored comparisons"
    ]


def test_best_worst_hint_compares_with_best_over_worst_not_with_the_largest_value():
    answer = Answer("bwm", np.array([[1.0, 9.0, 4.0], [4.0, 2.0, 1.0]]), 0, 2)
    hint = judge_nodes(panel_of(answer), 1)["root"].hint[0]
    assert hint.get("en") == "IN: best over it 9 × it over worst 2 = 18, best over worst is 4"


def test_consistent_comparisons_have_nothing_to_look_at_again():
    weights = np.array([0.5, 0.3, 0.2])
    consistent = Answer("ahp", weights[:, None] / weights)
    contrary = Answer("ahp", matrix_from_pairs(np.array([2.0, 4.0, 9.0]), 3))
    hints = judge_nodes(panel_of(consistent, contrary), 1)["root"].hint
    assert hints[0] is None
    assert "the others imply" in hints[1].get("en")


@pytest.mark.parametrize("n", [150, 250])
def test_log_ratios_are_finite_for_any_number_of_items_and_zeros(n):
    rows = np.concatenate([np.eye(n)[:1], np.full((1, n), 1 / n)])
    z = centred_log_ratios(rows)
    assert np.isfinite(z).all()
    assert z[0, 0] > 0 > z[0, 1]
    np.testing.assert_allclose(z[1], 0.0, atol=1e-12)


def test_a_panel_without_a_division_has_no_silhouette():
    clusters = expert_clusters(np.array([[0.5, 0.5]] * 3 + [[0.9, 0.1]]), rng=0)
    assert clusters.count == 1
    assert np.isnan(clusters.silhouette)
    assert np.isnan(clusters.p)


@pytest.mark.parametrize("values", [[[0.5, 0.5]], [[5.0, np.nan], [np.nan, 4.0]]])
def test_stopping_rule_says_that_nothing_varies_where_one_expert_judged(values):
    verdict = stop_or_go(round_statistics(np.array(values), rng=0), None, 1)
    assert not verdict.consensus
    assert verdict.reasons[0].get("en").startswith("no item has a CV")


def test_forms_sent_must_cover_forms_returned_even_if_few_judged_a_node():
    panel = panel_of(points(50, 30, 20), points(40, 40, 20), points(60, 20, 20))
    with pytest.raises(InputError, match="round 1: fewer forms sent than came back"):
        delphi_rounds(panel, sent={1: 2}, rng=0)
    with pytest.raises(InputError, match="round 3: forms were sent"):
        delphi_rounds(panel, sent={1: 3, 3: 3}, rng=0)
    found = delphi_rounds(panel, sent={1: 4}, rng=0)
    assert found[0].statistics.response_rate == 0.75


def test_leaving_everybody_out_is_an_error():
    with pytest.raises(InputError, match="every expert of the panel is left out"):
        panel_of(points(50, 30, 20)).without(["expert 0"])


def test_a_node_whose_experts_all_have_weight_zero_is_named():
    panel = panel_of(points(50, 30, 20), points(40, 40, 20))
    options = PanelRequest(competence={"expert 0": 0.0, "expert 1": 0.0}, unjudged="published")
    with pytest.raises(InputError, match="every expert who judged root has weight 0"):
        pool_panel(panel, 1, options, rng=0)


@pytest.mark.parametrize("method", ["ahp", "ahp-incomplete"])
def test_one_and_two_items_are_consistent(method):
    assert elicit(method, np.ones((1, 1, 1))).weights.tolist() == [[1.0]]
    two = elicit(method, matrix_from_pairs(np.array([[3.0]]), 2))
    np.testing.assert_allclose(two.weights, [[0.75, 0.25]])
    assert two.consistency.tolist() == [0.0]


def test_points_that_do_not_add_up_are_normalised_and_told():
    ratings = Answer("ratings", np.array([7.0, 5.0, 9.0]))
    panel = panel_of(points(50, 30, 20), points(45, 27, 18), ratings)
    nodes = judge_nodes(panel, 1)
    np.testing.assert_allclose(nodes["root"].weights[1], [0.5, 0.3, 0.2])
    assert nodes["root"].off_total.tolist() == [False, True, False]
    table = sums_table(nodes)
    assert list(zip(table.expert, table.stated_sum, table.adds_up, strict=True)) == [
        ("expert 1", 90.0, "no"),
        ("expert 0", 100.0, "yes"),
    ]


def test_forms_of_frameworks_with_long_and_similar_codes_can_be_written_and_read(tmp_path):
    long = "a-code-that-is-far-longer-than-a-sheet-name"
    question = ROOT["root"]
    asked = {
        f"{long}/{end}": Question(f"{long}/{end}", ("discrete",), "", question.items,
                                  question.names, question.title)
        for end in ("IC", "ic", "IN")
    }  # fmt: skip
    path = tmp_path / "form.xlsx"
    write_form(path, AII, asked, "bwm", lang="en")
    with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
        names = book.sheet_names
    assert len({name.lower() for name in names}) == len(names) == 5
    assert max(len(name) for name in names) <= 31


def test_best_worst_list_refers_to_cells_because_excel_limits_lists_to_255_characters(tmp_path):
    codes = tuple(f"INDICATOR-{i:02d}" for i in range(28))
    name = ROOT["root"].title
    question = Question("root", ("discrete",), "", codes, (name,) * 28, name)
    path = tmp_path / "form.xlsx"
    write_form(path, AII, {"root": question}, "bwm", lang="en")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    assert sheet.count("<formula1>$A$7:$A$34</formula1>") == 2


def test_next_round_form_names_best_and_worst_that_a_table_left_out(tmp_path):
    answer = Answer("bwm", np.array([[1.0, 2.0, 8.0], [8.0, 5.0, 1.0]]))
    (path,) = write_next_round(panel_of(answer), tmp_path, lang="en")
    faults = Faults()
    form = read_form(path, AII, faults)
    assert not faults.items
    assert (form.answers["root"].best, form.answers["root"].worst) == (0, 2)


def test_a_file_of_another_kind_is_named_once(tmp_path):
    (tmp_path / "note.docx").write_bytes(b"x")
    with pytest.raises(InputError) as told:
        read_panel([tmp_path / "note.docx"], AII)
    assert str(told.value).count("note.docx") == 1


def test_a_faulty_row_of_a_table_does_not_hide_the_other_faulty_values(tmp_path):
    table = tmp_path / "panel.csv"
    table.write_text(
        "expert,round,method,node,item,against,value\n"
        "Li,1,ahp,root,IC,IN,1/3\n"
        "Li,1,ahp,root,IC,DA,3\n"
        "Li,1,ahp,root,IN,DA,0\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as told:
        read_panel([table], AII)
    assert [(f.where, str(f.problem)) for f in told.value.faults] == [
        ("row 2, column value", "is no number"),
        ("row 4", "root: comparison is not positive IN DA"),
    ]
    assert told.value.faults[1].value == 0.0
