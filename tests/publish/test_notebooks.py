"""The shipped notebooks run from top to bottom, in both languages, and show what they promise."""

from __future__ import annotations

import ast
import json
import warnings

import numpy as np
import pytest
from shipped import shipped_run

from calib.experiment import load_experiment
from calib.files import shipped_notebooks
from calib.publish import Executed, render_notebook
from calib.publish.filling import filled
from calib.publish.notebooks import _languages
from calib.publish.select import fitting_notebooks, subject_of
from calib.report import RELEASED, Sentence, limit_to

NOTEBOOKS = sorted(shipped_notebooks().glob("*.ipynb"))
FEW = {"draws": 4, "replicates": 4, "rng": 1}
QUICK = {
    "2": {"WEIGHING": {"competence": "authority", "unjudged": "published", "draws": 200, "rng": 1}},
    "4": {"ADJUSTING": {"cap": 0.22, "level": "capability", **FEW}},
    "6": {"ADJUSTING": {"cap": {"contribution": 0.08, "variance": 0.10}, "level": "all", **FEW}},
}
"""Fewer draws than the notebooks take."""


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(autouse=True)
def what_a_notebook_sets_is_undone(monkeypatch):
    from calib.words import language

    monkeypatch.setattr(language, "_chosen", [])
    yield
    limit_to(None)


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


def test_all_seven_notebooks_are_there():
    assert [p.name[0] for p in NOTEBOOKS] == list("1234567")


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
def test_a_notebook_runs_from_top_to_bottom_and_shows_what_it_finds(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown, _ = run(path, LANGUAGE="en", **QUICK.get(path.name[0], {}))
    assert len(shown) >= 5
    for item in shown:
        if hasattr(item, "_repr_svg_"):
            assert len(item._repr_svg_()) > 1000
        elif hasattr(item, "_repr_html_"):
            assert len(item._repr_html_()) > 40
        else:
            assert len(repr(item)) < 200


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_the_code_that_one_would_write(path):
    """Public calls only: nothing but ``calib`` is imported, and no private name is used."""
    for cell in cells(path):
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            for node in ast.walk(tree):
                assert not isinstance(node, ast.ImportFrom)
                if isinstance(node, ast.Import):
                    assert [a.name for a in node.names] == ["calib"]
                if isinstance(node, ast.Attribute):
                    assert not node.attr.startswith("_")


def fill(path, experiment, entry="", **more):
    names = ["FRAMEWORK", "FIRMS", "BASE", "OTHERS", "TO", "SHIFTING", "LANGUAGE"]
    return filled(names, experiment, language="en", of=subject_of(path), entry=entry, **more)


def test_a_notebook_filled_by_an_experiment_finds_what_its_run_finds():
    values = fill(NOTEBOOKS[4], "shift-to-analytics", "with-growth")
    _, space = run(NOTEBOOKS[4], **values)
    done = shipped_run("shift-to-analytics")
    whole = done.frame("tipping-points")
    own = whole[whole["set"] == "with-growth"]
    found = space["tipping"].frame()
    assert len(found) == len(own) > 0
    np.testing.assert_allclose(found["year"], own["year"])
    agreement = done.frame("agreement").query("set == 'with-growth' and scope == 'all'")
    mine = space["comparison"].frame("agreement").query("scope == 'all'")
    assert mine[["same", "up", "down"]].values.tolist() == (
        agreement[["same", "up", "down"]].values.tolist()
    )


def test_a_filled_notebook_keeps_to_the_privacy(tmp_path):
    privacy = {"key_file": str(tmp_path / "k.key"), "min_count": 3}
    values = fill(NOTEBOOKS[0], "trial-comparison", privacy=privacy)
    shown, _ = run(NOTEBOOKS[0], **values)
    text = "".join(s._repr_html_() or "" for s in shown if hasattr(s, "_repr_html_"))
    assert ">not published<" in text  # stars under the baseline, small counts suppressed
    assert "synthetic enterprise" not in text.casefold()
    assert "D06" not in text
    assert "E-" not in text
    # The figure of stars is shown, that of single enterprises' probabilities is not.
    withheld = [s.text for s in shown if isinstance(s, Sentence)]
    assert len(withheld) == 1
    assert "acceptability-" in withheld[0]
    assert "movers" in text  # who moves is withheld, by a sentence
    assert "agreement" in text


def test_counts_under_other_weights_are_left_to_the_pages_of_the_run(tmp_path):
    """Two tables, each suppressed by itself, would tell by their difference who moves."""
    import calib

    values = fill(NOTEBOOKS[0], "trial-comparison", privacy={"min_count": 3})
    base, firms = values["BASE"], values["FIRMS"]
    other = calib.override(base, {"DA": 0.6})
    assert ">not published<" in calib.rate(base, firms).table("stars")._repr_html_()
    withheld = calib.rate(other, firms)
    assert "not published" in withheld.table("stars")._repr_html_()
    assert isinstance(withheld.plot(), Sentence)
    assert "not published" in withheld.summary("en")
    assert "★" not in repr(withheld)


def test_what_calib_has_not_let_through_is_no_part_of_an_anonymous_page():
    import nbformat.v4 as v4

    printed = v4.new_output("stream", name="stdout", text="1 enterprise at 5 stars")
    frame = v4.new_output("display_data", data={"text/html": "<table><td>1</td></table>"})
    let = v4.new_output("display_data", data={"text/html": f"<p {RELEASED}>weights</p>"})
    cell = v4.new_code_cell("x", outputs=[printed, frame, let])
    done = Executed("n", "n", v4.new_notebook(cells=[cell]))
    page = render_notebook(done, lang="en", only_released=True)
    assert "weights" in page
    assert "enterprise at 5" not in page
    assert "<td>" not in page
    assert page.count("This output is not published") == 1
    assert "enterprise at 5" in render_notebook(done, lang="en")


def test_an_experiment_fills_a_notebook_once_for_each_set_that_it_is_about():
    assert subject_of(NOTEBOOKS[2]) == "ballots"
    plain = fitting_notebooks(load_experiment("trial-comparison"))
    assert [c.path.name[0] for c in plain] == ["1"]
    assert fitting_notebooks(load_experiment("vdma-readiness")) == []
    chosen = fitting_notebooks(load_experiment("ballots-to-stars"))
    # A set without a report of its own is left to the one that reports on the same ballots.
    assert [(c.path.name[0], c.entry) for c in chosen] == [
        ("1", ""), ("3", "near-equal"), ("3", "unequal"),
    ]  # fmt: skip
    assert len({c.label.get("zh") for c in chosen[1:]}) == 2
    whole = fitting_notebooks(load_experiment("three-round-calibration"))
    assert [(c.path.name[0], c.entry) for c in whole] == [
        ("1", ""), ("2", "panel"), ("3", "survey"), ("4", "adjusted"), ("6", "adjusted"),
    ]  # fmt: skip
