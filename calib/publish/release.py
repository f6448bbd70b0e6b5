"""Which tables of a run may be published, and which of their columns: decided by role.

What is not known to be safe is withheld: a table about single enterprises or persons, a statistic
from which small counts follow, a text that holds the id of an enterprise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from calib.population import Population
from calib.publish.cells import Cells
from calib.publish.privacy import Privacy
from calib.publish.protection import Protection, protect
from calib.publish.suppression import Suppressed, suppress
from calib.report import Drawing, Role, Table

__all__ = ["Baseline", "Loss", "Release", "mentions", "name_pattern", "normal"]

_WORDED = (Role.TEXT, Role.GROUP, Role.FLAG)
"""Roles whose values are words, among which an id may stand."""
_NUMBERS = frozenset(Role) - {Role.ENTERPRISE, Role.PERSON, Role.STAR, *_WORDED}
"""Roles whose values say something about the row; a table that has lost them says nothing."""


_DRAWN = frozenset({
    Role.GROUP, Role.WEIGHT, Role.NUMBER, Role.PROBABILITY, Role.BOUND, Role.P_VALUE,
})  # fmt: skip
"""Roles that figures may show whatever the counts are."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What privacy keeps back of a table or figure, and why.

    Attributes
    ----------
    name : of the table or figure
    columns : columns that are left out; none where all of it is, or only cells are hidden
    cells, of : hidden counts, and how many there are
    why : ``"person"``, ``"enterprise"``, ``"moves"``, ``"answers"``, ``"named"``, ``"counts"``,
        ``"single"``, ``"cells"`` or ``"figure"``: keys under ``publish.why`` in the catalogue
    """

    name: str
    columns: tuple[str, ...]
    cells: int
    of: int
    why: str

    @property
    def whole(self) -> bool:
        """Whether nothing is left of it."""
        return not self.columns and not self.of


@dataclass(frozen=True)
class Release:
    """What may be shown of tables and figures under a privacy.

    Attributes
    ----------
    privacy : the wishes of who publishes
    ids : matches what names an enterprise, None where there is none
    protection : which counts of the publication are hidden; None shows no count where small ones
        must not be shown
    people : matches what names a person, as files of forms do; None where there is none
    """

    privacy: Privacy
    ids: re.Pattern[str] | None = None
    protection: Protection | None = None
    people: re.Pattern[str] | None = None

    @property
    def texts(self) -> bool:
        """Whether sentences may be shown: they count."""
        return self.privacy.rows_allowed

    def table(self, table: Table) -> Table | None:
        """Return the table as it may be shown, None where it may not be shown at all."""
        return self.judge(table)[0]

    def judge(self, table: Table) -> tuple[Table | None, tuple[Loss, ...]]:
        """Return the table as it may be shown, and what is lost of it, with the reasons."""
        if self.privacy.key is not None:
            if table.has(Role.PERSON):
                return None, (Loss(table.name, (), 0, 0, "person"),)
            table, lost = self._without(table, self.people)
        else:
            lost = ()
        if self.privacy.rows_allowed:
            return table, lost
        why = self._whole(table)
        if why:
            return None, (*lost, Loss(table.name, (), 0, 0, why))
        kept = [k for k, c in table.columns.items() if c.role != Role.ENTERPRISE]
        listed = tuple(k for k in table.columns if k not in kept)
        if listed:
            lost = (*lost, Loss(table.name, listed, 0, 0, "enterprise"))
        plain = replace(table, frame=table.frame[kept], shown=None)
        if any(plain.columns[k].role == Role.GROUP for k in self._telling(plain, self.ids)):
            return None, (*lost, Loss(table.name, (), 0, 0, "named"))
        plain, named = self._without(plain, self.ids)
        return self._counted(plain, (*lost, *named))

    def drawing(self, drawing: Drawing, tables: Callable[[], Sequence[Table]]) -> Drawing | None:
        """Return the figure as it may be shown, None where it may not.

        Parameters
        ----------
        tables : gives the tables of the figure's result, as they are
        """
        roles = drawing.roles
        if self.privacy.key is not None and Role.PERSON in (roles or ()):
            return None
        if self.privacy.rows_allowed or (roles is not None and set(roles) <= _DRAWN):
            return drawing
        redraw = drawing.redraw
        if redraw is None:
            return None
        shown = [self.table(t) for t in tables() if t.name == drawing.table]
        table = shown[0] if shown else None
        if table is None or "count" not in table.frame:
            return None
        return replace(drawing, draw=lambda lang: redraw(table.frame, lang))

    def _whole(self, table: Table) -> str:
        """Return why nothing of a table may be shown, "" where something may."""
        if table.from_transitions:
            return "moves"
        if table.from_answers:
            return "answers"
        return "enterprise" if self._about_one(table) else ""

    def _without(
        self, table: Table, pattern: re.Pattern[str] | None
    ) -> tuple[Table, tuple[Loss, ...]]:
        """Leave out the columns of words in which a name stands."""
        telling = self._telling(table, pattern)
        if not telling:
            return table, ()
        kept = [k for k in table.columns if k not in telling]
        left = replace(table, frame=table.frame[kept], shown=None)
        return left, (Loss(table.name, telling, 0, 0, "named"),)

    def _telling(self, table: Table, pattern: re.Pattern[str] | None) -> tuple[str, ...]:
        if pattern is None:
            return ()
        worded = [k for k, c in table.columns.items() if c.role in _WORDED]
        return tuple(
            k for k in worded
            if any(pattern.search(normal(str(v))) for v in table.frame[k].unique())
        )  # fmt: skip

    def _counted(
        self, table: Table, lost: tuple[Loss, ...]
    ) -> tuple[Table | None, tuple[Loss, ...]]:
        found = self._suppressed(table)
        gone = [k for k in map(str, table.frame.columns) if k not in found.frame.columns]
        single = tuple(k for k in gone if table.columns[k].single)
        columns = tuple(k for k in gone if k not in single)
        before = {k for k, c in table.columns.items() if c.role in _NUMBERS}
        if before and not before & set(found.frame.columns):
            return None, (*lost, Loss(table.name, (), 0, 0, "counts"))
        if single:
            lost = (*lost, Loss(table.name, single, 0, 0, "single"))
        if columns:
            lost = (*lost, Loss(table.name, columns, 0, 0, "counts"))
        if found.hidden:
            lost = (*lost, Loss(table.name, (), found.hidden, found.of, "cells"))
        return replace(table, frame=found.frame, shown=None), lost

    def _suppressed(self, table: Table) -> Suppressed:
        protection = self.protection or protect(Cells(), self.privacy.min_count)
        return suppress(table.frame, table.columns, protection, of=self._set_of(table))

    def _set_of(self, table: Table) -> str:
        """Return the weight set that a table without a column of sets is about, "" if unknown."""
        return ""

    def _about_one(self, table: Table) -> bool:
        """Whether a row is about one enterprise; a list of several leaves only its column out."""
        return any(c.role == Role.ENTERPRISE and not c.several for c in table.columns.values())


def mentions(population: Population) -> re.Pattern[str] | None:
    """Return a pattern that finds the ids and names of the enterprises of a population in texts.

    An id must stand alone: D1 is not found in MD12 nor in IC.D1. Single characters are left out:
    as digits they stand everywhere.
    """
    words = {str(w).strip() for s in population.samples.values() for w in (*s.ids, *s.names)}
    return _alternatives(w for w in words if len(w) > 1)


def normal(text: str) -> str:
    """Return a text as it is compared: full width as half, any case, blanks as one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def name_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds words in texts that are :func:`normal`."""
    return _alternatives(w for w in words if len(w) > 1)


def _alternatives(words: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted({normal(w) for w in words}, key=lambda w: (-len(w), w))
    if not longest_first:
        return None
    either = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![a-z0-9._-])(?:{either})(?![a-z0-9_-]|\.\w)")


@dataclass(frozen=True)
class Baseline(Release):
    """What a notebook may show beside the run's own pages.

    It hides of the baseline's stars what the run's pages hide. Of other sets it counts no
    enterprises: the notebook may have made them with other options than the run.

    Attributes
    ----------
    rated : tables of the rating under the baseline
    """

    rated: tuple[Table, ...] = ()

    def table(self, table: Table) -> Table | None:
        """Return the table as it may be shown, None where it may not be shown at all."""
        shown = super().table(table)
        if shown is None or self.privacy.rows_allowed or not shown.has(Role.COUNT, Role.SHARE):
            return shown
        return shown if self._set_of(table) else None

    def _set_of(self, table: Table) -> str:
        known = any(table.frame.equals(t.frame) for t in self.rated)
        return self.protection.cells.baseline if known and self.protection is not None else ""
