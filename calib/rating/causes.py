"""What keeps enterprises from a star: the one wording of causes that every table uses."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray, IntArray
from calib.framework import RatingRule, RuleOptions
from calib.rating.rating_result import RatedSample

__all__ = ["move_causes", "star_obstacles"]


def star_obstacles(
    sample: RatedSample, rows: IntArray, star: IntArray, rule: RatingRule, rule_options: RuleOptions
) -> list[str]:
    """Say what keeps enterprises from a star that they do not have.

    Parameters
    ----------
    rows : (q,) enterprises of the sample
    star : (q,) the star that each is kept from, counted from 0
    rule, rule_options : as the sample was rated

    Returns
    -------
    ``total`` (it does not reach the star's band), ``gate <node>`` for every gate failed, or both,
    joined by "; ". A score that lies on the edge itself, as far as scores are told apart, and
    therefore does not pass it, says so: ``total (exactly at 83.33)``.
    """
    thresholds = rule.effective(rule_options, sample.track.code)
    has_bands = bool(rule.bands_of(sample.track.code, rule_options.year))
    out = []
    for i, k in zip(rows.tolist(), (star - 1).tolist(), strict=True):
        causes = []
        if has_bands and sample.band[i] <= k:
            causes.append("total" + _on_edge(sample.total[i], thresholds.band, k, rule.tolerance))
        for p, gates in zip(sample.gated, sample.gates, strict=True):
            score = sample.scores[i, p]
            if score <= gates[k]:
                edge = _on_edge(score, gates, k, rule.tolerance)
                causes.append(f"gate {sample.track.codes[p]}{edge}")
        for cap, holds in zip(sample.caps, sample.capped[i], strict=True):
            if holds and cap.top <= k:
                causes.append(f"gate {'/'.join(dict.fromkeys(cap.when.nodes()))}")
        # Under the one-star option a gate of a still higher band can be what costs the star.
        out.append("; ".join(causes) or "gate of a higher band")
    return out


def move_causes(
    before: RatedSample,
    after: RatedSample,
    rows: IntArray,
    rule: RatingRule,
    rule_options: RuleOptions,
) -> list[str]:
    """Say what decides moves: what keeps each mover from the higher of its two stars.

    Parameters
    ----------
    before, after : the same enterprises under two weight sets
    rows : (q,) enterprises whose star differs

    Returns
    -------
    The obstacle where the enterprise has the lower star; see :func:`star_obstacles`
    """
    out = [""] * len(rows)
    up = after.star[rows] > before.star[rows]
    for low, high, here in ((before, after, up), (after, before, ~up)):
        at = np.flatnonzero(here)
        found = star_obstacles(low, rows[at], high.star[rows[at]], rule, rule_options)
        for i, text in zip(at.tolist(), found, strict=True):
            out[i] = text
    return out


def _on_edge(score: float, effective: FloatArray, k: int, tolerance: float) -> str:
    """Say so where a score that fails an effective threshold lies on the printed one."""
    gap = float(effective[k]) - float(score)
    if not gap <= 2 * tolerance:
        return ""
    text = f"{float(effective[k]) - tolerance:.2f}".rstrip("0").rstrip(".")
    return f" (exactly at {text})"
