"""What constraints on weights are called, in both languages: labels, which compare as strings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from calib.framework import Framework, Node
from calib.words import Label, message

__all__ = ["constraint_name", "place_name", "with_name"]


@lru_cache(maxsize=4096)
def constraint_name(kind: str, /, **values: Any) -> Label:
    """Return the name of a constraint of a kind, one of ``adjustment.constraint`` in the catalogue.

    Many draws are adjusted under constraints of the same names, so that these are kept.
    """
    return Label.of(message(f"adjustment.constraint.{kind}", **values))


def with_name(node: Node) -> Label:
    """Return the code of a node, in Chinese with its name."""
    return Label(node.code, f"{node.code} {node.name.get('zh')}")


def place_name(place: str, framework: Framework) -> Label:
    """Return a place in the trees, such as ``discrete+process/capability``, as a label.

    Parameters
    ----------
    place : tracks joined by "+", then "/" and the code of a level or a node
    framework : names of tracks and levels stand in Chinese for their codes, and follow those of
        nodes
    """
    tracks, slash, inner = place.partition("/")
    names, levels = framework.names, dict(framework.levels)
    zh = "+".join(names[t].get("zh") if t in names else t for t in tracks.split("+"))
    if inner in levels:
        inner = levels[inner].get("zh")
    elif inner in names:
        inner = f"{inner} {names[inner].get('zh')}"
    return Label(place, f"{zh}{slash}{inner}")
