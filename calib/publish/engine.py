"""The engine of the pages: its scripts, and a framework's tree and rule as it reads them."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.framework import Framework, RatingRule, Track
from calib.framework.conditions import Scope, When
from calib.framework.tree import Item
from calib.words import Text, languages

__all__ = ["asset", "engine_script", "number", "rule_data", "text_data", "track_data"]

_FILES = (
    "tree", "thresholds", "places", "rating", "answers", "lines", "way", "measures", "sampling",
    "worker",
)  # fmt: skip
"""Scripts of the engine, each after those that it uses."""


def asset(name: str) -> str:
    """Return the text of a script, style sheet or template of the pages."""
    return resources.files("calib.publish.assets").joinpath(name).read_text(encoding="utf-8")


def engine_script() -> str:
    """Return the engine as one classic script, which a page and its worker run alike."""
    return "\n".join(asset(f"engine/{name}.js") for name in _FILES)


def text_data(text: Text) -> dict[str, str]:
    """Return a text in every language."""
    return {lang: text.get(lang) for lang in languages()}


def number(value: float) -> float | int | None:
    """Return a number for JSON, null for what is missing or has no end; whole ones are short."""
    if not np.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)


def track_data(track: Track) -> dict[str, Any]:
    """Return a track's tree: nodes in preorder, items by leaf."""
    return {
        "code": track.code,
        "name": text_data(track.name),
        "codes": list(track.codes),
        "names": [text_data(n.name) for n in track.nodes],
        "parent": [int(p) for p in track.parent],
        "depth": [int(d) for d in track.depth],
        "items": [_item(track.nodes[i].item) for i in track.leaves],
    }


def _item(item: Item | None) -> dict[str, Any] | None:
    if item is None:
        return None
    return {
        "kind": item.kind, "options": item.options, "degrees": item.degrees,
        "scores": None if item.scores is None else list(item.scores),
        "span": None if item.span is None else list(item.span),
    }  # fmt: skip


def rule_data(rule: RatingRule) -> dict[str, Any]:
    """Return a rule as its framework's file states it, for the engine's ``Rule``."""
    covered, moved = rule.coverage, rule.compensation
    return {
        "low": rule.low, "high": rule.high, "first": rule.first,
        "labels": [text_data(n) for n in rule.labels],
        "bands": list(rule.bands),
        "gates": {
            name: {"values": list(g.values), "inclusive": list(g.inclusive)}
            for name, g in rule.gates.items()
        },
        "levels": list(rule.levels),
        "tolerance": rule.tolerance,
        "lowerEdges": rule.lower_edges,
        "rounding": None if rule.rounding is None
        else {"rule": rule.rounding.rule, "places": rule.rounding.places},
        "years": list(rule.years),
        "variants": [{**_scope(v.scope), "bands": list(v.bands)} for v in rule.variants],
        "nodeGates": [
            {**_scope(g.scope), "node": g.node, "level": g.level, "values": list(g.values),
             "inclusive": list(g.inclusive)}
            for g in rule.node_gates
        ],
        "caps": [
            {**_scope(c.scope), "top": c.top, "when": _when(c.when),
             "name": None if c.name is None else text_data(c.name)}
            for c in rule.caps
        ],
        "coverage": None if covered is None else {
            "items": covered.items, "nodes": [[list(codes), n] for codes, n in covered.nodes],
        },
        "compensation": None if moved is None else {
            "nodes": list(moved.nodes), "points": moved.points, "step": moved.step,
            "towards": moved.towards,
        },
        "clusters": None if rule.clusters is None else {"strict": number(rule.clusters.strict)},
    }  # fmt: skip


def _scope(scope: Scope) -> dict[str, list[str]]:
    return {"tracks": list(scope.tracks), "years": list(scope.years)}


def _when(when: When) -> dict[str, Any]:
    parts = [_when(p) for p in when.parts]
    return {"node": when.node, "kind": when.kind, "value": when.value, "parts": parts}


def score_rows(X: FloatArray) -> list[list[float | int | None]]:
    """Return scores row by row, null where an item is unanswered."""
    return [[number(x) for x in row] for row in X]


def choices_data(framework: Framework) -> dict[str, list[str]]:
    """Return the values of each rule option that is decided after answers are scored."""
    scoring = ("option_score", "missing")
    return {
        key: list(values)
        for key, values in framework.rule.choices().items()
        if key not in scoring and len(values) > 1 and framework.rule.asks(key)
    }
