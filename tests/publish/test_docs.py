"""The documentation builds without warnings, and its examples run."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import click
import pytest

from calib.cli import COMMANDS, cli
from calib.experiment import find_outcome, find_source
from calib.framework import RULE_OPTIONS, load_framework

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("README*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


def blocks(kind):
    out = []
    for page in PAGES:
        for indent, language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == kind:
                text = re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
                out.append(pytest.param(text, id=f"{page.stem}-{len(out)}"))
    return out


def test_docs_build_without_warnings_and_load_nothing(tmp_path):
    if importlib.util.find_spec("sphinx") is None or importlib.util.find_spec("furo") is None:
        pytest.skip("the docs extra is not installed")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html",
               "-d", tmp_path / "trees", ROOT / "docs", tmp_path / "html"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    methods = (tmp_path / "html" / "methods.html").read_text(encoding="utf-8")
    assert methods.count("<math") > 20
    for page in (tmp_path / "html").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', text), page.name


@pytest.mark.parametrize("code", [p for p in blocks("python") if "README" not in p.id])
def test_python_examples_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("example")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(code, "example", "exec"), module.__dict__)


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_examples_are_read(text, tmp_path):
    document = tomllib.loads(text)
    if document.get("schema") == "calib.framework/1":
        file = tmp_path / "demo.toml"
        file.write_text(text, encoding="utf-8")
        assert load_framework(str(file)).rule.stars == 3
    for name, keys in document.get("sets", {}).items():
        source = find_source(keys.pop("source"))
        keys.pop("label", None)
        assert source is not None, name
        source.params.model_validate(keys)
    for name, keys in document.get("outcomes", {}).items():
        outcome = find_outcome(name)
        assert outcome is not None, name
        outcome.params.model_validate(keys)


def command_lines():
    out = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for line in re.findall(
            r"(?:^\s*|`)((?:\.venv/bin/)?calib [a-z][^\n`#]*)", text, re.MULTILINE
        ):
            out[line.strip()] = page.stem
    return [pytest.param(line, id=f"{page}-{i}") for i, (line, page) in enumerate(out.items())]


@pytest.mark.parametrize("line", command_lines())
def test_commands_in_the_text_exist_with_their_options(line):
    words = shlex.split(line)[1:]
    if words[0] not in COMMANDS:
        assert not any(w.startswith("-") for w in words), f"no command {words[0]}"
        return
    command = cli.get_command(click.Context(cli), words[0])
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    if isinstance(command, click.Group) and len(words) > 1:
        inner = command.get_command(click.Context(command), words[1])
        options |= {o for p in inner.params for o in p.opts}
    used = {w.split("=")[0] for w in words[1:] if w.startswith("-")}
    assert used <= options | {"--help", "-h"}, line


@pytest.mark.parametrize("page", ["trial-figures.md", "levels.md"])
def test_pages_made_from_shipped_data_are_what_the_data_say(page):
    spec = importlib.util.spec_from_file_location("made", ROOT / "tools" / "make_docs_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert text == module.PAGES[page](), "run tools/make_docs_tables.py"


def test_the_only_printed_figures_that_do_not_agree_are_the_misprint():
    text = (ROOT / "docs" / "trial-figures.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    off = [row for row in rows[1:] if row[1] != row[2]]
    assert [row[1:3] for row in off] == [["30.8", "31.8"]] * 2
    assert all("on data analytics" in row[0] for row in off)
    assert len(rows) > 80


def test_every_open_option_is_in_the_table():
    text = (ROOT / "docs" / "rule-options.md").read_text(encoding="utf-8")
    for option in RULE_OPTIONS:
        assert f"| `{option.key}` |" in text
        for value in option.values:
            assert f"`{value}`" in text


def test_every_table_that_the_tour_names_is_made_somewhere():
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8").split("## Which table")[1]
    named = {n for row in re.findall(r"\|([^|]*)\|$", tour, re.MULTILINE)
             for n in re.findall(r"`([a-z-]+)`", row)}  # fmt: skip
    sources = [p.read_text(encoding="utf-8") for p in (ROOT / "calib").rglob("*.py")]
    literal = set(re.findall(r'"([a-z-]+)"', "\n".join(sources)))
    assert len(named) > 30
    assert named <= literal
