"""What every verb gives back: numbers as frames, figures, notes, a summary, and a short face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from calib.errors import InputError, suggest
from calib.report.table import Drawing, Note, Table
from calib.words import Text, resolve_language

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Result"]


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
    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table as a tidy DataFrame, by name."""
        return {t.name: t.frame for t in self.tables}

    def table(self, name: str | None = None) -> Table:
        """Return a table by its name, or the main one."""
        found: Table = _pick(self.tables, name, "table")
        return found

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
        return _pick(self.drawings, name, "figure").draw(resolve_language(lang))

    def summary(self, lang: str | None = None) -> str:
        """Return the headline, the warnings and the notes as text."""
        language = resolve_language(lang)
        lines = [self.headline().get(language)]
        ordered = sorted(self.notes, key=lambda n: not n.warning)
        lines += [f"{'!' if n.warning else '·'} {n.get(language)}" for n in ordered]
        return "\n".join(lines)

    def __repr__(self) -> str:
        text = f"<{type(self).__name__}: {self.headline().get(resolve_language(None))}>"
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…>"

    def _repr_html_(self) -> str:
        from html import escape

        from calib.report.html import table_html

        lang = resolve_language(None)
        parts = [f"<p><b>{escape(self.headline().get(lang))}</b></p>"]
        parts += [f"<p>⚠ {escape(n.get(lang))}</p>" for n in self.notes if n.warning]
        if self.tables:
            parts.append(table_html(self.tables[0], lang, self.names, rows=_FEW))
        return "".join(parts)


_LONGEST = 180
"""Characters of a result's one line."""
_FEW = 8
"""Rows of the main table in a notebook's cell."""


def _pick(things: Sequence[Any], name: str | None, kind: str) -> Any:
    if not things:
        raise InputError(f"this result has no {kind}")
    if name is None:
        return things[0]
    for thing in things:
        if thing.name == name:
            return thing
    known = [t.name for t in things]
    raise InputError(f"no {kind} {name!r} {suggest(name, known)}".rstrip()
                     + f"; there are {', '.join(known)}")  # fmt: skip
