"""The rating rule of a framework, and the options of what its paper leaves open.

Whatever the rule options, the rule comes down to strict comparisons with *effective* thresholds
(:func:`thresholds`): star ``s + 1`` needs ``T > band[s]`` and ``S_p > gate[s]`` at every gated
node. Rounding first, inclusive edges and the tolerance are all inside those numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, InputError, did_you_mean
from calib.framework.conditions import (
    Cap,
    Clusters,
    Compensation,
    Coverage,
    Edges,
    NodeGate,
    Rounding,
    Variant,
    When,
)
from calib.framework.tree import Name
from calib.words import Text, message

__all__ = ["RULE_OPTIONS", "Gates", "RatingRule", "RuleOption", "RuleOptions", "Thresholds"]


@dataclass(frozen=True, slots=True)
class RuleOption:
    """A question that the paper leaves open: the values it can take, the default first."""

    key: str
    question: Text
    values: tuple[str, ...]


RULE_OPTIONS: tuple[RuleOption, ...] = (
    RuleOption(
        "band_edge",
        message("framework.asks_band_edge"),
        ("upper-inclusive", "round-half-up"),
    ),
    RuleOption(
        "gate_value",
        message("framework.asks_gate_value"),
        ("table", "example"),
    ),
    RuleOption(
        "downgrade",
        message("framework.asks_downgrade"),
        ("highest-met", "one-star"),
    ),
    RuleOption(
        "gate_scope",
        message("framework.asks_gate_scope"),
        ("pillar", "capability"),
    ),
    RuleOption(
        "option_score",
        message("framework.asks_option_score"),
        ("even-from-0", "even-to-100", "half-steps", "given"),
    ),
    RuleOption(
        "missing",
        message("framework.asks_missing"),
        ("error", "leave-out", "renormalise", "zero", "worst", "best", "impute"),
    ),
    RuleOption(
        "year",
        message("framework.asks_year"),
        ("",),
    ),
)


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """One answer to each open question; the field defaults are the documented ones.

    ``gate_value`` names a gate table of the framework, ``gate_scope`` one of its levels, and
    ``year`` one of the years whose rule the framework states ("" where the rule has none).
    """

    band_edge: str = "upper-inclusive"
    gate_value: str = "table"
    downgrade: str = "highest-met"
    gate_scope: str = "pillar"
    option_score: str = "even-from-0"
    missing: str = "error"
    year: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the rule options by name; the year only where the rule has years."""
        return {k: v for k, v in asdict(self).items() if v or k != "year"}


@dataclass(frozen=True, slots=True)
class Gates:
    """One gate value per star above the lowest; ``inclusive`` lets the value itself pass."""

    values: tuple[float, ...]
    inclusive: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Effective thresholds; every comparison with them is strict.

    Attributes
    ----------
    band : (K-1,) a score above ``band[s]`` reaches star ``s + 1`` (stars counted from 0 here)
    gate : (K-1,) every gated node must be above ``gate[s]``; -inf where there is no gate
    gate_depth : depth of the gated nodes in the tree
    one_star : a failed gate costs one star only, instead of dropping to the highest star met
    named : effective gates (K-1,) of single nodes by code, or of the nodes of a depth ("@2"),
        beside those of the level
    caps : caps that are no gates: see :mod:`calib.rating.gates_and_caps`
    compensation : points that may move between parts first
    capping : nodes whose gates in ``named`` are caps alone: without a score none holds there
    """

    band: FloatArray
    gate: FloatArray
    gate_depth: int
    one_star: bool
    named: tuple[tuple[str, Edges], ...] = ()
    caps: tuple[Cap, ...] = ()
    compensation: Compensation | None = None
    capping: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RatingRule:
    """Bands and gates on a score scale, with the framework's default rule options.

    Attributes
    ----------
    low, high : ends of the score scale, in points
    bands : (K-1) upper edges of the stars below the highest
    labels : (K) names of the stars, lowest first
    gates : gate tables by name; empty where the framework has no gates
    levels : codes of the tree's levels, depth 1 first
    tolerance : scores closer than this are the same score, in points
    first : number of the lowest star, from which tables count: 1, or 0 on scales that start there
    lower_edges : a score on an edge has the higher star, instead of the lower one
    rounding : of totals, before bands are looked at; node scores are compared as they are
    years : years whose rule is stated, the newest first
    variants : bands of some tracks or years; the last that holds counts
    node_gates, caps, coverage, compensation : see :mod:`calib.framework.conditions`
    clusters : bands come from the enterprises; ``bands`` is empty until they are scored
    """

    low: float
    high: float
    bands: tuple[float, ...]
    labels: tuple[Name, ...]
    gates: Mapping[str, Gates]
    levels: tuple[str, ...]
    tolerance: float
    defaults: RuleOptions
    first: int = 1
    lower_edges: bool = False
    rounding: Rounding | None = None
    years: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    node_gates: tuple[NodeGate, ...] = ()
    caps: tuple[Cap, ...] = ()
    coverage: Coverage | None = None
    compensation: Compensation | None = None
    clusters: Clusters | None = None

    def __repr__(self) -> str:
        return f"<RatingRule: {self.stars} stars on {self.low:g} to {self.high:g}>"

    @property
    def stars(self) -> int:
        """Number of stars K."""
        return len(self.labels)

    @property
    def holds_back(self) -> bool:
        """Whether a gate or a cap can keep an enterprise under the star of its total."""
        return bool(self.gates or self.node_gates or self.caps)

    def asks(self, key: str) -> bool:
        """Return whether a rule option means anything here.

        Those of gates do not without gates, and what 20.4 is need not be asked where bands are not
        whole points.
        """
        if key in ("gate_value", "gate_scope"):
            return bool(self.gates)
        if key == "downgrade":
            return bool(self.gates or self.node_gates)
        if key == "band_edge":
            whole = bool(self.bands) and all(float(b).is_integer() for b in self.bands)
            return whole and self.rounding is None and not self.lower_edges
        return key != "year" or bool(self.years)

    def choices(self) -> dict[str, tuple[str, ...]]:
        """Return the values each rule option can take in this framework, the default first."""
        out: dict[str, tuple[str, ...]] = {}
        for option in RULE_OPTIONS:
            values = option.values
            if option.key == "year":
                if not self.years:
                    continue
                values = self.years
            elif option.key == "band_edge" and (self.rounding or self.lower_edges):
                values = (self.defaults.band_edge,)  # the file says how edges are met
            elif option.key == "downgrade" and (self.caps or self.compensation):
                values = (self.defaults.downgrade,)
            elif option.key == "gate_value":
                values = tuple(self.gates) or ("table",)
            elif option.key == "gate_scope":
                # Gates on single items would be the questionnaire itself; they stand above it.
                values = self.levels[:-1] or self.levels
            default = getattr(self.defaults, option.key)
            out[option.key] = (default, *(v for v in values if v != default))
        return out

    def read(self, chosen: Mapping[str, str] | RuleOptions | None = None) -> RuleOptions:
        """Return the default rule options with ``chosen`` ones in their place.

        Raises
        ------
        InputError
            For an unknown rule option, or a value that the framework does not offer.
        """
        if chosen is None:
            return self.defaults
        given = chosen.as_dict() if isinstance(chosen, RuleOptions) else dict(chosen)
        choices, faults = self.choices(), Faults()
        for key, value in given.items():
            if key not in choices:
                faults.add(
                    f"rule_options.{key}",
                    message("faults.no_such_rule_option", hint=did_you_mean(key, choices)),
                    expected=", ".join(choices),
                )
            elif value not in choices[key]:
                faults.add(
                    f"rule_options.{key}",
                    message("faults.no_such_value", hint=did_you_mean(str(value), choices[key])),
                    value=value,
                    expected=" | ".join(choices[key]),
                )
        faults.raise_if_any()
        return replace(self.defaults, **given)

    def thresholds(
        self, rule_options: RuleOptions | None = None, track: str | None = None
    ) -> Thresholds:
        """Reduce a rule of bands and one gate table to effective thresholds.

        Parameters
        ----------
        track : its code, for what can handle bands that differ by track

        Raises
        ------
        InputError
            When the rule says more than that: what asks for it would give wrong numbers.

        See Also
        --------
        effective : the whole rule of one track, for what can handle it
        """
        more = self.beyond_gates(by_track=track is not None)
        if more:
            raise InputError(message("framework.rule_says_more", parts=more))
        return self.effective(rule_options, track or "")

    def beyond_gates(self, by_track: bool = False) -> list[Text]:
        """Name the parts of the rule that bands and one gate table (of each track) do not cover."""
        parts = {
            "variants": () if by_track else self.variants,
            "node_gates": self.node_gates,
            "caps": self.caps,
            "compensation": self.compensation,
            "clusters": self.clusters,
        }
        return [message(f"framework.part.{key}") for key, stated in parts.items() if stated]

    def bands_of(self, track: str = "", year: str = "") -> tuple[float, ...]:
        """Return the printed bands of a track in a year; empty where only gates give stars."""
        out = self.bands
        for variant in self.variants:
            if variant.scope.holds(track, year):
                out = variant.bands
        return out

    def effective(
        self, rule_options: RuleOptions | None = None, track: str = "", year: str | None = None
    ) -> Thresholds:
        """Reduce the rule under given rule options to effective thresholds.

        Parameters
        ----------
        track : code of the track, where the rule differs by track
        year : the year's rule; that of the rule options if None

        Notes
        -----
        A score exactly on an edge is decided by the rule, not by rounding noise: ``x > e`` is
        taken as ``x > e + tolerance`` and ``x >= e`` as ``x > e - tolerance``. Rounding moves the
        threshold (:meth:`Rounding.threshold`); half up to whole points first gives
        ``T > floor(e) + 0.5 - tolerance``. It concerns the bands of the total only, gates are
        compared with the exact score. A cap on a node that scores too low is a gate of that node.
        """
        options = self.defaults if rule_options is None else rule_options
        year = options.year if year is None else year
        gates = self.gates.get(options.gate_value)
        none = (-math.inf,) * (self.stars - 1)
        level = none if gates is None else self._strict(gates.values, gates.inclusive)
        depth = (
            self.levels.index(options.gate_scope) + 1 if options.gate_scope in self.levels else 1
        )
        named = []
        for gate in self.node_gates:
            if gate.scope.holds(track, year):
                where = gate.node or f"@{self.levels.index(gate.level) + 1}"
                named.append((where, self._strict(gate.values, gate.inclusive)))
        stated, others = {where for where, _ in named}, []
        for cap in self.caps:
            if not cap.scope.holds(track, year):
                continue
            if cap.when.fails_low:
                named += self._as_gates(cap.when, cap.top)
            else:
                others.append(cap)
        return Thresholds(
            np.array(self._effective_bands(track, year, options.band_edge)), np.array(level), depth,
            options.downgrade == "one-star", self._at_nodes(named), tuple(others),
            self.compensation, frozenset({where for where, _ in named} - stated),
        )  # fmt: skip

    def _strict(self, values: Edges, inclusive: tuple[bool, ...]) -> Edges:
        """Return thresholds that are compared strictly."""
        return tuple(
            v - self.tolerance if meets else v + self.tolerance
            for v, meets in zip(values, inclusive, strict=True)
        )

    @property
    def _passed_by_all(self) -> float:
        """A threshold under every score that is, and finite, so that geometry can use it."""
        return 2 * self.low - self.high - 1.0

    def _effective_bands(self, track: str, year: str, band_edge: str) -> list[float]:
        bands = self.bands_of(track, year)
        if not bands:
            return [self._passed_by_all] * (self.stars - 1)  # gates alone give the stars
        if self.rounding is not None:
            return [self.rounding.threshold(b, self.lower_edges, self.tolerance) for b in bands]
        if band_edge == "round-half-up":
            return [math.floor(b) + 0.5 - self.tolerance for b in bands]
        return [b - self.tolerance if self.lower_edges else b + self.tolerance for b in bands]

    def _as_gates(self, when: When, top: int) -> list[tuple[str, Edges]]:
        """Return the gates that a cap on nodes that score too low amounts to."""
        if not when.node:
            return [gate for part in when.parts for gate in self._as_gates(part, top)]
        edge = when.value - self.tolerance if when.kind == "below" else when.value + self.tolerance
        steps = range(self.stars - 1)
        return [(when.node, tuple(edge if k >= top else self._passed_by_all for k in steps))]

    def _at_nodes(self, gates: list[tuple[str, Edges]]) -> tuple[tuple[str, Edges], ...]:
        """Join the gates of one node: the higher counts."""
        out: dict[str, Edges] = {}
        for node, edges in gates:
            old = out.get(node, edges)
            out[node] = tuple(max(a, b) for a, b in zip(old, edges, strict=True))
        return tuple(out.items())
