"""Before a run starts it is said who was read, and what unanswered items leave out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import calib
from calib.cli import cli

HEAD = """
schema = "calib.experiment/1"
name = "round"
framework = "aii"
baseline = "published"
[population]
file = "answers.csv"
[rule_options]
missing = "{missing}"
[sets.published]
source = "published"
[outcomes.lifecycle]
"""


@pytest.fixture(scope="module")
def frame():
    framework = calib.load_framework("aii")
    return calib.load_population("trial", framework).frame()


def write(folder, frame, missing="renormalise"):
    frame.to_csv(folder / "answers.csv", index=False)
    (folder / "round.toml").write_text(HEAD.format(missing=missing), encoding="utf-8")


def command(folder, *words):
    done = CliRunner().invoke(cli, [*words, "--lang", "zh"], catch_exceptions=False)
    assert done.exit_code == 0
    return done


def test_a_run_says_how_many_were_read_and_warns_of_fewer(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, frame)
    first = command(tmp_path, "run", "round.toml", "--quiet")
    assert first.stdout.splitlines()[0] == "读取 12 家离散型、10 家流程型；此前没有运行过"
    again = command(tmp_path, "run", "round.toml", "--quiet")
    assert again.stdout.splitlines()[0] == "读取 12 家离散型、10 家流程型；上次 22 家"
    write(tmp_path, frame[frame["track"] != "process"])
    fewer = command(tmp_path, "run", "round.toml", "--quiet")
    said = "读取 12 家离散型；上次 22 家。比上次少：流程型 10 家减为 0 家"
    assert said in fewer.stderr
    page = tmp_path / "runs" / "round" / "最新" / "report.html"
    body = page.read_text("utf-8").partition("</h1>")[2]
    assert body.partition(">")[2].startswith(said)


@pytest.mark.parametrize(
    ("missing", "said"),
    [("renormalise", "22 家企业中 1 家有未作答题目：星级照评，但“指标生命周期”"),
     ("leave-out", "22 家企业中 1 家答题不全"), ("worst", "")],
)  # fmt: skip
def test_what_unanswered_items_leave_out_is_said_beforehand(
    missing, said, frame, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    gaps = frame.astype(object)
    gaps.loc[0, "IC.NET.D1"] = None
    write(tmp_path, gaps, missing)
    shown = command(tmp_path, "check", "round.toml").stdout.splitlines()
    assert len(shown) == 1 + bool(said)
    assert shown[-1].startswith(said)


def test_a_summary_counts_those_who_were_read(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gaps = frame.astype(object)
    gaps.loc[0, "IC.NET.D1"] = None
    write(tmp_path, gaps, "leave-out")
    command(tmp_path, "run", "round.toml", "--quiet")
    summary = json.loads((tmp_path / "runs/round/最新/summary.json").read_text("utf-8"))
    assert summary["population"]["read"] == {"discrete": 12, "process": 10}
    assert summary["population"]["by_track"] == {"discrete": 11, "process": 10}
