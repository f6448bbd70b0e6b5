"""What results may show of themselves: everything, unless something published says less.

While a notebook is executed for publication, a :class:`Limits` is in force: results and tables
show only what it lets through, and mark what they show, so that the page takes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from calib.words import current_language, message

if TYPE_CHECKING:
    from calib.report.table import Drawing, Table

__all__ = [
    "RELEASED",
    "Limits",
    "Sentence",
    "current_limits",
    "limit_to",
    "mark",
    "release",
    "withheld",
]

RELEASED = 'data-calib="released"'
"""Stands in markup that was let through."""


class Limits(Protocol):
    """What may be shown of results."""

    @property
    def texts(self) -> bool:
        """Whether sentences may be shown: they hold counts."""

    def table(self, table: Table) -> Table | None:
        """Return what may be shown of a table, None for nothing."""

    def drawing(self, drawing: Drawing, tables: Callable[[], Any]) -> Drawing | None:
        """Return what may be shown of a figure; ``tables`` gives those of its result."""


_in_force: list[Limits] = []


def limit_to(limits: Limits | None) -> None:
    """Let results show no more than ``limits`` from here on; None lifts every limit."""
    _in_force[:] = [] if limits is None else [limits]


def current_limits() -> Limits | None:
    """Return what is in force, None where everything may be shown."""
    return _in_force[0] if _in_force else None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that stands where something is left out."""

    text: str

    def _repr_html_(self) -> str:
        from html import escape

        return mark(f'<p class="muted">{escape(self.text)}</p>')

    def __repr__(self) -> str:
        return self.text


def withheld(name: str) -> Sentence:
    """Return the sentence that a part of a result is left out."""
    return Sentence(message("report.withheld", name=name).get(current_language()))


def mark(markup: str) -> str:
    """Return an element of HTML or SVG as let through."""
    return re.sub(r"^\s*<\w+", lambda m: f"{m[0]} {RELEASED}", markup) if _in_force else markup


def release(figure: Any) -> Any:
    """Return a figure as let through."""
    figure.released = True
    return figure
