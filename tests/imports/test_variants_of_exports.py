"""Exports as people change them: other numbering, widths, languages, headers, more columns."""

from __future__ import annotations

import numpy as np
import pytest
from platform_exports import (
    AII,
    ALL,
    TRACK_NAMES,
    cells,
    codes,
    english,
    firms,
    item,
    name,
    parent_name,
    text,
    write_csv,
    write_xlsx,
)

import calib
from calib.imports import prepare
from calib.imports.option_texts import numeric

TRUTH = {f.name: f for f in firms()}
WIDE = {
    ("quantitative", 5): "２０％以下|２０％～４０％|４０％～６０％|６０％～８０％|８０％以上",
    ("qualitative", 5): "Ａ．尚未规划 |Ｂ．规划中|Ｃ．局部试点|Ｄ．主要应用|Ｅ．全面应用　",
    ("qualitative", 4): "Ａ．无|Ｂ．部分|Ｃ．大部分|Ｄ．全面",
    ("qualitative", 3): "Ａ．尚未开展|Ｂ．部分开展|Ｃ．全面开展",
}
STYLES = {
    "wide": lambda c, k: WIDE[item(c)].split("|")[k - 1],
    "numbered": lambda c, k: f"{k}、{text(c, k)} ",
    "circled": lambda c, k: f"{'①②③④⑤'[k - 1]}{text(c, k)}",
    "brackets": lambda c, k: f"（{k}）{text(c, k)}",
    "letters": lambda c, k: f" {'ABCDE'[k - 1]}：{text(c, k)}",
    "points": lambda c, k: f"{k}分",
    "levels": lambda c, k: f"L{k}",
    "option": lambda c, k: f"选项{k}",
    "excel": lambda c, k: f"{k}.0",
    "falling letters": lambda c, k: f"{'ABCDE'[item(c)[1] - k]}.{text(c, k)}",
    "two languages": lambda c, k: f"{english(c, k)} / {text(c, k)}",
}


def score(code, k):
    return round(100 * (k - 1) / (item(code)[1] - 1), 2)


def table(path, say, headers=None, aside=()):
    """Write answers under headers of Jinshuju, with further columns after each question."""
    headers = headers or [f"{parent_name(c)}－{name(c)} " for c in ALL]
    asked = [h for head in headers for h in (head, *(a.format(head) for a in aside))]
    rows = [["序号", "企业名称", "行业属性", *asked, "提交时间", "修改时间"]]
    for i, f in enumerate(firms(), 1):
        answers = [v for a in cells(f, say, "", "") for v in (a, *(0 for _ in aside))]
        track = "离散行业" if f.track == "discrete" else "流程行业"
        rows.append([i, f"{f.name} ", track, *answers, "2026-03-01", "2026-03-01"])
    return write_xlsx(path / "答卷.xlsx", {"数据": rows})


def wrong(population):
    out = []
    for t, sample in population.samples.items():
        for i, own in enumerate(sample.names):
            firm = TRUTH[str(own).strip()]
            meant = [firm.answers.get(c, np.nan) for c in codes(firm.track)]
            if firm.track != t or not np.allclose(sample.values[i], meant, equal_nan=True):
                out.append(firm.name)
    return out


def read(path):
    assert prepare(path, AII).questions == ()
    population = calib.import_answers(path, AII, confirm=True)
    assert len(population) == 60
    return population


@pytest.mark.parametrize("style", STYLES)
def test_options_are_read_however_they_are_numbered(style, tmp_path):
    assert wrong(read(table(tmp_path, STYLES[style]))) == []


def test_headers_may_name_an_indicator_in_both_languages(tmp_path):
    headers = [f"{parent_name(c)} [{name(c, 'en')} / {name(c)}]" for c in ALL]
    assert wrong(read(table(tmp_path, text, headers))) == []


def test_a_second_header_row_may_say_every_header_again(tmp_path):
    rows = [
        ["企业名称", "企业类型", *(name(c) for c in ALL)],
        ["Company name", "Industry type", *(name(c, "en") for c in ALL)],
    ]
    rows += [[f.name, TRACK_NAMES[f.track], *cells(f, text, "", "")] for f in firms()]
    assert wrong(read(write_xlsx(tmp_path / "双语.xlsx", {"S": rows}))) == []


@pytest.mark.parametrize(
    "aside", [("Points - {}", "Feedback - {}"), ("{} | Other (please specify)",)], ids=len
)
def test_columns_beside_a_question_are_set_aside(aside, tmp_path):
    rows = [["ID", "Start time", "Completion time", "Company name", "Type of industry"]]
    for c in ALL:
        head = f"{name(c, 'en')} ({parent_name(c, 'en')})"
        rows[0] += [head, *(a.format(head) for a in aside)]
    for i, f in enumerate(firms(), 1):
        rows.append([i, "3/1/26 10:00", "3/1/26 10:09", f.name, f.track])
        for value in cells(f, english, "", ""):
            rows[-1] += [value, *(0 for _ in aside)]
    assert wrong(read(write_xlsx(tmp_path / "forms.xlsx", {"Sheet1": rows}))) == []


def test_a_question_that_both_branches_share_may_stand_in_one_column(tmp_path):
    shared = list(dict.fromkeys(name(c) for c in ALL))
    rows = [["序号", "企业名称", "行业类型", *shared]]
    for i, f in enumerate(firms(), 1):
        own = {name(c): c for c in codes(f.track)}
        answers = [
            text(own[q], f.answers[own[q]]) if own.get(q) in f.answers else "" for q in shared
        ]
        rows.append([i, f.name, TRACK_NAMES[f.track], *answers])
    assert wrong(read(write_csv(tmp_path / "共用.csv", rows))) == []


def test_qualtrics_writes_the_text_of_a_choice_in_a_column_of_its_own(tmp_path):
    meta = ["StartDate", "EndDate", "RecordedDate", "ResponseId"]
    ids = [*meta, "Q1", "Q2", "Q2_4_TEXT", *(f"Q{3 + i}" for i in range(len(ALL)))]
    said = [*meta, "贵企业的名称是？", "贵企业属于哪一类制造业？ - Selected Choice",
            "贵企业属于哪一类制造业？ - 其他（请注明） - Text",
            *(f"请评价贵企业的现状 - {name(c)}" for c in ALL)]  # fmt: skip
    rows = [ids, said, [f'{{"ImportId":"{i}"}}' for i in ids]]
    for i, f in enumerate(firms()):
        base = ["2026-03-01", "2026-03-01", "2026-03-01", f"R_{i:03d}", f.name]
        track = "离散制造业" if f.track == "discrete" else "流程制造业"
        rows.append([*base, track, "", *cells(f, text, "", "")])
    population = read(write_csv(tmp_path / "qualtrics.csv", rows))
    assert wrong(population) == []


@pytest.mark.parametrize(
    "say",
    [score, lambda c, k: f"{score(c, k):g}分", lambda c, k: f"{score(c, k)}".replace(".", ",")],
    ids=["number", "points", "comma"],
)  # fmt: skip
def test_scores_in_place_of_options_are_asked_about_and_then_read(say, tmp_path):
    path = table(tmp_path, say)
    assert [q.key for q in prepare(path, AII).questions] == ["choices.numbers"]
    found = calib.import_answers(path, AII, choices={"numbers": "scores"}, confirm=True)
    assert found.kind == "scores"
    for sample in found.samples.values():
        for i, own in enumerate(sample.names):
            firm = TRUTH[str(own).strip()]
            meant = [score(c, k) if (k := firm.answers.get(c)) else np.nan
                     for c in sample.track.leaf_codes]  # fmt: skip
            np.testing.assert_allclose(sample.values[i], meant, atol=0.01)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("60分", 60), ("33,3", 33.3), ("5 points", 5), ("60%", None), ("1,000", None)],
)
def test_a_number_may_have_its_unit_with_it(cell, value):
    assert numeric(cell) == value


def test_words_without_an_order_are_asked_about(tmp_path):
    colours = ["红", "黄", "蓝", "绿", "紫"]
    path = table(tmp_path, lambda c, k: colours[k - 1] if item(c)[1] == 5 else text(c, k))
    assert [q.key for q in prepare(path, AII).questions] == ["options 1"]
