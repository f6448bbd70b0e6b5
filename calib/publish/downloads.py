"""The files that a site offers: a workbook of all results, every weight set, every table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calib.experiment.marks import mark_synthetic
from calib.files.atomic import write_text
from calib.files.names import names_apart
from calib.publish.view import View, file_name
from calib.publish.workbook import Sheet, set_sheet_name, write_workbook
from calib.report import WITHHELD, Table
from calib.tables import write_csv
from calib.weights import to_toml
from calib.words import message, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DownloadNames", "download_names", "write_downloads"]


@dataclass(frozen=True, slots=True)
class DownloadNames:
    """Names of the downloads: of each table and each weight set."""

    tables: dict[str, str]
    sets: dict[str, str]


def download_names(view: View) -> DownloadNames:
    """Return names of files that stay apart, as those of ``s/2018`` and ``s-2018``."""
    tables, sets = [t.name for t in view.tables()], list(view.run.sets)
    plain = [file_name(n) for n in tables] + [f"weights-{file_name(n)}" for n in sets]
    apart = names_apart(plain, taken=("book",))
    return DownloadNames(
        {n: f"{own}.csv" for n, own in zip(tables, apart, strict=False)},
        {n: f"{own}.toml" for n, own in zip(sets, apart[len(tables) :], strict=True)},
    )


def write_downloads(view: View, folder: Path, names: DownloadNames) -> list[dict[str, str]]:
    """Write the downloads into a site's folder; return address, name, title and size of each."""
    place = folder / "downloads"
    place.mkdir()
    tables = [mark_synthetic(t, view.run) for t in view.tables()]
    files: list[tuple[Path, str]] = []
    names_of = view.run.names
    sheets = [Sheet(t.name, t, names_of) for t in tables]
    for name, weights in view.run.sets.items():
        title = message("publish.set_sheet", name=name)
        frame = weights.frame()
        frame = frame.assign(synthetic="yes") if weights.provenance.synthetic else frame
        table = Table("weights", frame, title)
        sheets.append(Sheet(set_sheet_name(name), table, raw=True))
    book = write_workbook(sheets, place / "book.xlsx", lang=view.language)
    files.append((book, view.say("publish.all_results")))
    for name, weights in view.run.sets.items():
        path = place / names.sets[name]
        write_text(path, to_toml(weights))
        files.append((path, view.say("publish.set_file", label=weights.label)))
    for table in tables:
        path = place / names.tables[table.name]
        write_csv(_worded(table.frame, view.language), path)
        files.append((path, table.title.get(view.language)))
    return [
        {"href": f"downloads/{p.name}", "name": p.name, "title": title, "size": _size(p)}
        for p, title in files
    ]


def _worded(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """Return a frame in which what is not published says so in a language."""
    word = say("report.cell_withheld", language)
    texts = [k for k in frame.columns if frame[k].dtype == object]
    out = frame.copy()
    out[texts] = out[texts].map(lambda v: word if isinstance(v, str) and v == WITHHELD else v)
    return out


def _size(path: Path) -> str:
    return f"{max(1, round(path.stat().st_size / 1000))} kB"
