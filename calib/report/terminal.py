"""Tables in a terminal."""

from __future__ import annotations

from typing import Any

from calib.report.display import Names
from calib.report.html import shown_cells, shown_headings
from calib.report.table import Table
from calib.words import message

__all__ = ["print_table", "terminal_table"]


def terminal_table(
    table: Table, lang: str, names: Names | None = None, rows: int | None = None
) -> Any:
    """Return a table for rich to print; numbers stand on the right and are never cut."""
    from rich.markup import escape
    from rich.table import Table as Rich

    out = Rich(title=escape(table.title.get(lang)), title_justify="left")
    for head in shown_headings(table, lang):
        out.add_column(
            escape(head["text"]), justify="right" if head["num"] else "left", no_wrap=head["num"]
        )
    for row in shown_cells(table, lang, names, rows):
        out.add_row(*(escape(c["text"]) for c in row))
    return out


def print_table(
    table: Table,
    lang: str,
    names: Names | None = None,
    rows: int | None = None,
    console: Any = None,
) -> None:
    """Print a table, as wide as its numbers need, and say how many rows are left out."""
    from rich.console import Console

    screen = console or Console(soft_wrap=True)
    made = terminal_table(table, lang, names, rows)
    # Numbers are of no use when cut: a narrow terminal scrolls or wraps whole lines instead.
    screen.width = 1000
    screen.width = max(screen.measure(made).maximum, 20)
    screen.print(made)
    left = len(table.view) - (table.rows if rows is None else rows)
    if left > 0:
        screen.print(message("report.more_rows", n=left).get(lang))
