"""Surveys in and out: wide, long, PrefLib; every ballot accounted for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.ballots import (
    Ballots,
    ballots_from_lists,
    read_preflib,
    read_survey,
    simulate_ballots,
    survey_table,
    write_preflib,
    write_survey,
)
from calib.errors import InputError
from calib.framework import Framework


@pytest.fixture
def both(aii: Framework) -> dict[str, Ballots]:
    gen = np.random.default_rng(1)
    return {
        code: simulate_ballots(
            np.zeros(len(track.leaves)),
            30,
            5,
            items=track.leaf_codes,
            lengths=gen.integers(1, 6, size=30),
            rng=2,
        )
        for code, track in aii.tracks.items()
    }


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "wide"), ("a.xlsx", "wide"), ("a.csv", "long")]
)
def test_tables_read_back_as_written(
    both: dict[str, Ballots], aii: Framework, tmp_path: Path, name: str, form: str
) -> None:
    write_survey(both, tmp_path / name, form="wide" if form == "wide" else "long")
    survey = read_survey(tmp_path / name, aii)
    for code, ballots in both.items():
        np.testing.assert_array_equal(survey.ballots[code].picks, ballots.picks)
        assert survey.ballots[code].items == aii.tracks[code].leaf_codes
    assert (survey.read_report.read, survey.read_report.used) == (60, 60)
    assert not survey.synthetic


def test_columns_beside_the_ranks_survive(aii: Framework, tmp_path: Path) -> None:
    leaves = aii.tracks["process"].leaf_codes
    ballots = Ballots(
        leaves,
        np.array([[0, 1], [2, -1]]),
        np.array([1.0, 2.5]),
        np.array(["E1", "E2"]),
        np.array(["large", "small"]),
        np.array(["r1", "r2"]),
    )
    write_survey({"process": ballots}, tmp_path / "a.csv", synthetic=True)
    survey = read_survey(tmp_path / "a.csv", aii)
    again = survey.track()
    assert survey.synthetic
    assert again.weight is not None
    assert again.weight.tolist() == [1.0, 2.5]
    for name in ("cluster", "segment", "respondent"):
        assert getattr(again, name).tolist() == getattr(ballots, name).tolist()


@pytest.mark.parametrize("ending", ["soi", "toi", "toc"])
def test_preflib_reads_back_as_written(
    both: dict[str, Ballots], aii: Framework, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"process.{ending}"
    write_survey({"process": both["process"]}, path)
    again = read_survey(path, aii).track("process")
    assert sorted(again.picks.tolist()) == sorted(both["process"].picks.tolist())


def test_preflib_complete_orders_need_complete_ballots(tmp_path: Path, german: Ballots) -> None:
    write_preflib(german, tmp_path / "g.soc")
    again, read_report = read_preflib(tmp_path / "g.soc")
    assert read_report.used == german.n
    assert sorted(again.picks.tolist()) == sorted(german.picks.tolist())
    with pytest.raises(InputError, match="complete orders only"):
        write_preflib(ballots_from_lists([["a"]], items="abc"), tmp_path / "x.soc")
    weighted = ballots_from_lists([["a"]], items="abc", weight=[0.5])
    with pytest.raises(InputError, match="whole numbers"):
        write_preflib(weighted, tmp_path / "x.soi")
    with pytest.raises(InputError, match=r"\.soc"):
        write_preflib(german, tmp_path / "x.txt")


def test_preflib_ties_at_the_bottom_mean_unlisted_and_others_are_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.toi"
    names = "".join(f"# ALTERNATIVE NAME {j}: item {j}\n" for j in range(1, 5))
    path.write_text(names + "3: 2,1,{3,4}\n2: {1,2},3\n1: 1,9\n", encoding="utf-8")
    with pytest.raises(InputError, match="tied ranks") as caught:
        read_preflib(path)
    assert len(caught.value.faults) == 2
    ballots, read_report = read_preflib(path, faulty="set-aside")
    assert ballots.picks.tolist() == [[1, 0]] * 3
    assert (read_report.read, read_report.used) == (6, 3)
    assert read_report.counts() == {"tie": 2, "unknown": 1}


def test_preflib_alternatives_must_be_all_indicators_of_a_track(
    aii: Framework, tmp_path: Path
) -> None:
    leaves = aii.tracks["process"].leaf_codes
    write_preflib(Ballots(leaves[:-1], np.array([[0, 1]])), tmp_path / "a.soi")
    with pytest.raises(InputError, match=r"absent: DA\.SVC\.P2"):
        read_survey(tmp_path / "a.soi", aii)
    write_preflib(ballots_from_lists([["x"]], items="xy"), tmp_path / "b.soi")
    with pytest.raises(InputError, match="no indicators of track"):
        read_survey(tmp_path / "b.soi", aii)


CHINESE = (
    "答卷编号,企业编号,企业类型,权重,第一重要,第二重要,第三重要\n"
    "1,E1,离散,1,机床设备联网,工业机器人联网,IC.DEV.D1\n"
    "2,E1,离散,1,机床设备,,IC.NET.D1\n"
    "3,E2,流程,-1,工艺装置联网,机床设备联网,\n"
    "4,E3,离散,1,,,\n"
    "5,E4,离散型,1,IC.NET.D1,IN.HOR.D1,IN.VER.D2\n"
    "6,E5,混合,1,IC.NET.D1,,\n"
)


def test_every_fault_of_a_gb18030_export_is_listed_by_cell(aii: Framework, tmp_path: Path) -> None:
    path = tmp_path / "导出.csv"
    path.write_text(CHINESE, encoding="gb18030")
    with pytest.raises(InputError) as caught:
        read_survey(path, aii)
    text = str(caught.value)
    assert "row 2, column 第三重要: indicator chosen twice" in text
    assert "row 3, column 第一重要: unknown indicator (found '机床设备')" in text
    assert "did you mean '机床设备联网'?" in text
    assert "row 3, column 第二重要: gap in the ranks" in text
    assert "this one belongs to track discrete" in text
    assert "column 权重: invalid weight (found '-1')" in text
    assert "unknown track (found '混合')" in text
    assert "blank" not in text


def test_faulty_ballots_can_be_set_aside_with_an_account(aii: Framework, tmp_path: Path) -> None:
    path = tmp_path / "导出.csv"
    path.write_text(CHINESE, encoding="gb18030")
    survey = read_survey(path, aii, faulty="set-aside")
    read_report = survey.read_report
    assert (read_report.read, read_report.used) == (6, 1)
    assert read_report.counts() == {"duplicate": 1, "gap": 1, "weight": 1, "blank": 1, "track": 1}
    assert sum(read_report.counts().values()) == read_report.read - read_report.used
    assert "读入 6 份选票，使用 1 份，剔除 5 份" in read_report.sentence().get("zh")
    assert read_report.sentence().get("en").startswith("6 ballots read, 1 used, 5 set aside")
    assert tuple(n.get("en") for n in read_report.notes) == (
        "导出.csv read as GB18030",
        "ranks read from the columns 第一重要, 第二重要, 第三重要",
    )
    assert len(read_report.table()) == 5
    assert survey.track("discrete").lists() == [["IC.NET.D1", "IN.HOR.D1", "IN.VER.D2"]]


def test_blank_ballots_alone_are_no_error(aii: Framework, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,track,rank1,rank2\n1,discrete,IC.NET.D1,\n2,discrete,,\n", encoding="utf-8")
    assert read_survey(path, aii).read_report.counts() == {"blank": 1}


def test_too_many_choices_and_faulty_ranks_are_reported(aii: Framework, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,rank1,rank2,rank3\n1,IC.NET.D1,IC.NET.D2,IC.NET.D3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"too many choices.*at most 2"):
        read_survey(path, aii, track="discrete", choices=2)
    path.write_text(
        "respondent,rank,indicator\n1,1,IC.NET.D1\n1,1,IC.NET.D2\n2,x,IC.NET.D1\n3,2,IC.NET.D1\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_survey(path, aii, track="discrete")
    text = str(caught.value)
    assert "tied ranks" in text
    assert "invalid rank (found 'x')" in text
    assert "gap in the ranks" in text


@pytest.mark.parametrize(
    "heads",
    [
        "rank1,rank2",
        "第一,第二",
        "1,2",
        "Q7_1,Q7_2",
        "第1重要,第2重要",
        "Top 1,Top 2",
        "选择1,选择2",
    ],
)
def test_rank_columns_are_recognised(aii: Framework, tmp_path: Path, heads: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,track,{heads}\n1,discrete,IC.NET.D1,IC.NET.D2\n", encoding="utf-8")
    assert read_survey(path, aii).track().lists() == [["IC.NET.D1", "IC.NET.D2"]]


def test_two_sets_of_numbered_columns_are_not_guessed_between(
    aii: Framework, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    rows = "id,track,Q3_1,Q3_2,Q7_1,Q7_2\n1,discrete,5,4,IC.NET.D1,IC.NET.D2\n"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(InputError, match=r"several sets of columns.*Q3_1.*Q7_1"):
        read_survey(path, aii)
    survey = read_survey(path, aii, ranks=["Q7_1", "Q7_2"])
    assert survey.track().lists() == [["IC.NET.D1", "IC.NET.D2"]]
    # columns that say "rank" win over columns that are only numbered
    path.write_text(rows.replace("Q7_1,Q7_2", "rank1,rank2"), encoding="utf-8")
    assert read_survey(path, aii).track().lists() == [["IC.NET.D1", "IC.NET.D2"]]


def test_unrecognised_columns_can_be_named(aii: Framework, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,track,best,next\n1,discrete,IC.NET.D1,IC.NET.D2\n", encoding="utf-8")
    with pytest.raises(InputError, match="no columns of ranks"):
        read_survey(path, aii)
    with pytest.raises(InputError, match="did you mean 'best'"):
        read_survey(path, aii, ranks=["bests", "next"])
    survey = read_survey(path, aii, ranks=["next", "best"])
    assert survey.track().lists() == [["IC.NET.D2", "IC.NET.D1"]]


def test_the_track_must_be_known(aii: Framework, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,rank1\n1,IC.NET.D1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column of tracks"):
        read_survey(path, aii)
    with pytest.raises(InputError, match=r"no track 'discreet'.*did you mean 'discrete'"):
        read_survey(path, aii, track="discreet")
    survey = read_survey(path, aii, track="离散")
    assert list(survey.ballots) == ["discrete"]
    with pytest.raises(InputError, match="name one of the tracks"):
        survey.track("process")


def test_preflib_holds_one_track(both: dict[str, Ballots], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PrefLib holds one track"):
        write_survey(both, tmp_path / "a.soi")


def test_the_long_table_has_a_row_a_choice(both: dict[str, Ballots]) -> None:
    long = survey_table(both, form="long")
    assert len(long) == sum(int(b.lengths.sum()) for b in both.values())
    assert list(long.columns) == ["respondent", "track", "rank", "indicator"]


def _preflib(aii: Framework, body: str) -> str:
    tree = aii.tracks["discrete"]
    names = (tree.nodes[i].name.zh for i in tree.leaves)
    return "".join(f"# ALTERNATIVE NAME {j}: {n}\n" for j, n in enumerate(names, start=1)) + body


def test_a_track_may_be_stated_by_its_chinese_name_for_preflib_too(
    tmp_path: Path, aii: Framework
) -> None:
    path = tmp_path / "a.soi"
    path.write_text(_preflib(aii, "2: 1,2\n"), encoding="utf-8")
    assert read_survey(path, aii, track="离散型").track("discrete").n == 2


def test_preflib_in_gb18030_is_read(tmp_path: Path, aii: Framework) -> None:
    path = tmp_path / "a.soi"
    path.write_bytes(_preflib(aii, "1: 3,1\n").encode("gb18030"))
    leaves = aii.tracks["discrete"].leaf_codes
    assert read_survey(path, aii).track().lists() == [[leaves[2], leaves[0]]]


@pytest.mark.parametrize("body", ["1,{2", "1,,2", "1,2,", "1 , ,2", "{1}2", "1{2,3}"])
def test_malformed_preflib_orders_are_faults(tmp_path: Path, aii: Framework, body: str) -> None:
    path = tmp_path / "a.toi"
    path.write_text(_preflib(aii, f"1: 1,2\n4: {body}\n"), encoding="utf-8")
    with pytest.raises(InputError, match="malformed order"):
        read_survey(path, aii)
    survey = read_survey(path, aii, faulty="set-aside")
    assert survey.read_report.counts() == {"malformed": 4}


def test_long_rows_of_one_respondent_must_tell_one_story(tmp_path: Path, aii: Framework) -> None:
    a, b = aii.tracks["discrete"].leaf_codes[:2]
    path = tmp_path / "long.csv"
    head = "respondent,track,segment,weight,rank,indicator\n"
    path.write_text(head + f"A,discrete,S,1,1,{a}\nA,process,M,3,2,{b}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_survey(path, aii)
    text = str(caught.value)
    assert all(value in text for value in ("'process'", "'M'", "'3'", "as in row 2"))
    path.write_text(head + f"A,discrete,S,1,1,{a}\nA,,,,2,{b}\n", encoding="utf-8")
    assert read_survey(path, aii).track().lists() == [[a, b]]


def test_long_rows_without_a_respondent_and_strange_ranks_are_faults(
    tmp_path: Path, aii: Framework
) -> None:
    a, b = aii.tracks["discrete"].leaf_codes[:2]
    path = tmp_path / "long.csv"
    path.write_text(
        f"respondent,track,rank,indicator\n,discrete,1,{a}\n,discrete,2,{b}\nB,discrete,²,{a}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_survey(path, aii)
    assert str(caught.value).count("no respondent") == 2
    assert "invalid rank (found '²')" in str(caught.value)


def test_chinese_ranks_go_past_ten(tmp_path: Path, aii: Framework) -> None:
    codes = aii.tracks["discrete"].leaf_codes[:21]
    tens = [*"一二三四五六七八九十", *(f"十{n}" for n in "一二三四五六七八九"), "二十", "二十一"]
    path = tmp_path / "wide.csv"
    heads = ",".join(f"第{n}重要" for n in tens)
    path.write_text(f"企业类型,{heads}\n离散型,{','.join(codes)}\n", encoding="gb18030")
    assert read_survey(path, aii, choices=21).track().lists() == [list(codes)]


@pytest.mark.parametrize("count", ["²", "9" * 5000, "1000000000000", "0", "-1", "٣"])
def test_preflib_counts_are_whole_numbers_of_ballots_that_there_can_be(
    tmp_path: Path, aii: Framework, count: str
) -> None:
    path = tmp_path / "a.soi"
    path.write_text(_preflib(aii, f"1: 1,2\n{count}: 2,1\n"), encoding="utf-8")
    with pytest.raises(InputError, match=r"no count of ballots|at most 5,000,000"):
        read_survey(path, aii)


def test_a_weight_that_drowns_beside_another_is_named_by_its_row(
    tmp_path: Path, aii: Framework
) -> None:
    a, b = aii.tracks["discrete"].leaf_codes[:2]
    path = tmp_path / "b.csv"
    row = "A{0},discrete,{0},{1},{2}\n"
    head = "respondent,track,weight,rank1,rank2\n"
    path.write_text(head + row.format("1e300", a, b) + row.format("1e-300", b, a), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 3.*'1e-300'.*less than a factor of 10\^12"):
        read_survey(path, aii)
    path.write_text(head + row.format("1e300", a, b) + row.format("3e300", b, a), encoding="utf-8")
    weight = read_survey(path, aii).track("discrete").weights
    assert weight[1] / weight[0] == pytest.approx(3)
