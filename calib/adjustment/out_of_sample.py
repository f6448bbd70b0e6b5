"""How far caps hold on enterprises that the weights were not adjusted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.adjusting import finished
from calib.adjustment.refits import Refits
from calib.errors import NotFoundError
from calib.outcomes.dominance.moments import (
    Moments,
    contribution_share,
    moments_of,
    variance_share,
)
from calib.weights import WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OutOfSample", "out_of_sample"]


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """Bootstrap refits of an adjustment.

    Parameters
    ----------
    draws : refits asked for
    failed : refits without an answer (no weights under the caps were found on that sample)
    spread : one row a track and node that moves: adjusted local weight, SD and 95% interval over
        refits
    held : share of refits in which every cap holds on the enterprises left out, by measure
    held_in : share in which it holds on the sample fitted to (1 up to tolerance)
    held_before : the same share for the weights before adjustment, on the same left-out enterprises
    largest_out : median over refits of the largest value on left-out enterprises, by measure
    excess : median excess over the cap on left-out enterprises: the over-fit
    left_out : mean number of enterprises left out
    local : (k, m) refitted local weights by track
    """

    draws: int
    failed: int
    spread: pd.DataFrame
    held: Mapping[str, float]
    held_in: Mapping[str, float]
    held_before: Mapping[str, float]
    largest_out: Mapping[str, float]
    excess: Mapping[str, float]
    left_out: float
    local: Mapping[str, FloatArray]

    def sentence(self) -> Text:
        """Return the sentence that a report should carry."""
        parts = [
            message("adjustment.check.cap", measure=message(f"adjustment.measure.{m}"), held=share,
                    held_in=self.held_in[m], held_before=self.held_before[m],
                    excess=max(self.excess[m], 0.0))
            for m, share in self.held.items()
        ]  # fmt: skip
        sd = float(self.spread["sd"].max()) if len(self.spread) else 0.0
        held = joined(parts, message("words.semicolon"))
        return message("adjustment.check.sentence", draws=self.draws, failed=self.failed,
                       left_out=self.left_out, held=held, sd=sd)  # fmt: skip


def out_of_sample(refits: Refits, draws: int) -> OutOfSample:
    """Judge refits on bootstrap samples on the enterprises left out of each.

    Raises
    ------
    NotFoundError
        When no refit has an answer.
    """
    weights, spec, scores = refits.weights, refits.spec, refits.scores
    kept: dict[str, list[FloatArray]] = {t: [] for t in scores}
    judged: list[dict[str, tuple[float, float, float]]] = []
    failed, left = 0, 0
    made = refits.refit_all([weights.local] * draws, range(draws))
    for replicate, (local, met) in enumerate(made):
        counts = refits.counts(replicate)
        left += sum(int(np.count_nonzero(c == 0)) for c in counts.values())
        if not met:
            failed += 1
            continue
        for t in scores:
            kept[t].append(local[t])
        outside = {
            t: moments_of(X[counts[t] == 0]) for t, X in scores.items() if (counts[t] == 0).any()
        }
        judged.append(_judge(weights, local, spec, refits.moments(counts), outside))
    if not judged:
        raise NotFoundError(message("adjustment.fault.no_refit", draws=draws))
    spread = {t: np.array(v) for t, v in kept.items()}
    final = finished(weights, refits.full, spec)
    return _summary(draws, failed, left, spread, judged, final, spec)


def _judge(
    weights: WeightSet,
    local: Mapping[str, FloatArray],
    spec: ResolvedRequest,
    inside: Mapping[str, Moments],
    outside: Mapping[str, Moments],
) -> dict[str, tuple[float, float, float]]:
    """Return the largest value of each capped measure: fitted, left out, and left out before."""
    before = {t: weights.local[t] for t in local}
    return {
        m: (
            _largest(weights, local, spec.on, inside, m),
            _largest(weights, local, spec.on, outside, m),
            _largest(weights, before, spec.on, outside, m),
        )
        for m in spec.caps
    }


def _largest(
    weights: WeightSet,
    local: Mapping[str, FloatArray],
    depth: int,
    moments: Mapping[str, Moments],
    measure: str,
) -> float:
    worst = 0.0
    for t, m in moments.items():
        track = weights.framework.tracks[t]
        nodes = track.at_depth(depth)
        g = track.global_weights(local[t])[nodes]
        if measure == "weight":
            value = g
        else:
            through = m.through(track.within(local[t], nodes).T)
            value = (
                contribution_share(g, through)
                if measure == "contribution"
                else variance_share(g, through).share
            )
        worst = max(worst, float(value.max()))
    return worst


def _summary(
    draws: int,
    failed: int,
    left: int,
    local: Mapping[str, FloatArray],
    judged: list[dict[str, tuple[float, float, float]]],
    final: WeightSet,
    spec: ResolvedRequest,
) -> OutOfSample:
    import pandas as pd

    rows = []
    for t, values in local.items():
        track = final.framework.tracks[t]
        for i, depth in enumerate(track.depth):
            if int(depth) in spec.depths:
                low, high = np.quantile(values[:, i], [0.025, 0.975])
                rows.append((t, track.codes[i], float(final.local[t][i]),
                             float(values[:, i].std()), float(low), float(high)))  # fmt: skip
    spread = pd.DataFrame(rows, columns=["track", "code", "local_weight", "sd", "low", "high"])
    caps = spec.caps
    seen = {m: np.array([j[m] for j in judged]) for m in caps}
    return OutOfSample(
        draws,
        failed,
        spread,
        {m: float(np.mean(v[:, 1] <= caps[m] + 1e-8)) for m, v in seen.items()},
        {m: float(np.mean(v[:, 0] <= caps[m] + 1e-8)) for m, v in seen.items()},
        {m: float(np.mean(v[:, 2] <= caps[m] + 1e-8)) for m, v in seen.items()},
        {m: float(np.median(v[:, 1])) for m, v in seen.items()},
        {m: float(np.median(v[:, 1] - caps[m])) for m, v in seen.items()},
        left / draws,
        local,
    )
