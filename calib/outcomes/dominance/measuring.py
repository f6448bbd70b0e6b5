"""Which indicators really decide: eight measures side by side, by track and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, Seed
from calib.outcomes.dominance.dominance_request import DominanceRequest, level_depths, level_name
from calib.outcomes.dominance.level_measures import (
    INTERVAL_OF,
    LevelData,
    bootstrap_level,
    bootstrap_pooled,
    draw_counts,
    leaf_moments,
    level_data,
    measure_level,
    pool_levels,
    quantiles,
)
from calib.outcomes.dominance.moments import complete_scores, concentration, moments_of
from calib.rating import Scored
from calib.rating.kernel import single_threaded_blas
from calib.rating.scored_nodes import score_nodes
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["POOLED", "Measured", "measure"]

POOLED = "pooled"
_RANKED = (
    "weight", "contribution", "variance_share", "main_effect", "shapley", "item_rest",
    "star_changed", "leverage",
)  # fmt: skip


@single_threaded_blas()
def measure(
    weights: WeightSet, scored: Scored, request: DominanceRequest, rng: Seed = None
) -> Measured:
    """Measure which indicators, capabilities and pillars decide totals and stars.

    Parameters
    ----------
    weights : the weights to judge
    scored : the enterprises
    request : the options
    rng : seed or generator
    """
    import pandas as pd

    scores, notes = complete_scores(scored, weights)
    worker = _Worker(weights, scored, scores, request, np.random.default_rng(rng))
    frames, gates = [], []
    depths = level_depths(weights.framework, request.level)
    cap_level = request.cap_level
    capped = level_depths(weights.framework, cap_level)[-1] if cap_level else depths[-1]
    for depth in depths:
        rows, gate_rows = worker.level(depth)
        frames.extend(rows)
        gates.extend(gate_rows)
    measures = pd.concat(frames, ignore_index=True)
    name = level_name(weights.framework, capped)
    return Measured(
        measures,
        _concentration(measures),
        _flags(measures[measures["level"] == name], request.caps),
        _disagreement(measures),
        pd.DataFrame(gates, columns=["track", "level", "code", "gate", "star_changed"]),
        name,
        (*notes, *worker.notes()),
    )


@dataclass(frozen=True, eq=False)
class Measured:
    """The tables of a measurement, as :class:`DominanceResult` describes them."""

    measures: pd.DataFrame
    concentration: pd.DataFrame
    flags: pd.DataFrame
    disagreement: pd.DataFrame
    gates: pd.DataFrame
    cap_level: str
    notes: tuple[Text, ...]


@dataclass(eq=False)
class _Worker:
    """Measures one level after another on the same scores and bootstrap draws."""

    weights: WeightSet
    scored: Scored
    scores: Mapping[str, FloatArray]
    request: DominanceRequest
    rng: np.random.Generator

    def __post_init__(self) -> None:
        fw = self.weights.framework
        rule, options = self.scored.framework.rule, self.scored.rule_options
        self.base = {
            t: score_nodes(
                fw.tracks[t],
                X,
                self.weights.local[t],
                rule.effective(options, t),
                self.scored.samples[t].X,
            )
            for t, X in self.scores.items()
            if len(X)
        }
        self.moments = {t: moments_of(self.scores[t]) for t in self.base}
        draws = self.request.draws
        self.counts = {
            t: draw_counts(len(self.scores[t]), draws, self.rng) if draws else [] for t in self.base
        }
        self.drawn = {t: leaf_moments(self.scores[t], c) for t, c in self.counts.items()}

    def notes(self) -> list[Text]:
        out: list[Text] = []
        for code, m in self.moments.items():
            t = self.base[code].track.name
            if m.n < 2:
                out.append(message("dominance.note.single", track=t))
            elif m.n <= len(m.mean):
                out.append(message("dominance.note.singular", track=t, n=int(m.n),
                                   indicators=len(m.mean)))  # fmt: skip
            still = np.flatnonzero((np.diag(m.cov) <= 0) & (m.n > 1))
            if len(still):
                codes = [self.base[code].track.leaf_codes[i] for i in still]
                out.append(message("dominance.note.constant", track=t, codes=codes))
        return out

    def level(self, depth: int) -> tuple[list[pd.DataFrame], list[tuple[object, ...]]]:
        levels: dict[str, LevelData] = {}
        tables: dict[str, dict[str, FloatArray]] = {}
        drawn: dict[str, dict[str, FloatArray]] = {}
        frames: list[pd.DataFrame] = []
        gates: list[tuple[object, ...]] = []
        name = level_name(self.weights.framework, depth)
        for t, base in self.base.items():
            data = level_data(base, self.scores[t], self.moments[t], depth)
            columns, out = measure_level(
                data,
                enterprise_cap=self.request.enterprise_cap,
                orders=self.request.orders,
                rng=self.rng,
            )
            tables[t] = columns
            if self.request.draws:
                drawn[t] = bootstrap_level(data, out, self.counts[t], self.drawn[t])
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
            every, columns = pool_levels(levels, tables, orders=self.request.orders, rng=self.rng)
            pooled = bootstrap_pooled(levels, drawn, self.drawn) if self.request.draws else {}
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
                data[f"{name}_low"], data[f"{name}_high"] = quantiles(
                    drawn[name], self.request.confidence
                )
            elif self.request.draws and name in INTERVAL_OF:
                data[f"{name}_low"] = data[f"{name}_high"] = np.nan
        return pd.DataFrame(data)


_ORDER = (
    "weight", "contribution", "dominated", "variance_share", "variance_own", "variance_correlated",
    "main_effect", "main_effect_adjusted", "r", "r2", "shapley", "shapley_se", "item_rest",
    "star_changed", "star_up", "star_down", "star_by_gate", "star_by_band", "rank_shift",
    "leverage", "leverage_within",
)  # fmt: skip


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
    from scipy.stats import kendalltau

    rows = []
    for (track, level), part in table.groupby(["track", "level"], sort=False):
        # Values that differ by rounding noise, as equal siblings have, are tied.
        ranks = {name: part[name].to_numpy(dtype=float).round(9) for name in _RANKED}
        ranks["leverage"] = -ranks["leverage"]
        for i, a in enumerate(_RANKED):
            for b in _RANKED[i + 1 :]:
                tau = kendalltau(ranks[a], ranks[b], nan_policy="omit").statistic
                rows.append((track, level, a, b, float(tau)))
    return pd.DataFrame(rows, columns=["track", "level", "measure", "other", "tau"])
