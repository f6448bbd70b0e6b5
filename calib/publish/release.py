"""Which tables of a run may be published, and which of their columns: decided by role.

What is not known to be safe is withheld: a table about single enterprises or persons, a statistic
from which small counts follow, a text that holds the id of an enterprise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from calib.population import Population
from calib.publish.privacy import Privacy
from calib.publish.suppression import suppress
from calib.report import Drawing, Role, Table

__all__ = ["Baseline", "Release", "mentions"]

_WORDED = (Role.TEXT, Role.GROUP, Role.FLAG)
"""Roles whose values are words, among which an id may stand."""
_NUMBERS = frozenset(Role) - {Role.ENTERPRISE, Role.PERSON, Role.STAR, *_WORDED}
"""Roles whose values say something about the row; a table that has lost them says nothing."""


@dataclass(frozen=True)
class Release:
    """What may be shown of tables under a privacy.

    Attributes
    ----------
    privacy : the wishes of who publishes
    ids : matches what names an enterprise, None where there is none
    """

    privacy: Privacy
    ids: re.Pattern[str] | None = None

    @property
    def texts(self) -> bool:
        """Whether sentences may be shown: they count."""
        return self.privacy.rows_allowed

    def drawing(
        self, drawing: Drawing, tables: Callable[[], Sequence[Table]], *, of_weights: bool = False
    ) -> bool:
        """Whether a figure may be shown.

        Where small counts are suppressed, figures of single enterprises and of counts are left
        out, but for the star distribution where no bar of it is too small.
        """
        if self.privacy.rows_allowed or of_weights or drawing.name == "weights":
            return True
        if drawing.name != "stars":
            return False
        shown = [self.table(t) for t in tables() if t.name == "stars"]
        return all(t is not None and not _suppressed(t) for t in shown) and bool(shown)

    def table(self, table: Table) -> Table | None:
        """Return the table as it may be shown, None where it may not be shown at all."""
        if self.privacy.key is not None and table.has(Role.PERSON):
            return None
        if self.privacy.rows_allowed:
            return table
        if table.from_transitions or self._about_one(table):
            return None
        kept = [k for k, c in table.columns.items() if c.role != Role.ENTERPRISE]
        told = [k for k in kept if table.columns[k].role in _WORDED and self._tells(table, k)]
        if any(table.columns[k].role == Role.GROUP for k in told):
            return None
        frame = table.frame[[k for k in kept if k not in told]]
        frame = suppress(frame, self.privacy.min_count, table.columns)
        before = {k for k, c in table.columns.items() if c.role in _NUMBERS}
        if before and not before & set(frame.columns):
            return None
        return replace(table, frame=frame, shown=None)

    def _about_one(self, table: Table) -> bool:
        """Whether a row is about one enterprise; a list of several leaves only its column out."""
        return any(c.role == Role.ENTERPRISE and not c.several for c in table.columns.values())

    def _tells(self, table: Table, key: str) -> bool:
        ids = self.ids
        if ids is None:
            return False
        return any(ids.search(str(v)) is not None for v in table.frame[key].unique())


def _suppressed(table: Table) -> bool:
    return any(isinstance(v, str) for v in table.frame["count"])


def mentions(population: Population) -> re.Pattern[str] | None:
    """Return a pattern that finds the ids and names of the enterprises of a population in texts.

    An id must stand alone: D1 is not found in MD12 nor in IC.D1. Single characters are left out:
    as digits they stand everywhere.
    """
    words = {str(w).strip() for s in population.samples.values() for w in (*s.ids, *s.names)}
    return _alternatives(w for w in words if len(w) > 1)


def _alternatives(words: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(words, key=lambda w: (-len(w), w))
    if not longest_first:
        return None
    either = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z0-9._-])(?:{either})(?![A-Za-z0-9_-]|\.\w)")


@dataclass(frozen=True)
class Baseline(Release):
    """What a notebook may show beside the run's own pages.

    Counts that are suppressed table by table would tell by their differences what each hides by
    itself. Below the least count a notebook therefore counts enterprises under the baseline only.

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
        return shown if any(table.frame.equals(t.frame) for t in self.rated) else None
