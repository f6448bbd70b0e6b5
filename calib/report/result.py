"""What every verb gives back: numbers as frames, figures, notes, a summary, and a short face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from calib.errors import InputError, unknown
from calib.report.live import Live
from calib.report.showing import current_limits, current_recorder, mark, release, withheld
from calib.report.table import Drawing, Note, Table
from calib.words import Text, message, resolve_language

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report", "Result"]


class Result:
    """Base of all results.

    A subclass has ``tables``, ``drawings`` and ``notes`` (fields or cached properties; the first
    table and the first figure are the main ones) and :meth:`headline`. A dataclass among them is
    declared with ``repr=False``.

    Attributes
    ----------
    tables : tidy tables with declared columns, the main one first
    drawings : figures, the main one first
    notes : what to know when reading the numbers, warnings among them
    """

    tables: Sequence[Table]
    drawings: Sequence[Drawing] = ()
    notes: Sequence[Note] = ()

    def headline(self) -> Text:
        """Return what the result says in one line."""
        raise NotImplementedError

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of the codes that stand in the tables: those of the result's framework, if any."""
        framework: Any = getattr(self, "framework", None)
        names: Mapping[str, Text] = {} if framework is None else framework.names
        return names

    @property
    def live(self) -> Live | None:
        """How a published page computes the result again, None where it cannot."""
        return None

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table as a tidy DataFrame, by name."""
        return {t.name: t.frame for t in self.tables}

    def table(self, name: str | None = None) -> Table:
        """Return a table by its name, or the main one; a notebook shows it, names beside codes.

        Raises
        ------
        InputError
            For a name that is no table's; the message lists them.
        """
        found: Table = _pick(self.tables, name, "table")
        return replace(found, names=self.names, source=self)

    def frame(self, name: str | None = None) -> pd.DataFrame:
        """Return a table as a tidy DataFrame, by its name, or the main one.

        Raises
        ------
        InputError
            For a name that is no table's; the message lists them.
        """
        return self.table(name).frame

    def plot(self, name: str | None = None, *, lang: str | None = None) -> Any:
        """Return a figure by its name, or the main one; a notebook shows it.

        Raises
        ------
        InputError
            For a name that is no figure's; the message lists them.
        """
        drawing: Drawing = _pick(self.drawings, name, "figure")
        shown = self._drawable(drawing)
        if shown is None:
            return withheld(drawing.name)
        return release(shown.draw(resolve_language(lang)), self, shown)

    def _drawable(self, drawing: Drawing) -> Drawing | None:
        limits = current_limits()
        return drawing if limits is None else limits.drawing(drawing, lambda: self.tables)

    def summary(self, lang: str | None = None) -> str:
        """Return the headline, the warnings and the notes as text."""
        language = resolve_language(lang)
        if not _may_speak():
            return repr(withheld("summary"))
        head = self.headline().get(language)
        notes = _beside(head, self.notes, language)
        marked = [f"{'!' if n.warning else '·'} {n.get(language)}" for n in notes]
        return "\n".join([head, *marked])

    def report(self, *, rows: int = 12) -> Report:
        """Return everything there is: headline, notes, figures and tables; a notebook shows it.

        Parameters
        ----------
        rows : at most so many of each table
        """
        return Report(self, rows)

    def __repr__(self) -> str:
        if not _may_speak():
            return f"<{type(self).__name__}>"
        text = f"<{type(self).__name__}: {self.headline().get(resolve_language(None))}>"
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…>"

    def _repr_html_(self) -> str:
        tables = [self.table(t.name) for t in self.tables[:1]]
        warnings = [n for n in self.notes if n.warning]
        return _sentences(self, warnings) + "".join(_table_html(t, _FEW) for t in tables)


@dataclass(frozen=True)
class Report:
    """Everything that a result has to say, as a notebook shows it."""

    result: Result
    rows: int = 12

    def _repr_html_(self) -> str:
        from html import escape

        lang = resolve_language(None)
        parts = [_sentences(self.result, self.result.notes)]
        for drawing in self.result.drawings:
            figure = self.result.plot(drawing.name)
            if hasattr(figure, "_repr_svg_"):
                svg, title = figure._repr_svg_(), escape(drawing.title.get(lang))
                # Most figures are drawn with their title.
                caption = "" if title in svg else f"<figcaption>{title}</figcaption>"
                parts.append(mark(f"<figure>{svg}{caption}</figure>"))
            else:
                parts.append(figure._repr_html_())
        parts += [_table_html(self.result.table(t.name), self.rows) for t in self.result.tables]
        return "\n".join(parts)

    def __repr__(self) -> str:
        return self.result.summary()


def _may_speak() -> bool:
    limits = current_limits()
    return limits is None or limits.texts


def _beside(head: str, notes: Sequence[Note], lang: str) -> list[Note]:
    """Return notes, warnings first, without the one that the headline says already."""
    return sorted((n for n in notes if n.get(lang) != head), key=lambda n: not n.warning)


def _sentences(result: Result, notes: Sequence[Note]) -> str:
    from html import escape

    if not _may_speak():
        return ""
    lang = resolve_language(None)
    head = result.headline().get(lang)
    said = [f"<p><b>{escape(head)}</b></p>"]
    said += [f"<p>{'⚠ ' if n.warning else ''}{escape(n.get(lang))}</p>"
             for n in _beside(head, notes, lang)]  # fmt: skip
    markup = mark(f"<div>{''.join(said)}</div>")
    recorder = current_recorder()
    return markup if recorder is None else recorder.sentences(result, markup)


def _table_html(table: Table, rows: int) -> str:
    return replace(table, rows=min(table.rows or rows, rows))._repr_html_()


_LONGEST = 180
"""Characters of a result's one line."""
_FEW = 8
"""Rows of the main table in a notebook's cell."""


def _pick(things: Sequence[Any], name: str | None, kind: str) -> Any:
    if not things:
        raise InputError(message(f"report.none.{kind}"))
    if name is None:
        return things[0]
    for thing in things:
        if thing.name == name:
            return thing
    known = [t.name for t in things]
    raise InputError(unknown(f"report.unknown.{kind}", name, known))
