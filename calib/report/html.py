"""Tables as HTML, for pages and for a notebook's cells."""

from __future__ import annotations

from typing import Any

from calib.report.display import Names, display, heading
from calib.report.table import Table
from calib.words import message

__all__ = ["shown_cells", "shown_headings", "table_html"]

_OTHER_NAME = {"zh": "name_en", "en": "name_zh"}


def shown_headings(table: Table, lang: str) -> list[dict[str, Any]]:
    """Return the headings that a reader of a language sees, with their alignment."""
    return [
        {"key": key, "text": heading(column, lang), "num": column.numeric}
        for key, column in _visible(table, lang)
    ]


def shown_cells(
    table: Table, lang: str, names: Names | None = None, rows: int | None = None
) -> list[list[dict[str, Any]]]:
    """Return the cells that a reader of a language sees, row by row.

    Parameters
    ----------
    rows : at most so many; those that the table shows in a report by default
    """
    visible = _visible(table, lang)
    frame = table.view[[key for key, _ in visible]].head(table.rows if rows is None else rows)
    return [
        [
            {"text": display(value, column, lang, names), "num": column.numeric}
            for value, (_, column) in zip(row, visible, strict=True)
        ]
        for row in frame.itertuples(index=False)
    ]


def _visible(table: Table, lang: str) -> list[tuple[str, Any]]:
    hidden = _OTHER_NAME.get(lang)
    return [(k, c) for k, c in table.shown_columns.items() if k != hidden]


def table_html(table: Table, lang: str, names: Names | None = None, rows: int | None = None) -> str:
    """Return a table as an HTML fragment; every text in it is escaped."""
    from html import escape

    def row(tag: str, cells: list[dict[str, Any]]) -> str:
        made = []
        for cell in cells:
            side = "right" if cell["num"] else "left"
            made.append(f'<{tag} style="text-align:{side}">{escape(cell["text"])}</{tag}>')
        return f"<tr>{''.join(made)}</tr>"

    shown = shown_cells(table, lang, names, rows)
    left = len(table.view) - len(shown)
    more = f"<p>{escape(message('report.more_rows', n=left).get(lang))}</p>" if left > 0 else ""
    return (
        f"<table><caption>{escape(table.title.get(lang))}</caption>"
        f"<thead>{row('th', shown_headings(table, lang))}</thead>"
        f"<tbody>{''.join(row('td', cells) for cells in shown)}</tbody></table>{more}"
    )
