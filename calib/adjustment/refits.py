"""How far adjusted weights hold beyond the enterprises that they were adjusted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment.adjusting import finished, space_of
from calib.adjustment.main_effect import bootstrap_counts
from calib.adjustment.moments import Moments, moments_of
from calib.adjustment.scores import complete_scores, scored_for
from calib.adjustment.shares import contribution_share, variance_share
from calib.adjustment.solve import solve
from calib.adjustment.spec import AdjustSpec
from calib.errors import ConvergenceError, InfeasibleError, InputError, NotFoundError
from calib.framework import Name, Readings
from calib.population import Population
from calib.rating import Scored
from calib.rating.kernel import single_threaded_blas
from calib.weights import WeightSet

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

    def sentence(self) -> Name:
        """Return the sentence that a report should carry, in both languages."""
        zh, en = [], []
        words = {"variance": ("方差占比", "variance share"), "weight": ("权重", "weight"),
                 "contribution": ("贡献占比", "contribution share")}  # fmt: skip
        for m, share in self.held.items():
            zh.append(f"{words[m][0]}上限在 {share:.0%} 的重抽样中对未参与拟合的企业仍成立"
                      f"（样本内 {self.held_in[m]:.0%}，调整前的权重 {self.held_before[m]:.0%}；"
                      f"中位超出 {max(self.excess[m], 0):.3f}）")  # fmt: skip
            en.append(f"the {words[m][1]} cap held on {share:.0%} of the samples of enterprises "
                      f"left out (on {self.held_in[m]:.0%} of those fitted to, under the "
                      f"weights before on {self.held_before[m]:.0%}; median excess "
                      f"{max(self.excess[m], 0):.3f})")  # fmt: skip
        sd = float(self.spread["sd"].max()) if len(self.spread) else 0.0
        return Name(
            f"用同一批企业调整权重并检验，结果偏乐观：{self.draws} 次自助重抽样（平均 "
            f"{self.left_out:.1f} 家企业未参与拟合，{self.failed} 次无解）中，{'；'.join(zh)}；"
            f"局部权重的标准差最大为 {sd:.3f}。",
            "Adjusting and judging on the same enterprises is optimistic: over "
            f"{self.draws} bootstrap refits (on average {self.left_out:.1f} enterprises left out; "
            f"{self.failed} without an answer) {'; '.join(en)}; local weights vary with a standard "
            f"deviation of up to {sd:.3f}.",
        )


@single_threaded_blas()
def out_of_sample(
    weights: WeightSet,
    population: Population | Scored,
    spec: AdjustSpec,
    *,
    draws: int = 200,
    readings: Readings | Mapping[str, str] | None = None,
    rng: Seed = 0,
) -> OutOfSample:
    """Refit an adjustment on bootstrap samples and judge it on the enterprises left out.

    Parameters
    ----------
    weights : starting weights
    population : trial sample
    spec : the request; problems "caps", "shares" and "correlations"
    draws : bootstrap samples, drawn within each track
    readings : open readings
    rng : seed or generator

    Returns
    -------
    OutOfSample
    """
    if spec.problem == "stars":
        raise InputError("out-of-sample refits are for measures of dominance, not for star fits")
    if draws < 2:
        raise InputError("at least 2 bootstrap samples are needed")
    scored = scored_for(population, weights, readings)
    scores, _ = complete_scores(scored, weights)
    scores = {t: X for t, X in scores.items() if len(X)}
    shares = spec.problem == "shares"
    generator = np.random.default_rng(rng)
    space = space_of(weights, list(scores), spec.depths)
    full = solve(
        space,
        spec,
        {t: moments_of(X, centred=shares) for t, X in scores.items()},
        rng=generator.spawn(1)[0],
    )
    warm = np.concatenate(
        [b.track.global_weights(full.local[b.track.code])[b.nodes] for b in space.blocks]
    )
    quick = _quick(spec)
    kept: dict[str, list[FloatArray]] = {t: [] for t in scores}
    judged: list[dict[str, tuple[float, float, float]]] = []
    failed, left = 0, 0
    for _ in range(draws):
        counts = {t: bootstrap_counts(len(X), 1, generator)[0] for t, X in scores.items()}
        inside = {t: moments_of(X, counts[t], centred=shares) for t, X in scores.items()}
        left += sum(int(np.count_nonzero(c == 0)) for c in counts.values())
        try:
            found = solve(space, quick, inside, extra_starts=[warm], rng=generator)
        except (InfeasibleError, NotFoundError, ConvergenceError, InputError):
            failed += 1
            continue
        for t in scores:
            kept[t].append(found.local[t])
        outside = {
            t: moments_of(X[counts[t] == 0]) for t, X in scores.items() if (counts[t] == 0).any()
        }
        judged.append(_judge(weights, found.local, spec, inside, outside))
    if not judged:
        raise NotFoundError(
            f"on none of {draws} bootstrap samples were weights under these caps found: they hold "
            "on the full sample by luck only"
        )
    local = {t: np.array(v) for t, v in kept.items()}
    final = finished(weights, full.local, spec)
    return _summary(draws, failed, left, local, judged, final, spec)


def _quick(spec: AdjustSpec) -> AdjustSpec:
    from dataclasses import replace

    return replace(spec, starts=0)


def _judge(
    weights: WeightSet,
    local: Mapping[str, FloatArray],
    spec: AdjustSpec,
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
    spec: AdjustSpec,
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
