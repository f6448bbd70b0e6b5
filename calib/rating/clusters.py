"""Bands that come from the enterprises themselves: k-means of the totals, track by track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Framework
from calib.framework.conditions import Scope, Variant
from calib.rating.stars import by_answered, effective_local, node_scores
from calib.words import message

if TYPE_CHECKING:
    from calib.rating.scored import ScoredSample

__all__ = ["cluster_bands", "with_cluster_bands"]

MOST_PASSES = 1000


def cluster_bands(totals: FloatArray, stars: int, strict: float = np.inf) -> tuple[float, ...]:
    """Return the bands between clusters of totals, (stars - 1), rising.

    Parameters
    ----------
    totals : (n,) totals in points
    stars : number of clusters
    strict : in the second pass, totals further than this from every centre do not move centres

    Raises
    ------
    InputError
        When there are fewer different totals than stars, or a cluster is left empty.

    Notes
    -----
    The procedure of the US hospital star ratings (Yale CORE, Overall Hospital Quality Star Rating
    methodology report v4.1, 2021, step 7, and the SAS package that goes with it, PROC FASTCLUS):
    the first centres are the medians of the equal parts into which quantiles (inverse of the
    empirical distribution) cut the totals; Lloyd's iterations to full convergence; then from those
    centres again with ``strict``. Every total belongs to its nearest centre, so a band lies midway
    between two.

    Examples
    --------
    >>> cluster_bands(np.array([0.0, 1, 10, 11]), 2)
    (5.5,)
    """
    totals = np.asarray(totals, dtype=float)
    if len(np.unique(totals)) < stars:
        raise InputError(message("rating.few_totals", n=len(np.unique(totals)), stars=stars))
    cuts = np.quantile(totals, np.arange(1, stars) / stars, method="inverted_cdf")
    part = np.searchsorted(cuts, totals, side="left")
    filled = [totals[part == k] for k in range(stars)]
    if any(not len(f) for f in filled):
        raise InputError(message("rating.few_totals", n=len(np.unique(totals)), stars=stars))
    centres = np.array([np.median(f) for f in filled])
    for reach in (np.inf, strict):
        centres = _converged(totals, centres, reach)
    return tuple(float(b) for b in (centres[1:] + centres[:-1]) / 2)


def _converged(totals: FloatArray, centres: FloatArray, reach: float) -> FloatArray:
    """Run Lloyd's iterations until nothing changes its cluster, or moves in or out of reach."""
    before: IntArray | None = None
    for _ in range(MOST_PASSES):
        distance = np.abs(totals[:, None] - centres)
        nearest = distance.argmin(axis=1).astype(np.int64)
        now = np.where(distance.min(axis=1) <= reach, nearest, -1 - nearest)
        if before is not None and (now == before).all():
            break
        before = now
        members = [totals[now == k] for k in range(len(centres))]
        if any(not len(m) for m in members):
            raise InputError(
                message("rating.few_totals", n=len(np.unique(totals)), stars=len(centres))
            )
        centres = np.array([m.mean() for m in members])
    return centres


def with_cluster_bands(framework: Framework, samples: Mapping[str, ScoredSample]) -> Framework:
    """Return the framework with the bands that enterprises give under the published weights.

    Parameters
    ----------
    samples : the enterprises by track
    """
    rule = framework.rule
    if rule.clusters is None:
        return framework
    variants = []
    for t, sample in samples.items():
        total = _totals(sample, framework.published[t])
        bands = cluster_bands(total, rule.stars, rule.clusters.strict)
        variants.append(Variant(Scope((t,)), bands))
    rule = replace(rule, variants=(*rule.variants, *variants), clusters=None)
    return replace(framework, rule=rule)


def _totals(sample: ScoredSample, local: FloatArray) -> FloatArray:
    """Return totals (n,), the weight of unanswered items given to their answered siblings."""
    track, out = sample.track, np.empty(len(sample))
    top = track.families[0].members
    for rows, answered in by_answered(sample.X):
        own = effective_local(track, local, answered)
        out[rows] = node_scores(track, np.nan_to_num(sample.X[rows]), own)[:, top] @ own[top]
    return out
