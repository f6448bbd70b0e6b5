"""The command line explains itself in the language of its user."""

from __future__ import annotations

import gettext
import io
import os
import re
from importlib.resources import files

import click
import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.cli.help import _width, _wrapped, texts


def commands(command=cli, path="calib"):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{path} {name}")


COMMANDS = dict(commands())


def said(*arguments, lang=None):
    environment = {} if lang is None else {"CALIB_LANG": lang}
    return CliRunner(env=environment).invoke(cli, list(arguments)).output


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_explained_in_chinese(path):
    own, shared = texts("zh").get(path, {}), texts("zh")["options"]
    assert own.get("text"), f"help.zh.toml has no text for {path}"
    options = {p.name for p in COMMANDS[path].params if isinstance(p, click.Option)}
    assert options - set(own) - set(shared) == set(), path
    assert set(own) - options - {"text", "line"} == set(), path
    shown = said(*path.split()[1:], "--help", lang="zh")
    assert shown.startswith("用法：")
    prose = re.sub(r"--?[\w-]+|\[[^\]]*\]|[A-Z_]{2,}|\(.*?\)", "", shown)
    assert not re.search(r"\b(the|of|and|is|are)\b", prose), path


def test_there_is_no_chinese_help_for_what_is_no_command():
    assert set(texts("zh")) - {"options"} == set(COMMANDS)


def test_the_option_lang_rules_over_what_the_machine_says():
    assert "求离起始权重最近" in said("adjust", "--lang", "zh", "--help", lang="en")
    assert "nearest weights" in said("adjust", "--lang", "en", "--help", lang="zh")
    assert "nearest weights" in said("adjust", "--help")  # and nothing is left behind


def test_errors_of_the_command_line_are_said_in_chinese():
    text = said("dominance", "x.csv", "--seed", "many", lang="zh")
    assert "'--seed' 的取值不可用：'many' 不是可用的数" in text
    assert "没有选项 '--levl'" in said("dominance", "--levl", lang="zh")
    assert "缺少参数 'POPULATION'" in said("dominance", lang="zh")
    assert "Missing argument 'POPULATION'" in said("dominance", lang="en")


def test_the_language_of_the_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de")
    said("runs", "--help", lang="zh")
    assert os.environ["LANGUAGE"] == "de"


def test_chinese_help_fits_eighty_columns():
    lines = said("ballots", "--help", lang="zh").splitlines()
    assert max(_width(line) for line in lines if not line.lstrip().startswith("--")) <= 80
    assert all(not line.lstrip().startswith(("，", "。", "；", "）")) for line in lines)


def test_text_is_broken_between_characters_and_words():
    assert _wrapped("权重与星级 weights and stars", 10) == ["权重与星级", "weights", "and stars"]
    assert _wrapped("一二三，四五", 6) == ["一二", "三，四", "五"]
    assert _wrapped("", 10) == []


def test_what_click_says_is_compiled_from_its_source():
    mofile = pytest.importorskip("babel.messages.mofile")
    pofile = pytest.importorskip("babel.messages.pofile")
    place = files("calib") / "locale" / "zh" / "LC_MESSAGES"
    with (place / "messages.po").open("rb") as source:
        catalogue = pofile.read_po(source, locale="zh")
    made = io.BytesIO()
    mofile.write_mo(made, catalogue)
    made.seek(0)
    with (place / "messages.mo").open("rb") as shipped:
        both = [gettext.GNUTranslations(f)._catalog for f in (shipped, made)]
    for one in both:
        one.pop("")  # the head holds the time of the compilation
    assert both[0] == both[1]
