"""Benchmarks can be run: what they import from calib is there."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_name_that_a_benchmark_takes_from_calib_is_there(file):
    nodes = [n for n in ast.walk(ast.parse(file.read_text("utf-8")))
             if isinstance(n, ast.ImportFrom) and str(n.module).startswith("calib")]  # fmt: skip
    for node in nodes:
        module = importlib.import_module(str(node.module))
        lacking = [a.name for a in node.names if not hasattr(module, a.name)]
        lacking = [n for n in lacking if importlib.util.find_spec(f"{node.module}.{n}") is None]
        assert not lacking, (node.module, lacking)
