"""Values are shown with few digits, codes in words, stars by the names that a framework gives."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from calib.framework import load_framework
from calib.report import (
    Note,
    Table,
    display,
    excel_format,
    find_column,
    heading,
    option_value,
    shown_headings,
    spell,
    table_html,
    table_text,
)
from calib.words import Name

T = Name("表", "table")


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (math.inf, "aitchison", "–"), (-math.inf, "lower", "–"), (math.nan, "p", "–"),
        (None, "p", "–"), (0.4545, "share", "45.5%"), (22.0, "n", "22"), (1e-7, "p", "<0.001"),
        (-8.33e-17, "shadow_price", "0"), (4.23e-16, "kkt_residual", "0"),
        (-1e-9, "total_change", "0.00"), (-1e-6, "share", "0.0%"), (2e-7, "slack", "2e-07"),
        (40.5833, "total_before", "40.58"), (True, "downgraded", "yes"), ("<b>", "name", "<b>"),
        ("<3", "count", "<3"), (2031.5, "year", "2031-07"),
    ],
)  # fmt: skip
def test_cells_are_shown_with_few_digits_and_never_fail(value, column, shown):
    assert display(value, find_column(column), "en") == shown


def test_words_and_codes_are_spelled_in_the_language(aii):
    names = aii.names
    assert display("process", find_column("track"), "zh", names) == "流程型"
    assert display("all", find_column("scope"), "zh", names) == "全部"
    assert display("gate IN", find_column("reason"), "zh", names) == "门槛 IN 综合集成"
    assert heading(find_column("band_star"), "zh") == "总分星级"
    assert heading(find_column("band_star"), "en") == "band star"
    assert spell("total; gate IC", names, "zh") == "总分; 门槛 IC 互联互通"
    assert spell("gate of a higher band", names, "zh") == "更高分数段的门槛"
    assert spell("total (exactly at 83.33)", names, "zh") == "总分（恰为 83.33）"
    assert spell("total (exactly at 83.33)", names, "en") == "total (exactly at 83.33)"
    assert spell("IC.DEV", names, "en") == "IC.DEV smart device networking"


def test_answers_to_open_questions_of_the_rule_are_words():
    column = find_column("rule_option")
    shown = display("downgrade = one-star; missing = zero", column, "zh")
    assert shown == "降级方式：只降一级；未作答题目：计最低分"
    assert display("as chosen", column, "zh") == "按选定"
    assert display("gate_value = own table", column, "en") == "gate values: own table"


def test_every_rule_option_of_the_shipped_rule_has_words(aii):
    for option, values in aii.rule.choices().items():
        for value in values:
            assert option_value(option, value, "zh") != value


def test_stars_go_by_the_names_of_the_framework():
    vdma, aii = load_framework("vdma"), load_framework("aii")
    made = Table("t", pd.DataFrame({"star_0": [1], "p_5": [0.5]}), T)
    assert [h["text"] for h in shown_headings(made, "zh", vdma.names)] == ["0级", "P(5级)"]
    assert [h["text"] for h in shown_headings(made, "en", vdma.names)] == ["level 0", "P(level 5)"]
    assert heading(find_column("star_5"), "zh", aii.names) == "5星"


def test_what_a_blank_means_is_said_where_one_stands():
    blank = Name("没有企业变动", "nobody moved")
    with_one = Table("t", pd.DataFrame({"p": [0.5, math.nan]}), T, blank=blank)
    without = Table("t", pd.DataFrame({"p": [0.5, 0.2]}), T, blank=blank)
    assert "“–”: nobody moved" in table_html(with_one, "en")
    assert "“–”：没有企业变动" in table_html(with_one, "zh")
    assert "“–”: nobody moved" in table_text(with_one, "en")
    assert "nobody moved" not in table_html(without, "en") + table_text(without, "en")


@pytest.mark.parametrize(
    ("key", "expected"),
    [("share", "0.0%"), ("count", "0"), ("local_weight", "0.0000"), ("total", "0.00"),
     ("p", "0.000"), ("local_pp", "0.00"), ("low", "0.0000")],
)  # fmt: skip
def test_the_format_in_excel_follows_from_the_role(key, expected):
    assert excel_format(find_column(key)) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alpha is nan, from -inf to inf (nan %)", "alpha is –, from – to – (– %)"),
        ("p = nan。", "p = –。"),
        ("the set 'nan' and nano, info and 0.5", "the set 'nan' and nano, info and 0.5"),
    ],
)
def test_a_note_never_prints_a_number_that_is_none(text, shown):
    note = Note(Name(text, text))
    assert (note.get("zh"), note.get("en")) == (shown, shown)
