"""Tables in a terminal."""

from __future__ import annotations

from typing import Any

from calib.report.display import Names
from calib.report.html import blank_note, rows_shown, shown_cells, shown_headings
from calib.report.table import Table
from calib.words import message

__all__ = ["print_table", "table_text", "terminal_table"]


def terminal_table(
    table: Table, lang: str, names: Names | None = None, rows: int | None = None
) -> Any:
    """Return a table for rich to print; numbers stand on the right and are never cut."""
    from rich.markup import escape
    from rich.table import Table as Rich

    out = Rich(title=escape(table.title.get(lang)), title_justify="left")
    for head in shown_headings(table, lang, names):
        out.add_column(
            escape(head["text"]), justify="right" if head["num"] else "left", no_wrap=head["num"]
        )
    for row in shown_cells(table, lang, names, rows):
        out.add_row(*(escape(c["text"]) for c in row))
    return out


def table_text(table: Table, lang: str, names: Names | None = None, rows: int | None = None) -> str:
    """Return a table as plain text, as wide as its numbers need."""
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    print_table(table, lang, names, rows, Console(file=out, color_system=None, soft_wrap=True))
    return out.getvalue().rstrip("\n")


def print_table(
    table: Table,
    lang: str,
    names: Names | None = None,
    rows: int | None = None,
    console: Any = None,
) -> None:
    """Print a table, as wide as its numbers need; say which rows and what blanks stand for."""
    from rich.console import Console

    screen = console or Console(soft_wrap=True)
    made = terminal_table(table, lang, names, rows)
    # Numbers are of no use when cut: a narrow terminal scrolls or wraps whole lines instead.
    screen.width = 1000
    screen.width = max(screen.measure(made).maximum, 20)
    screen.print(made)
    left = len(table.view) - rows_shown(table, rows)
    if left > 0:
        screen.print(message("report.more_rows", n=left).get(lang), markup=False)
    blanks = blank_note(table, shown_cells(table, lang, names, rows), lang)
    if blanks:
        screen.print(blanks, markup=False, highlight=False)
