"""The data dictionary of tables: what every column means, for programs that read the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calib.report.display import Names, heading
from calib.report.schema import Column, Role
from calib.report.table import Table
from calib.words import Name, languages

__all__ = ["Declared", "data_dictionary", "read_dictionary", "read_names"]


def data_dictionary(tables: Iterable[Table], names: Names | None = None) -> dict[str, Any]:
    """Return, by table, its title and the declaration of each column, as plain values.

    Parameters
    ----------
    names : names of nodes, tracks, levels and stars by code
    """
    return {
        "schema": "calib.columns/1",
        "names": {
            code: {lang: name.get(lang) for lang in languages()}
            for code, name in (names or {}).items()
        },
        "tables": {
            t.name: {
                "title": {lang: t.title.get(lang) for lang in languages()},
                "blank": {lang: t.blank.get(lang) for lang in languages()},
                "columns": {key: _plain(column, names) for key, column in t.columns.items()},
            }
            for t in tables
        },
    }


def _plain(column: Column, names: Names | None) -> dict[str, Any]:
    return {
        "role": str(column.role),
        "unit": column.unit,
        "coded": column.coded,
        "several": column.several,
        "words": {
            value: {lang: text.get(lang) for lang in languages()}
            for value, text in column.words.items()
        },
        "single": column.single,
        "heading": {lang: heading(column, lang, names) for lang in languages()},
    }


@dataclass(frozen=True)
class Declared:
    """What a data dictionary says of a table."""

    title: Name
    blank: Name
    columns: tuple[Column, ...]


def read_dictionary(document: Mapping[str, Any]) -> dict[str, Declared]:
    """Return title and columns of each table from a data dictionary.

    Raises
    ------
    KeyError, TypeError, ValueError
        When it is none.
    """
    return {
        name: Declared(
            _name(entry["title"]),
            _name(entry["blank"]),
            tuple(_column(key, c) for key, c in entry["columns"].items()),
        )
        for name, entry in document["tables"].items()
    }


def read_names(document: Mapping[str, Any]) -> dict[str, Name]:
    """Return the names of nodes, tracks, levels and stars by code from a data dictionary."""
    return {code: _name(name) for code, name in document["names"].items()}


def _name(said: Mapping[str, Any]) -> Name:
    if not all(isinstance(text, str) for text in said.values()):
        raise TypeError("a name that is no text")
    return Name(**said)


def _column(key: str, said: Mapping[str, Any]) -> Column:
    if not isinstance(said["unit"], str) or not isinstance(said["coded"], str):
        raise TypeError("a unit or code that is no text")
    return Column(
        key, Role(said["role"]), said["unit"], _name(said["heading"]), said["coded"],
        words={value: _name(name) for value, name in said.get("words", {}).items()},
        several=bool(said["several"]),
        # Runs of before said nothing of values of one enterprise.
        single=bool(said.get("single", False)),
    )  # fmt: skip
