"""What was run can be listed, labelled, compared, removed and brought back."""

from __future__ import annotations

import json
import os
import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.errors import InputError
from calib.experiment import (
    changed_inputs,
    compare_runs,
    comparison_page,
    find_run,
    label_run,
    past_runs,
    remove_run,
    restore_run,
)
from calib.files import shipped_data

TEXT = """
schema = "calib.experiment/1"
name = "第一轮"
framework = "aii"
baseline = "公布"
seed = 1
[population]
file = "trial.toml"
[sets."公布"]
source = "published"
[sets."分析"]
source = "override"
weights = { DA = 0.60 }
"""


def ran(place, lang="zh"):
    args = ["run", str(place / "实验.toml"), "-o", str(place / "runs"), "--lang", lang, "--quiet"]
    done = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def say(place, *args, lang="zh"):
    words = ["runs", *args, "-o", str(place / "runs"), "--lang", lang]
    return CliRunner().invoke(cli, words, catch_exceptions=False).output


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Runs of two experiments that differ in one weight, the first one in both languages."""
    place = tmp_path_factory.mktemp("work")
    for name in ("trial.toml", "trial.csv"):
        shutil.copy(shipped_data() / "trial" / name, place / name)
    (place / "实验.toml").write_text(TEXT, "utf-8")
    ran(place, "zh")
    ran(place, "en")
    (place / "实验.toml").write_text(TEXT.replace("0.60", "0.30"), "utf-8")
    ran(place, "zh")
    return place


@pytest.fixture
def place(made, tmp_path):
    shutil.copytree(made, tmp_path / "w", symlinks=True)
    return tmp_path / "w"


def folders(place):
    return sorted(p.name for p in (place / "runs" / "第一轮").iterdir() if not p.is_symlink())


def test_both_languages_stand_side_by_side_and_links_lead_to_the_newest(place):
    newest, *others = past_runs(place / "runs")
    assert [r.language for r in others] == ["en", "zh"]
    assert others[0].id == others[1].id != newest.id
    home = place / "runs" / "第一轮"
    assert os.readlink(home / "最新") == newest.folder.name
    assert os.readlink(home / "latest") == others[0].folder.name
    assert (home / "最新" / "report.html").is_file()


def test_runs_are_listed_with_their_names_sets_and_what_changed_since(place):
    shown = say(place)
    for word in ("第一轮", "公布, 分析", "无变化", "实验.toml 已变", "完成时间"):
        assert word in shown
    assert "公布, 分析" in say(place, lang="en")
    (place / "trial.csv").write_bytes((place / "trial.csv").read_bytes() + b"\n")
    newest = past_runs(place / "runs")[0]
    assert [c.name for c in changed_inputs(newest)] == ["trial.csv"]
    (place / "trial.toml").unlink()
    assert "trial.toml 从实验所在处找不到" in say(place)
    (place / "实验.toml").unlink()
    assert changed_inputs(newest) is None


def test_a_run_is_meant_by_the_first_signs_of_its_id_its_label_or_its_experiment(place):
    newest, english, chinese = past_runs(place / "runs")
    root = place / "runs"
    assert [r.key for r in find_run(root, newest.id[:3])] == [newest.key]
    assert {r.language for r in find_run(root, english.id[:4])} == {"zh", "en"}
    assert [r.folder for r in find_run(root, f"{chinese.id[:4]}-zh")] == [chinese.folder]
    for word in ("第一轮", "latest", "最新", str(newest.folder)):
        assert find_run(root, word)[0].key == newest.key
    with pytest.raises(InputError, match="no run ''"):
        find_run(root, "")
    label_run(root, english.id, "提交稿")
    assert {r.language for r in find_run(root, "提交稿")} == {"zh", "en"}
    with pytest.raises(InputError, match="提交稿"):
        find_run(root, "提交搞")
    with pytest.raises(InputError, match="called"):
        label_run(root, newest.id, "提交稿")


def test_a_beginning_that_two_ids_share_is_refused_with_both(place):
    newest, english, _ = past_runs(place / "runs")
    body = {**newest.manifest, "id": english.id[:4] + "00000000"}
    (newest.folder / "manifest.json").write_text(json.dumps(body), "utf-8")
    with pytest.raises(InputError, match="several runs") as caught:
        remove_run(place / "runs", english.id[:4])
    assert newest.folder.name in str(caught.value)
    assert english.folder.name in str(caught.value)
    assert len(folders(place)) == 3


def test_a_label_outlives_the_run_made_again_and_marks_no_file_as_changed(place):
    newest = past_runs(place / "runs")[0]
    label_run(place / "runs", newest.id, "提交稿")
    ran(place)
    again = past_runs(place / "runs")[0]
    assert (again.folder, again.label) == (newest.folder, "提交稿")
    assert len(folders(place)) == 3
    ran(place, "en")
    assert past_runs(place / "runs")[0].label == "提交稿"


def test_the_comparison_agrees_with_the_tables_of_both_runs(place):
    newest, english, chinese = past_runs(place / "runs")
    found = compare_runs(chinese, newest)
    stars = [
        pd.read_csv(r.folder / "tables" / "enterprises.csv", encoding="utf-8-sig")
        .query("set == '分析'").set_index("enterprise")["star"]
        for r in (chinese, newest)
    ]  # fmt: skip
    moved = stars[0][stars[0] != stars[1]]
    movers = found.frame("compared-movers")
    assert len(moved) > 0
    assert dict(zip(movers["enterprise"], movers["first"], strict=True)) == moved.to_dict()
    assert set(movers["set"]) == {"分析"}
    weights = found.frame("compared-weights").set_index(["set", "track", "code"])
    assert weights.loc[("分析", "discrete", "DA"), "change"] == pytest.approx(-0.30)
    assert set(found.frame("compared-inputs")["name"]) == {"第一轮"}
    page = comparison_page(found, "zh")
    assert "运行的比较" in page
    assert "pillar" not in page
    assert compare_runs(english, chinese).frame("compared-movers").empty


def test_a_removed_run_lies_in_the_trash_and_comes_back_as_it_was(place):
    before, (newest, english, _) = folders(place), past_runs(place / "runs")
    moved = remove_run(place / "runs", english.id[:5])
    assert folders(place) == [newest.folder.name]
    assert not (place / "runs" / "第一轮" / "latest").is_symlink()
    assert len(moved) == 2
    assert english.folder.name in say(place, "--trash")
    restore_run(place / "runs", f"{english.id}-en")
    restore_run(place / "runs", english.id)
    assert folders(place) == before
    assert os.readlink(place / "runs" / "第一轮" / "latest") == english.folder.name


def test_a_run_made_again_while_the_old_one_was_in_the_trash_is_not_overwritten(place):
    newest = past_runs(place / "runs")[0]
    remove_run(place / "runs", newest.id)
    ran(place)
    [back] = restore_run(place / "runs", newest.id)
    assert back.name == f"{newest.folder.name}-2"
    assert newest.folder.is_dir()


def test_what_calib_did_not_write_is_no_run_and_is_never_moved(place):
    own = place / "runs" / "第一轮" / "笔记"
    own.mkdir()
    (own / "a.md").write_text("years of work")
    (own / "manifest.json").write_text(json.dumps({"schema": "other/1", "outputs": {}}))
    for remove in ("笔记", str(own)):
        with pytest.raises(InputError, match="no run"):
            remove_run(place / "runs", remove)
    link = place / "runs" / "第一轮" / "latest"
    link.unlink()
    link.mkdir()
    ran(place, "en")
    assert link.is_dir()
    assert not link.is_symlink()


def test_a_mistyped_subcommand_gets_the_nearest(place):
    assert "label" in say(place, "lable", "x")


def test_the_trash_is_emptied_after_a_question_and_nothing_else_goes(place):
    say(place, "rm", "第一轮")
    other = place / "runs" / ".trash" / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("keep", "utf-8")
    removed = len(past_runs(place / "runs", trash=True))
    asked = CliRunner().invoke(
        cli, ["runs", "empty", "-o", str(place / "runs"), "--lang", "zh"], input="n\n"
    )
    assert str(removed) in asked.output
    assert len(past_runs(place / "runs", trash=True)) == removed > 0
    kept = len(past_runs(place / "runs"))
    assert str(removed) in say(place, "empty", "--yes")
    assert past_runs(place / "runs", trash=True) == []
    assert len(past_runs(place / "runs")) == kept
    assert (other / "notes.txt").is_file()
    assert "没有移除过运行" in say(place, "empty", "--yes")


def test_runs_list_the_advice_of_their_decision(place):
    decided = TEXT.replace("第一轮", "决定") + '[decision]\nproposed = "分析"\ndriver_size = 0\n'
    (place / "实验.toml").write_text(decided, "utf-8")
    ran(place)
    run = find_run(place / "runs", "决定")[0]
    assert run.advice in ("adopt", "reject", "wait")
    from calib.words import message

    shown = message(f"outcomes.decision.advice.{run.advice}").get("zh")
    assert shown[:4] in say(place).replace("\n", "")
