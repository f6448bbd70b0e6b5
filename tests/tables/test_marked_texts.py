"""What a CSV marks against spreadsheets comes back as it was; edits of a run are told."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from calib.cli import cli
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.population import read_population
from calib.tables import inert, read_table, unmarked, write_csv

SIGNS = "=+-@＝＋－＠\t"


def back(texts, folder):
    write_csv(pd.DataFrame({"name": texts, "n": range(len(texts))}), folder / "t.csv")
    raw = (folder / "t.csv").read_text("utf-8-sig")
    return raw, read_table(folder / "t.csv").frame["name"].tolist()


def test_names_come_back_as_they_were_written(tmp_path):
    texts = [
        "=zhang",
        "'=zhang",
        "''+1",
        "＝1+1",
        "＋86",
        "－x",
        "＠li",
        "-2",
        "O'Neil",
        "'80s",
        "x",
    ]
    raw, found = back(texts, tmp_path)
    assert found == texts
    cells = [line.split(",")[0].strip('"') for line in raw.splitlines()[1:]]
    assert not any(c.startswith(tuple(SIGNS)) for c in cells)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("'=+-@＝＋－＠a1 "), max_size=6))
def test_marking_can_always_be_undone_and_no_marked_text_starts_with_a_sign(text):
    assert unmarked(inert(text)) == text
    assert not inert(text).startswith(tuple(SIGNS))


def test_heads_are_unmarked_too(tmp_path):
    write_csv(pd.DataFrame({"=a": [1], "b": ["x"]}), tmp_path / "t.csv")
    assert list(read_table(tmp_path / "t.csv").frame.columns) == ["=a", "b"]


@pytest.mark.parametrize("head", ["weight", "Weight"])
def test_a_column_of_weights_in_a_population_is_named_as_unused(tmp_path, aii, trial, head):
    frame = trial.frame()
    frame.insert(2, head, 2.0)
    frame.to_csv(tmp_path / "p.csv", index=False)
    notes = read_population(tmp_path / "p.csv", aii).notes
    assert any(f"column {head} is kept as an attribute and not used" in n.get("en") for n in notes)
    assert not trial.notes
    checked = CliRunner().invoke(cli, ["check", str(tmp_path / "p.csv")], catch_exceptions=False)
    assert "not used" in checked.output


def test_export_says_which_files_were_edited_and_unmarks_names(tmp_path, aii, trial):
    frame = trial.frame()
    frame.loc[frame["enterprise"] == "D06", "name"] = "=zhang"
    frame.to_csv(tmp_path / "p.csv", index=False)
    document = {
        "schema": "calib.experiment/1", "name": "e", "framework": "aii",
        "population": {"file": "p.csv"}, "sets": {"published": {"source": "published"}},
    }  # fmt: skip
    run = run_experiment(parse_experiment(document, folder=tmp_path, file="e.toml"))
    folder = write_run(run, tmp_path / "runs")
    book = tmp_path / "book.xlsx"
    clean = CliRunner().invoke(cli, ["export", str(folder), "-o", str(book)])
    assert "changed" not in clean.output
    assert "'=zhang" in (folder / "tables" / "downgrades.csv").read_text("utf-8")
    cells = read_table(book, sheet="downgrades").frame.to_numpy().ravel().tolist()
    assert "=zhang" in cells
    assert "'=zhang" not in cells
    stars = folder / "tables" / "stars.csv"
    stars.write_text(stars.read_text("utf-8").replace(",5,", ",6,"), encoding="utf-8")
    (folder / "summary.json").unlink()
    told = CliRunner().invoke(cli, ["export", str(folder), "-o", str(book)])
    assert "changed since the run: tables/stars.csv (edited), summary.json (removed)" in told.output
    rows = read_table(book, sheet="manifest").frame
    assert "tables/stars.csv (edited)" in rows["value"].tolist()
