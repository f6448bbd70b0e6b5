"""What a package of yours needs to add a source of weights or an analysis: one import.

See ``docs/add-source.md`` and ``docs/add-outcome.md``.
"""

from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Source
from calib.report import Column, Drawing, Live, LiveFigure, Note, Result, Role, SchemaError, Table
from calib.requests import Request, expect, takes
from calib.weights import Root, Weighed, WeightSet, derive, from_table
from calib.words import Name, Text

__all__ = [
    "Column",
    "Context",
    "Drawing",
    "Live",
    "LiveFigure",
    "Name",
    "Note",
    "Outcome",
    "Request",
    "Result",
    "Role",
    "Root",
    "SchemaError",
    "Source",
    "Table",
    "Text",
    "Weighed",
    "WeightSet",
    "derive",
    "expect",
    "from_table",
    "takes",
]
