"""What a rule can say beside bands and one gate table: named gates, caps, coverage, compensation.

All of it is data. Gates and simple caps become effective thresholds of single nodes
(:mod:`calib.framework.rule`); what cannot be written so is evaluated on scores by
:mod:`calib.rating.gates_and_caps`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from calib.framework.tree import Name

__all__ = [
    "Cap",
    "Clusters",
    "Compensation",
    "Coverage",
    "Edges",
    "NodeGate",
    "Rounding",
    "Scope",
    "Variant",
    "When",
]

Edges = tuple[float, ...]
"""One effective threshold per star above the lowest; -inf where there is none."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a part of a rule holds: in these tracks and years, everywhere if empty."""

    tracks: tuple[str, ...] = ()
    years: tuple[str, ...] = ()

    def holds(self, track: str, year: str) -> bool:
        """Return whether it holds for a track in a year."""
        return (not self.tracks or track in self.tracks) and (not self.years or year in self.years)


@dataclass(frozen=True, slots=True)
class Rounding:
    """How totals are rounded before they are compared with bands.

    Attributes
    ----------
    rule : half-up, half-even, half-down, floor or ceiling
    places : decimal places; -1 rounds to tens
    """

    rule: str
    places: int = 0

    def threshold(self, edge: float, inclusive: bool, tolerance: float) -> float:
        """Return the effective threshold: ``T > threshold`` exactly if rounded T passes ``edge``.

        Notes
        -----
        With n the smallest rounded value that passes and u the unit, rounding reaches n from
        n - u/2 on (half up; half even where n/u is even), above it (half down; half even where
        n/u is odd), from n on (floor), or above n - u (ceiling). Scores within the tolerance of
        such a point count as on it, as in rounding to 15 significant digits first.
        """
        unit = 10.0**-self.places
        steps = edge / unit
        nearest = round(steps)
        whole = abs(steps - nearest) <= tolerance / unit
        n = (nearest if inclusive else nearest + 1) if whole else math.floor(steps) + 1
        point = {"floor": n * unit, "ceiling": (n - 1) * unit}.get(self.rule, (n - 0.5) * unit)
        even = self.rule == "half-even" and n % 2 == 0
        reaches = self.rule in ("half-up", "floor") or even
        return point - tolerance if reaches else point + tolerance


@dataclass(frozen=True, slots=True)
class Variant:
    """Bands that hold in some tracks or years instead of the general ones."""

    scope: Scope
    bands: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NodeGate:
    """Gates on one named node, or on every node of a level.

    Attributes
    ----------
    node, level : code of the node, or of the level; one of them is empty
    values, inclusive : one gate per star above the lowest
    """

    scope: Scope
    node: str
    level: str
    values: tuple[float, ...]
    inclusive: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class When:
    """A condition on scores.

    Attributes
    ----------
    node : code of the node whose score is compared; "" for a condition made of ``parts``
    kind : below, at_most, at_least or above (of a node); any, all or count (of parts)
    value : the score compared with; for ``count`` the least number of parts that hold
    """

    node: str
    kind: str
    value: float = 0.0
    parts: tuple[When, ...] = ()

    def nodes(self) -> Iterator[str]:
        """Yield the codes of the nodes that it looks at."""
        if self.node:
            yield self.node
        for part in self.parts:
            yield from part.nodes()

    @property
    def fails_low(self) -> bool:
        """Whether it only holds where single nodes score too low: then it is a gate."""
        if self.node:
            return self.kind in ("below", "at_most")
        return self.kind == "any" and all(p.fails_low for p in self.parts)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most one star (``top``, from 0) where a condition holds."""

    scope: Scope
    top: int
    when: When
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What must be answered for a rating at all.

    Attributes
    ----------
    items : least share of the items that are answered
    nodes : (nodes, least number of them with a score) pairs, all to be met
    """

    items: float = 0.0
    nodes: tuple[tuple[tuple[str, ...], int], ...] = ()


@dataclass(frozen=True, slots=True)
class Compensation:
    """Points that may move between neighbouring parts before gates are looked at.

    Attributes
    ----------
    nodes : the parts, in the order of neighbourhood
    points : most points that move in all; what a part receives it does not pass on
    step : points move in steps of so many
    towards : ``balance`` takes the moves after which the parts, each measured from its own gates,
        lie closest to their mean; ``star`` those that give the highest star
    """

    nodes: tuple[str, ...]
    points: float
    step: float = 1.0
    towards: str = "balance"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Bands that come from the enterprises: k-means of the totals, by track, low to high.

    Attributes
    ----------
    strict : in the second pass, totals further than this from every centre do not move centres
    """

    strict: float
