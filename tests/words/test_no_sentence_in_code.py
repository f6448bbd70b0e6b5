"""Sentences stand in the catalogue, not in code: what is Chinese in a string is found here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import calib

PACKAGE = Path(calib.__file__).parent
CHINESE = re.compile(r"[\u3400-\u9fff]")
READ = {
    "ballots/ballot_rows.py",
    "imports/option_texts.py",
    "imports/propose_ballots.py",
    "imports/text.py",
    "population/parse.py",
}
"""Words by which columns of files are recognised: they are read, not said."""


def strings(path):
    """Return the lines of a module with Chinese in a string that is no docstring."""
    text = path.read_text("utf-8")
    if not CHINESE.search(text):
        return []
    tree = ast.parse(text)
    documents = {
        id(statement.value)
        for node in ast.walk(tree)
        for statement in (node.body if isinstance(getattr(node, "body", None), list) else ())
        if isinstance(statement, ast.Expr)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
        and CHINESE.search(node.value)
    ]


def test_no_string_in_code_is_chinese():
    found = {path.relative_to(PACKAGE).as_posix(): strings(path) for path in PACKAGE.rglob("*.py")}
    assert {file for file, lines in found.items() if lines} == READ


def test_pages_take_their_words_from_the_catalogue():
    for path in [*PACKAGE.rglob("*.jinja"), *PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.js")]:
        text = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        found = set(CHINESE.findall(text)) - set("中文")
        assert not found, f"{path.name}: {found}"
