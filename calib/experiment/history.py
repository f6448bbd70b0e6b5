"""Runs that were made: found by a few letters, labelled, put into a trash and taken out of it.

A run is a folder ``<runs>/<experiment>/<id>-<language>`` with calib's manifest; nothing else in
the folder of runs is touched. Each step is one rename, so that a run is either here or there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from calib.errors import InputError, unknown
from calib.experiment.spec import document_digest
from calib.files.atomic import clear_remains, link_to, write_text
from calib.files.folders import MANIFEST, read_manifest
from calib.files.inputs import file_digest, read_toml
from calib.files.shipped import shipped_experiments
from calib.framework import load_framework
from calib.words import Text, languages, message, say

__all__ = [
    "Change",
    "PastRun",
    "changed_inputs",
    "empty_trash",
    "find_run",
    "label_run",
    "past_runs",
    "refresh_latest",
    "remove_run",
    "restore_run",
    "runs_in",
]

TRASH = ".trash"
_SHIPPED = "shipped:"


@dataclass(frozen=True, eq=False)
class PastRun:
    """A run that stands in a folder.

    Attributes
    ----------
    folder : where it is
    manifest : what calib noted when it was made
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        """The digest of experiment, inputs, seed and version: the same in every language."""
        return str(self.manifest.get("id", ""))

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return str(self.manifest.get("experiment", {}).get("name", ""))

    @property
    def finished(self) -> str:
        """When it was made, as ``YYYY-MM-DD HH:MM`` of the manifest's time zone."""
        return str(self.manifest.get("finished", ""))[:16].replace("T", " ")

    @property
    def language(self) -> str:
        """The language of its report."""
        return str(self.manifest.get("language", ""))

    @property
    def label(self) -> str:
        """What the user calls it."""
        return str(self.manifest.get("label", ""))

    @property
    def key(self) -> tuple[str, str]:
        """What runs of the same content have in common, whatever their language."""
        return self.experiment, self.id

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The main numbers; empty where the file is gone."""
        try:
            body = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the weight sets."""
        return tuple(self.summary.get("sets", ()))

    @property
    def advice(self) -> str:
        """What a decision in it recommends: ``adopt``, ``reject``, ``ask``, or nothing."""
        return str(self.summary.get("decision", {}).get("advice", ""))

    @property
    def title(self) -> str:
        """The name under which a user knows it: its label, or experiment and id."""
        return self.label or f"{self.experiment} {self.id[:6]}"


def past_runs(runs: str | Path, *, trash: bool = False) -> list[PastRun]:
    """Return the runs in a folder of runs, the newest first.

    Parameters
    ----------
    trash : those that were removed, in place of those that stand
    """
    root = Path(runs) / TRASH if trash else Path(runs)
    found = [run for folder in _folders(root) for run in runs_in(folder)]
    return sorted(found, key=_made, reverse=True)


def runs_in(folder: Path) -> list[PastRun]:
    """Return the runs in the folder of one experiment."""
    return [run for place in _folders(folder) if (run := _run(place))]


def _folders(root: Path) -> Iterator[Path]:
    if root.is_dir():
        for path in sorted(root.iterdir()):
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                yield path


def _run(folder: Path) -> PastRun | None:
    manifest = read_manifest(folder)
    if manifest is None or manifest["schema"] != "calib.manifest/1":
        return None
    return PastRun(folder, manifest)


def _made(run: PastRun) -> tuple[str, int]:
    """Return when a run was made; its folder tells those of one second apart."""
    return str(run.manifest.get("finished", "")), run.folder.stat().st_mtime_ns


def find_run(runs: str | Path, word: str, *, trash: bool = False) -> list[PastRun]:
    """Return the run that a word means, once for each language that it was made in.

    Parameters
    ----------
    word : its folder; its id, or as much of its beginning as no other run shares, with ``-zh`` or
        ``-en`` for one language only; its label; the name of an experiment for the newest run of
        it; ``latest`` for the newest of all

    Raises
    ------
    InputError
        When no run, or more than one, is meant; the nearest names are in the message.
    """
    every = past_runs(runs, trash=trash)
    if not every:
        raise InputError(message("runs.none", folder=str(runs)))
    found = _exactly(every, word) or [r for r in every if _begins(r, word)]
    keys = list(dict.fromkeys(r.key for r in found))
    if len(keys) == 1:
        return found
    if keys:
        shown = [f"{r.folder.name} ({r.experiment})" for r in found]
        raise InputError(message("runs.several", word=repr(word), known=shown))
    names = [n for r in every for n in (r.folder.name, r.id, r.label, r.experiment) if n]
    near = unknown("runs.no_run", word, dict.fromkeys(names))
    shown = [r.folder.name for r in every[:8]]
    raise InputError(message("runs.no_run", name=repr(word), hint=near.values["hint"], known=shown))


def _begins(run: PastRun, word: str) -> bool:
    """Return whether a word is the beginning of an id, or one followed by the run's language."""
    short = word.removesuffix(f"-{run.language}")
    return bool(short) and (run.id.startswith(short) or run.folder.name.startswith(word))


def _exactly(every: Sequence[PastRun], word: str) -> list[PastRun]:
    """Return the runs that bear a name as a whole, of several of an experiment the newest."""
    place = Path(word)
    if word and (place / MANIFEST).is_file():
        own = place.resolve()
        return [r for r in every if r.folder.resolve() == own]
    latest = {say("runs.latest", lang) for lang in languages()} | {"latest"}
    for matches in (
        [r for r in every if word in (r.folder.name, r.id)],
        [r for r in every if word and word == r.label],
        [r for r in every if word == r.experiment or word in latest],
    ):
        if matches:
            by_name = word == matches[0].experiment or word in latest
            return [r for r in matches if r.key == matches[0].key] if by_name else matches
    return []


def label_run(runs: str | Path, word: str, text: str) -> list[PastRun]:
    """Give a run a label, in every language that it was made in; an empty text takes it away.

    Raises
    ------
    InputError
        When no run or several are meant, or another run bears the label.
    """
    own = " ".join(text.split())
    found = find_run(runs, word)
    others = [r for r in past_runs(runs) if own and r.label == own and r.key != found[0].key]
    if others:
        raise InputError(message("runs.label_taken", label=own, run=others[0].folder.name))
    out = []
    for run in found:
        manifest = {k: v for k, v in run.manifest.items() if k not in ("label", "outputs")}
        manifest |= {"label": own} if own else {}
        body = {**manifest, "outputs": run.manifest["outputs"]}
        clear_remains(run.folder)
        write_text(run.folder / MANIFEST, json.dumps(body, ensure_ascii=False, indent=2) + "\n")
        out.append(PastRun(run.folder, body))
    return out


def remove_run(runs: str | Path, word: str) -> list[Path]:
    """Move a run into the trash of its folder of runs; see :func:`restore_run`.

    Returns
    -------
    Where it lies now, once for each language that it was made in.
    """
    out = []
    for run in find_run(runs, word):
        place = Path(runs) / TRASH / run.folder.parent.name
        place.mkdir(parents=True, exist_ok=True)
        out.append(_move(run.folder, place))
        refresh_latest(run.folder.parent)
    return out


def restore_run(runs: str | Path, word: str) -> list[Path]:
    """Take a run out of the trash, and return where it stands again.

    Raises
    ------
    InputError
        When the trash holds no such run, or several.
    """
    out = []
    for run in find_run(runs, word, trash=True):
        place = Path(runs) / run.folder.parent.name
        place.mkdir(parents=True, exist_ok=True)
        out.append(_move(run.folder, place))
        refresh_latest(place)
    return out


def empty_trash(runs: str | Path) -> int:
    """Delete the runs in the trash for good; return how many there were.

    Only folders with calib's manifest are deleted.
    """
    import shutil

    found = past_runs(runs, trash=True)
    for run in found:
        shutil.rmtree(run.folder)
        for parent in (run.folder.parent, Path(runs) / TRASH):
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
    return len(found)


def _move(folder: Path, place: Path) -> Path:
    """Rename a folder into another one, with a number where its name is taken."""
    for number in count(1):
        target = place / (folder.name if number == 1 else f"{folder.name}-{number}")
        if not os.path.lexists(target):
            folder.rename(target)
            return target
    raise AssertionError


def refresh_latest(folder: Path) -> None:
    """Let ``latest`` (``最新``) in an experiment's folder lead to its newest run, by language.

    A link is only replaced if it leads to a folder beside it, as calib's own do. Where the file
    system has no links there are none.
    """
    newest: dict[str, PastRun] = {}
    for run in sorted(runs_in(folder), key=_made):
        newest[run.language] = run
    for lang in languages():
        run_of = newest.get(lang)
        link_to(folder / say("runs.latest", lang), run_of.folder.name if run_of else None)


@dataclass(frozen=True)
class Change:
    """An input that is not any more as the run read it."""

    name: str
    what: Text


def changed_inputs(run: PastRun) -> list[Change] | None:
    """Return which inputs changed or went since a run, None where they cannot be found any more.

    The experiment file, the files that it names and the framework are compared by their digests.
    """
    file = _experiment_file(run)
    if file is None:
        return None
    out = []
    try:
        same = document_digest(read_toml(file)) == run.manifest["experiment"]["digest"]
    except InputError:
        same = False
    if not same:
        out.append(Change(file.name, message("runs.changed")))
    for name, digest in run.manifest.get("inputs", {}).items():
        now = _digest_now(name, file.parent)
        if now != digest:
            out.append(Change(name, message("runs.gone" if now is None else "runs.changed")))
    return out


def _experiment_file(run: PastRun) -> Path | None:
    origin = run.manifest.get("experiment", {}).get("file")
    if not isinstance(origin, str):
        return None
    if origin.startswith(_SHIPPED):
        file = shipped_experiments() / f"{origin.removeprefix(_SHIPPED)}.toml"
    else:
        file = run.folder / origin
    return file.resolve() if file.is_file() else None


def _digest_now(name: str, folder: Path) -> str | None:
    if name.startswith("framework "):
        return _framework_digest(name.split(" ")[1])
    for start in (folder, *folder.parents[:2]):  # as inputs are named in the manifest
        path = start / name
        if path.is_file():
            return file_digest(path)
    return None


def _framework_digest(code: str) -> str | None:
    try:
        return load_framework(code).digest
    except InputError:  # one of the user's own: its file is not noted
        return None


def origin_of(file: str, run: Path) -> str | None:
    """Return where an experiment's file is as seen from its run, so that no machine's path is kept.

    None where they have nothing in common but the root of the file system, or the file lies deep
    in another folder.
    """
    path = Path(file).resolve()
    if not file or not path.is_file():
        return None
    if path.parent == shipped_experiments().resolve():
        return _SHIPPED + path.stem
    try:
        common = Path(os.path.commonpath([path, run.resolve()]))
    except ValueError:  # another drive
        return None
    if common == Path(common.anchor) or len(path.relative_to(common).parts) > 3:
        return None
    return Path(os.path.relpath(path, run.resolve())).as_posix()
