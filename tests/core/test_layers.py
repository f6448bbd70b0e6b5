"""Data flows one way: nothing imports upward, and ``__init__`` files only hand names on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import calib

PACKAGE = Path(calib.__file__).parent
LAYERS = [
    {"words"},
    {
        "errors",
        "_types",
        "_atomic",
        "_dates",
        "_folders",
        "_inputs",
        "_locks",
        "_names",
        "_shipped_files",
        "_streams",
        "_validation",
    },
    {"requests"},
    {"report"},
    {"framework"},
    {"figures", "tables"},
    {"weights", "population"},
    {"rating"},
    {"experts", "ballots", "adjustment", "shifts"},
    {"outcomes"},
    {"experiment"},
    {"publish"},
    {"cli"},
]
RANK = {name: i for i, names in enumerate(LAYERS) for name in names}
SOURCES = {"experts", "ballots", "adjustment", "shifts"}
MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.name not in ("__init__.py", "__main__.py")]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calib."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("calib."):
                    yield alias.name.split(".")[1]


def test_every_package_has_a_layer():
    packages = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert packages <= set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_imports_upward(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for other in imported(path):
        assert RANK[other] <= RANK[own], f"{own} imports {other}"
        if own in SOURCES and other in SOURCES:
            assert own == other, f"source {own} imports source {other}"
        if own == "outcomes":
            assert other not in SOURCES, "outcomes do not care where weights came from"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_init_files_only_hand_names_on(path):
    if path.parent == PACKAGE:
        return  # the lazy front page
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    for node in ast.parse(path.read_text("utf-8")).body:
        assert isinstance(node, allowed), f"{path}:{node.lineno}"
