"""What is assessed and how it is rated: trees, tracks, rating rules and their rule options."""

from calib.framework.conditions import (
    Cap,
    Clusters,
    Compensation,
    Coverage,
    Edges,
    NodeGate,
    Rounding,
    Scope,
    Variant,
    When,
)
from calib.framework.framework import Framework
from calib.framework.load import list_frameworks, load_framework, parse_framework, with_rule
from calib.framework.rule import (
    RULE_OPTIONS,
    Gates,
    RatingRule,
    RuleOption,
    RuleOptions,
    Thresholds,
)
from calib.framework.tree import Family, Item, Name, Node, Track

__all__ = [
    "RULE_OPTIONS",
    "Cap",
    "Clusters",
    "Compensation",
    "Coverage",
    "Edges",
    "Family",
    "Framework",
    "Gates",
    "Item",
    "Name",
    "Node",
    "NodeGate",
    "RatingRule",
    "Rounding",
    "RuleOption",
    "RuleOptions",
    "Scope",
    "Thresholds",
    "Track",
    "Variant",
    "When",
    "list_frameworks",
    "load_framework",
    "parse_framework",
    "with_rule",
]
