"""What sources of weights and outcome analyses hand back to the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from calib._types import FloatArray
from calib.framework import Name
from calib.rating import Scored
from calib.weights import WeightSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Drawing", "Grown", "Note", "OutcomeResult", "SourceResult", "Table"]


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
class Grown:
    """Enterprises as they are assumed to have become by the time of a weight set.

    Attributes
    ----------
    label : what is shown beside the set's name, for instance "enterprises grown to 2035"
    grow : returns the scores of that time from those of now
    """

    label: Name
    grow: Callable[[Scored], Scored]


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
    grown : what the enterprises have become by the time of ``weights`` (under "") and of further
        sets (by suffix); sets that are not named rate them as they are
    details : anything that later sources or analyses of the same kind may want
    """

    weights: WeightSet
    also: Mapping[str, WeightSet] = field(default_factory=dict)
    draws: Mapping[str, FloatArray] | None = None
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[Note, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    grown: Mapping[str, Grown] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class OutcomeResult:
    """What an outcome analysis found."""

    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[Note, ...] = ()
