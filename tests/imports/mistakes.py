"""Plausible mistakes in files: how each is made, and what becomes of it.

A mistake is a function of a folder that returns what reading the file gives; ``found`` and
``asked`` say what the error or the question contains, ``noted`` what a note contains, ``unknown``
that nothing in the file tells it from a right one.
"""

from __future__ import annotations

import numpy as np
from platform_exports import AII, ALL, TRACK_NAMES, cells, firms, name, text, write_csv, write_xlsx

import calib

MISTAKES = {}


def mistake(outcome, match=""):
    def note(make):
        MISTAKES[make.__name__.replace("_", " ")] = (make, outcome, match)
        return make

    return note


HEAD = ["企业编号", "企业名称", "企业类型"]


def rows_of(say=lambda c, k: k, head=None, track=None):
    rows = [[*HEAD, *(head or ALL)]]
    for i, f in enumerate(firms(gaps=0)):
        own = track(f) if track else TRACK_NAMES[f.track]
        rows.append([f"E{i:02d}", f.name, own, *cells(f, say, "", "")])
    return rows


def read(folder, rows, **options):
    return calib.read_population(write_csv(folder / "p.csv", rows), AII, **options)


def imported(folder, rows):
    return calib.import_answers(write_csv(folder / "p.csv", rows), AII, confirm=True)


@mistake("found", "answer is no option")
def options_counted_from_0(folder):
    return read(folder, rows_of(lambda c, k: k - 1))


@mistake("noted", "nobody chose the highest option")
def options_counted_from_0_and_nobody_at_the_lowest(folder):
    return read(folder, rows_of(lambda c, k: max(k - 1, 1)))


@mistake("asked", "What are they")
def scores_for_options(folder):
    return imported(folder, rows_of(lambda c, k: (k - 1) * 25))


@mistake("asked", "What are they")
def fractions_for_options(folder):
    return imported(folder, rows_of(lambda c, k: (k - 1) / 4))


@mistake("found", "are they option numbers")
def options_declared_as_scores(folder):
    return read(folder, rows_of(), kind="scores")


@mistake("found", "are they shares of 1")
def shares_declared_as_scores(folder):
    return read(folder, rows_of(lambda c, k: (k - 1) / 4), kind="scores")


@mistake("found", "is no number")
def percent_signs_in_scores(folder):
    return read(folder, rows_of(lambda c, k: f"{(k - 1) * 25}%"), kind="scores")


@mistake("found", "is no number")
def a_decimal_comma(folder):
    return read(folder, rows_of(lambda c, k: f"{(k - 1) * 25},5"), kind="scores")


@mistake("found", "duplicate enterprise id")
def an_enterprise_twice(folder):
    rows = rows_of()
    return read(folder, [*rows, rows[5]])


@mistake("found", "the same name and the same answers under different ids")
def an_enterprise_twice_under_another_id(folder):
    rows = rows_of()
    return read(folder, [*rows, ["E99", *rows[5][1:]]])


@mistake("found", "but for spaces, width or case")
def an_id_twice_with_a_space_in_it(folder):
    rows = rows_of()
    return read(folder, [*rows, ["E 04", "另一名称", *rows[5][2:]]])


@mistake("found", "but for spaces, width or case")
def an_id_twice_in_full_width(folder):
    rows = rows_of()
    return read(folder, [*rows, ["Ｅ04", "另一名称", *rows[5][2:]]])


@mistake("found", "a row of totals")
def a_row_of_totals(folder):
    rows = rows_of()
    return read(
        folder, [*rows, ["合计", "", "离散型", *(3 if v != "" else "" for v in rows[1][3:])]]
    )


@mistake("found", "turned into a date by Excel")
def an_id_turned_into_a_date(folder):
    import datetime

    import xlsxwriter

    book = xlsxwriter.Workbook(str(folder / "p.xlsx"))
    sheet = book.add_worksheet()
    date = book.add_format({"num_format": "yyyy-mm-dd"})
    for r, row in enumerate(rows_of()):
        sheet.write_row(r, 0, row)
    sheet.write_datetime(3, 0, datetime.datetime(2026, 3, 1), date)
    book.close()
    return calib.read_population(folder / "p.xlsx", AII)


@mistake("found", "answers an indicator of track discrete")
def a_process_enterprise_with_discrete_answers(folder):
    rows = rows_of()
    at = next(i for i, r in enumerate(rows) if r[2] == "流程型")
    rows[at][3:] = next(r for r in rows if r[2] == "离散型")[3:]
    return read(folder, rows)


@mistake("found", "no such track")
def a_misspelt_track(folder):
    rows = rows_of()
    rows[3][2] = "离散形"
    return read(folder, rows)


@mistake("found", "no column for 1 indicator")
def a_misspelt_code(folder):
    return read(folder, rows_of(head=["IC.DEV.D11", *ALL[1:]]))


@mistake("asked", "Two columns ask for the same indicator")
def a_question_twice(folder):
    rows = rows_of(text, head=[name(c) for c in ALL])
    return imported(folder, [[*r, "机床设备联网" if i == 0 else 3] for i, r in enumerate(rows)])


@mistake("found", "no column for 28 indicators")
def last_years_form(folder):
    """The columns of the discrete track were called otherwise."""
    return read(folder, rows_of(head=[c.replace(".D", ".X") for c in ALL]))


@mistake("asked", "likely but not certain: X")
def a_name_with_a_slip(folder):
    rows = rows_of(text, head=[name(c).replace("产品谱系追溯", "产品谱系朔源") for c in ALL])
    return calib.import_answers(write_csv(folder / "p.csv", rows), AII)


@mistake("asked", "Which indicator does")
def code_and_name_of_different_indicators(folder):
    head = [f"{c} {name(c)}" for c in ALL]
    head[0] = f"{ALL[0]} {name(ALL[1])}"
    return imported(folder, rows_of(text, head=head))


@mistake("asked", "another number of options")
def more_options_than_the_framework(folder):
    ladder = ["无", "部分", "大部分", "全面"]
    odd = "DA.SVC.D2"
    return imported(folder, rows_of(lambda c, k: f"{'ABCD'[k]}.{ladder[k]}" if c == odd else k))


@mistake("asked", "likely but not certain")
def letters_from_best_to_worst(folder):
    ladder = ["全面", "大部分", "部分", "无"]
    four = [c for c in ALL if AII.node(c).item.options == 4]
    rows = rows_of(lambda c, k: f"{'DCBA'[k - 1]}.{ladder[4 - k]}" if c in four else k)
    return calib.import_answers(write_csv(folder / "p.csv", rows), AII)


@mistake("asked", "In which order do these")
def texts_without_an_order(folder):
    odd = ["甲", "乙", "丙", "丁", "戊"]
    five = [c for c in ALL if AII.node(c).item.options == 5]
    return imported(folder, rows_of(lambda c, k: odd[k - 1] if c in five else k))


@mistake("found", "the cell holds an error of Excel")
def a_cell_with_an_error(folder):
    import xlsxwriter

    book = xlsxwriter.Workbook(str(folder / "p.xlsx"))
    sheet = book.add_worksheet()
    for r, row in enumerate(rows_of()):
        sheet.write_row(r, 0, row)
    row = next(i for i, r in enumerate(rows_of()) if r[2] == "离散型")
    sheet.write_formula(row, 3, "=1/0", None, "#DIV/0!")
    book.close()
    return calib.read_population(folder / "p.xlsx", AII)


@mistake("noted", "hidden sheet")
def last_years_hidden_sheet_first(folder):
    import xlsxwriter

    book = xlsxwriter.Workbook(str(folder / "p.xlsx"))
    old, new = book.add_worksheet("2025"), book.add_worksheet("2026")
    for r, row in enumerate(rows_of()[:8]):
        old.write_row(r, 0, row)
    for r, row in enumerate(rows_of()):
        new.write_row(r, 0, row)
    old.hide()
    new.activate()
    new.set_first_sheet()
    book.close()
    population = calib.read_population(folder / "p.xlsx", AII)
    assert len(population) == 60
    return population


@mistake("noted", "read together")
def the_process_track_on_a_second_sheet(folder):
    rows = rows_of()
    split = {t: [rows[0], *(r for r in rows[1:] if r[2] == t)] for t in TRACK_NAMES.values()}
    population = calib.read_population(write_xlsx(folder / "p.xlsx", split), AII)
    assert len(population) == 60
    return population


@mistake("noted", "read as BIG5")
def a_file_in_big5(folder):
    rows = [["企業編號", "企業名稱", "類型"], ["a", "臺灣電機廠股份有限公司", "discrete"]]
    file = write_csv(folder / "p.csv", rows, encoding="big5")
    table = calib.tables.read_table(file)
    assert table.text("企業名稱") == ["臺灣電機廠股份有限公司"]
    return table


@mistake("noted", "not used")
def a_column_that_nobody_uses(folder):
    rows = rows_of()
    return read(folder, [[*r, "备注栏" if i == 0 else "好"] for i, r in enumerate(rows)])


@mistake("noted", "IC.DEV.D2 is empty for the first enterprise of its track only")
def a_column_pasted_a_row_lower(folder):
    head, *rows = rows_of()
    rows = [r for r in rows if r[2] == TRACK_NAMES["discrete"]]
    at = head.index("IC.DEV.D2")
    column = [r[at] for r in rows]
    for row, value in zip(rows, ["", *column], strict=False):
        row[at] = value
    return read(folder, [head, *rows])


@mistake("unknown")
def a_table_cut_after_twenty_rows(folder):
    return read(folder, rows_of()[:21])


@mistake("unknown")
def two_columns_swapped_with_their_codes(folder):
    rows = rows_of()
    rows[0][3], rows[0][4] = rows[0][4], rows[0][3]
    return read(folder, rows)


BALLOT = ["企业类型", "第1位", "第2位", "第3位", "第4位", "第5位"]


def ballots(n=30, pick=name):
    rng = np.random.default_rng(1)
    leaves = AII.tracks["discrete"].leaf_codes
    return [
        ["离散型", *(pick(leaves[j]) for j in rng.choice(len(leaves), 5, replace=False))]
        for _ in range(n)
    ]


def survey(folder, rows, **options):
    return calib.read_survey(write_csv(folder / "b.csv", rows), AII, **options)


@mistake("found", "its header is no rank")
def a_last_rank_that_is_misspelt(folder):
    return survey(folder, [[*BALLOT[:5], "第五名次列"], *ballots()])


@mistake("found", "ballot stands twice")
def a_respondent_twice(folder):
    rows = [[i, *b] for i, b in enumerate(ballots())]
    return survey(folder, [["序号", *BALLOT], *rows, *rows[:10]])


@mistake("found", "unknown indicator")
def a_ballot_with_anothers_name_after_the_code(folder):
    rows = ballots(pick=lambda c: f"{c} {name(c)}")
    rows[0][1] = f"{ALL[0]} {name(ALL[1])}"
    return survey(folder, [BALLOT, *rows])


@mistake("found", "indicator chosen twice")
def the_same_choice_twice(folder):
    rows = ballots()
    rows[0][2] = rows[0][1]
    return survey(folder, [BALLOT, *rows])


@mistake("found", "too many choices")
def twelve_choices_where_five_were_asked(folder):
    head = ["企业类型", *(f"第{k}位" for k in range(1, 13))]
    rows = [["离散型", *(name(c) for c in ALL[i : i + 12])] for i in range(5)]
    return survey(folder, [head, *rows])


@mistake("asked", "Which end is the most important")
def ranks_of_which_1_may_be_least(folder):
    leaves = AII.tracks["discrete"].leaf_codes
    rng = np.random.default_rng(2)
    rows = [["企业类型", *(name(c) for c in leaves)]]
    for _ in range(20):
        cells_ = [""] * len(leaves)
        for k, j in enumerate(rng.choice(len(leaves), 5, replace=False), 1):
            cells_[j] = k
        rows.append(["离散型", *cells_])
    return calib.import_ballots(write_csv(folder / "b.csv", rows), AII, confirm=True)


@mistake("asked", "Were they ranked")
def choices_that_were_only_ticked(folder):
    rows = [["企业类型", "最重要的五项"], *([b[0], "┋".join(b[1:])] for b in ballots())]
    return calib.import_ballots(write_csv(folder / "b.csv", rows), AII, confirm=True)


def preflib(folder, ending, orders, voters):
    leaves = AII.tracks["discrete"].leaf_codes
    heads = [f"# ALTERNATIVE NAME {i}: {c}" for i, c in enumerate(leaves, 1)]
    file = folder / f"b.{ending}"
    file.write_text("\n".join([*heads, f"# NUMBER VOTERS: {voters}", *orders]) + "\n", "utf-8")
    return calib.read_survey(file, AII, track="discrete")


@mistake("found", "another number of voters")
def five_hundred_voters_stated_and_five_orders(folder):
    return preflib(folder, "soi", [f"1: {i}, {i + 1}, {i + 2}" for i in range(1, 6)], 500)


@mistake("found", "a file of complete orders")
def complete_orders_that_list_five(folder):
    return preflib(folder, "soc", ["5: 1,2,3,4,5", "3: 2,1,3,4,5"], 8)


def weight_rows():
    published = calib.published_weights(AII)
    return published.frame()


def weights(folder, frame):
    frame.to_csv(folder / "w.csv", index=False)
    return calib.read_weights(folder / "w.csv", AII)


@mistake("found", "is not the product of the local ones")
def a_global_weight_edited_beside_a_local_one(folder):
    frame = weight_rows()
    frame.loc[6, "global_weight"] += 0.05
    return weights(folder, frame)


@mistake("found", "weights sum to")
def weights_in_percent_in_calibs_own_table(folder):
    frame = weight_rows()
    frame["local_weight"] *= 100
    return weights(folder, frame.drop(columns="global_weight"))


@mistake("found", "another version")
def weights_of_another_version(folder):
    return weights(folder, weight_rows().assign(framework="aii 0.9"))


@mistake("found", "code and name are of different nodes")
def names_shifted_against_codes(folder):
    frame = weight_rows()
    names = [AII.node(c).name.zh for c in frame["code"]]
    return weights(folder, frame.assign(name_zh=[names[-1], *names[:-1]]))


@mistake("found", "neither 1 nor 100")
def pillars_that_sum_to_more_than_one(folder):
    rows = [["一级指标", "权重"], ["互联互通", 0.5], ["综合集成", 0.4], ["数据分析利用", 0.4]]
    file = write_csv(folder / "w.csv", rows)
    return calib.import_weights(file, AII, choices={"rest": "published"})


@mistake("asked", "Where do their weights come from")
def a_weight_table_of_pillars_only(folder):
    rows = [["一级指标", "权重"], ["互联互通", "30%"], ["综合集成", "30%"], ["数据分析利用", "40%"]]
    return calib.import_weights(write_csv(folder / "w.csv", rows), AII)


@mistake("found", "did you mean 0.05")
def a_level_in_percent(folder):
    from calib.ballots import BallotsRequest

    return BallotsRequest.make({"alpha": 5})
