"""Cooke's classical model: expert weights from seed questions with known answers.

Experts state quantiles of quantities whose true values are known to the analyst. Calibration is
the p-value of the hypothesis that the truths fall between the quantiles as often as the expert
says; information is how much narrower than the background the quantiles are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import Fault, InputError
from calib.words import Text, message

__all__ = ["Performance", "performance_weights"]


@dataclass(frozen=True, slots=True)
class Performance:
    """Seed-question performance of experts.

    Parameters
    ----------
    calibration : (k,) p-values, 0 to 1
    information : (k,) mean relative information, ≥ 0
    weights : (k,) normalised calibration x information, 0 under the cut-off
    counts : (k, q + 1) how many true values fell between the quantiles
    ranges : (N, 2) intrinsic range of each question: all quantiles and the truth, widened by the
        overshoot
    cutoff, overshoot : as given to :func:`performance_weights`
    """

    calibration: FloatArray
    information: FloatArray
    weights: FloatArray
    counts: IntArray
    ranges: FloatArray
    cutoff: float
    overshoot: float

    @property
    def score(self) -> FloatArray:
        """(k,) calibration x information, before the cut-off."""
        return self.calibration * self.information


def _check(
    assessed: FloatArray, truths: FloatArray, levels: FloatArray, overshoot: float, cutoff: float
) -> None:
    faults: list[Fault] = []
    if not (np.isfinite(overshoot) and overshoot > 0):
        faults.append(_fault("overshoot", "no_share", overshoot, "above_0"))
    if not 0 <= cutoff < 1:
        faults.append(_fault("cutoff", "no_p", cutoff, "p_range"))
    if levels.ndim != 1 or (np.diff(levels) <= 0).any() or levels[0] <= 0 or levels[-1] >= 1:
        faults.append(_fault("quantile_levels", "levels_increase", levels.tolist()))
    if assessed.shape[1:] != (truths.size, levels.size):
        wanted: str | Text = f"(k, {truths.size}, {levels.size})"
        faults.append(
            Fault(
                "",
                message("experts.faults.assessments"),
                message("experts.faults.wrong_shape"),
                assessed.shape,
                wanted,
            )
        )
        raise InputError(faults)
    for e, q in np.argwhere(~(np.diff(assessed, axis=2) > 0).all(axis=2)):
        where = message("experts.faults.expert_question", n=e + 1, question=q + 1)
        text, wanted = (
            message("experts.faults.quantiles_increase"),
            message("experts.faults.increasing"),
        )
        faults.append(Fault("", where, text, assessed[e, q].tolist(), wanted))
    faults += [
        Fault(
            "",
            message("experts.faults.seed_question", n=q + 1),
            message("experts.faults.no_truth"),
            None,
            message("experts.faults.finite"),
        )
        for q in np.flatnonzero(~np.isfinite(truths))
    ]
    if faults:
        raise InputError(faults)


def _fault(where: str, problem: str, value: object, expected: str = "") -> Fault:
    wanted = message(f"experts.faults.{expected}") if expected else ""
    at, text = (message(f"experts.faults.{key}") for key in (where, problem))
    return Fault("", at, text, value, wanted)


def performance_weights(
    assessed: FloatArray,
    truths: FloatArray,
    *,
    levels: tuple[float, ...] = (0.05, 0.5, 0.95),
    overshoot: float = 0.1,
    cutoff: float = 0.0,
) -> Performance:
    """Weigh experts by calibration and information (global weights).

    Parameters
    ----------
    assessed : (k, N, q) stated quantiles of N seed questions, of the experts who are weighed and
        nobody else: every expert here helps to set the intrinsic ranges, also one who is cut off
    truths : (N,) their true values
    levels
        Probabilities of the quantiles.
    overshoot
        Share by which the intrinsic range is wider, at each end, than all statements and the truth.
    cutoff
        Experts with a calibration below it get weight 0.

    Returns
    -------
    Performance

    Raises
    ------
    InputError
        Listing non-increasing quantiles, missing truths, an overshoot or cut-off out of range; or
        when every expert is cut off.

    Notes
    -----
    With p the theoretical and s the observed shares of the q + 1 bins,
    C = P(χ²_q > 2N Σ s ln(s/p)); a truth equal to a quantile counts in the lower bin.
    I = mean over questions of Σ p_i ln(p_i/r_i) + ln(background width), with r_i the bin widths
    on a uniform background. Terms with s = 0 are 0; no term is cut at 0, and the degrees of freedom
    are the number of bins less one, not of questions less one.

    References
    ----------
    Cooke (1991), Experts in Uncertainty.
    """
    from scipy.special import chdtrc

    assessed, truths = np.asarray(assessed, dtype=float), np.asarray(truths, dtype=float)
    quantiles = np.asarray(levels, dtype=float)
    _check(assessed, truths, quantiles, overshoot, cutoff)
    p = np.diff(np.concatenate([[0.0], quantiles, [1.0]]))
    bins = (truths[None, :, None] > assessed).sum(axis=2)  # (k, N)
    counts = (bins[:, :, None] == np.arange(p.size)).sum(axis=1)
    s = counts / truths.size
    terms = np.where(s > 0, s * np.log(np.where(s > 0, s, 1.0) / p), 0.0)
    calibration = np.asarray(
        chdtrc(p.size - 1, 2.0 * truths.size * np.maximum(terms.sum(axis=1), 0.0)), dtype=float
    )
    low = np.minimum(assessed.min(axis=(0, 2)), truths)
    high = np.maximum(assessed.max(axis=(0, 2)), truths)
    width = high - low
    edges = np.stack([low - overshoot * width, high + overshoot * width], axis=-1)
    shape = (*assessed.shape[:2], 1)
    stacked = np.concatenate(
        [
            np.broadcast_to(edges[None, :, :1], shape),
            assessed,
            np.broadcast_to(edges[None, :, 1:], shape),
        ],
        axis=2,
    )
    background = (edges[:, 1] - edges[:, 0])[None, :]
    information = (
        (p * np.log(p / np.diff(stacked, axis=2))).sum(axis=2) + np.log(background)
    ).mean(axis=1)
    raw = np.where(calibration >= cutoff, calibration * information, 0.0)
    if raw.sum() <= 0:
        raise InputError(message("experts.faults.nobody_calibrated", cutoff=f"{cutoff:g}"))
    weights = np.asarray(raw / raw.sum(), dtype=float)
    return Performance(calibration, information, weights, counts, edges, cutoff, overshoot)
