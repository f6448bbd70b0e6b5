from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from calib.__main__ import main
from calib.cli import cli
from calib.words import current_language


def calib(*args, cwd=None):
    """Run the command line as it is started, in this process: starting one takes a second."""
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["calib", *map(str, args)])
        if cwd is not None:
            patch.chdir(cwd)
        code = 0
        try:
            main()
        except SystemExit as exc:
            code = exc.code or 0
        finally:
            signal.signal(signal.SIGTERM, handler)
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())


def calib_process(*args):
    return subprocess.run(
        [sys.executable, "-m", "calib", *map(str, args)], capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_help_imports_neither_pandas_nor_scipy():
    code = (
        "import sys; sys.argv=['calib','--help']\n"
        "from calib.cli import cli\n"
        "try: cli()\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy','pandas','scipy','matplotlib','pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "run" in done.stdout


def test_demo_prints_the_published_stars_and_the_report(tmp_path):
    done = calib_process("demo", "-o", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    line = next(x for x in done.stdout.splitlines() if "published (baseline)" in x)
    assert [w for w in line.split() if w.isdigit()] == ["1", "5", "9", "6", "1", "4", "0", "0"]
    assert "synthetic, one of many samples" in done.stdout
    report = done.stdout.splitlines()[-1].removeprefix("report: ")
    assert (tmp_path / "runs").as_posix() in report
    assert "Traceback" not in done.stderr


def test_frameworks_are_listed_and_shown():
    listed = calib("frameworks").stdout
    assert all(name in listed for name in ("aii", "vdma", "nist-mbe", "cesi", "cmm"))
    shown = calib("frameworks", "aii", "--lang", "zh").stdout
    assert "互联互通" in shown
    assert "0.3500" in shown


BAD = {
    "weights.toml": (
        'schema = "calib.weights/1"\nframework = "aii"\nname = "x"\nunlisted = "published"\n'
        "[weights]\nIC = 0.35\nIN = 0.33\nDA = 0.33\n"
    ),
    "people.csv": "enterprise,track,IC.DEV.D1\nA,discrete,9\nA,nowhere,x\n",
    "exp.toml": (
        'schema = "calib.experiment/1"\nname = "x"\nframework = "aii"\n'
        '[population.generate]\nn = 5\n[sets.a]\nsource = "nothing"\n'
    ),
    "odd.toml": "schema = 3\n",
    "broken.toml": "schema = \n",
    "empty.csv": "",
}


@pytest.mark.parametrize("name", BAD)
def test_a_users_mistake_ends_with_a_message_and_code_2(tmp_path, name):
    (tmp_path / name).write_text(BAD[name], encoding="utf-8")
    done = calib("check", tmp_path / name)
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_check_lists_the_faults_of_all_files(tmp_path):
    for name, text in BAD.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = calib("check", *[tmp_path / n for n in BAD])
    assert done.returncode == 2
    for name in BAD:
        assert name in done.stderr


def test_a_bad_run_writes_nothing(tmp_path):
    (tmp_path / "exp.toml").write_text(BAD["exp.toml"], encoding="utf-8")
    done = calib("run", "exp.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "unknown source" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("args", "word"),
    [(("rum", "x"), "did you mean 'run'"), (("run",), "Missing argument"),
     (("run", "nothing"), "no experiment 'nothing'"), (("frameworks", "vmda"), "'vdma'"),
     (("run", "x.toml", "--seed", "-1"), "--seed")],
)  # fmt: skip
def test_wrong_words_are_answered_in_one_message(args, word, tmp_path):
    done = calib(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_weights_are_compared_and_converted(tmp_path, root):
    file = root / "data" / "weights" / "meeting-draft.toml"
    done = calib("weights", file, "-o", tmp_path / "w.xlsx")
    assert done.returncode == 0, done.stderr
    assert "total variation 0.0600" in done.stdout
    assert "integration" in done.stdout
    assert "综合集成" in calib("weights", file, "--lang", "zh").stdout
    assert calib("check", tmp_path / "w.xlsx").returncode == 0


def test_the_demo_runs_again_beside_its_own_results(tmp_path):
    (tmp_path / "trial-comparison").mkdir()
    done = calib("demo", "-o", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_check_looks_into_the_files_that_an_experiment_names(tmp_path):
    text = """
schema = "calib.experiment/1"
name = "e"
framework = "aii"
population = { file = "none.csv" }
[sets.published]
source = "published"
[sets.draft]
source = "file"
file = "none.toml"
"""
    (tmp_path / "e.toml").write_text(text, encoding="utf-8")
    done = calib("check", "e.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "none.csv: no such file" in done.stderr
    assert "e.toml: no such file 'none.toml'" in done.stderr


def test_weights_of_ones_own_framework_can_be_checked(tmp_path, root):
    text = (root / "data" / "frameworks" / "vdma.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace('code = "vdma"', 'code = "own"'), encoding="utf-8")
    for name in ("w.toml", "w.csv"):
        made = calib("weights", "published", "--framework", own, "-o", tmp_path / name)
        assert made.returncode == 0, made.stderr
        done = calib("check", "--framework", own, tmp_path / name)
        assert done.returncode == 0, done.stderr


def test_a_folder_that_cannot_be_written_is_a_message(tmp_path):
    (tmp_path / "file").write_text("x")
    for args in (("demo", "-o"), ("weights", "published", "-o")):
        done = calib(*args, tmp_path / "file" / "w.toml")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_reader_that_stops_early_sees_no_complaint(tmp_path):
    command = f"set -o pipefail; {sys.executable} -m calib frameworks aii | head -n 1 >/dev/null"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""


def test_errors_are_said_in_the_language_that_is_asked_for(tmp_path, monkeypatch):
    args = ("export", tmp_path, "-o", tmp_path / "b.xlsx")
    assert "no run here" in calib(*args).stderr
    assert "此处没有运行结果" in calib(*args, "--lang", "zh").stderr
    monkeypatch.setenv("CALIB_LANG", "zh")
    assert "此处没有运行结果" in calib(*args).stderr
    assert "没有命令 'rum'（是否为 'run'？）" in calib("rum").stderr
    assert "no run here" in calib(*args, "--lang", "en").stderr


def test_a_command_leaves_the_language_as_it_was(tmp_path):
    runner = CliRunner()
    runner.invoke(cli, ["frameworks", "--lang", "zh"])
    assert current_language() == "en"
