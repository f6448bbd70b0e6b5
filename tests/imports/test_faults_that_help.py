"""Faults come grouped by cause with a remedy, and as a marked copy of the table."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner
from platform_exports import AII, ALL, TRACK_NAMES, cells, firms, letter_text, write_xlsx

import calib
from calib.cli import cli
from calib.errors import Fault, InputError
from calib.experiment import check_inputs
from calib.words import set_language


@pytest.fixture
def half_mended(tmp_path):
    """An export whose headers were mended by hand, and whose cells were not."""
    rows = [["序号", "企业编号", "企业类型", "来源", *ALL]]
    for i, f in enumerate(firms(gaps=0)):
        base = [i + 1, f"E{i:02d}", TRACK_NAMES[f.track], "微信"]
        rows.append([*base, *cells(f, letter_text, "(跳过)", "(空)")])
    return write_xlsx(tmp_path / "half.xlsx", {"答卷": rows})


def test_three_thousand_faults_of_two_causes_are_two_lines(half_mended):
    with pytest.raises(InputError) as caught:
        calib.read_population(half_mended, AII)
    assert len(caught.value.faults) == 3060
    for lang, words in {"zh": "选项文字", "en": "these are option texts"}.items():
        lines = caught.value.get(lang).splitlines()
        assert len(lines) == 3
        assert "51" in lines[1]
        assert words in lines[1]
        assert "calib import half.xlsx" in lines[1]


def test_the_remedy_works(half_mended):
    assert len(calib.import_answers(half_mended, AII)) == 60


def test_a_marked_copy_shows_each_faulty_cell(half_mended, tmp_path):
    out = tmp_path / "marked.xlsx"
    run = CliRunner().invoke(cli, ["check", str(half_mended), "--marked", str(out), "--lang", "zh"])
    set_language("en")
    assert isinstance(run.exception, InputError)
    assert "3060" in run.output
    listed = pd.read_excel(out, sheet_name="问题", engine="calamine")
    assert len(listed) == 3060
    copied = pd.read_excel(out, sheet_name="答卷", engine="calamine", dtype=str)
    assert copied["IC.DEV.D1"].str.contains("%").any()
    import zipfile

    with zipfile.ZipFile(out) as book:
        comments = [n for n in book.namelist() if "comments" in n]
        assert comments
        assert "calib import" in book.read(comments[0]).decode()


def test_few_faults_are_listed_one_by_one_and_many_in_one_line():
    def error(n):
        return InputError(Fault("f", f"row {i}", "is odd", i) for i in range(n))

    assert len(str(error(3)).splitlines()) == 4
    assert str(error(40)).splitlines()[1] == (
        "f: is odd: 40 times, for instance row 0 0; row 1 1; row 2 2"
    )


def test_what_a_run_refuses_is_found_by_the_check(tmp_path):
    """An unknown indicator in an override, a faulty ballot, an unknown column: all at once."""
    (tmp_path / "b.csv").write_text("respondent,track,rank1,rank2\na,discrete,IC.XXX,IC.DEV.D1\n")
    text = """
schema = "calib.experiment/1"
name = "e"
framework = "aii"
population = { file = "trial" }
[sets.published]
source = "published"
[sets.odd]
source = "override"
weights = { XX = 0.4 }
[sets.ballots]
source = "ballots"
file = "b.csv"
"""
    import shutil

    from calib.files import shipped_data

    for file in (shipped_data() / "trial").glob("trial.*"):
        shutil.copy(file, tmp_path)
    file = tmp_path / "e.toml"
    file.write_text(text.replace('"trial"', '"trial.toml"'), encoding="utf-8")
    found = "\n".join(f.get("en") for f in check_inputs(calib.load_experiment(file)))
    assert "XX" in found
    assert "IC.XXX" in found
    with pytest.raises(InputError):
        calib.run_experiment(calib.load_experiment(file))


def test_what_is_wrong_with_many_files_alike_is_one_line():
    faults = [Fault(f"{i}.xlsx", f"expert {i}", "other round") for i in range(18)]
    lines = str(InputError([*faults, Fault("a.csv", "B2", "no number")])).splitlines()
    assert lines[1] == "18 files: other round: 18 times, for instance 0.xlsx; 1.xlsx; 2.xlsx"
    assert len(lines) == 3
