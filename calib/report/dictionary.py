"""The data dictionary of tables: what every column means, for programs that read the files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calib.report.schema import Column, Role
from calib.report.table import Table
from calib.words import Name, languages

__all__ = ["data_dictionary", "read_dictionary"]


def data_dictionary(tables: Iterable[Table]) -> dict[str, Any]:
    """Return, by table, its title and the declaration of each column, as plain values."""
    return {
        "schema": "calib.columns/1",
        "tables": {
            t.name: {
                "title": {lang: t.title.get(lang) for lang in languages()},
                "columns": {key: _plain(column) for key, column in t.columns.items()},
            }
            for t in tables
        },
    }


def _plain(column: Column) -> dict[str, Any]:
    return {
        "role": str(column.role),
        "unit": column.unit,
        "coded": column.coded,
        "heading": {lang: column.heading.get(lang) for lang in languages()},
    }


def read_dictionary(document: dict[str, Any]) -> dict[str, tuple[Name, tuple[Column, ...]]]:
    """Return title and columns of each table from a data dictionary.

    Raises
    ------
    KeyError, ValueError
        When it is none.
    """
    return {
        name: (
            Name(**entry["title"]),
            tuple(
                Column(key, Role(c["role"]), c["unit"], Name(**c["heading"]), c["coded"])
                for key, c in entry["columns"].items()
            ),
        )
        for name, entry in document["tables"].items()
    }
