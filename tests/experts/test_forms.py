"""Forms: written, filled in, read back; their formulas; every fault by sheet and cell."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import python_calamine
import xlsxwriter

from calib.errors import Faults, InputError
from calib.experts import (
    FORM_METHODS,
    Answer,
    ExpertForm,
    elicit,
    matrix_from_pairs,
    questions_of,
    read_form,
    read_panel,
    write_form,
    write_panel_csv,
)
from calib.experts.form_sheets import POWER_STEPS
from calib.experts.pairwise import pairs_of
from calib.experts.panel_csv import read_panel_csv
from calib.framework import load_framework
from calib.tables import column_letters

sys.path.insert(0, str(Path(__file__).parent))
from workbook_formulas import Sheet

AII = load_framework("aii")
QUESTIONS = questions_of(AII, levels=["pillar", "capability"])


def draw(method, n, rng):
    if method.startswith("ahp"):
        values = rng.choice([1 / 7, 1 / 3, 1, 2, 2.5, 5], n * (n - 1) // 2)
        if method == "ahp-incomplete" and n > 2:
            values[-1] = np.nan
        return Answer(method, matrix_from_pairs(values, n))
    if method == "bwm":
        rows = rng.integers(1, 8, (2, n)).astype(float)
        best, worst = rng.permutation(n)[:2].tolist()
        rows[0, best] = rows[1, worst] = 1
        rows[0, worst] = rows[1, best] = 8
        return Answer("bwm", rows, best, worst)
    if method == "ranks":
        places = rng.permutation(n) + 1.0
        places[places > 3] = np.nan
        return Answer("ranks", places)
    if method == "points":
        return Answer("points", rng.multinomial(100, np.full(n, 1 / n)).astype(float))
    return Answer("ratings", rng.integers(4, 11, n).astype(float))


def filled(method, seed=0, expert="Li"):
    rng = np.random.default_rng(seed)
    answers = {k: draw(method, len(q.items), rng) for k, q in QUESTIONS.items()}
    return ExpertForm(expert, 1, answers, basis=0.9, familiarity=0.8)


def write(tmp_path, method, form, lang="zh", name="form.xlsx", questions=QUESTIONS):
    path = tmp_path / name
    write_form(
        path,
        AII,
        questions,
        method,
        lang=lang,
        expert=form.expert,
        round_number=form.round,
        filled=form,
        self_rating=(1, 2, 1, 3, 2),
    )
    return path


def edit(path, changes, *, no_value=False):
    """Write the form's cells anew with some changed, as a spreadsheet program saves them."""
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    sheets = {
        n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names
    }
    target = path.with_name(f"edited-{path.name}")
    with xlsxwriter.Workbook(str(target)) as out:
        for name, rows in sheets.items():
            if (name, None) in changes:
                if changes[name, None] is None:
                    continue
                sheet = out.add_worksheet(changes[name, None])
            else:
                sheet = out.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    here = (name, f"{column_letters(c)}{r + 1}")
                    if value != "" and here not in changes:
                        sheet.write(r, c, value)
            for (where, cell), value in changes.items():
                if where == name and cell is not None:
                    formula = no_value and str(value).startswith("=")
                    sheet.write(cell, value, *((None, "") if formula else ()))
    return target


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("method", FORM_METHODS)
def test_a_filled_form_reads_back_exactly(tmp_path, method, lang):
    form = filled(method)
    faults = Faults()
    found = read_form(write(tmp_path, method, form, lang), AII, faults)
    faults.raise_if_any()
    assert (found.expert, found.round) == ("Li", 1)
    assert (found.basis, found.familiarity, found.authority) == (0.9, 0.8, 0.85)
    assert found.answers.keys() == form.answers.keys()
    for key, answer in form.answers.items():
        read = found.answers[key]
        assert read.response == pytest.approx(answer.response, rel=1e-12, nan_ok=True)
        assert (read.best, read.worst) == (answer.best, answer.worst)


def test_an_untouched_form_says_that_it_is_empty(tmp_path):
    path = tmp_path / "empty.xlsx"
    write_form(path, AII, QUESTIONS, "points", expert="Li")
    with pytest.raises(InputError, match=r"empty\.xlsx: form is empty"):
        read_panel([path], AII)


def test_the_same_form_is_written_byte_for_byte(tmp_path):
    one = write(tmp_path, "ahp", filled("ahp"), name="a.xlsx")
    two = write(tmp_path, "ahp", filled("ahp"), name="b.xlsx")
    assert one.read_bytes() == two.read_bytes()


# Formulas --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["root", "process/IC", "discrete/DA"])
def test_comparison_sheets_show_calibs_ratio_and_weights(tmp_path, key):
    form = filled("ahp", seed=3)
    sheet = Sheet(write(tmp_path, "ahp", form, "en"), key.replace("/", " "))
    expected = elicit("ahp", form.answers[key].response[None])
    n = len(QUESTIONS[key].items)
    assert sheet.value("B3") == pytest.approx(expected.consistency[0], abs=1e-3)
    assert sheet.value("C3") == ("fine" if expected.consistency[0] <= 0.1 else "please check")
    last = 6 + len(pairs_of(n)) + 2 + n + POWER_STEPS + 2  # below pairs, matrix, iterations
    shown = [sheet.value(f"{c}{last}") for c in "BCDEF"[:n]]
    assert shown == pytest.approx(expected.weights[0], abs=1e-4)


def test_comparison_sheets_wait_until_they_are_complete(tmp_path):
    form = filled("ahp-incomplete", seed=3)
    sheet = Sheet(write(tmp_path, "ahp-incomplete", form, "en"), "root")
    assert sheet.value("B3") == ""
    assert sheet.value("C3") == "not complete"


@pytest.mark.parametrize("seed", range(4))
def test_best_worst_sheets_show_the_input_based_ratio(tmp_path, seed):
    form = filled("bwm", seed=seed)
    path = write(tmp_path, "bwm", form, "en")
    for key, answer in form.answers.items():
        sheet = Sheet(path, key.replace("/", " "))
        expected = elicit(
            "bwm", answer.response[None], best=[answer.best], worst=[answer.worst]
        ).consistency[0]
        last = 7 + len(QUESTIONS[key].items)
        assert sheet.value(f"C{last}") == pytest.approx(expected, abs=1e-12)
        assert sheet.value(f"D{last}") == ("fine" if expected <= 0.3 else "please check")


def test_point_and_rank_sheets_show_sum_shares_and_status(tmp_path):
    form = filled("points", seed=1)
    form.answers["root"].response[:] = [50, 30, 10]
    sheet = Sheet(write(tmp_path, "points", form, "en"), "root")
    assert sheet.value("C10") == 90
    assert sheet.value("D10") == "total is not 100"
    assert [sheet.value(f"D{r}") for r in (7, 8, 9)] == pytest.approx([5 / 9, 3 / 9, 1 / 9])
    good = Sheet(write(tmp_path, "points", filled("points", seed=1), "en", "g.xlsx"), "root")
    assert (good.value("C10"), good.value("D10")) == (100, "fine")
    ranks = filled("ranks", seed=1)
    ranks.answers["root"].response[:] = [2, np.nan, 3]
    ranked = Sheet(write(tmp_path, "ranks", ranks, "en", "r.xlsx"), "root")
    # Row D7 has place 2 though nothing is above it.
    assert ranked.value("D7") == "a place is left out"
    assert (ranked.value("C10"), ranked.value("D10")) == (2, "places must start at 1")


@pytest.mark.parametrize(
    ("places", "remarks", "status"),
    [
        ([1, 3, np.nan], ["", "a place is left out", ""], "a place is left out"),
        ([1, 2, np.nan], ["", "", ""], "fine"),
        ([1, 2, 2], ["", "", ""], "fine"),
        ([1, 2.5, 2.5], ["", "", ""], "fine"),
        ([1, 1, 2], ["", "", ""], "fine"),
        ([1, 1, 3], ["", "", ""], "fine"),
        ([1.5, 1.5, 3], ["", "", ""], "fine"),
    ],
)
def test_rank_sheets_tell_a_place_that_was_left_out(tmp_path, places, remarks, status):
    form = ExpertForm("Li", 1, {"root": Answer("ranks", np.array(places, dtype=float))})
    sheet = Sheet(write(tmp_path, "ranks", form, "en"), "root")
    assert [sheet.value(f"D{r}") for r in (7, 8, 9)] == remarks
    assert sheet.value("D10") == status


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice Calc is not installed")
@pytest.mark.parametrize("method", ["ahp", "bwm"])
def test_an_office_program_computes_the_same_consistency(tmp_path, method):
    form = filled(method, seed=5)
    path = write(tmp_path, method, form, "en")
    out = tmp_path / "out"
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(out),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    book = python_calamine.CalamineWorkbook.from_path(str(out / path.name))
    for key, answer in form.answers.items():
        rows = book.get_sheet_by_name(key.replace("/", " ")).to_python(skip_empty_area=False)
        named = {"best": [answer.best], "worst": [answer.worst]} if method == "bwm" else {}
        expected = elicit(method, answer.response[None], **named).consistency[0]
        shown = rows[2][1] if method == "ahp" else rows[6 + len(QUESTIONS[key].items)][2]
        assert shown == pytest.approx(expected, abs=1e-3)


# Faults ----------------------------------------------------------------------------------------


def faults_of(path):
    faults = Faults()
    read_form(path, AII, faults)
    return {f.where: f for f in faults.items}


def test_every_faulty_cell_of_a_comparison_form_is_told_at_once(tmp_path):
    path = edit(
        write(tmp_path, "ahp", filled("ahp")),
        {
            ("root", "F7"): 0,
            ("root", "E8"): "IX",
            ("discrete IC", "F7"): "",
            ("discrete IC", "E7"): "IC.DEV",
            ("discrete IN", "F8"): "three",
            ("discrete DA", "E7"): "DA.DEC",
            ("discrete DA", "F7"): 0.5,
            ("process IC", "E7"): "",
            ("process IC", "F7"): 4,
            ("process IN", "F9"): -2,
            ("填写说明", "B6"): 1.5,
            ("填写说明", "B9"): 4,
        },
    )
    found = faults_of(path)
    assert set(found) == {
        "root!F7",
        "root!E8",
        "discrete IC!F7",
        "discrete IN!F8",
        "discrete DA!F7",
        "process IC!E7",
        "process IN!F9",
        "填写说明!B6",
        "填写说明!B9",
    }
    assert str(found["root!F7"].problem) == "comparison is not positive"
    assert found["root!E8"].value == "IX"
    assert str(found["root!E8"].expected) == "IC | DA"
    assert str(found["discrete IC!F7"].problem) == "comparison missing"
    assert found["discrete IN!F8"].value == "three"
    assert "below 1" in str(found["discrete DA!F7"].problem)
    assert "which item" in str(found["process IC!E7"].problem)
    assert str(found["填写说明!B9"].expected) == "a whole number from 1 to 3"


def test_faults_of_best_worst_points_and_ranks_have_addresses(tmp_path):
    form = filled("bwm")
    best = QUESTIONS["root"].items[form.answers["root"].best]
    bwm = faults_of(
        edit(
            write(tmp_path, "bwm", form),
            {
                ("root", "B4"): best,
                ("discrete IC", "B3"): "nothing",
                ("discrete IN", "C7"): 0.2,
                ("discrete DA", "D8"): "",
            },
        )
    )
    assert str(bwm["root!B4"].problem) == "best and worst are the same item"
    assert str(bwm["discrete IC!B3"].problem) == "is none of the items"
    assert bwm["discrete IN!C7"].value == 0.2
    assert str(bwm["discrete DA!D8"].problem) == "comparison missing"
    points = faults_of(
        edit(
            write(tmp_path, "points", filled("points")),
            {
                **{("root", f"C{r}"): 0 for r in (7, 8, 9)},
                ("discrete IC", "C8"): -5,
                ("discrete DA", "C9"): "",
            },
        )
    )
    assert str(points["root"].problem) == "the values sum to 0"
    assert points["discrete IC!C8"].value == -5
    assert str(points["discrete DA!C9"].problem) == "no value"
    ranks = faults_of(
        edit(write(tmp_path, "ranks", filled("ranks")), {("root", "C7"): 9, ("root", "C8"): True})
    )
    assert set(ranks) == {"root!C7", "root!C8"}


@pytest.mark.parametrize("typed", ["nan", "inf", "1_0"])
def test_words_that_python_takes_for_numbers_are_no_numbers(tmp_path, typed):
    path = write(tmp_path, "ahp-incomplete", filled("ahp-incomplete"))
    faults = faults_of(edit(path, {("root", "E7"): "IC", ("root", "F7"): typed}))
    assert [f.where for f in faults.values()] == ["root!F7"]
    assert "is no number" in str(faults["root!F7"])

    table = tmp_path / "panel.csv"
    head = "expert,round,method,node,item,against,value\n"
    table.write_text(f"{head}Li,1,ranks,root,IC,,1\nLi,1,ranks,root,IN,,{typed}\n", "utf-8")
    told = Faults()
    assert read_panel_csv(table, AII, told) == []
    assert [str(f.problem) for f in told.items] == ["is no number"]


def test_a_round_of_superscripts_is_no_round(tmp_path):
    table = tmp_path / "panel.csv"
    table.write_text(
        "expert,round,method,node,item,against,value,ca\nLi,²,ranks,root,IC,,1,0.9\n", "utf-8"
    )
    told = Faults()
    assert read_panel_csv(table, AII, told) == []
    assert [str(f.problem) for f in told.items] == ["is no round"]


def test_formulas_without_a_value_are_told_and_are_not_empty_cells(tmp_path):
    path = write(tmp_path, "ranks", filled("ranks"))
    changes = {("root", "C7"): "=NA()", ("root", "C8"): 99, ("root", "C9"): 1}
    faults = faults_of(edit(path, changes, no_value=True))
    assert set(faults) == {"root!C7", "root!C8"}
    assert str(faults["root!C7"].problem) == "holds a formula without a value"
    everything = {("root", f"C{row}"): "=NA()" for row in (7, 8, 9)}
    assert set(faults_of(edit(path, everything, no_value=True))) == {
        "root!C7",
        "root!C8",
        "root!C9",
    }


def test_a_disconnected_form_names_the_items(tmp_path):
    form = filled("ahp-incomplete")
    blank = {("discrete DA", f"{c}{r}"): "" for r in range(7, 17) for c in "EF"}
    blank |= {("discrete DA", "F7"): 1, ("discrete DA", "F16"): 1}
    found = faults_of(edit(write(tmp_path, "ahp-incomplete", form), blank))
    texts = [str(f.problem) for f in found.values()]
    assert any("DA.COL, DA.SVC" in t or "DA.SCM" in t for t in texts)


def test_forms_of_other_frameworks_versions_and_programs_are_refused(tmp_path):
    path = write(tmp_path, "points", filled("points"))
    other = faults_of(edit(path, {("_calib", "B2"): "cmm"}))
    assert str(other["_calib!framework"].problem) == "form of another framework"
    assert (other["_calib!framework"].value, other["_calib!framework"].expected) == ("cmm", "aii")
    older = faults_of(edit(path, {("_calib", "B3"): "0.9"}))
    assert str(older["_calib!version"].problem) == "form of another version of the framework"
    unstamped = faults_of(edit(path, {("_calib", None): None}))
    assert "hidden stamp is missing" in str(unstamped[""].problem)
    text = tmp_path / "broken.xlsx"
    text.write_text("no workbook", encoding="utf-8")
    assert "cannot be read as an Excel workbook" in str(faults_of(text)[""].problem)


def test_moved_rows_renamed_sheets_and_nameless_experts_are_told(tmp_path):
    path = edit(
        write(tmp_path, "points", filled("points")),
        {
            ("root", "A7"): "IN",
            ("discrete IC", None): "discrete IC2",
            ("填写说明", "B5"): "",
        },
    )
    found = faults_of(path)
    assert str(found["root!A7"].problem) == "code was changed or moved"
    assert str(found["discrete IC"].problem) == "sheet is missing (did you mean 'discrete IC2'?)"
    assert str(found["填写说明!B5"].problem) == "no expert named"


# Panels ----------------------------------------------------------------------------------------


def test_a_panel_of_forms_survives_the_plain_table_bit_for_bit(tmp_path):
    files = [
        write(tmp_path, m, filled(m, seed=i, expert=f"E{i}"), name=f"{i}.xlsx")
        for i, m in enumerate(FORM_METHODS)
    ]
    panel = read_panel(files, AII)
    assert panel.skipped == ()
    write_panel_csv(panel, tmp_path / "panel.csv")
    again = read_panel([tmp_path / "panel.csv"], AII)
    for one, two in zip(panel.forms, again.forms, strict=True):
        assert (one.expert, one.round, one.basis) == (two.expert, two.round, two.basis)
        for key, answer in one.answers.items():
            assert np.array_equal(two.answers[key].response, answer.response, equal_nan=True)
            assert (two.answers[key].best, two.answers[key].worst) == (answer.best, answer.worst)


def test_skip_invalid_loses_nothing_of_the_good_forms(tmp_path):
    good = write(tmp_path, "points", filled("points", expert="Li"), name="good.xlsx")
    part = edit(
        write(tmp_path, "ranks", filled("ranks", expert="Wang"), name="part.xlsx"),
        {("root", "C7"): "first"},
    )
    other = edit(
        write(tmp_path, "ahp", filled("ahp", expert="Zhao"), name="other.xlsx"),
        {("_calib", "B2"): "cmm"},
    )
    twice = write(tmp_path, "bwm", filled("bwm", expert="Li"), name="twice.xlsx")
    with pytest.raises(InputError) as caught:
        read_panel([good, part, other, twice], AII)
    assert {f.file for f in caught.value.faults} == {
        "edited-part.xlsx",
        "edited-other.xlsx",
        "twice.xlsx",
    }
    panel = read_panel([good, part, other, twice], AII, skip_invalid=True)
    skipped = panel.skipped
    assert [f.where for f in skipped] == ["root!C7", "_calib!framework", "Li"]
    assert "duplicate expert in round 1; the first form is in good.xlsx" in str(skipped[2])
    assert [f.expert for f in panel.forms] == ["Li", "Wang"]
    assert len(panel.forms[0].answers) == len(QUESTIONS)
    assert set(panel.forms[1].answers) == set(QUESTIONS) - {"root"}


def test_a_form_of_an_unknown_round_is_refused(tmp_path):
    form = filled("points")
    late = ExpertForm("Wang", 3, form.answers)
    files = [
        write(tmp_path, "points", form, name="a.xlsx"),
        write(tmp_path, "points", late, name="b.xlsx"),
    ]
    with pytest.raises(InputError, match=r"b\.xlsx, Wang: form of an unknown round \(found 3\)"):
        read_panel(files, AII)
    assert read_panel(files, AII, rounds=[1, 3]).rounds == (1, 3)


def test_every_faulty_row_of_a_plain_table_is_told(tmp_path):
    table = tmp_path / "panel.csv"
    table.write_text(
        "expert,round,method,node,item,against,value,ca,cs\n"
        "Li,1,points,root,IC,,50,0.9,0.8\n"
        "Li,1,points,root,IN,,thirty,0.9,0.8\n"
        "Li,1,points,rooot,DA,,20,0.9,1.8\n"
        "Wang,0,points,root,IC,,50,,\n"
        "Wang,1,ahp,root,IC,IN,2,,\n"
        "Wang,1,ahp,root,IN,IC,0.6,,\n"
        "Wang,1,ahp,root,IC,DA,2,,\n"
        "Zhao,1,ranks,root,IC,,1,,\n"
        "Zhao,1,ranks,root,IC,,2,,\n"
        "Qian,1,bwm,root,IC,top,2,,\n"
        ",1,anp,root,IC,,2,,\n",
        encoding="utf-8",
    )
    faults = Faults("panel.csv")
    read_panel_csv(table, AII, faults)
    text = "\n".join(str(f) for f in faults.items)
    for expected in (
        "row 3, column value: is no number (found 'thirty')",
        "row 4, column node: unknown node (did you mean 'root'?) (found 'rooot')",
        "row 4, column cs: outside 0 to 1 (found 1.8)",
        "row 5, column round: is no round (found '0')",
        "row 6: root: not reciprocal: product of the mirrored comparisons IC IN (found 1.2)",
        "row 10: states again what row 9 states",
        "row 11, column against: unknown (found 'top'); expected best | worst | named",
        "row 12, column expert: no expert named",
        "row 12, column method: unknown method (did you mean 'ahp'?) (found 'anp')",
    ):
        assert expected in text


def test_forms_need_a_known_method_language_level_and_track(tmp_path):
    for call, text in (
        (lambda: write_form(tmp_path / "x.xlsx", AII, QUESTIONS, "anp"), "no form for method"),
        (lambda: write_form(tmp_path / "x.xlsx", AII, QUESTIONS, "ahp", lang="fr"), "language"),
        (lambda: write_form(tmp_path / "x.xlsx", AII, {}, "ahp"), "nothing to ask"),
        (lambda: questions_of(AII, levels=["pilar"]), "did you mean 'pillar'"),
        (lambda: questions_of(AII, track="discreet"), "did you mean 'discrete'"),
    ):
        with pytest.raises(InputError, match=text):
            call()
    assert list(questions_of(AII, track="流程", levels=["capability"])) == [
        "process/IC",
        "process/IN",
        "process/DA",
    ]


@pytest.mark.parametrize("code", ["aii", "cmm", "cesi", "vdma", "nist-mbe"])
def test_every_framework_can_be_asked_about(tmp_path, code):
    framework = load_framework(code)
    questions = questions_of(framework)
    if questions:
        write_form(tmp_path / "form.xlsx", framework, questions, "points", expert="Li")
        names = python_calamine.CalamineWorkbook.from_path(str(tmp_path / "form.xlsx")).sheet_names
        described = any(n.descriptions for t in framework.tracks.values() for n in t.nodes)
        assert len(names) == len(questions) + 2 + described


@pytest.mark.parametrize(("lang", "sheet"), [("en", "capability levels"), ("zh", "能力等级")])
def test_a_form_says_what_the_levels_of_each_capability_mean(tmp_path, lang, sheet):
    path = tmp_path / "form.xlsx"
    write_form(path, AII, questions_of(AII, track="process"), "points", lang=lang, expert="Li")
    rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
    shown = {row[0]: row[2:] for row in rows.to_python()[1:]}
    tree = AII.tracks["process"]
    wanted = {n.code: [t.get(lang) for t in n.descriptions] for n in tree.nodes if n.depth == 2}
    assert shown == wanted
