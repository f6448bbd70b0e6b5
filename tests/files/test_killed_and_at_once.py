"""A killed call leaves nothing that looks whole; two at once are right, or one says why not."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from calib.adjustment import read_ledger
from calib.files import changes, read_manifest


@pytest.fixture(scope="module")
def kill(root):
    spec = importlib.util.spec_from_file_location("kill", root / "benchmarks" / "kill.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill"] = module
    spec.loader.exec_module(module)
    return module


def test_a_call_that_is_killed_leaves_nothing_half_made_and_the_next_one_works(
    kill, root, tmp_path
):
    """``benchmarks/kill.py 60`` kills publications, exports, forms and ledgers too."""
    panel = root / "data" / "panels" / "example" / "round-1-synthetic.csv"
    (tmp_path / "small.toml").write_text(kill.EXPERIMENT, encoding="utf-8")
    found = kill.tried("run", kill.calls(panel)["run"], tmp_path, random.Random(3), writing=True)
    assert found["faults"] == []


def test_the_killer_sees_what_is_half_made(kill, tmp_path):
    """The proof can fail."""
    run = tmp_path / "runs" / "small" / "0123-en"
    run.mkdir(parents=True)
    assert kill.runs_faults(tmp_path / "runs")
    (run / "manifest.json").write_text(
        json.dumps({"schema": "calib.manifest/1", "outputs": {"report.html": "0"}})
    )
    assert kill.runs_faults(tmp_path / "runs")
    (tmp_path / "l.json").write_text("[")
    assert kill.ledger_faults(tmp_path / "l.json")


AT_ONCE = """
import sys, time
from pathlib import Path
import calib.adjustment, calib.experiment
from calib.__main__ import main
from calib.files import atomic
Path(sys.argv[1]).touch()
while not Path(sys.argv[2]).exists():
    time.sleep(0.005)
for words in sys.argv[3:]:
    sys.argv = ["calib", *words.split()]
    try:
        main()
    except SystemExit as exc:
        if exc.code:
            raise
"""


def both(folder, *commands):
    """Start a process for each list of commands, let them go together; return codes and words."""
    (folder / "go").unlink(missing_ok=True)
    ready = [folder / f"ready-{i}" for i in range(len(commands))]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(up), str(folder / "go"), *words],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for up, words in zip(ready, commands, strict=True)
    ]  # fmt: skip
    while not all(p.exists() for p in ready):
        assert all(p.poll() is None for p in running)
    (folder / "go").touch()
    said = [p.communicate(timeout=300) for p in running]
    for path in ready:
        path.unlink()
    return [p.returncode for p in running], [err for _, err in said]


def test_two_processes_on_one_experiment_and_one_ledger_are_both_right(kill, tmp_path):
    (tmp_path / "small.toml").write_text(kill.EXPERIMENT, encoding="utf-8")
    adjust = "adjust trial --cap contribution=0.085 --draws 0 --step 0.5 --ledger"
    same = ("run small.toml --quiet -o runs --lang en", f"{adjust} l.json")
    codes, said = both(tmp_path, same, same)
    assert codes == [0, 0], said
    (run,) = (p for p in (tmp_path / "runs" / "small").iterdir() if not p.is_symlink())
    assert changes(run, read_manifest(run)) == []
    assert len(read_ledger(tmp_path / "l.json").entries) > 1
    assert list(Path(tmp_path).rglob(".unfinished-*")) == []


def test_two_calibrations_at_once_do_not_take_one_ledgers_place(tmp_path, aii, trial, monkeypatch):
    from calib.adjustment import adjust, write_ledger
    from calib.errors import InputError
    from calib.rating import score_answers
    from calib.weights import published_weights

    scored, start = score_answers(trial), published_weights(aii)
    first, second = (
        adjust(start, scored, cap={"contribution": c}, starts=0, steps=(1.0,)).ledger
        for c in (0.085, 0.09)
    )
    path = tmp_path / "l.json"
    # Both have seen that nothing stands there before either of them writes.
    with monkeypatch.context() as patched:
        patched.setattr("calib.adjustment.ledger.os.path.lexists", lambda p: False)
        write_ledger(first, path)
        with pytest.raises(InputError, match="ledger of another calibration"):
            write_ledger(second, path)
        write_ledger(first, path)
    assert read_ledger(path).entries == first.entries
