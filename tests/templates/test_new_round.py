"""A new round is filled in and runs at once, in Chinese and in English."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import python_calamine
import xlsxwriter
from click.testing import CliRunner

import calib
from calib.cli import cli
from calib.errors import InputError
from calib.experiment import check_inputs, load_experiment
from calib.templates import write_round
from calib.words import set_language

AII = calib.load_framework("aii")


def fill(path, rows_of):
    """Fill the sheets of a template: its header stays, and hidden sheets stay hidden."""
    with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
        shown = {
            m.name: (
                book.get_sheet_by_name(m.name).to_python(),
                m.visible == python_calamine.SheetVisibleEnum.Visible,
            )
            for m in book.sheets_metadata
        }
    made = xlsxwriter.Workbook(str(path))
    for title, (cells, visible) in shown.items():
        sheet = made.add_worksheet(title)
        rows = [cells[0], *rows_of(title, cells)] if visible else cells
        for r, row in enumerate(rows):
            sheet.write_row(r, 0, row)
        if not visible:
            sheet.hide()
    made.close()


def answers(title, cells):
    rng = np.random.default_rng(4)
    track = AII.tracks[AII.track(title)]
    options = [track.nodes[i].item.options for i in track.leaves]
    for i in range(12):
        given = [str(int(rng.integers(1, k + 1))) for k in options]
        yield [f"{track.code}{i}", f"企业{track.code}{i}", "大型", "浙江", *given]


def ballots(title, cells):
    rng = np.random.default_rng(5)
    track = AII.tracks[AII.track(title)]
    for i in range(20):
        chosen = rng.choice(len(track.leaves), 5, replace=False)
        yield [f"r{track.code}{i}", *(track.nodes[track.leaves[j]].name.zh for j in chosen)]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_filling_the_templates_and_running_works_at_once(lang, tmp_path):
    made = write_round(tmp_path / "r", AII, name="round-1", parts=("weights", "ballots"), lang=lang)
    fill(made.workbooks[0], answers)
    fill(made.workbooks[2], ballots)
    experiment = calib.load_experiment(made.experiment)
    assert check_inputs(experiment) == []
    run = calib.run_experiment(experiment)
    assert len(run.context.scored) == 24
    assert {t: len(s) for t, s in run.context.scored.samples.items()} == {
        "discrete": 12, "process": 12,
    }  # fmt: skip
    published, draft = run.sets["published"], run.sets["draft"]
    assert all(np.allclose(published.local[t], draft.local[t]) for t in AII.tracks)
    assert run.ratings["ballots"].counts().sum() == 24


def test_the_forms_have_drop_downs_frozen_headers_and_a_sheet_a_track(tmp_path):
    made = write_round(tmp_path, AII, name="r", parts=("ballots",), lang="zh")
    for path in made.workbooks:
        with zipfile.ZipFile(path) as book:
            sheets = [book.read(n).decode() for n in book.namelist() if "sheets/sheet" in n]
            assert "离散型" in book.read("xl/workbook.xml").decode()
        assert sum('type="list"' in s for s in sheets) == 2
        assert sum('state="frozen"' in s for s in sheets) == 2


def test_nothing_that_exists_is_replaced(tmp_path):
    write_round(tmp_path, AII, name="r")
    with pytest.raises(InputError, match="there already, and not replaced"):
        write_round(tmp_path, AII, name="r")


def test_the_command_writes_a_round_under_a_chinese_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["new", "试评估", "--with", "weights,ballots", "--lang", "zh"])
    set_language("en")
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (tmp_path / "试评估").iterdir()) == [
        "权重.xlsx", "答卷.xlsx", "试评估.toml", "选票.xlsx",
    ]  # fmt: skip
    experiment = calib.load_experiment(tmp_path / "试评估" / "试评估.toml")
    assert experiment.title.zh == "试评估"


def test_another_framework_without_tracks_has_templates_too(tmp_path):
    vdma = calib.load_framework("vdma")
    made = write_round(tmp_path, vdma, name="v", lang="en")
    experiment = calib.load_experiment(made.experiment)
    assert calib.read_weights(made.workbooks[1], experiment.framework)


def test_a_round_may_start_from_answers_that_are_there(tmp_path):
    """The export of a survey platform is named by the experiment, in whatever folder it is."""
    export = tmp_path / "导出" / "答卷.csv"
    export.parent.mkdir()
    calib.generate_population(AII, {"discrete": 8, "process": 5}, rng=1).frame().to_csv(
        export, index=False
    )
    made = CliRunner().invoke(
        cli,
        ["new", "试评估", "--answers", str(export), "--framework", "aii",
         "-o", str(tmp_path / "轮次"), "--lang", "zh"],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    experiment = calib.load_experiment(tmp_path / "轮次" / "试评估.toml")
    assert experiment.name == "试评估"
    assert experiment.population.file == "../导出/答卷.csv"
    assert [p.name for p in (tmp_path / "轮次").iterdir()] == ["试评估.toml"]
    assert len(calib.run_experiment(experiment).ratings["published"].scored) == 13
    with pytest.raises(InputError, match=r"none\.xlsx"):
        write_round(tmp_path / "x", AII, name="x", answers=tmp_path / "none.xlsx")


def test_check_says_what_is_still_to_be_filled_in_and_nothing_else(tmp_path):
    made = write_round(
        tmp_path,
        calib.load_framework("aii"),
        name="空白轮",
        parts=["weights", "ballots"],
        lang="zh",
    )
    faults = check_inputs(load_experiment(made.experiment))
    assert [Path(f.file).name for f in faults] == ["答卷.xlsx", "选票.xlsx"]
    assert [f.problem.get("zh") for f in faults] == ["尚未填写"] * 2
    shown = CliRunner().invoke(cli, ["check", str(tmp_path / "权重.xlsx")], catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
