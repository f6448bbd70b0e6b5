"""A new round: the experiment file and the workbooks that it names, in one folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calib.errors import InputError
from calib.files.atomic import write_text
from calib.framework import Framework
from calib.templates.workbooks import write_answer_form, write_ballot_form, write_weight_form
from calib.words import message, say

__all__ = ["PARTS", "NewRound", "write_round"]

PARTS = ("weights", "ballots")
"""What a round may have beside answers."""


@dataclass(frozen=True)
class NewRound:
    """What was written for a new round.

    Attributes
    ----------
    experiment : the experiment file
    workbooks : what has to be filled in
    """

    experiment: Path
    workbooks: tuple[Path, ...]


def write_round(
    folder: str | os.PathLike[str],
    framework: Framework,
    *,
    name: str,
    parts: Sequence[str] = ("weights",),
    answers: str | os.PathLike[str] | None = None,
    lang: str = "zh",
) -> NewRound:
    """Write an experiment with its workbooks into a folder; nothing that is there is replaced.

    Parameters
    ----------
    name : of the experiment
    parts : what is compared with the published weights: ``"weights"`` from a table, ``"ballots"``
    answers : the table or export that holds the answers already; a workbook to be filled in is
        written if None
    lang : of headers, sheets and comments

    Raises
    ------
    InputError
        When one of the files exists, or the answers do not.
    """
    unknown = [p for p in parts if p not in PARTS]
    if unknown:
        raise InputError(message("templates.no_part", names=unknown, known=list(PARTS)))
    home = Path(folder)
    files = {p: home / say(f"templates.files.{p}", lang) for p in ("answers", *parts)}
    if answers is not None:
        del files["answers"]
        if not Path(answers).is_file():
            raise InputError(message("faults.no_such_file", name=os.fspath(answers)))
    experiment = home / f"{name}.toml"
    there = [str(p) for p in (experiment, *files.values()) if p.exists()]
    if there:
        raise InputError(message("templates.is_there", files=there))
    home.mkdir(parents=True, exist_ok=True)
    if "answers" in files:
        write_answer_form(files["answers"], framework, lang=lang)
    if "weights" in files:
        write_weight_form(files["weights"], framework, lang=lang)
    if "ballots" in files:
        write_ballot_form(files["ballots"], framework, lang=lang)
    shown = {part: path.name for part, path in files.items()}
    if answers is not None:
        shown["answers"] = _seen_from(home, Path(answers))
    write_text(experiment, _experiment(name, framework, shown, lang))
    return NewRound(experiment, tuple(files.values()))


def _seen_from(folder: Path, file: Path) -> str:
    """Return a file's name as an experiment in a folder states it."""
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return file.resolve().as_posix()


def _experiment(name: str, framework: Framework, files: dict[str, str], lang: str) -> str:
    """Return the text of an experiment file, with a comment beside what may be changed."""

    def note(key: str) -> str:
        return f"# {say(f'templates.note.{key}', lang)}"

    quoted = {part: json.dumps(file, ensure_ascii=False) for part, file in files.items()}
    own = framework.path if Path(framework.path).suffix == ".toml" else framework.code
    source = framework.code if not Path(own).is_file() or _shipped(framework) else own
    shown = json.dumps(name, ensure_ascii=False)
    lines = [
        'schema = "calib.experiment/1"',
        f"name = {shown}",
        f"title = {{ zh = {shown}, en = {shown} }}",
        f"framework = {json.dumps(source, ensure_ascii=False)}",
        'baseline = "published"',
        "seed = 1",
        "",
        "[population]",
        *([note("answers")] if "/" not in files["answers"] else []),
        f"file = {quoted['answers']}",
        "",
        "[rule_options]",
        note("missing"),
        'missing = "renormalise"',
        "",
        "[sets.published]",
        'source = "published"',
    ]
    if "weights" in files:
        lines += ["", note("weights"), "[sets.draft]", 'source = "file"',
                  f"file = {quoted['weights']}"]  # fmt: skip
    if "ballots" in files:
        lines += ["", note("ballots"), "[sets.ballots]", 'source = "ballots"',
                  f"file = {quoted['ballots']}", 'levels = ["indicator"]']  # fmt: skip
    return "\n".join(lines) + "\n"


def _shipped(framework: Framework) -> bool:
    from calib.framework import list_frameworks

    return framework.code in list_frameworks()
