"""Read a panel from returned forms and tables, with everything that is wrong with them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from calib.errors import Fault, Faults, InputError, suggest
from calib.experts.form_read import read_form
from calib.experts.panel import ExpertForm, Panel, build_panel
from calib.experts.panel_csv import read_panel_csv
from calib.files.shipped import shipped_data
from calib.framework import Framework
from calib.requests import expect
from calib.words import message

__all__ = ["panel_files", "read_panel"]

Files = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def read_panel(
    files: Files | Panel,
    framework: Framework,
    *,
    rounds: Sequence[int] | None = None,
    skip_invalid: bool = False,
    synthetic: bool = False,
) -> Panel:
    """Read the forms of a panel.

    Parameters
    ----------
    files : returned XLSX forms, and tables with the columns of
        :data:`calib.experts.panel_csv.COLUMNS`: one path or several; ``*`` stands for many; or
        the name of a shipped panel, "example", which is synthetic. A panel that is read already
        is handed back
    framework : the framework that the panel is about
    rounds : rounds of the study; if None they must run from 1 without a gap
    skip_invalid : keep what is sound (a sheet with a fault loses that node only); the panel has
        the faults in ``skipped``
    synthetic : nobody gave these answers; whatever is made from them says so

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        With every fault of every file; for a pattern that matches nothing; or when nothing sound
        is left.

    Examples
    --------
    >>> panel = read_panel("forms/*.xlsx", load_framework("aii"))  # doctest: +SKIP
    """
    expect("read_panel(files, framework)", framework=(framework, Framework))
    if isinstance(files, Panel):
        return files
    shipped = _shipped(files)
    if shipped is not None:
        files, synthetic = shipped, True
    faults = Faults()
    forms: list[ExpertForm] = []
    hashes: dict[str, str] = {}
    for file in panel_files(files):
        own = Faults(file.name)
        if file.suffix.lower() in (".xlsx", ".xlsm") and _is_form(file):
            form = read_form(file, framework, own)
            forms += [form] if form is not None else []
        else:
            forms += read_panel_csv(file, framework, own)
        faults.extend(
            Fault(f.file or own.file, f.where, f.problem, f.value, f.expected) for f in own.items
        )
        if file.is_file():
            _note(hashes, file)
    panel = build_panel(framework, forms, faults, rounds=rounds)
    if len(faults) and not skip_invalid:
        faults.raise_if_any()
    if not panel.forms:
        faults.raise_if_any()
        raise InputError(message("experts.no_forms"))
    return replace(panel, synthetic=synthetic, skipped=tuple(faults.items), files=hashes)


def _shipped(files: Files) -> list[str] | None:
    """Return the files of a shipped panel that goes by its name, None for anything else."""
    if not isinstance(files, str) or Path(files).suffix or "*" in files or Path(files).exists():
        return None
    known = sorted(p for p in (shipped_data() / "panels").iterdir() if p.is_dir())
    for folder in known:
        if folder.name == files:
            return sorted(str(p) for p in folder.iterdir() if not p.name.startswith("."))
    hint = suggest(files, [p.name for p in known])
    raise InputError(
        message("experts.no_such", name=files, hint=hint, known=[p.name for p in known])
    )


def panel_files(files: Files, folder: Path | None = None) -> list[Path]:
    """Return the paths that names and patterns stand for.

    Parameters
    ----------
    folder : where relative names start; the current one if None

    Raises
    ------
    InputError
        For a pattern that matches nothing.

    Notes
    -----
    Office programs leave lock files (``~$…``) beside an open form; neither these nor hidden files
    are meant by a pattern.
    """
    given = [files] if isinstance(files, str | os.PathLike) else list(files)
    found: list[Path] = []
    for name in given:
        path = (folder or Path()) / name
        if not {"*", "?"} & set(path.name):
            found.append(path)
            continue
        hits = sorted(
            p
            for p in path.parent.glob(path.name)
            if p.is_file() and not p.name.startswith(("~$", "."))
        )
        if not hits:
            raise InputError(
                message("experts.no_match", pattern=repr(os.fspath(name)), folder=path.parent)
            )
        found += hits
    return found


def _note(hashes: dict[str, str], file: Path) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if hashes.setdefault(file.name, digest) != digest:  # another file of the same name
        hashes[f"{file.name} ({digest[:8]})"] = digest


def _is_form(file: str | os.PathLike[str]) -> bool:
    """Tell a form from a plain table in a workbook: a table has our columns in its first row."""
    from calib.experts.panel_csv import COLUMNS
    from calib.tables import read_table

    try:
        table = read_table(file)
    except InputError:
        return True  # the form reader says what is wrong
    return not set(COLUMNS) <= set(table.frame.columns)
