"""What is assessed and how it is rated: trees, tracks, rating rules and their readings."""

from calib.framework.framework import Framework
from calib.framework.load import list_frameworks, load_framework, parse_framework
from calib.framework.rule import (
    OPEN_READINGS,
    Gates,
    OpenReading,
    RatingRule,
    Readings,
    Thresholds,
)
from calib.framework.tree import Family, Item, Name, Node, Track

__all__ = [
    "OPEN_READINGS",
    "Family",
    "Framework",
    "Gates",
    "Item",
    "Name",
    "Node",
    "OpenReading",
    "RatingRule",
    "Readings",
    "Thresholds",
    "Track",
    "list_frameworks",
    "load_framework",
    "parse_framework",
]
