"""Panels read from returned forms and tables, with all that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from calib.errors import Faults, InputError
from calib.experts.form_layout import STAMP_SHEET
from calib.experts.form_read import read_form
from calib.experts.panel import ExpertForm, Panel, build_panel
from calib.experts.panel_csv import COLUMNS, read_panel_csv
from calib.files.inputs import note_digest
from calib.files.shipped import shipped_data, shipped_file
from calib.framework import Framework
from calib.requests import expect
from calib.words import message

__all__ = ["Files", "panel_files", "panel_of", "read_panel"]

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

    def read(file: Path, faults: Faults) -> Sequence[ExpertForm]:
        if file.suffix.lower() in (".xlsx", ".xlsm") and _is_form(file):
            form = read_form(file, framework, faults)
            return [] if form is None else [form]
        return read_panel_csv(file, framework, faults)

    panel = panel_of(files, framework, read, rounds=rounds, skip_invalid=skip_invalid)
    return replace(panel, synthetic=synthetic)


def panel_of(
    files: Files,
    framework: Framework,
    read: Callable[[Path, Faults], Sequence[ExpertForm]],
    *,
    rounds: Sequence[int] | None = None,
    skip_invalid: bool = False,
) -> Panel:
    """Return what files hold as a panel, with the faults of all of them; see :func:`read_panel`.

    Parameters
    ----------
    read : gives the forms of a file, and adds its faults
    """
    faults = Faults()
    forms: list[ExpertForm] = []
    hashes: dict[str, str] = {}
    for file in panel_files(files):
        own = Faults(file.name)
        forms += read(file, own)
        faults.extend([replace(f, file=f.file or own.file) for f in own.items])
        if file.is_file():
            note_digest(hashes, file.name, file)
    panel = build_panel(framework, forms, faults, rounds=rounds)
    if len(faults) and not skip_invalid:
        faults.raise_if_any()
    if not panel.forms:
        faults.raise_if_any()
        raise InputError(message("experts.no_forms"))
    return replace(panel, skipped=tuple(faults.items), files=hashes)


def _shipped(files: Files) -> list[str] | None:
    """Return the files of a shipped panel that goes by its name, None for anything else."""
    if not isinstance(files, str) or "*" in files:
        return None
    known = {p.name: p for p in sorted((shipped_data() / "panels").iterdir()) if p.is_dir()}
    folder = shipped_file(files, known, "experts.no_such")
    if folder is None:
        return None
    return sorted(str(p) for p in folder.iterdir() if not p.name.startswith("."))


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


def _is_form(file: str | os.PathLike[str]) -> bool:
    """Tell a form from a plain table in a workbook, whose first row holds the columns."""
    from calib.tables import read_table, sheet_names

    try:
        if STAMP_SHEET in sheet_names(file):
            return True
        table = read_table(file)
    except InputError:
        return True  # the form reader says what is wrong
    return not set(COLUMNS) <= set(table.frame.columns)
