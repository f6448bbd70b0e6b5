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
from calib.errors import Faults, did_you_mean
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
        ("even-from-0", "even-to-100", "given"),
    ),
    RuleOption(
        "missing",
        message("framework.asks_missing"),
        ("error", "renormalise", "zero"),
    ),
)


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """One answer to each open question; the field defaults are the documented ones.

    ``gate_value`` names a gate table of the framework and ``gate_scope`` one of its levels.
    """

    band_edge: str = "upper-inclusive"
    gate_value: str = "table"
    downgrade: str = "highest-met"
    gate_scope: str = "pillar"
    option_score: str = "even-from-0"
    missing: str = "error"

    def as_dict(self) -> dict[str, str]:
        """Return the rule options by name."""
        return asdict(self)


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
    """

    band: FloatArray
    gate: FloatArray
    gate_depth: int
    one_star: bool


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

    @property
    def stars(self) -> int:
        """Number of stars K."""
        return len(self.labels)

    def choices(self) -> dict[str, tuple[str, ...]]:
        """Return the values each rule option can take in this framework, the default first."""
        out: dict[str, tuple[str, ...]] = {}
        for option in RULE_OPTIONS:
            values = option.values
            if option.key == "gate_value":
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

    def thresholds(self, rule_options: RuleOptions | None = None) -> Thresholds:
        """Reduce the rule under given rule options to effective thresholds.

        Notes
        -----
        A score exactly on an edge is decided by the rule, not by rounding noise: ``x > e`` is
        taken as ``x > e + tolerance`` and ``x >= e`` as ``x > e - tolerance``. Rounding half up
        to whole points first gives ``T > floor(e) + 0.5 - tolerance``; it concerns the printed
        bands only, gates are compared with the exact score.
        """
        rule_options = self.defaults if rule_options is None else rule_options
        if rule_options.band_edge == "round-half-up":
            band = [math.floor(b) + 0.5 - self.tolerance for b in self.bands]
        else:
            band = [b + self.tolerance for b in self.bands]
        gates = self.gates.get(rule_options.gate_value)
        if gates is None:
            gate = [-math.inf] * len(self.bands)
        else:
            gate = [
                v - self.tolerance if inclusive else v + self.tolerance
                for v, inclusive in zip(gates.values, gates.inclusive, strict=True)
            ]
        scope = rule_options.gate_scope
        depth = self.levels.index(scope) + 1 if scope in self.levels else 1
        return Thresholds(
            np.array(band), np.array(gate), depth, rule_options.downgrade == "one-star"
        )
