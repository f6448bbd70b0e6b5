"""Where things stand in an XLSX form; the writer and the reader share this and nothing else.

Rows and columns count from 0. The first sheet asks who the expert is; every further sheet asks
about the children of one node. A hidden sheet carries the stamp: framework, version, method, and
which sheet belongs to which node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calib.experts.pairwise import pairs_of

__all__ = [
    "BASIS_ROW",
    "EXPERT_ROW",
    "FAMILIARITY_ROW",
    "FIRST_ROW",
    "FORM_METHODS",
    "INPUT_COLUMN",
    "ROUND_ROW",
    "SCHEMA",
    "STAMP_SHEET",
    "Layout",
    "address",
    "sheet_titles",
]

SCHEMA = "calib.expert-form/1"
STAMP_SHEET = "_calib"
FORM_METHODS = ("ahp", "ahp-incomplete", "bwm", "points", "ranks", "ratings")

INPUT_COLUMN = 1
EXPERT_ROW, ROUND_ROW = 4, 5
BASIS_ROW = 8  # four bases of judgement, one row each
FAMILIARITY_ROW = 12
INSTRUCTIONS_ROW = 14
FIRST_ROW = 6  # of the items or pairs on a node's sheet


def address(row: int, column: int, *, fixed: bool = False) -> str:
    """Return an Excel address.

    Examples
    --------
    >>> address(6, 2), address(6, 2, fixed=True)
    ('C7', '$C$7')
    """
    from calib.tables import column_letters  # pandas comes with it: only when forms are used

    letters = column_letters(column)
    return f"${letters}${row + 1}" if fixed else f"{letters}{row + 1}"


def sheet_titles(keys: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Give every question a sheet name that Excel accepts: 31 characters, no slash, no two alike.

    Examples
    --------
    >>> list(sheet_titles(["root", "x/A", "x/a"]).values())
    ['root', 'x A', 'x a 2']
    """
    used = {name.lower() for name in (*taken, STAMP_SHEET)}
    titles: dict[str, str] = {}
    for key in keys:
        whole = key.replace("/", " ")
        title, number = whole[:31], 1
        while title.lower() in used:
            number += 1
            title = f"{whole[: 30 - len(str(number))]} {number}"
        used.add(title.lower())
        titles[key] = title
    return titles


@dataclass(frozen=True, slots=True)
class Layout:
    """Cells of one node's sheet.

    Parameters
    ----------
    method : method of the form
    n : number of items
    """

    method: str
    n: int

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs in the order of their rows (AHP)."""
        return pairs_of(self.n)

    @property
    def is_pairs(self) -> bool:
        """Whether the sheet has one row per pair."""
        return self.method in ("ahp", "ahp-incomplete")

    @property
    def rows(self) -> int:
        """Number of rows with input cells."""
        return len(self.pairs) if self.is_pairs else self.n

    @property
    def columns(self) -> tuple[int, ...]:
        """Columns with input cells: AHP more important, times; BWM best over, over worst; value."""
        if self.is_pairs:
            return (4, 5)
        return (2, 3) if self.method == "bwm" else (2,)

    @property
    def choice_rows(self) -> tuple[int, ...]:
        """Rows whose column B names the best and the worst item (BWM)."""
        return (2, 3) if self.method == "bwm" else ()

    def where(self, items: tuple[int, ...], part: str = "") -> str:
        """Return the address of the cell that a problem is about, "" for the whole sheet."""
        if part in ("best", "worst") and self.method == "bwm":
            return address(self.choice_rows[part == "worst"], 1)
        if self.is_pairs:
            if len(items) != 2 or items not in self.pairs:
                return ""
            return address(FIRST_ROW + self.pairs.index(items), self.columns[1])
        if not items:
            return ""
        column = self.columns[1] if part == "to_worst" else self.columns[0]
        return address(FIRST_ROW + items[0], column)
