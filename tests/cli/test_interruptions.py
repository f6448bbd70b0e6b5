"""Full disks, Ctrl-C, consoles of other encodings: one line, and nothing left half-done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_experiment import SMALL

from calib.cli import cli
from calib.errors import DiskFullError
from calib.experiment import load_experiment, run_experiment, write_run
from calib.files import shipped_data
from calib.publish import read_key

ONE_LINE = "interrupted; no file is half-written\n"


def calib(*args, env=None, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "calib", *map(str, args)], capture_output=True, cwd=cwd,
        timeout=240, check=False, env={**os.environ, **(env or {})},
    )  # fmt: skip


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("needs to be root, to mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    file = tmp_path_factory.mktemp("experiment") / "small.toml"
    file.write_text(SMALL, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def run(experiment):
    done = run_experiment(load_experiment(experiment))
    return write_run(done, experiment.parent / "runs", lang="en")


@pytest.mark.parametrize(
    "args",
    [
        ("weights", "published", "-o", "DISK/w.xlsx"),
        ("weights", "published", "-o", "DISK/w.csv"),
        ("weights", "published", "-o", "DISK/w.parquet"),
        ("form", "experts", "--method", "ahp", "-o", "DISK/form.xlsx"),
        ("run", "EXPERIMENT", "-o", "DISK/runs"),
        ("export", "RUN", "-o", "DISK/book.xlsx"),
        ("explore", "EXPERIMENT", "-o", "DISK/page.html"),
    ],
    ids=lambda args: " ".join(args[:2]),
)
def test_a_full_disk_is_one_line_with_the_path_and_the_room_it_takes(
    small_disk, experiment, run, args
):
    (small_disk / "other").write_bytes(b"x" * 20_000)
    places = {"DISK": str(small_disk), "EXPERIMENT": str(experiment), "RUN": str(run)}
    for word, place in places.items():
        args = [a.replace(word, place) for a in args]
    with pytest.raises(DiskFullError) as caught:
        CliRunner().invoke(cli, args, catch_exceptions=False)
    said = str(caught.value)
    assert said.startswith(f"{args[-1]}")
    assert "no space left on the disk: " in said
    assert caught.value.needed > 4096 or not caught.value.exact
    assert "\n" not in said
    assert [p.name for p in small_disk.iterdir()] == ["other"]


def test_a_full_disk_ends_the_command_without_a_traceback(small_disk):
    (small_disk / "other").write_bytes(b"x" * 20_000)
    done = calib("weights", "published", "-o", small_disk / "w.xlsx")
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"calib: {small_disk}/w.xlsx: no space left")
    assert b"Traceback" not in done.stderr


def test_a_key_that_found_no_room_does_not_block_the_next_run(small_disk):
    fill = small_disk / "other"
    fill.write_bytes(b"x" * 24 * 1024)
    with pytest.raises(DiskFullError, match="disk: 0 bytes are free; nothing was written"):
        read_key(small_disk / "pseudonyms.key")
    assert list(small_disk.iterdir()) == [fill]
    fill.unlink()
    key = read_key(small_disk / "pseudonyms.key")
    assert key == read_key(small_disk / "pseudonyms.key")


def test_an_empty_key_is_made_anew_for_its_owner_only(tmp_path):
    for file in (tmp_path / "empty.key", tmp_path / "none.key"):
        if file.stem == "empty":
            file.touch()
        key = read_key(file)
        assert len(key) == 64
        assert read_key(file) == key
        assert file.stat().st_mode & 0o777 == 0o600


AT_IMPORT = """
import builtins, os, signal, sys
wanted, real = sys.argv[1], builtins.__import__
def hook(name, *args, **kwargs):
    if name == wanted:
        builtins.__import__ = real
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *args, **kwargs)
builtins.__import__ = hook
sys.argv = ["calib", "demo", "-o", sys.argv[2]]
from calib.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["click", "calib.cli.console", "pandas", "calib.experiment"])
def test_ctrl_c_while_starting_up_is_one_line_and_code_130(tmp_path, module):
    done = subprocess.run(
        [sys.executable, "-c", AT_IMPORT, module, tmp_path / "runs"], capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert done.stderr.lstrip("\n") == ONE_LINE  # after the ^C that a terminal shows
    assert not list(tmp_path.iterdir())


def test_nothing_is_imported_before_an_interruption_can_be_answered():
    said = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; before = {*sys.modules}; import calib.__main__;"
         "print(*sorted({*sys.modules} - before))"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert {*said.stdout.split()} - {"__future__"} == {"calib", "calib.__main__"}


def publish_with(experiment, tmp_path, source):
    flag = tmp_path / "flag"
    cell = {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": None}
    node = {
        "cells": [
            {**cell, "id": "p", "metadata": {"tags": ["parameters"]},
             "source": "EXPERIMENT = 'trial-comparison'\nLANGUAGE = 'en'"},
            {**cell, "source": "import os, time\n"
             f"open({str(flag)!r}, 'w').write(str(os.getpid()))\n{source}"},
        ],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    file = tmp_path / "slow.ipynb"
    file.write_text(json.dumps(node), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "calib", "publish", experiment, "--notebook", file, "-o",
         tmp_path / "out" / "site"], stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    end = time.monotonic() + 120
    while not (flag.exists() and flag.read_text()) and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    return process, flag


def gone(pid, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stream:
                if stream.read().split(")")[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_notebook_leaves_no_kernel_and_no_folder(experiment, tmp_path, sign, code):
    process, flag = publish_with(experiment, tmp_path, "time.sleep(300)")
    process.send_signal(sign)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code, said
    assert "Traceback" not in said
    if sign == signal.SIGINT:
        assert said.splitlines(keepends=True)[-1] == ONE_LINE
    assert gone(int(flag.read_text()))
    assert not (tmp_path / "out").exists()


def test_a_kernel_that_dies_is_one_line(experiment, tmp_path):
    process, _ = publish_with(experiment, tmp_path, "os.kill(os.getpid(), 9)")
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 2, said
    assert said.splitlines()[-1].startswith("calib: ")
    assert "the kernel stopped" in said
    assert "Traceback" not in said


IN_TURN = """
import sys
from calib.__main__ import main
for words in sys.argv[1:]:
    sys.argv = ["calib", *words.split()]
    try:
        main()
    except SystemExit as exc:
        if exc.code:
            raise
"""


@pytest.mark.parametrize(
    "env",
    [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "cp936"},
     {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["cp1252", "cp936", "C"],
)  # fmt: skip
def test_a_console_that_is_not_utf_8_gets_every_text(tmp_path, env):
    commands = ("frameworks aii --lang zh", "weights published --lang zh")
    shown = subprocess.run(
        [sys.executable, "-c", IN_TURN, *commands], capture_output=True, check=False,
        timeout=240, env={**os.environ, **env},
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    text = shown.stdout
    word = "互联互通"
    if "LC_ALL" in env:
        assert word.encode() in text
    elif env["PYTHONIOENCODING"] == "cp936":
        assert word.encode("cp936") in text
    else:
        assert word.encode("ascii", "backslashreplace") in text


def test_a_date_that_is_no_number_is_told_before_any_work(tmp_path):
    env = {"SOURCE_DATE_EPOCH": "yesterday"}
    done = calib("publish", "trial-comparison", "--no-notebooks", "-o", tmp_path / "s", env=env)
    assert done.returncode == 2
    assert b"SOURCE_DATE_EPOCH in the environment is 'yesterday'; expected seconds" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "s").exists()


def test_control_characters_of_a_file_do_not_steer_the_terminal(tmp_path):
    file = tmp_path / "evil\x1b]0;owned\x07.toml"
    file.write_text('schema = "calib.weights/1"\n"\\u001b[2J" = 1\n', encoding="utf-8")
    done = calib("check", file)
    assert done.returncode == 2
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\\x1b[2J" in done.stderr
    source = (shipped_data() / "frameworks" / "aii.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(source.replace("互联互通", "互联\\u001b]0;owned\\u0007互通"), encoding="utf-8")
    shown = calib("frameworks", own, "--lang", "zh")
    assert shown.returncode == 0, shown.stderr
    assert b"\x1b]" not in shown.stdout
    assert rb"\x1b]0;owned" in shown.stdout
