"""Which indicators really decide: the front function and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from calib._types import Seed
from calib.framework import RuleOptions
from calib.outcomes.dominance.dominance_request import DominanceRequest, level_depths
from calib.outcomes.dominance.measuring import POOLED, Measured, measure
from calib.outcomes.dominance.moments import (
    complete_scores,
    contribution_share,
    moments_of,
    scored_for,
    variance_share,
)
from calib.population import Population
from calib.rating import Scored, over_samples
from calib.rating.over_samples import long_form
from calib.report import Drawing, Note, Result, Role, Table
from calib.requests import expect, takes
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DominanceResult", "dominance"]


@dataclass(frozen=True, eq=False, repr=False)
class DominanceResult(Result):
    """Dominance measures of one weight set on one population.

    Attributes
    ----------
    weights : the weights judged
    request : the options
    measured : the frames behind the properties
    synthetic : the enterprises are made up
    """

    weights: WeightSet
    request: DominanceRequest
    measured: Measured
    synthetic: bool

    @property
    def measures(self) -> pd.DataFrame:
        """One row a track (or "pooled"), level and node; one column a measure.

        ``<measure>_low`` and ``_high`` stand beside it where an interval was asked for.
        """
        return self.measured.measures

    @property
    def concentration(self) -> pd.DataFrame:
        """HHI, effective number and largest weight by track and level."""
        return self.measured.concentration

    @property
    def flags(self) -> pd.DataFrame:
        """Nodes that exceed a declared cap: measure, value, cap, interval."""
        return self.measured.flags

    @property
    def disagreement(self) -> pd.DataFrame:
        """Kendall's tau-b between the orders that the measures give, by track and level."""
        return self.measured.disagreement

    @property
    def gates(self) -> pd.DataFrame:
        """Share of enterprises whose star changes by leaving a node out, by gate."""
        return self.measured.gates

    @property
    def caps(self) -> Mapping[str, float]:
        """The declared cap by measure."""
        return self.request.caps

    @property
    def cap_level(self) -> str:
        """The level that the caps are declared for; nodes of other levels are not held to them."""
        return self.measured.cap_level

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and levels by code."""
        return self.weights.framework.names

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """The measures, concentration, flags, gates, and how far the measures agree."""
        flags = message("dominance.table.flags", percent=round(100 * self.request.confidence, 6))
        none = message("dominance.no_draws")
        gated = self.weights.framework.rule.holds_back
        measures = self.measures
        if not gated:
            own = [c for c in measures if c.startswith("star_by_gate")]
            measures = measures.drop(columns=own)
        gates = Table("dominance-gates", self.gates, message("dominance.table.gates"))
        return (
            Table("dominance", measures, message("dominance.table.measures"), 0),
            Table("concentration", self.concentration, message("dominance.table.concentration")),
            Table("dominance-flags", self.flags, flags, 40, blank=none),
            *([gates] if gated else []),
            Table(
                "dominance-agreement", self.disagreement, message("dominance.table.agreement"), 0
            ),
        )

    @cached_property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """The measures side by side, one figure a track and level."""
        groups = self.measures.groupby(["track", "level"], sort=False)
        return [self._drawing(str(t), str(level), part) for (t, level), part in groups]

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """What to know when reading the numbers."""
        return [Note(text) for text in self.measured.notes]

    def headline(self) -> Text:
        """Return how many nodes exceed the declared caps, or which one contributes most."""
        if self.caps:
            above = self.flags[["track", "code"]].drop_duplicates()
            return message("dominance.headline.caps", label=self.weights.label, n=len(above))
        own = self.measures[
            (self.measures["level"] == self.cap_level) & (self.measures["track"] != POOLED)
        ]
        top = own.loc[own["variance_share"].idxmax()]
        return message(
            "dominance.headline.largest",
            label=self.weights.label,
            code=str(top["code"]),
            share=float(top["variance_share"]),
        )

    def _drawing(self, track: str, level: str, part: pd.DataFrame) -> Drawing:
        framework = self.weights.framework
        known = framework.tracks
        where = known[track].name if track in known else message("dominance.pooled")
        what = dict(framework.levels).get(level, level)
        title = message("dominance.drawing", label=self.weights.label, track=where, level=what)

        def draw(lang: str) -> Any:
            from calib.figures.dominance import dominance_comparison

            return dominance_comparison(
                part, lang=lang, title=title.get(lang), synthetic=self.synthetic,
                caps=self.caps if level == self.cap_level else {},
            )  # fmt: skip

        roles = (Role.STATISTIC, Role.SHARE)
        return Drawing(f"dominance-{track}-{level}", title, draw, roles=roles)


_LINEAR = ["weight", "contribution", "variance_share"]
"""Measures that follow from moments alone: those whose range over samples is shown."""


def _watched(found: DominanceResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown, and whether each is over its cap."""
    measures = found.measures
    own = measures[(measures["level"] == found.cap_level) & (measures["track"] != POOLED)]
    return _with_caps(own, found.caps)


def _with_caps(measures: pd.DataFrame, caps: Mapping[str, float]) -> pd.DataFrame:
    import pandas as pd

    rows = long_form(measures, ["track", "code"], _LINEAR)
    cap = rows["quantity"].map(caps)
    over = rows[cap.notna()]
    over = over.assign(
        value=(over["value"] > cap[cap.notna()] + 1e-9).astype(float),
        quantity="over_" + over["quantity"],
    )
    found = pd.concat([rows, over], ignore_index=True)
    return found.assign(quantity=found["quantity"].replace("weight", "global_weight"))


def _quick(
    weights: WeightSet,
    population: Population,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
    **options: Any,
) -> pd.DataFrame:
    """Return what :func:`_watched` does, without the measures that take long."""
    import pandas as pd

    del rng
    request = options.get("request") or DominanceRequest.make(options)
    scores, _ = complete_scores(scored_for(population, weights, rule_options), weights)
    depth = level_depths(weights.framework, request.cap_level or request.level)[-1]
    parts = []
    for t, X in scores.items():
        tree = weights.framework.tracks[t]
        nodes = tree.at_depth(depth)
        g = tree.global_weights(weights.local[t])[nodes]
        m = moments_of(X).through(tree.within(weights.local[t], nodes).T)
        parts.append(pd.DataFrame({
            "track": t, "code": [tree.codes[i] for i in nodes], "weight": g,
            "contribution": contribution_share(g, m), "variance_share": variance_share(g, m).share,
        }))  # fmt: skip
    return _with_caps(pd.concat(parts, ignore_index=True), request.caps)


@over_samples(_watched, _quick)
@takes(DominanceRequest)
def dominance(
    weights: WeightSet,
    population: Population | Scored,
    *,
    request: DominanceRequest,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
) -> DominanceResult:
    """Measure which indicators, capabilities and pillars decide totals and stars.

    Parameters
    ----------
    weights : the weights to judge
    population : trial or other population; or an ensemble of samples, over which weights,
        contributions, variance shares and indicators over their cap are shown
    {options}
    rule_options : open rule options of the rating rule
    rng : seed or generator

    Returns
    -------
    DominanceResult

    Notes
    -----
    The measures answer different questions and often disagree: weight ignores the data,
    contribution ignores differences between enterprises, variance shares can be negative, main
    effects count correlated neighbours too, Shapley shares split them, and only the star
    measures know the gates. None is shown alone.
    """
    expect("dominance(weights, population)", weights=(weights, WeightSet),
           population=(population, (Population, Scored)))  # fmt: skip
    scored = scored_for(population, weights, rule_options)
    return DominanceResult(
        weights, request, measure(weights, scored, request, rng), scored.synthetic
    )
