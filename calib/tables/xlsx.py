"""Excel workbooks: writing them in one step, and which cells of one hold formulas."""

from __future__ import annotations

import contextlib
import io
import os
import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from calib._atomic import write_bytes

__all__ = ["column_letters", "formula_cells", "new_workbook"]

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@contextlib.contextmanager
def new_workbook(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Give an empty xlsxwriter workbook; it is written to ``path`` in one step at the end.

    Text stays text, whatever it starts with. The book is made in memory: nothing is left in a
    temporary folder, and its size is known before it is written.
    """
    import xlsxwriter

    stream = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False, "nan_inf_to_errors": False,
    }  # fmt: skip
    book = xlsxwriter.Workbook(stream, options)
    yield book
    book.close()
    write_bytes(path, stream.getvalue())


def column_letters(position: int) -> str:
    """Return the Excel letters of a column counted from 0.

    Examples
    --------
    >>> column_letters(0), column_letters(25), column_letters(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def formula_cells(path: Path, sheet: str) -> frozenset[str]:
    """Return the addresses of the cells of a sheet that hold a formula."""
    with zipfile.ZipFile(path) as archive:
        part = _sheet_part(archive, sheet)
        if part is None or part not in archive.namelist():
            return frozenset()
        found: set[str] = set()
        with archive.open(part) as stream:
            for _, element in ElementTree.iterparse(stream):
                if element.tag == f"{_MAIN}c":
                    if element.find(f"{_MAIN}f") is not None:
                        found.add(element.get("r", ""))
                    element.clear()
        return frozenset(found)


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    identifier = next(
        (s.get(_REL) for s in workbook.iter(f"{_MAIN}sheet") if s.get("name") == sheet), None
    )
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    for relation in relations:
        if relation.get("Id") == identifier:
            target = relation.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
    return None
