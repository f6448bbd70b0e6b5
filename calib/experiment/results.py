"""What sources of weights and outcome analyses hand back to the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from calib._types import FloatArray
from calib.framework import Name
from calib.weights import WeightSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Drawing", "Note", "OutcomeResult", "SourceResult", "Table"]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the report, in both languages; a warning stands out."""

    text: Name
    warning: bool = False


_BLANK = Name("无法给出", "not available")


@dataclass(frozen=True, eq=False)
class Table:
    """A tidy table of a run.

    Attributes
    ----------
    name : file name without ending, letters, digits and hyphens
    rows : how many rows the report shows; 0 keeps the table out of it. The file has all
    shown : what the report shows in place of the tidy frame, for instance a pivot of it
    blank : what a cell without a number means, said under the table where one is shown
    """

    name: str
    frame: pd.DataFrame
    title: Name
    rows: int = 30
    shown: pd.DataFrame | None = None
    blank: Name = _BLANK


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure of a run; ``draw`` takes the language and returns a figure of calib.figures."""

    name: str
    title: Name
    draw: Callable[[str], Any]


@dataclass(frozen=True, eq=False)
class SourceResult:
    """A weight set with what its source has to say.

    Attributes
    ----------
    weights : the set that goes by the name in the experiment file
    also : further sets, by suffix: ``rounds`` with ``{"1": …}`` makes ``rounds/1``
    draws : local weights (k, m) by track that carry the uncertainty of ``weights``; every row
        is a valid set, and the draws of shared first-level weights are the same in every track
    files : text files of the run by name, such as a ledger; kept under ``files/<set>-<name>``
    details : anything that later sources or analyses of the same kind may want
    """

    weights: WeightSet
    also: Mapping[str, WeightSet] = field(default_factory=dict)
    draws: Mapping[str, FloatArray] | None = None
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[Note, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class OutcomeResult:
    """What an outcome analysis found."""

    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[Note, ...] = ()
