"""What a column of a table means: one declaration from which all that shows it follows.

Headings in each language, number formats on pages, in the terminal and in Excel, what is withheld
when a publication is anonymised, and the data dictionary of a run: all of it is read from the
:class:`Column`, never guessed from a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from calib.errors import CalibError
from calib.report.columns import CODED, PATTERNS, ROLES, SEVERAL, SINGLE, UNITS
from calib.words import Text, message

__all__ = ["Column", "Role", "SchemaError", "find_column", "resolve_columns"]


class SchemaError(CalibError):
    """A table with a column that nobody declared: a mistake in the code that built the table."""


class Role(StrEnum):
    """What the values of a column are."""

    ENTERPRISE = "enterprise"
    """Ids or names of enterprises: single ones are never published below the least count."""
    PERSON = "person"
    """Experts and respondents."""
    GROUP = "group"
    """Keys by which rows are told apart: set, track, level, node, test, year …"""
    WEIGHT = "weight"
    """Weights, worths and their ends of intervals."""
    SCORE = "score"
    """Points on the framework's score scale, and differences of them."""
    STAR = "star"
    """A star, counted from 1 for the lowest."""
    COUNT = "count"
    """How many enterprises: protected like the enterprises themselves."""
    SHARE = "share"
    """A share of enterprises: protected like the count that it comes from."""
    NUMBER = "number"
    """How many of anything else: experts, ballots, nodes, draws."""
    PROBABILITY = "probability"
    """Probabilities and other fractions that count nobody."""
    BOUND = "bound"
    """Ends of the interval, or the standard error, of what the row is about: as safe as that."""
    STATISTIC = "statistic"
    """Measures, statistics, distances."""
    P_VALUE = "p_value"
    """p-values."""
    FLAG = "flag"
    """Yes or no."""
    TEXT = "text"
    """Free text; it may name weights and nodes, never an enterprise or a person. Below the least
    count it is published only where no id of an enterprise is found in it."""


@dataclass(frozen=True)
class Column:
    """A declared column.

    Attributes
    ----------
    key : the name of the column in files, the same in every language
    role : what its values are
    unit : ``"points"``, ``"pp"`` (percentage points), ``"percent"`` (a fraction shown as one),
        ``"years"`` or ``""``
    label : its heading; ``columns.<key>`` of the catalogue if not given
    coded : what its values stand for: ``"node"``, ``"track"``, ``"word"`` (a key under
        ``values`` in the catalogue), ``"cause"`` (bands and gates of nodes), ``"moves"`` (causes in
        parentheses behind enterprises), ``"rule option"``, or
        ``""``
    words : what a value of the table's own means, by value; they come before the catalogue's
    several : whether a value lists any number of enterprises, so that the row is about something
        else and stays when they are withheld
    single : whether a value is that of one enterprise, such as the largest of all: withheld like it
    """

    key: str
    role: Role
    unit: str = ""
    label: Text | None = None
    coded: str = ""
    words: Mapping[str, Text] = field(default_factory=dict)
    several: bool = False
    single: bool = False

    @property
    def heading(self) -> Text:
        """The heading in every language."""
        return message(f"columns.{self.key}") if self.label is None else self.label

    @property
    def numeric(self) -> bool:
        """Whether values are numbers, and stand on the right."""
        return self.role not in _TEXTUAL


_TEXTUAL = {Role.ENTERPRISE, Role.PERSON, Role.GROUP, Role.FLAG, Role.TEXT}


def find_column(key: str) -> Column | None:
    """Return calib's own column of a key, None where there is none."""
    if key in ROLES:
        return Column(
            key, Role(ROLES[key]), UNITS.get(key, ""), None, CODED.get(key, ""), {}, key in SEVERAL,
            key in SINGLE,
        )  # fmt: skip
    for pattern, role, unit in PATTERNS:
        match = re.fullmatch(pattern, key)
        if match:
            stem = pattern.split("(")[0].strip(" _")
            label = message(f"columns.each.{stem}", of=match[1])
            return Column(key, Role(role), unit, label)
    return None


def resolve_columns(
    table: str, keys: Iterable[object], declared: Iterable[Column] = ()
) -> Mapping[str, Column]:
    """Return the columns of a table by key, in the order of ``keys``.

    Parameters
    ----------
    table : the table's name, for the message
    keys : the columns of its frame
    declared : columns that are the table's own; they come before calib's

    Raises
    ------
    SchemaError
        For a key that neither the table nor calib declares.
    """
    own = {c.key: c for c in declared}
    found: dict[str, Column] = {}
    missing: list[str] = []
    for key in map(str, keys):
        column = own.get(key) or find_column(key)
        if column is None:
            missing.append(key)
        else:
            found[key] = column
    if missing:
        raise SchemaError(
            f"table {table!r} has undeclared columns: {', '.join(missing)}; declare each with"
            " Column(key, role, …), so that it is known what may be published of it"
        )
    return found
