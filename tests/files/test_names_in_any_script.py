"""Experiments, sets and cases may be named in any script; names of files are derived."""

from __future__ import annotations

import unicodedata

import pytest

from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.files import file_stem, names_apart
from calib.framework import load_framework
from calib.publish import export_run
from calib.weights import read_weights

BASE = {
    "schema": "calib.experiment/1",
    "name": "二〇二六：第一轮",
    "framework": "aii",
    "baseline": "公布权重",
    "population": {"generate": {"n": 12, "seed": 3}},
    "sets": {
        "公布权重": {"source": "published"},
        "数据分析 0.40?": {"source": "override", "weights": {"DA": 0.40}},
        "CON": {"source": "blend", "shares": {"公布权重": 0.5, "数据分析 0.40?": 0.5}},
        "con": {"source": "equal"},
    },
}


def experiment(tmp_path, **changes):
    return parse_experiment({**BASE, **changes}, folder=tmp_path, file="实验.toml")


def test_chinese_names_reach_folders_weights_and_the_workbook(tmp_path):
    folder = write_run(run_experiment(experiment(tmp_path)), tmp_path / "runs", lang="zh")
    assert folder.parent.name == "二〇二六：第一轮"
    names = sorted(p.stem for p in (folder / "weights").iterdir())
    assert names == sorted(["公布权重", "数据分析 0.40-", "CON_", "con_-2"])
    book = export_run(folder, tmp_path / "簿.xlsx", lang="zh")
    back = read_weights(book, load_framework("aii"), sheet="set 数据分析 0.40-")
    assert back.weight("DA") == 0.40


def test_a_name_stored_decomposed_is_the_same_name(tmp_path):
    own, other = "Ré", unicodedata.normalize("NFD", "Ré")
    assert own != other
    sets = {other: {"source": "published"}, "half": {"source": "blend", "shares": {own: 1.0}}}
    loaded = experiment(tmp_path, sets=sets, baseline=own)
    assert loaded.order == (own, "half")
    with pytest.raises(InputError, match="looks like the name of another set"):
        experiment(tmp_path, sets={own: {"source": "published"}, other: {"source": "published"}})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("甲/乙", "must not contain /"), ("a\\b", "must not contain"), (".hidden", "with a dot"),
        ("-x", "hyphen"), ("", "1 to 60"), ("长" * 61, "1 to 60"), ("甲\u202e乙", "cannot be seen"),
        (" 甲", "spaces at an end"), ("甲\n", "spaces at an end"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused_with_the_reason(tmp_path, name, words):
    for changes in ({"name": name}, {"sets": {name: {"source": "published"}}, "baseline": name}):
        with pytest.raises(InputError) as caught:
            experiment(tmp_path, **changes)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "name", ["aux", "COM1.csv", "a" * 300, "权" * 100, "..", "a. ", "\x00", "😀:😀"]
)
def test_a_derived_name_is_a_file_name_on_every_system(tmp_path, name):
    stem = file_stem(name)
    assert stem == file_stem(stem)
    assert not set(stem) & set('/\\:*?"<>|\x00')
    assert stem[-1] not in ". "
    assert stem.split(".")[0].upper() not in {"CON", "AUX", "COM1"}
    (tmp_path / f"{stem}.parquet").write_text("x")


def test_long_names_that_differ_at_the_end_stay_apart():
    assert file_stem("权" * 100 + "甲") != file_stem("权" * 100 + "乙")
    assert len(set(names_apart(["ﾃ", "É", unicodedata.normalize("NFD", "é")]))) == 3
    assert names_apart(["É", unicodedata.normalize("NFD", "é")])[1].endswith("-2")
