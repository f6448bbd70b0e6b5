"""Columns are declared, and what is shown of them follows from the declaration."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calib.report import (
    Column,
    Note,
    Result,
    Role,
    SchemaError,
    Table,
    data_dictionary,
    display,
    find_column,
    read_dictionary,
    shown_headings,
    table_html,
)
from calib.report.columns import ROLES
from calib.words import Label, Name, languages, template


def table(**columns):
    return Table("t", pd.DataFrame(columns), Name("表", "table"))


def test_an_undeclared_column_is_refused_where_the_table_is_built():
    with pytest.raises(SchemaError, match="undeclared columns: firms"):
        table(set=["a"], firms=[1])


def test_a_table_declares_its_own_columns():
    firms = Column("firms", Role.COUNT, label=Name("企业", "firms"))
    made = Table("t", pd.DataFrame({"firms": [1]}), Name("表", "table"), declared=(firms,))
    assert made.columns["firms"].role == Role.COUNT
    assert "企业" in table_html(made, "zh")


def test_every_column_has_a_heading_in_every_language():
    for key in ROLES:
        for lang in languages():
            assert template(f"columns.{key}", lang), (key, lang)


def test_headings_of_two_columns_of_one_table_differ():
    for lang in languages():
        shown = [find_column(k).heading.get(lang) for k in ("cap", "high", "low", "value")]
        assert len(set(shown)) == 4


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("share", 0.0833, "8.3%"),
        ("local_weight", 0.35, "0.3500"),
        ("local_pp", -8.33e-17, "0.00"),
        ("statistic", 4.23e-16, "0"),
        ("down_tv", np.inf, "–"),
        ("p", 0.0004, "<0.001"),
        ("p", 0.5, "0.500"),
        ("year", 2032.0, "2032"),
        ("year", 2031.5, "2031-07"),
        ("year", 2031 + 11.99 / 12, "2031-12"),
        ("count", 3, "3"),
        ("value", np.nan, "–"),
    ],
)
def test_a_number_is_shown_by_its_role(key, value, shown):
    assert display(value, find_column(key), "en") == shown


def test_codes_are_followed_by_names():
    names = {"IN": Name("综合集成", "integration"), "process": Name("流程", "process industry")}
    assert display("IN", find_column("node"), "zh", names) == "IN 综合集成"
    assert display("process", find_column("track"), "en", names) == "process industry"
    assert display("gate IN", find_column("caused_by"), "zh", names) == "门槛 IN 综合集成"


def test_a_file_has_texts_in_both_languages():
    said = [Label("siblings share", "同级等分"), Label("as printed", "同公布值")]
    frame = pd.DataFrame({"set": ["a", "b"], "detail": pd.Series(said, dtype=object)})
    written = Table("provenance", frame, Name("来源", "Provenance")).written()
    assert list(written.frame) == ["set", "detail", "detail_zh"]
    assert list(written.frame["detail_zh"]) == ["同级等分", "同公布值"]
    assert list(written.frame["detail"]) == ["siblings share", "as printed"]
    # A reader of the file sees one of the two.
    assert [h["key"] for h in shown_headings(written, "zh")] == ["set", "detail_zh"]
    assert [h["key"] for h in shown_headings(written, "en")] == ["set", "detail"]


def test_moves_of_enterprises_are_spelled_without_touching_their_ids(aii):
    column = find_column("moved_enterprises")
    shown = display("NO-process-004 2→3 (gate IN)", column, "zh", aii.names)
    assert shown == "NO-process-004 2→3 (门槛 IN 综合集成)"


def test_the_data_dictionary_reads_back():
    made = table(set=["a"], star=[1], share=[0.5])
    found = read_dictionary(data_dictionary([made]))["t"]
    assert found.title == Name("表", "table")
    assert [(c.key, c.role) for c in found.columns] == [
        ("set", Role.GROUP), ("star", Role.STAR), ("share", Role.SHARE),
    ]  # fmt: skip


class Found(Result):
    def __init__(self, rows):
        self.tables = [table(set=["a"] * rows, share=[0.5] * rows)]
        self.notes = [Note(Name("注", "note")), Note(Name("警", "beware"), warning=True)]

    def headline(self):
        return Name("结论", "what was found " * 40)


def test_a_result_introduces_itself_shortly():
    found = Found(500)
    assert len(repr(found)) < 200
    assert len(found._repr_html_()) < 5000
    assert "492 more rows" in found._repr_html_()


def test_a_summary_says_warnings_first():
    assert Found(1).summary("zh").splitlines() == ["结论", "! 警", "· 注"]


def test_a_result_names_its_tables_when_asked_for_another():
    with pytest.raises(Exception, match=r"no table 'u'.*there are t"):
        Found(1).frame("u")
    assert list(Found(2).frames) == ["t"]
