"""An output never takes the place of an input, of another output, or of another calibration."""

from __future__ import annotations

import tomllib

import pytest
from click.testing import CliRunner

from calib.adjustment import adjust, write_ledger
from calib.cli import cli
from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.files import names_apart, shipped_data
from calib.publish import Executed, Privacy, View, build_site
from calib.rating import score_answers
from calib.weights import published_weights, read_weights, write_weights

TRIAL = shipped_data() / "trial" / "trial.csv"


def call(*args):
    return CliRunner().invoke(cli, [str(a) for a in args], catch_exceptions=False)


@pytest.fixture
def people(tmp_path):
    file = tmp_path / "p.csv"
    file.write_bytes(TRIAL.read_bytes())
    return file


def test_dominance_does_not_write_over_its_population(people):
    before = people.read_bytes()
    with pytest.raises(InputError, match=r"p\.csv: is read by this command"):
        call("dominance", people, "-o", people)
    assert people.read_bytes() == before


def test_nor_under_another_spelling_of_the_name_nor_through_a_population_file(people, tmp_path):
    before = people.read_bytes()
    (tmp_path / "link.csv").symlink_to(people)
    toml = tmp_path / "p.toml"
    toml.write_text('schema = "calib.population/1"\nfile = "p.csv"\n', encoding="utf-8")
    for source, out in ((people, tmp_path / "link.csv"), (toml, people)):
        with pytest.raises(InputError, match="is read by this command"):
            call("dominance", source, "-o", out)
    assert people.read_bytes() == before


def test_weights_are_not_rounded_over_themselves_but_may_be_in_python(tmp_path, aii):
    file = tmp_path / "w.toml"
    write_weights(published_weights(aii), file)
    with pytest.raises(InputError, match="is read by this command"):
        call("weights", file, "--round", "0.05", "-o", file)
    write_weights(read_weights(file, aii), file)


def test_two_outputs_of_one_command_do_not_share_a_file(people, tmp_path):
    with pytest.raises(InputError, match="another output of this command"):
        call("adjust", people, "--cap", "0.5", "--step", "1", "--ledger", tmp_path / "x.toml",
             "-o", tmp_path / "x.toml")  # fmt: skip


def test_a_ledger_of_another_calibration_is_not_overwritten(tmp_path, aii, trial):
    scored = score_answers(trial, aii.rule.read({}))
    one = adjust(published_weights(aii), scored, cap=0.3, steps=(1.0,), draws=0).ledger
    two = adjust(published_weights(aii), scored, cap=0.3, steps=(0.5, 1.0), draws=0).ledger
    file = tmp_path / "ledger.json"
    write_ledger(one, file)
    write_ledger(one, file)
    for body, word in ((None, "the ledger of another calibration"), ("{}", "is no ledger")):
        if body is not None:
            file.write_text(body, encoding="utf-8")
        before = file.read_bytes()
        with pytest.raises(InputError, match=word):
            write_ledger(two, file)
        assert file.read_bytes() == before


def sets_of_like_names(tmp_path):
    document = {
        "schema": "calib.experiment/1", "name": "alike", "framework": "aii",
        "population": {"generate": {"n": 12, "seed": 3}},
        "sets": {
            "published": {"source": "published"},
            "s": {"source": "shift", "weights": {"DA": 0.5}, "years": [2017, 2019]},
            "s-2018": {"source": "equal"},
            "S-2018": {"source": "equal", "levels": ["pillar"]},
        },
    }  # fmt: skip
    return run_experiment(parse_experiment(document, folder=tmp_path, file="e.toml"))


NOTEBOOK = {
    "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# mine"}],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def test_sets_notebooks_and_pages_of_like_names_stand_apart(tmp_path, monkeypatch):
    import nbformat

    run = sets_of_like_names(tmp_path)
    assert {"s/2018", "s-2018", "S-2018"} <= set(run.sets)
    done = {n: Executed(n, n, nbformat.from_dict(NOTEBOOK)) for n in ("results", "Index", "own")}
    monkeypatch.setattr(
        "calib.publish.site.execute_notebook",
        lambda path, parameters, **more: done[path.name],
    )
    view = View(run, Privacy(), "en")
    notebooks = ["results", "Index", "own", "own"]
    site = build_site(view, tmp_path / "site", notebooks=notebooks)
    expected = {"index.html", "results.html", "results-2.html", "Index-2.html", "own.html",
                "own-2.html", "explorer.html"}  # fmt: skip
    assert set(site.pages) == expected
    assert "<h1>mine" not in (site.folder / "results.html").read_text("utf-8")
    assert "<h1>mine" in (site.folder / "results-2.html").read_text("utf-8")
    for page in site.pages:
        for href in site.pages:
            if page != "explorer.html":
                assert f'href="{href}"' in (site.folder / page).read_text("utf-8")
    files = [p.name.casefold() for p in (site.folder / "downloads").iterdir()]
    assert len(files) == len(set(files)) == 1 + len(run.sets) + len(run.tables)
    names = {tomllib.loads(p.read_text("utf-8"))["name"]
             for p in (site.folder / "downloads").glob("*.toml")}  # fmt: skip
    assert names == set(run.sets)
    folder = write_run(run, tmp_path / "runs")
    written = [p.name.casefold() for p in (folder / "weights").iterdir()]
    assert len(set(written)) == len(run.sets)


def test_no_two_tables_or_figures_of_a_run_have_one_name(tmp_path):
    run = sets_of_like_names(tmp_path)
    for names in ([t.name for t in run.tables], [d.name for d in run.drawings]):
        assert len({n.casefold() for n in names}) == len(names)


def test_a_number_never_takes_the_name_of_another():
    assert names_apart(["a", "a", "a-2"]) == ["a", "a-3", "a-2"]
    assert names_apart(["A", "a"], taken=["a"]) == ["A-2", "a-3"]
