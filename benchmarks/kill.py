"""Kill calib (SIGKILL) at random moments of a run, publication, export, forms and ledger.

``python benchmarks/kill.py 60`` kills as many calls, in turn; half of them while they write. After
each, whatever stands under a final name must be whole, and the next call must end well, leave what
an undisturbed call leaves, and clear what the killed one left. The tests kill a few.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EXPERIMENT = """schema = "calib.experiment/1"
name = "small"
framework = "aii"
baseline = "published"

[population]
generate = {n = 12, seed = 3}

[sets.published]
source = "published"
"""


@dataclass(frozen=True)
class Call:
    """A command, where it writes, and what is wrong with what stands there.

    Attributes
    ----------
    words : of the command line, in a folder that holds ``small.toml`` and a finished run
    out : name of the file or folder that it makes
    faults : of the folder; none where nothing stands there, or all of it is whole
    """

    words: tuple[str, ...]
    out: str
    faults: Callable[[Path], list[str]]


def folder_faults(path: Path) -> list[str]:
    """Return what of a folder with a manifest is not as the manifest says."""
    from calib.files.folders import changes, read_manifest

    if not path.exists():
        return []
    manifest = read_manifest(path)
    return ["no manifest"] if manifest is None else changes(path, manifest)


def runs_faults(path: Path) -> list[str]:
    """Return faults of every run in a folder of runs."""
    runs = [p for p in path.glob("*/*") if not p.is_symlink() and not hidden(p, path)]
    dangling = [f"{p.name} leads nowhere" for p in path.glob("*/latest") if not p.exists()]
    return dangling + [f"{run.name}: {text}" for run in runs for text in folder_faults(run)]


def book_faults(path: Path) -> list[str]:
    """Return whether a workbook cannot be read to its end."""
    from calib.tables import read_sheets

    if not path.exists():
        return []
    with zipfile.ZipFile(path) as book:
        bad = book.testzip()
    return [bad] if bad else [] if read_sheets(path) else ["no sheets"]


def forms_faults(path: Path) -> list[str]:
    """Return faults of every form in a folder."""
    forms = [] if not path.exists() else sorted(path.glob("*.xlsx"))
    return [f"{p.name}: {text}" for p in forms for text in book_faults(p)]


def ledger_faults(path: Path) -> list[str]:
    """Return whether a ledger is no unbroken chain."""
    from calib.adjustment import read_ledger
    from calib.errors import InputError

    try:
        return [] if not path.exists() or read_ledger(path) else ["empty"]
    except InputError as exc:
        return [str(exc)]


def hidden(path: Path, root: Path) -> bool:
    """Whether a path below a folder is not under a final name."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def calls(panel: Path) -> dict[str, Call]:
    """Return what is killed, by name."""
    adjust = ("adjust", "trial", "--cap", "contribution=0.085", "--draws", "0", "--step", "0.5")
    return {
        "run": Call(("run", "small.toml", "--quiet", "-o", "new-runs"), "new-runs", runs_faults),
        "publish": Call(
            ("publish", "small.toml", "--no-notebooks", "-o", "site"), "site", folder_faults
        ),
        "export": Call(("export", "runs/small/latest", "-o", "b.xlsx"), "b.xlsx", book_faults),
        "forms": Call(("form", "next-round", str(panel), "-o", "forms"), "forms", forms_faults),
        "ledger": Call((*adjust, "--ledger", "l.json"), "l.json", ledger_faults),
    }


def start(words: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    """Start a command in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "calib", *words], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip


def done(words: tuple[str, ...], folder: Path) -> float:
    """Run a command to its end; return how many seconds it took.

    Raises
    ------
    RuntimeError
        When it fails.
    """
    before = time.monotonic()
    process = start(words, folder)
    said = b"".join(process.communicate(timeout=600))
    if process.returncode:
        raise RuntimeError(f"calib {' '.join(words)}: {said.decode()[-1500:]}")
    return time.monotonic() - before


def names(folder: Path, out: str) -> list[str]:
    """Return what a call has left under final names."""
    place = folder / out
    found = place.rglob("*") if place.is_dir() else [place]
    return sorted(p.relative_to(folder).as_posix() for p in found)


def remains(folder: Path) -> list[str]:
    """Return what lies aside, anywhere in a folder."""
    return [p.relative_to(folder).as_posix() for p in folder.rglob(".unfinished-*")]


def prepare(folder: Path) -> None:
    """Write the experiment, and make a run of it to be exported."""
    (folder / "small.toml").write_text(EXPERIMENT, encoding="utf-8")
    done(("run", "small.toml", "--quiet", "-o", "runs"), folder)


def killed(call: Call, folder: Path, seconds: float, writing: bool, rng: random.Random) -> bool:
    """Start a call and kill it; return whether it was still alive.

    Parameters
    ----------
    seconds : that a call takes
    writing : wait until something lies aside, and kill it within a fifth of the time after that
    """
    process, began = start(call.words, folder), time.monotonic()
    if writing:
        while process.poll() is None and not remains(folder):
            time.sleep(0.002)
        time.sleep(seconds / 5 * rng.random() ** 3)  # a file is written in a moment
    else:
        time.sleep(max(0.0, began + rng.uniform(0.05, 1.0) * seconds - time.monotonic()))
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return alive


def tried(
    name: str, call: Call, folder: Path, rng: random.Random, writing: bool
) -> dict[str, object]:
    """Kill a call once, and return what was found; an empty ``faults`` is well."""
    import shutil

    place = folder / call.out
    again = rng.random() < 0.5  # over what an earlier call left
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    seconds = done(call.words, folder)
    whole = names(folder, call.out)
    if name == "forms" or not again:  # forms that are there are never replaced
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
    alive = killed(call, folder, seconds, writing, rng)
    faults = [f"after the kill: {text}" for text in call.faults(place)]
    left = remains(folder)
    try:
        if name == "forms" and names(folder, call.out) == whole:
            left = []  # the call had ended
        else:
            done(call.words, folder)
    except RuntimeError as exc:
        faults.append(f"the next call: {exc}")
    faults += [f"after the next call: {text}" for text in call.faults(place)]
    if names(folder, call.out) != whole:
        faults.append(f"not as an undisturbed call leaves it: {names(folder, call.out)[:9]}")
    faults += [f"not cleared: {text}" for text in remains(folder)]
    return {"call": name, "alive": alive, "aside": len(left), "faults": faults}


def report(count: int, seed: int, panel: Path) -> bool:
    """Kill calls in turn, and print what was found."""
    rng, every, bad, alive, aside = random.Random(seed), calls(panel), 0, 0, 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder)
        for number in range(count):
            name = list(every)[number % len(every)]
            found = tried(name, every[name], folder, rng, writing=number // len(every) % 2 == 1)
            print(json.dumps(found), flush=True)
            bad += bool(found["faults"])
            alive += bool(found["alive"])
            aside += bool(found["aside"])
    print(
        f"{count} kills, seed {seed}: {alive} before the end, {aside} with work aside; bad: {bad}"
    )
    return not bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    panel = Path(__file__).parents[1] / "data" / "panels" / "example" / "round-1-synthetic.csv"
    sys.exit(0 if report(given.count, given.seed, panel) else 1)


if __name__ == "__main__":
    main()
