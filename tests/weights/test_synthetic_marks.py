"""A file that rests on data which nobody gave says so, whoever passes it on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import calib
from calib.adjustment import adjust
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.files import shipped_data
from calib.population import load_population
from calib.publish import export_run
from calib.rating import score_answers
from calib.weights import (
    blend,
    override,
    published_weights,
    read_weights,
    round_weights,
    to_toml,
    write_weights,
)


@pytest.fixture(scope="module")
def adjusted():
    aii = calib.load_framework("aii")
    scored = score_answers(load_population("trial", aii))
    return adjust(published_weights(aii), scored, cap={"contribution": 0.085}, starts=0).weights


def test_what_is_made_from_synthetic_enterprises_says_so_and_hands_it_on(aii, adjusted):
    published = published_weights(aii)
    assert not published.provenance.synthetic
    assert adjusted.provenance.synthetic
    for made in (blend({adjusted: 0.5, published: 0.5}), round_weights(adjusted, 0.01),
                 override(adjusted, {"DA": 0.4})):  # fmt: skip
        assert made.provenance.synthetic
    assert not blend({published: 1.0}).provenance.synthetic


@pytest.mark.parametrize("suffix", ["toml", "csv", "xlsx", "parquet"])
def test_a_file_of_weights_carries_the_mark_and_is_read_back_with_it(
    aii, adjusted, tmp_path, suffix
):
    for weights in (adjusted, published_weights(aii)):
        path = tmp_path / f"w.{suffix}"
        write_weights(weights, path)
        again = read_weights(path, aii)
        assert again.provenance.synthetic == weights.provenance.synthetic
        for t in aii.tracks:
            np.testing.assert_allclose(again.local[t], weights.local[t], rtol=1e-14)
    first, second = to_toml(adjusted).splitlines()[:2]
    assert "合成数据" in first
    assert "SYNTHETIC" in second


def test_the_tables_of_a_run_carry_the_mark_and_are_read_back(aii, adjusted, tmp_path):
    write_weights(adjusted, tmp_path / "a.toml")
    document = {
        "schema": "calib.experiment/1", "name": "marks", "framework": "aii",
        "population": {"file": str(shipped_data() / "trial" / "trial.toml")},
        "sets": {"published": {"source": "published"}, "a": {"source": "file", "file": "a.toml"},
                 "mixed": {"source": "blend", "shares": {"a": 0.5, "published": 0.5}}},
        "baseline": "published",
    }  # fmt: skip
    run = run_experiment(parse_experiment(document, folder=tmp_path, file="e.toml"))
    folder = write_run(run, tmp_path / "runs")
    stars = pd.read_csv(folder / "tables" / "stars.csv", encoding="utf-8-sig")
    assert set(stars["synthetic"]) == {"yes"}
    weights = pd.read_csv(folder / "tables" / "weights.csv", encoding="utf-8-sig")
    marks = weights.groupby("set")["synthetic"].unique()
    assert {k: list(v) for k, v in marks.items()} == {
        "published": ["no"], "a": ["yes"], "mixed": ["yes"],
    }  # fmt: skip
    assert read_weights(folder / "weights" / "mixed.toml", aii).provenance.synthetic
    book = export_run(folder, tmp_path / "b.xlsx")
    for name, marked in (("set mixed", True), ("set published", False)):
        assert read_weights(book, aii, sheet=name).provenance.synthetic is marked
