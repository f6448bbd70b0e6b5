"""Tables as HTML, for pages and for a notebook's cells."""

from __future__ import annotations

from typing import Any

from calib.report.display import NOTHING, Names, display, heading
from calib.report.table import Table
from calib.words import message

__all__ = ["blank_note", "rows_shown", "shown_cells", "shown_headings", "table_html"]


def shown_headings(table: Table, lang: str, names: Names | None = None) -> list[dict[str, Any]]:
    """Return the headings that a reader of a language sees, with their alignment."""
    return [
        {"key": key, "text": heading(column, lang, names), "num": column.numeric}
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
    frame = table.view[[key for key, _ in visible]].head(rows_shown(table, rows))
    return [
        [
            {"text": display(value, column, lang, names), "num": column.numeric}
            for value, (_, column) in zip(row, visible, strict=True)
        ]
        for row in frame.itertuples(index=False)
    ]


def rows_shown(table: Table, rows: int | None = None) -> int:
    """Return how many rows are shown: ``rows``, or as many as the table shows in a report."""
    return table.rows if rows is None else rows


def blank_note(table: Table, cells: list[list[dict[str, Any]]], lang: str) -> str:
    """Return what a blank means in this table, nothing where none is shown."""
    if not any(cell["text"] == NOTHING for row in cells for cell in row):
        return ""
    return message("report.blank_means", blank=NOTHING, meaning=table.blank).get(lang)


def _visible(table: Table, lang: str) -> list[tuple[str, Any]]:
    """Return the columns to show; of a text that stands in two languages, that of the reader."""
    columns = table.shown_columns

    def other(key: str) -> bool:
        stem, _, ending = key.rpartition("_")
        if lang == "zh":
            return (ending == "en" and f"{stem}_zh" in columns) or (
                f"{key}_zh" in columns and f"{key}_en" not in columns
            )
        return ending == "zh" and (stem in columns or f"{stem}_en" in columns)

    return [(k, c) for k, c in columns.items() if not other(k)]


def table_html(
    table: Table,
    lang: str,
    names: Names | None = None,
    rows: int | None = None,
    *,
    caption: bool = True,
    more: bool = True,
) -> str:
    """Return a table as an HTML fragment; every text in it is escaped.

    A wide one scrolls by itself, and what a blank means is said under it.

    Parameters
    ----------
    caption : whether its title stands above it; not where a heading says it already
    more : whether it is said under it how many rows are left out
    """
    from html import escape

    def row(tag: str, cells: list[dict[str, Any]]) -> str:
        made = []
        for cell in cells:
            side = "right" if cell["num"] else "left"
            kind = "" if cell["num"] else ' class="text"'
            scope = ' scope="col"' if tag == "th" else ""
            made.append(
                f'<{tag}{scope}{kind} style="text-align:{side}">{escape(cell["text"])}</{tag}>'
            )
        return f"<tr>{''.join(made)}</tr>"

    head = f"<caption>{escape(table.title.get(lang))}</caption>" if caption else ""
    shown = shown_cells(table, lang, names, rows)
    left = len(table.view) - len(shown)
    under = [message("report.more_rows", n=left).get(lang)] if more and left > 0 else []
    under += [text] if (text := blank_note(table, shown, lang)) else []
    semicolon = message("words.semicolon").get(lang)
    after = f'<p class="muted">{escape(semicolon.join(under))}</p>' if under else ""
    return (
        '<div class="scroll" style="overflow-x:auto" tabindex="0"><table class="calib">'
        f"{head}"
        f"<thead>{row('th', shown_headings(table, lang, names))}</thead>"
        f"<tbody>{''.join(row('td', cells) for cells in shown)}</tbody></table></div>{after}"
    )
