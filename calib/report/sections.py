"""Sections of a page that is read: what was found in words, figures, and tables behind them.

A run's report and a published site show the same sections through this one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from calib.report.display import Names
from calib.report.html import rows_shown, table_html
from calib.report.rendering import rendered
from calib.report.table import Table
from calib.words import message

__all__ = [
    "PageFigure", "PageSection", "page_tokens", "script_hash",
    "sections_html", "sections_script", "sections_style",
]  # fmt: skip

_MOST_OPEN = 16
"""A table with more rows is folded where something else stands before it."""
_FEW = 5
"""A table of no more rows is never folded."""


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A figure: its title, its SVG, and whether it takes the whole width."""

    title: str
    svg: str
    wide: bool = True


@dataclass(frozen=True, slots=True)
class PageSection:
    """A section of a page.

    Attributes
    ----------
    id : anchor of the section
    title : its heading; none if empty
    warnings, notes : sentences above the figures
    figures : what stands before the tables
    tables : tables with the address of their file, empty where there is none
    """

    id: str
    title: str
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    figures: Sequence[PageFigure] = ()
    tables: Sequence[tuple[Table, str]] = ()


def sections_html(sections: Sequence[PageSection], lang: str, names: Names | None = None) -> str:
    """Return sections as an HTML fragment; every text in it is escaped.

    The first table of a section is open unless it is long and a figure stands before it, and so
    are tables of a few rows; the others are folded. With :func:`sections_script` a heading sorts
    its column.
    """
    from markupsafe import Markup

    shown = [
        {
            "id": s.id, "title": s.title, "warnings": s.warnings, "notes": s.notes,
            "figures": [
                # Drawn by calib itself, every text in it escaped.
                {"title": f.title, "svg": Markup(f.svg), "wide": f.wide} for f in s.figures
            ],
            "tables": [
                _table(table, href, lang, names, _is_open(table, i, bool(s.figures)))
                for i, (table, href) in enumerate((t, h) for t, h in s.tables if t.rows)
            ],
        }
        for s in sections
    ]  # fmt: skip
    return rendered("calib.report", "assets/sections.html.jinja", sections=shown)


def _is_open(table: Table, place: int, after_figure: bool) -> bool:
    rows = min(rows_shown(table), len(table.view))
    return rows <= _FEW or (place == 0 and (not after_figure or rows <= _MOST_OPEN))


def _table(
    table: Table, href: str, lang: str, names: Names | None, is_open: bool
) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "name": table.name,
        "title": table.title.get(lang),
        "html": Markup(table_html(table, lang, names, caption=False, more=False)),
        "none": "" if len(table.view) else message("report.no_rows").get(lang),
        "open": is_open,
        "size": message("report.row_count", n=len(table.view)).get(lang),
        "first": (
            message("report.first_rows", rows=table.rows).get(lang)
            if len(table.view) > table.rows
            else ""
        ),
        "href": href,
        "file": href.rsplit("/", 1)[-1],
    }


def page_tokens() -> str:
    """Return the style sheet that every page of calib begins with: colours, light and dark."""
    return _asset("tokens.css")


def script_hash(script: str) -> str:
    """Return what a content security policy names a script by, so that no other one runs."""
    import base64
    import hashlib

    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def sections_style() -> str:
    """Return the style sheet of sections; it follows the variables of the page's theme."""
    return _asset("sections.css")


def sections_script() -> str:
    """Return the script of sections: sorting by a heading, enlarging a figure, printing."""
    return _asset("sections.js")


def _asset(name: str) -> str:
    return resources.files("calib.report.assets").joinpath(name).read_text(encoding="utf-8")
