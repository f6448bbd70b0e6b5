"""What the ballots say is Chinese in Chinese and English in English, faults of files among it."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

import calib
from calib.ballots import ballots_from_lists, estimate_all, method_table
from calib.cli import cli
from calib.errors import InputError
from calib.report import table_html

NAMES = {"Cochran", "Holm", "Kish", "Savage", "Borda", "Dowdall", "Kemeny"}
CODES = re.compile(r"[A-Z0-9]+\.[A-Z0-9.]+|rank\d|[\w./-]+\.\w+|levels = \[.*?\]|base|SYN-[\w-]+")


def english(text):
    """Return the English words of a text, apart from names, codes, columns and files."""
    plain = CODES.sub("", text)
    return {w for w in re.findall(r"[A-Za-z]{3,}", plain) if w not in NAMES}


def chinese(text):
    return re.findall(r"[\u4e00-\u9fff]+", text)


@pytest.fixture(scope="module")
def found(aii):
    return calib.weigh_ballots(calib.read_survey("unequal", aii), levels="all", draws=1, rng=1)


def test_results_say_nothing_in_the_other_language(found):
    texts = [found.headline(), *(n.text for n in found.notes), *(t.title for t in found.tables)]
    texts += [d.title for d in found.drawings]
    for text in texts:
        assert not english(text.get("zh")), text.get("zh")
        words = re.sub("第一重要", "", text.get("en"))
        assert not chinese(words), words


@pytest.mark.parametrize("options", [[], ["--segments", "--outliers", "--opinions", "2"]])
def test_the_command_line_speaks_chinese_only(tmp_path, aii, options):
    items = aii.tracks["process"].leaf_codes
    rows = [f"{i},{'ab'[i % 2]},{items[i % 4]},{items[4 + i % 7]}" for i in range(60)]
    file = tmp_path / "a.csv"
    file.write_text("id,segment,rank1,rank2\n61,a,,\n" + "\n".join(rows) + "\n", encoding="utf-8")
    survey = calib.read_survey(file, aii, track="process")
    assert english(survey.read_report.sentence().get("zh")) == set()
    args = [str(file), "--track", "process", "--lang", "zh", *options]
    done = CliRunner().invoke(cli, ["ballots", *args], catch_exceptions=False)
    assert done.exit_code == 0
    assert english(done.output) <= {"BIC", "ICL", "row"}  # "row 2" is the table's own address


def test_faults_of_a_file_are_told_in_the_language_of_the_reader(tmp_path, aii):
    file = tmp_path / "a.csv"
    file.write_text(
        "respondent,track,weight,rank1,rank2\n"
        "1,discrete,-1,IC.NET.D1,IC.NET.D1\n2,nowhere,1,,IC.NET.D1\n3,process,1,???,\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        calib.read_survey(file, aii)
    told = "\n".join(f.problem.get("zh") + f.expected.get("zh") for f in caught.value.faults)
    for word in ("权重无效", "应", "同一指标重复选择", "名次有空缺", "指标名称无法识别", "正数"):
        assert word in told or word == "应"
    assert not english(told) - {"discrete", "process"}


def test_notes_of_methods_are_in_one_language():
    ballots = ballots_from_lists([["a", "b"]] * 4, items="abcd")
    table = method_table(ballots, estimate_all(ballots), lang="zh")
    said = " ".join(table["errors"]) + " ".join(table["note"])
    assert "最大似然估计不存在" in said
    assert not english(said)


def test_rejected_ballots_stand_in_a_table_in_the_language_of_the_reader(tmp_path, aii):
    items = aii.tracks["process"].leaf_codes
    rows = [f"{i},1,{items[i % 4]},{items[4 + i % 7]}" for i in range(60)]
    rows += ["61,1,,", f"62,-1,{items[0]},", f"63,1,{items[0]},{items[0]}"]
    file = tmp_path / "a.csv"
    file.write_text("id,weight,rank1,rank2\n" + "\n".join(rows) + "\n", encoding="utf-8")
    survey = calib.read_survey(file, aii, track="process", faulty="set-aside")
    found = calib.weigh_ballots(survey, draws=1, rng=1)
    shown = table_html(found.table("rejected"), "zh")
    for word in ("空白选票", "权重无效", "同一指标重复选择", "每项指标一次"):
        assert word in shown
    # Files hold plain words, whatever shows them.
    assert {type(v) for v in found.frame("rejected").to_numpy()[:, :4].ravel()} == {str}
    assert "剔除 3 份" in found.summary("zh")
    assert "3 set aside (" in found.summary("en")
