"""The workbook of a run begins with a summary and a chart of Excel's own, in one language."""

from __future__ import annotations

import re

import numpy as np
import pytest
from shipped import shipped_run

import calib
from calib.experiment import write_run
from calib.publish import Sheet, export_run, write_workbook
from calib.report import Table
from calib.words import Name

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("book")
    run = shipped_run("trial-comparison")
    folder = write_run(run, place / "runs", lang="zh")
    return run, openpyxl.load_workbook(export_run(folder, place / "簿.xlsx", lang="zh"))


def test_the_summary_comes_first_and_counts_stars_by_set(made):
    run, book = made
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    assert head == ("方案", "1星", "2星", "3星", "4星", "5星", "上升", "下降")
    assert {r[0]: list(r[1:6]) for r in rows} == {
        rating.weights.label.get("zh"): rating.counts().tolist() for rating in run.ratings.values()
    }


def test_the_chart_stacks_the_cells_of_the_summary(made):
    run, book = made
    [chart] = book.worksheets[0]._charts
    assert chart.grouping == "stacked"
    assert len(chart.series) == 5
    for series, column in zip(chart.series, "BCDEF", strict=True):
        place, cells = series.val.numRef.f.split("!")
        assert place.strip("'") == book.worksheets[0].title
        assert cells.replace("$", "") == f"{column}2:{column}{len(run.ratings) + 1}"


def test_sheets_are_called_in_chinese_but_for_those_that_programs_read(made):
    _, book = made
    called = [n for n in book.sheetnames if not n.startswith("set ")]
    assert all(re.search(r"[\u4e00-\u9fff]", n) for n in called)
    assert "set published" in book.sheetnames


def test_a_sheet_holds_the_texts_of_one_language_and_words_for_rule_options(made):
    _, book = made
    for page in book.worksheets:
        heads = [c.value for c in page[1] if c.value]
        assert len(set(heads)) == len(heads), page.title
    rows = list(book["来源与版本"].iter_rows(values_only=True))
    said = [value for what, _, value in rows if what == "规则待定项"]
    assert said
    assert all(re.search(r"[\u4e00-\u9fff]", value) for value in said)


def test_every_enterprise_stands_under_every_set_with_its_scores(made):
    run, book = made
    page = book["企业结果"]
    assert page.max_row - 1 == len(run.context.scored) * len(run.ratings)
    assert page.freeze_panes is not None
    assert page.auto_filter.ref is not None


def test_a_star_that_a_node_has_not_is_an_empty_cell(tmp_path):
    import pandas as pd

    stars = pd.DataFrame({"enterprise": ["a", "b"], "star": pd.array([3, None], dtype="Int64")})
    table = Table("some", stars, Name("某表", "some"), blank=Name("无得分", "no score"))
    path = write_workbook([Sheet("some", table)], tmp_path / "book.xlsx", lang="en")
    rows = list(openpyxl.load_workbook(path)["some"].iter_rows(values_only=True))
    assert [r[1] for r in rows[1:]] == [3, None]


def test_the_distance_to_the_next_star_is_what_would_just_reach_it():
    """Raising the total and the weakest pillar by that much, and a hair more, gives the star."""
    framework = calib.load_framework("aii")
    rating = calib.rate(
        calib.published_weights(framework), calib.load_population("trial", framework)
    )
    table = rating.enterprises().set_index("enterprise")
    rule = framework.rule.thresholds()
    for sample in rating.samples.values():
        for i, enterprise in enumerate(sample.ids):
            row, star = table.loc[enterprise], sample.star[i]
            if star == 4:
                assert np.isnan(row["next_total"])
                continue
            pillars = sample.scores[i, sample.gated]
            assert row["next_total"] == pytest.approx(max(0, rule.band[star] - sample.total[i]))
            short = np.maximum(rule.gate[star] - pillars, 0)
            assert row["next_gate"] == pytest.approx(short.max())
            if short.max() > 0:
                assert row["next_node"] == sample.track.codes[sample.gated[short.argmax()]]
            assert row["next_total"] > 0 or row["next_gate"] > 0


def test_the_manifest_is_said_in_the_readers_language(made):
    said = {row[0] for row in made[1]["来源与版本"].iter_rows(values_only=True)}
    assert {"实验", "随机种子", "规则待定项", "输入文件", "版本"} <= said
    assert not any(word.isascii() for word in said if word)
