"""Every command may be stopped at its last moment, and says how long it took."""

from __future__ import annotations

import io
import os
import time

import pytest
from small_experiment import SMALL

import calib.cli.main as entry
from calib.cli.timing import Clock, clock, timed, working
from calib.experiment import load_experiment, run_experiment, write_run
from calib.files import shipped_data

ANSWERS = "enterprise,track,IC.DEV.D1\ne1,discrete,2\n"
COMMANDS = [
    "run small.toml -o runs", "import answers.csv --yes", "check answers.csv --marked m.xlsx",
    "new round --framework aii", "weights published -o w.xlsx", "export RUN -o book.xlsx",
    "explore small.toml -o page.html", "publish small.toml --no-notebooks -o site",
    "form experts --method ahp -o form.xlsx", "protocol lock small.toml",
    "decide published published generated.csv -o page.html",
    "plan ballots --items 4 --picks 2 --ballots 20", "runs label RUN best -o earlier", "lang en",
    "read experts DATA/panels/example/round-1-synthetic.csv",
    "adjust generated.csv --cap contribution=0.2 --draws 0 --step 1 --ledger l.json",
    "dominance generated.csv --draws 0 -o d.csv",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an experiment, its run, and a table of answers."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    (folder / "answers.csv").write_text(ANSWERS, encoding="utf-8")
    done = run_experiment(load_experiment(folder / "small.toml"))
    done.context.population.frame().to_csv(folder / "generated.csv", index=False)
    write_run(done, folder / "earlier", lang="en")
    return folder


def contents(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_at_the_last_moment_is_one_line_and_leaves_nothing(
    command, made, monkeypatch, capsys
):
    run = next(p.parent for p in (made / "earlier").rglob("manifest.json") if not p.is_symlink())
    before = contents(made)

    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.chdir(made)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(made / "config"))
    monkeypatch.setattr("calib.cli.console.prepare_streams", lambda: None)
    monkeypatch.setattr(entry.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(os, "replace", interrupt)
    monkeypatch.setattr(os, "link", interrupt)
    monkeypatch.setattr("calib.report.print_table", interrupt)
    monkeypatch.setattr(
        "sys.argv",
        ["calib", *command.replace("RUN", str(run)).replace("DATA", str(shipped_data())).split()],
    )
    with pytest.raises(SystemExit) as end:
        entry.main()
    assert end.value.code == 130
    assert capsys.readouterr().err.endswith("interrupted; no file is half-written\n")
    assert contents(made) == before


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_what_is_done_and_is_cleared_for_what_follows():
    screen = Terminal()
    own = Clock(screen, patience=0.0)
    own.text = "reading"
    end = time.monotonic() + 5
    while "reading 0 s" not in screen.getvalue() and time.monotonic() < end:
        time.sleep(0.02)
    own.wrote("a question: ")
    assert screen.getvalue().endswith("\r\x1b[K")
    asked = screen.getvalue()
    time.sleep(0.3)
    own.stop()
    assert screen.getvalue() == asked


def test_the_whole_time_is_told_at_the_end_of_what_took_a_while(capsys):
    with timed(patience=0.0, language=lambda: "zh"):
        working("…")
        assert clock().text == "…"
    assert capsys.readouterr().err == "用时 0.0 秒\n"
    with timed(patience=60.0):
        pass
    with timed(False):
        assert clock() is None
    assert capsys.readouterr().err == ""
