"""Tables, figures and notes: the parts that every result is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from calib.report.schema import Column, Role, resolve_columns
from calib.report.showing import current_limits, current_recorder, mark, withheld
from calib.words import Text, is_text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Drawing", "Note", "Table"]


_MOST = 60
"""Rows of a table in a notebook's cell."""
_NO_NUMBER = re.compile(r"(?<![\w.'\"“-])[-+]?(?:nan|inf)(?![\w'\"”-])")
"""How Python writes an undefined or infinite number among words; names in quotes are none."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that a reader should see beside the numbers; a warning stands out."""

    text: Text
    warning: bool = False

    def get(self, lang: str) -> str:
        """Return the sentence in a language; a number that is none is a dash, as in a table."""
        return _NO_NUMBER.sub("–", self.text.get(lang))


@dataclass(frozen=True, eq=False)
class Table:
    """A tidy table whose every column is declared.

    Attributes
    ----------
    name : file name without ending, letters, digits and hyphens
    frame : the tidy frame, one row an observation
    title : shown above it
    rows : how many rows a report shows; 0 keeps the table out of it. The file has all
    shown : what a report shows in place of the tidy frame, for instance a pivot of it
    declared : the columns that only this table has
    from_transitions : whether its statistics are functions of how many enterprises change from
        which star to which: they would tell small numbers of them, so they are withheld with these
    from_answers : whether its statistics are those of the answers to single items: with few
        enterprises they tell how many chose which option, so they are withheld like these counts
    blank : what a cell without a number means, said under the table where one is shown
    names : names of the codes in it, shown beside them in a notebook
    source : the result that it is of, None where it stands alone

    Raises
    ------
    SchemaError
        For a column that neither ``declared`` nor calib's own list knows.
    """

    name: str
    frame: pd.DataFrame
    title: Text
    rows: int = 30
    shown: pd.DataFrame | None = None
    declared: tuple[Column, ...] = ()
    from_transitions: bool = False
    from_answers: bool = False
    blank: Text = field(default_factory=lambda: message("report.not_available"))
    names: Mapping[str, Text] = field(default_factory=dict)
    source: Any = None

    def __post_init__(self) -> None:
        resolve_columns(self.name, self.frame.columns, self.declared)
        if self.shown is not None:
            resolve_columns(self.name, self.shown.columns, self.declared)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The column of each key, in the order of the frame."""
        return resolve_columns(self.name, self.frame.columns, self.declared)

    @cached_property
    def shown_columns(self) -> Mapping[str, Column]:
        """The column of each key of what a report shows."""
        return resolve_columns(self.name, self.view.columns, self.declared)

    @property
    def view(self) -> pd.DataFrame:
        """What a report shows: ``shown``, or the frame."""
        return self.frame if self.shown is None else self.shown

    def written(self) -> Table:
        """Return the table as files have it: beside texts in English, the same in Chinese.

        Texts that are read in both languages (:class:`~calib.words.Label`, messages in ``shown``)
        get a column of their own, ``<key>_zh``, where the two differ.
        """
        frame, added = self.frame.copy(), []
        view = self.view if len(self.view) == len(frame) else frame
        for key, column in self.columns.items():
            cells = list(view[key] if key in view else frame[key])
            texts = [
                (c.get("zh"), c.get("en"), old)
                for c, old in zip(cells, frame[key], strict=True)
                if is_text(c)
            ]
            if all(zh == en for zh, en, _ in texts) or any(en != old for _, en, old in texts):
                continue
            zh = [c.get("zh") if is_text(c) else c for c in cells]
            twin = f"{key}_zh"
            label = message("report.in_chinese", heading=column.heading)
            added.append(Column(twin, column.role, label=label, several=column.several))
            frame.insert(int(frame.columns.get_loc(key)) + 1, twin, zh)
        return replace(self, frame=frame, shown=None, declared=(*self.declared, *added))

    def has(self, *roles: Role) -> bool:
        """Whether a column of the table has one of the roles."""
        return any(c.role in roles for c in self.columns.values())

    def __repr__(self) -> str:
        return f"<Table {self.name}: {len(self.frame)} rows × {len(self.frame.columns)} columns>"

    def _repr_html_(self) -> str:
        from calib.report.html import table_html
        from calib.words import current_language

        limits = current_limits()
        shown = self if limits is None else limits.table(self)
        if shown is None:
            return withheld(self.name)._repr_html_()
        rows = min(self.rows or _MOST, _MOST)
        markup = mark(table_html(shown, current_language(), self.names, rows))
        recorder = current_recorder()
        return markup if recorder is None else recorder.table(self, shown, markup)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure.

    Attributes
    ----------
    name : file name without ending
    title : shown above it
    draw : takes the language and returns a figure of :mod:`calib.figures`
    roles : what is drawn; where privacy holds back one of them, or nothing is said, so is it
    table : name of the table that holds all that is drawn, where ``redraw`` can draw it from there
    redraw : takes that table's frame, as it may be shown, and the language
    """

    name: str
    title: Text
    draw: Callable[[str], Any]
    roles: tuple[Role, ...] | None = None
    table: str = ""
    redraw: Callable[[pd.DataFrame, str], Any] | None = None

    def __repr__(self) -> str:
        return f"<Drawing {self.name}>"
