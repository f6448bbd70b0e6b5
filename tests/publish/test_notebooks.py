"""The shipped notebooks run from top to bottom, in both languages, and show what they promise."""

from __future__ import annotations

import ast
import json
import warnings

import pytest

from calib.experiment import load_experiment
from calib.files.shipped import shipped_notebooks
from calib.publish.notebooks import _languages
from calib.publish.select import fitting_notebooks, needs_of
from calib.publish.view import Sentence

NOTEBOOKS = sorted(shipped_notebooks().glob("*.ipynb"))


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def run(path, **parameters):
    """Run the code cells as a kernel would, and return what they display."""
    shown = []
    space = {"__name__": "__main__", "display": shown.append}
    for cell in cells(path):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        tree = ast.parse(source)
        last = tree.body[-1]
        if isinstance(last, ast.Expr):  # a kernel displays the last expression of a cell
            call = ast.Call(ast.Name("display", ast.Load()), [last.value], [])
            tree.body[-1] = ast.copy_location(ast.Expr(call), last)
        exec(compile(ast.fix_missing_locations(tree), path.name, "exec"), space)
        if "parameters" in cell["metadata"].get("tags", []):
            space.update(parameters)
    return [s for s in shown if s is not None], space


def test_all_six_notebooks_are_there():
    assert [p.name[0] for p in NOTEBOOKS] == list("123456")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_short_without_outputs_and_in_two_languages(path):
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            assert cell["execution_count"] is None
            assert len(cell["source"]) <= 8
        else:
            zh, en = _languages("".join(cell["source"]))
            assert zh != en, zh
            assert any("\u4e00" <= c <= "\u9fff" for c in zh)
            assert not any("\u4e00" <= c <= "\u9fff" for c in en)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_on_its_own_experiment(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown, space = run(path, LANGUAGE="en")
    assert len(shown) >= 5
    for item in shown:
        markup = item._repr_svg_() if hasattr(item, "_repr_svg_") else item._repr_html_()
        assert len(markup) > 40
    assert path in fitting_notebooks(load_experiment(space["EXPERIMENT"]))


def test_a_notebook_keeps_to_the_privacy_that_it_is_given(tmp_path):
    privacy = {"key_file": str(tmp_path / "k.key"), "min_count": 3}
    shown, space = run(NOTEBOOKS[0], PRIVACY=privacy)
    text = "".join(s._repr_html_() or "" for s in shown if hasattr(s, "_repr_html_"))
    assert "&lt;3" in text
    assert "合成企业" not in text
    assert "D06" not in text
    said = [s._repr_html_() for s in shown if isinstance(s, Sentence)]
    assert said
    assert all("未公布" in s for s in said)
    assert space["view"].left_out()


def test_needs_are_sources_of_the_experiment():
    assert needs_of(NOTEBOOKS[2]) == ("ballots",)
    chosen = [p.name[0] for p in fitting_notebooks(load_experiment("trial-comparison"))]
    assert chosen == ["1"]
    assert fitting_notebooks(load_experiment("vdma-readiness")) == []
