"""Excel workbooks: written in one step, and read within limits whatever is in them."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from calib.errors import InputError
from calib.files.atomic import write_bytes
from calib.files.inputs import note_input
from calib.words import message

__all__ = ["column_letters", "formula_cells", "new_workbook", "read_sheets", "sheet_names"]

MOST_UNPACKED = 1_000_000_000
"""Bytes of a workbook's parts together."""
MOST_CELLS = 20_000_000
"""Cells from A1 to the outermost ones of a sheet, filled or not."""
_ROWS, _COLUMNS = 1_048_576, 16_384
_LONGEST = 64
_ADDRESS = re.compile(rb"""\br\s{0,9}=\s{0,9}["']([A-Za-z]{0,9})(\d{1,12})["']""")
"""The attribute with which a row or a cell says where it is."""

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


def sheet_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the sheets of a workbook.

    Raises
    ------
    InputError
        When it cannot be read as an Excel workbook.
    """
    with _opened(path) as book:
        return list(book.sheet_names)


def read_sheets(
    path: str | os.PathLike[str], names: Sequence[str] | None = None
) -> dict[str, list[list[Any]]]:
    """Return the cells of sheets by rows, from A1 on.

    Parameters
    ----------
    names : the sheets; all of them if None

    Raises
    ------
    InputError
        When the file cannot be read as an Excel workbook, or is larger than calib reads: more
        than 1 GB unpacked, or a sheet whose outermost cell spans more than 20 million cells.
    """
    with _opened(path) as book:
        wanted = book.sheet_names if names is None else names
        return {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in wanted}


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a workbook with the fast reader, after a look at what it would have to hold.

    A single cell far out would make the reader ask for more memory than there is, which ends the
    process: there is no error to be caught then.
    """
    import python_calamine

    note_input(path)
    with _reading(path):
        _check_extent(path)
        with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
            yield book


@contextlib.contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever a reader of XLSX says about a corrupt file into one error."""
    try:
        yield
    except InputError:
        raise
    except Exception as exc:
        what = str(exc) or type(exc).__name__
        raise InputError(message("faults.cannot_be_read_as_an", path=path, what=what)) from exc
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # of the reader's native code
            raise
        raise InputError(message("faults.cannot_be_read_as_an_2", path=path, exc=exc)) from exc


def _check_extent(path: str | os.PathLike[str]) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = 0
        for info in archive.infolist():
            rows = columns = 0
            sheet = info.filename.lower().startswith("xl/worksheets/")
            tail = b""
            for block in _blocks(archive, info):
                unpacked += len(block)
                if unpacked > MOST_UNPACKED:
                    raise InputError(
                        message(
                            "faults.holds_more_than_bytes_unpacked",
                            path=path,
                            most_unpacked=f"{MOST_UNPACKED:,}",
                        )
                    )
                if sheet:
                    for letters, digits in _ADDRESS.findall(tail + block):
                        rows = max(rows, int(digits))
                        columns = max(columns, _position(letters))
                    tail = block[-_LONGEST:]
            if rows > _ROWS or columns > _COLUMNS:
                raise InputError(
                    message("faults.names_a_cell_that_no", path=path, filename=info.filename)
                )
            if rows * columns > MOST_CELLS:
                raise InputError(
                    message(
                        "faults.its_outermost_cells_span_rows",
                        path=path,
                        filename=info.filename,
                        rows=f"{rows:,}",
                        columns=f"{columns:,}",
                        most_cells=f"{MOST_CELLS:,}",
                    )
                )


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack a part bit by bit, whatever size it claims to have."""
    honest = copy.copy(info)
    honest.file_size = MOST_UNPACKED + 1
    honest.CRC = None  # type: ignore[assignment]  # not checked: the reader does
    with archive.open(honest) as stream:
        while block := stream.read(1 << 20):
            yield block


def _position(letters: bytes) -> int:
    """Return the column of letters, counted from 1; 1 where there are none."""
    position = 0
    for letter in letters.upper():
        position = position * 26 + letter - 64
    return max(position, 1)


def formula_cells(path: Path, sheet: str) -> frozenset[str]:
    """Return the addresses of the cells of a sheet that hold a formula."""
    with _reading(path), zipfile.ZipFile(path) as archive:
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
