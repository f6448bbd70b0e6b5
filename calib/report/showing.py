"""What results may show of themselves: everything, unless something published says less.

While a notebook is executed for publication, a :class:`Limits` is in force: results and tables
show only what it lets through, and mark what they show, so that the page takes nothing else. A
:class:`Recorder` notes what they were computed from, so that the page can recompute them.
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
    "Recorder",
    "Sentence",
    "current_limits",
    "current_recorder",
    "limit_to",
    "mark",
    "record_with",
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


class Recorder(Protocol):
    """Notes beside what results show what it was computed from, so that a page can do it again."""

    def table(self, table: Table, shown: Table, markup: str) -> str:
        """Return the markup of a table with what it was computed from."""

    def figure(self, source: Any, drawing: Drawing | None, markup: str) -> str:
        """Return the markup of a figure of a result with what it was computed from."""

    def sentences(self, source: Any, markup: str) -> str:
        """Return the markup of a result's sentences with what they were computed from."""


_in_force: list[Limits] = []
_recording: list[Recorder] = []


def limit_to(limits: Limits | None) -> None:
    """Let results show no more than ``limits`` from here on; None lifts every limit."""
    _in_force[:] = [] if limits is None else [limits]


def current_limits() -> Limits | None:
    """Return what is in force, None where everything may be shown."""
    return _in_force[0] if _in_force else None


def record_with(recorder: Recorder | None) -> None:
    """Let results note what they were computed from, from here on; None stops that."""
    _recording[:] = [] if recorder is None else [recorder]


def current_recorder() -> Recorder | None:
    """Return who notes what results were computed from, None where nobody does."""
    return _recording[0] if _recording else None


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


def release(figure: Any, source: Any = None, drawing: Drawing | None = None) -> Any:
    """Return a figure as let through; of which result it is, is noted where that is wanted."""
    figure.released = True
    recorder = current_recorder()
    if recorder is not None and source is not None:
        figure.noted = lambda markup: recorder.figure(source, drawing, markup)
    return figure
