"""Which indicators really decide: eight measures side by side, by track and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment import intervals as boot
from calib.adjustment.level_measures import LevelData, level_data, measure_level, pool_levels
from calib.adjustment.lines import baseline
from calib.adjustment.moments import moments_of
from calib.adjustment.scores import complete_scores, scored_for
from calib.adjustment.shares import concentration
from calib.adjustment.space import level_depths
from calib.errors import InputError
from calib.framework import Framework, Readings
from calib.population import Population
from calib.rating import Scored
from calib.rating.kernel import single_threaded_blas
from calib.weights import WeightSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CAPPABLE", "POOLED", "Dominance", "dominance"]

POOLED = "pooled"
CAPPABLE = ("weight", "contribution", "variance_share", "main_effect", "shapley", "star_changed")
_RANKED = (
    "weight", "contribution", "variance_share", "main_effect", "shapley", "item_rest",
    "star_changed", "leverage",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dominance:
    """Dominance measures of one weight set on one population.

    Parameters
    ----------
    table : one row a track (or "pooled"), level and node; one column a measure, with
        ``<measure>_low`` and ``_high`` where an interval was asked for
    concentration : HHI, effective number and largest weight by track and level
    flags : nodes that exceed a declared cap: measure, value, cap, interval
    disagreement : Kendall's tau between the orders that the measures give, by track and level
    gates : share of enterprises whose star changes by leaving a node out, by gate
    cap_level : level that the caps are declared for; nodes of other levels are not held to them
    notes : what to know when reading the numbers
    """

    weights: WeightSet
    table: pd.DataFrame
    concentration: pd.DataFrame
    flags: pd.DataFrame
    disagreement: pd.DataFrame
    gates: pd.DataFrame
    caps: Mapping[str, float]
    cap_level: str
    synthetic: bool
    notes: tuple[str, ...]


@single_threaded_blas()
def dominance(
    weights: WeightSet,
    population: Population | Scored,
    *,
    level: str | Sequence[str] = "all",
    cap: float | Mapping[str, float] | None = None,
    cap_level: str | None = None,
    enterprise_cap: float = 0.15,
    draws: int = 0,
    confidence: float = 0.95,
    orders: int = 2000,
    readings: Readings | Mapping[str, str] | None = None,
    rng: Seed = None,
) -> Dominance:
    """Measure which indicators, capabilities and pillars decide totals and stars.

    Parameters
    ----------
    weights : the weights to judge
    population : trial or other population
    level : levels to report, "all" by default
    cap : declared cap on shares; a number holds for contribution and variance share, a mapping
        gives caps by measure
    cap_level : level that the cap is declared for; the lowest one reported by default
    enterprise_cap : share of one enterprise's total above which a single node dominates it
    draws : bootstrap draws for intervals, 0 for none
    confidence : level of the intervals
    orders : sampled orders for Shapley shares of many nodes
    readings : open readings of the rating rule
    rng : seed or generator

    Returns
    -------
    Dominance

    Notes
    -----
    The measures answer different questions and often disagree: weight ignores the data,
    contribution ignores differences between enterprises, variance shares can be negative, main
    effects count correlated neighbours too, Shapley shares split them, and only the star
    measures know the gates. None is shown alone.
    """
    scored = scored_for(population, weights, readings)
    caps = _caps(cap)
    scores, notes = complete_scores(scored, weights)
    generator = np.random.default_rng(rng)
    worker = _Worker(weights, scored, scores, enterprise_cap, draws, confidence, orders, generator)
    frames, gates = [], []
    depths = level_depths(weights.framework, level)
    capped = level_depths(weights.framework, cap_level)[-1] if cap_level else depths[-1]
    for depth in depths:
        rows, gate_rows = worker.level(depth)
        frames.extend(rows)
        gates.extend(gate_rows)
    import pandas as pd

    table = pd.concat(frames, ignore_index=True)
    cap_name = _level_name(weights.framework, capped)
    return Dominance(
        weights,
        table,
        _concentration(table),
        _flags(table[table["level"] == cap_name], caps),
        _disagreement(table),
        pd.DataFrame(gates, columns=["track", "level", "code", "gate", "star_changed"]),
        caps,
        cap_name,
        scored.synthetic,
        (*map(str, notes), *worker.notes()),
    )


@dataclass(eq=False)
class _Worker:
    """Measures one level after another on the same scores and bootstrap draws."""

    weights: WeightSet
    scored: Scored
    scores: Mapping[str, FloatArray]
    enterprise_cap: float
    draws: int
    confidence: float
    orders: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        fw = self.weights.framework
        thresholds = fw.rule.thresholds(self.scored.readings)
        self.base = {
            t: baseline(
                fw.tracks[t], X, self.weights.local[t], thresholds, self.scored.samples[t].X
            )
            for t, X in self.scores.items()
            if len(X)
        }
        self.moments = {t: moments_of(self.scores[t]) for t in self.base}
        self.counts = {
            t: boot.draw_counts(len(self.scores[t]), self.draws, self.rng) if self.draws else []
            for t in self.base
        }
        self.drawn = {t: boot.leaf_moments(self.scores[t], c) for t, c in self.counts.items()}

    def notes(self) -> list[str]:
        out = []
        for t, m in self.moments.items():
            if m.n < 2:
                out.append(f"{t}: a single enterprise; variance measures are 0 by definition")
            elif m.n <= len(m.mean):
                out.append(
                    f"{t}: {int(m.n)} enterprises and {len(m.mean)} indicators; the covariance is "
                    "singular and shares are descriptive of this sample only"
                )
            still = np.flatnonzero((np.diag(m.cov) <= 0) & (m.n > 1))
            if len(still):
                names = ", ".join(self.base[t].track.leaf_codes[i] for i in still)
                out.append(f"{t}: no variance in {names}; their variance measures are 0")
        return out

    def level(self, depth: int) -> tuple[list[pd.DataFrame], list[tuple[object, ...]]]:
        levels: dict[str, LevelData] = {}
        tables: dict[str, dict[str, FloatArray]] = {}
        drawn: dict[str, dict[str, FloatArray]] = {}
        frames: list[pd.DataFrame] = []
        gates: list[tuple[object, ...]] = []
        name = _level_name(self.weights.framework, depth)
        for t, base in self.base.items():
            data = level_data(base, self.scores[t], self.moments[t], depth)
            columns, out = measure_level(
                data, enterprise_cap=self.enterprise_cap, orders=self.orders, rng=self.rng
            )
            tables[t] = columns
            if self.draws:
                drawn[t] = boot.bootstrap_level(data, out, self.counts[t], self.drawn[t])
            # Pooling needs the moments only; the scores of a level are as large as the sample.
            levels[t] = replace(data, scores=np.empty((0, len(data.nodes))))
            codes = [base.track.codes[i] for i in data.nodes]
            frames.append(self._frame(t, name, codes, columns, drawn.get(t, {})))
            for p, node in enumerate(base.gated):
                for i, code in enumerate(codes):
                    share = float(out.by_gate[i, p])
                    if share > 0:
                        gates.append((t, name, code, base.track.codes[node], share))
        if len(levels) > 1:
            every, columns = pool_levels(levels, tables, orders=self.orders, rng=self.rng)
            pooled = boot.bootstrap_pooled(levels, drawn, self.drawn) if self.draws else {}
            frames.append(self._frame(POOLED, name, every, columns, pooled))
        return frames, gates

    def _frame(
        self,
        track: str,
        level: str,
        codes: Sequence[str],
        columns: Mapping[str, FloatArray],
        drawn: Mapping[str, FloatArray],
    ) -> pd.DataFrame:
        import pandas as pd

        fw = self.weights.framework
        nodes = [fw.node(c) for c in codes]
        data: dict[str, object] = {
            "track": track,
            "level": level,
            "code": list(codes),
            "name_zh": [n.name.zh for n in nodes],
            "name_en": [n.name.en for n in nodes],
        }
        for name in _ORDER:
            data[name] = columns[name]
            if name in drawn:
                data[f"{name}_low"], data[f"{name}_high"] = boot.quantiles(
                    drawn[name], self.confidence
                )
            elif self.draws and name in boot.INTERVAL_OF:
                data[f"{name}_low"] = data[f"{name}_high"] = np.nan
        return pd.DataFrame(data)


_ORDER = (
    "weight", "contribution", "dominated", "variance_share", "variance_own", "variance_correlated",
    "main_effect", "main_effect_adjusted", "r", "r2", "shapley", "shapley_se", "item_rest",
    "star_changed", "star_up", "star_down", "star_by_gate", "star_by_band", "rank_shift",
    "leverage", "leverage_within",
)  # fmt: skip


def _caps(cap: float | Mapping[str, float] | None) -> dict[str, float]:
    if cap is None:
        return {}
    caps = dict(cap) if isinstance(cap, Mapping) else {"contribution": cap, "variance_share": cap}
    for measure, value in caps.items():
        if measure not in CAPPABLE:
            raise InputError(f"no cap on {measure!r}; expected one of {', '.join(CAPPABLE)}")
        if not 0 < value <= 1:
            raise InputError(f"cap on {measure} is {value!r}; expected a share above 0, at most 1")
    return caps


def _level_name(framework: Framework, depth: int) -> str:
    return framework.levels[depth - 1][0] if depth <= len(framework.levels) else f"level {depth}"


def _concentration(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for (track, level), part in table.groupby(["track", "level"], sort=False):
        if track == POOLED:
            continue
        c = concentration(part["weight"].to_numpy(dtype=float))
        rows.append((track, level, len(part), c.hhi, c.effective, c.largest))
    return pd.DataFrame(rows, columns=["track", "level", "nodes", "hhi", "effective", "largest"])


def _flags(table: pd.DataFrame, caps: Mapping[str, float]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for row in table.to_dict("records"):
        for measure, limit in caps.items():
            value = row[measure]
            if value > limit + 1e-9:
                low, high = row.get(f"{measure}_low", np.nan), row.get(f"{measure}_high", np.nan)
                # Without an interval nothing is known of it: neither yes nor no.
                sure = None if np.isnan(low) else bool(low > limit)
                rows.append((row["track"], row["level"], row["code"], row["name_zh"],
                             row["name_en"], measure, value, limit, low, high, sure))  # fmt: skip
    columns = ["track", "level", "code", "name_zh", "name_en", "measure", "value", "cap", "low",
               "high", "interval_above_cap"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _disagreement(table: pd.DataFrame) -> pd.DataFrame:
    """Return Kendall's tau-b of each pair of measures; leverage counts with its sign turned."""
    import pandas as pd

    rows = []
    for (track, level), part in table.groupby(["track", "level"], sort=False):
        ranks = {name: part[name].to_numpy(dtype=float) for name in _RANKED}
        ranks["leverage"] = -ranks["leverage"]
        for i, a in enumerate(_RANKED):
            for b in _RANKED[i + 1 :]:
                rows.append((track, level, a, b, _tau(ranks[a], ranks[b])))
    return pd.DataFrame(rows, columns=["track", "level", "measure", "other", "tau"])


def _tau(x: FloatArray, y: FloatArray) -> float:
    ok = ~(np.isnan(x) | np.isnan(y))
    x, y = x[ok], y[ok]
    upper = np.triu_indices(len(x), 1)
    with np.errstate(invalid="ignore"):
        a = np.sign(np.nan_to_num(x[:, None] - x[None, :]))[upper]
        b = np.sign(np.nan_to_num(y[:, None] - y[None, :]))[upper]
    size = float(np.sqrt(np.sum(a != 0) * np.sum(b != 0)))
    return float(np.sum(a * b) / size) if size > 0 else float("nan")
