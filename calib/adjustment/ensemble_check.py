"""What an adjustment looks like on samples as compatible with what is known as the one shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray
from calib.adjustment.before_and_after import measure_table
from calib.adjustment.many import solve_many
from calib.adjustment.refits import Refits
from calib.outcomes.dominance.moments import Moments, complete_scores, moments_of
from calib.rating import Scored
from calib.rating.kernel import single_threaded_blas
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EnsembleCheck", "over_ensemble"]


_HOLDS = 1e-8
_ROUNDED = 0.0051
"""Adjusted weights may be rounded, those on the samples are not."""


@dataclass(frozen=True)
class EnsembleCheck:
    """What an adjustment looks like on other samples.

    Attributes
    ----------
    samples : how many
    held, held_before : share of them in which every cap holds, with the adjusted weights and with
        those before
    answered : share of them on which the same search finds weights under the caps
    over_here : "track/code" of nodes over a cap in the sample shown, and in which share of the
        ensemble's samples they are over it
    table : one row a node that may move: local weight before, adjusted, and of what the same
        adjustment gives on the samples where it settles, the 5-95 % range, the least and the most
    """

    samples: int
    held: float
    held_before: float
    answered: float
    over_here: Mapping[str, float]
    table: pd.DataFrame

    def outside_sentence(self, names: Mapping[str, Text]) -> Text | None:
        """Return which adjusted weights lie outside the range over the ensemble, and why."""
        t = self.table
        out = t[
            (t["local_after"] < t["low"] - _ROUNDED) | (t["local_after"] > t["high"] + _ROUNDED)
        ]
        if out.empty:
            return None
        known = [names.get(code, code) for code in dict.fromkeys(out["code"])]
        where, share = self.least_shared()
        why: Text | str = ""
        if where:
            code = where.partition("/")[2]
            why = message("adjustment.check.unusual", node=names.get(code, code), share=share)
        return message("adjustment.check.outside", n=len(out), nodes=known[:4], why=why)

    def least_shared(self) -> tuple[str, float]:
        """Return the node over its cap here that is so in the fewest samples, and their share."""
        if not self.over_here:
            return "", 1.0
        where = min(self.over_here, key=lambda k: self.over_here[k])
        return where, self.over_here[where]


@single_threaded_blas()
def over_ensemble(
    before: WeightSet, after: WeightSet, refits: Refits, samples: Sequence[Scored]
) -> EnsembleCheck:
    """Judge adjusted weights on every sample of an ensemble, and adjust on each of them.

    Parameters
    ----------
    before, after : weight sets
    refits : the adjustment, ready to be solved on other enterprises
    samples : scored enterprises of every sample
    """
    spec = refits.spec
    every: list[dict[str, Moments]] = []
    for scored in samples:
        scores, _ = complete_scores(scored, before)
        every.append({t: moments_of(X) for t, X in scores.items() if len(X)})
    here = measure_table(before, after, refits.moments(refits.counts(-1)), spec.on)
    names = (here["track"] + "/" + here["code"]).to_numpy()
    over_now = _over(here, spec.caps, "before")
    tables = [measure_table(before, after, m, spec.on) for m in every]
    over = np.array([_over(t, spec.caps, "before") for t in tables])
    still = np.array([_over(t, spec.caps, "after") for t in tables])
    solved = solve_many([refits.space] * len(every), spec, every, refits.full)
    found = [f.local for f in solved]
    return EnsembleCheck(
        len(samples),
        float(np.mean(~still.any(axis=1))),
        float(np.mean(~over.any(axis=1))),
        float(np.mean([len(local) == len(refits.scores) for local in found])),
        {str(names[i]): float(over[:, i].mean()) for i in np.flatnonzero(over_now)},
        _table(before, after, refits, found),
    )


def _over(table: pd.DataFrame, caps: Mapping[str, float], when: str) -> FloatArray:
    """Return which capped nodes are over a cap."""
    out = np.zeros(len(table), dtype=bool)
    for m, cap in caps.items():
        out |= table[f"{m}_{when}"].to_numpy(dtype=float) > cap + _HOLDS
    return out


def _table(
    before: WeightSet,
    after: WeightSet,
    refits: Refits,
    found: Sequence[Mapping[str, FloatArray]],
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for t in refits.scores:
        track = before.framework.tracks[t]
        local = np.array([f[t] for f in found if t in f])
        for i in np.flatnonzero(np.isin(track.depth, refits.spec.depths)):
            ends = np.full(4, np.nan)
            if len(local):
                ends = np.quantile(local[:, i], [0.05, 0.95, 0.0, 1.0])
            rows.append((t, track.codes[i], float(before.local[t][i]), float(after.local[t][i]),
                         *ends.tolist()))  # fmt: skip
    columns = ["track", "code", "local_before", "local_after", "low", "high", "sample_min",
               "sample_max"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
