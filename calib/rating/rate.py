"""Rating a population under a weight set: scores of nodes, totals, gates, caps, stars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import Faults, InputError
from calib.framework import Framework, RuleOptions, Thresholds, Track
from calib.population import Population
from calib.rating.gates_and_caps import (
    cap_stars,
    compensated,
    gates_of,
    required_nodes,
    score_of,
)
from calib.rating.over_samples import long_form, over_samples
from calib.rating.rating_result import RatedSample, Rating
from calib.rating.scored import Scored, ScoredSample
from calib.rating.stars import (
    band_index,
    by_answered,
    effective_local,
    gates_reached,
    node_scores,
    nodes_with_score,
    stars,
)
from calib.rating.subject import check_framework, scored_enterprises
from calib.requests import expect
from calib.weights import WeightSet
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["rate"]

CHUNK = 8192
"""Enterprises rated at a time; what a step needs beside its results stays this small."""


def _watched(rating: Rating) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown."""
    import pandas as pd

    counts = long_form(rating.frame("stars"), ["scope", "star"], ["count"])
    found = []
    if rating.framework.rule.holds_back:
        found.append(("all", pd.NA, "downgraded_count", float(rating.downgrades)))
    if rating.misrated is not None:
        found.append(("all", pd.NA, "misrated", rating.misrated))
    rest = pd.DataFrame(found, columns=["scope", "star", "quantity", "value"])
    return pd.concat([counts.astype({"star": "Int64"}), rest.astype({"star": "Int64"})],
                     ignore_index=True)  # fmt: skip


@over_samples(_watched)
def rate(
    weights: WeightSet,
    population: Population | Scored,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
) -> Rating:
    """Rate a population: totals, stars, gates that cost stars, and P(star) where weights vary.

    Parameters
    ----------
    weights : local weights on the population's framework
    population : answers or scores; an ensemble, for the range over its samples; or scores under
        rule options from :func:`score_answers`
    rule_options : answers to the open questions; the framework's defaults if None

    Raises
    ------
    InputError
        When frameworks differ, or an enterprise has no answer that counts under a gated node.
    """
    expect(
        "rate(weights, population)",
        weights=(weights, WeightSet),
        population=(population, (Population, Scored)),
    )
    scored = scored_enterprises(population, rule_options)
    check_framework([weights], scored)
    framework = scored.framework
    samples = {
        t: _rate_sample(s, weights.local[t], framework, scored.rule_options)
        for t, s in scored.samples.items()
    }
    return Rating(
        framework, weights, scored.rule_options, samples, scored.synthetic, scored, scored.notes
    )


def _rate_sample(
    sample: ScoredSample, local: FloatArray, framework: Framework, rule_options: RuleOptions
) -> RatedSample:
    track, n = sample.track, len(sample)
    thresholds = framework.rule.effective(rule_options, track.code)
    gated, gates = gates_of(track, thresholds)
    has_bands = bool(framework.rule.bands_of(track.code, rule_options.year))
    top = track.families[0].members
    scores, total = np.empty((n, len(track.nodes))), np.empty(n)
    for rows, answered in by_answered(sample.X):
        own = local if answered.all() else effective_local(track, local, answered)
        known = None if answered.all() else nodes_with_score(track, local, answered)
        for at in _pieces(rows):
            part = node_scores(track, np.nan_to_num(sample.X[at]), own)
            total[at] = part[:, top] @ own[top]
            if known is not None:
                part[:, ~known] = np.nan
                if not (known[top] & (local[top] > 0)).any():
                    total[at] = np.nan
            scores[at] = part
    _check_scored(sample, total, scores, required_nodes(track, thresholds))
    star, band = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    failed = np.empty((n, len(gated)), dtype=bool)
    node_stars = np.empty((n, len(track.nodes)), dtype=np.int8)
    held = np.zeros((n, len(thresholds.caps)), dtype=bool)
    how = thresholds.compensation
    moved = np.zeros((n, len(how.nodes) - 1)) if how else None
    for at in _pieces(np.arange(n)):
        part = scores[at]
        reach = np.nan_to_num(part[:, gated], nan=np.inf)
        if moved is not None:
            reach, moved[at] = _compensate(track, thresholds, reach, gated, gates)
        star[at], band[at], failed[at] = stars(total[at], reach, thresholds, gates)
        node_stars[at] = np.where(np.isnan(part), -1, band_index(part, thresholds.band))
        if not has_bands:
            # The gates give the star; what a node's own score reaches is told by its own gates.
            band[at], failed[at] = star[at], False
            node_stars[at] = -1
            node_stars[at, gated] = gates_reached(part[:, gated], gates)
        if thresholds.caps:
            allowed, held[at] = cap_stars(
                thresholds.caps, partial(score_of, track, part), len(part), len(thresholds.band)
            )
            star[at] = np.minimum(star[at], allowed)
    return RatedSample(
        track, sample.ids, sample.names, sample.attributes, total, star, band, gated, failed,
        scores, node_stars, gates, thresholds.caps, held, moved,
    )  # fmt: skip


def _compensate(
    track: Track, thresholds: Thresholds, reach: FloatArray, gated: IntArray, gates: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Move points between neighbouring parts; return all gated scores, and the moves."""
    how = thresholds.compensation
    assert how is not None
    where = {int(i): p for p, i in enumerate(gated)}
    codes = [c for c in how.nodes if c in track.index and track.index[c] in where]
    if len(codes) < len(how.nodes):
        lacking = [c for c in how.nodes if c not in codes]
        raise InputError(message("rating.parts_without_gates", nodes=lacking))
    columns = [where[track.index[c]] for c in codes]
    out = np.array(reach)
    out[:, columns], moves = compensated(reach[:, columns], gates[columns], how)
    return out, moves


def _pieces(rows: IntArray) -> Iterator[IntArray | slice]:
    """Cut rows into pieces of at most ``CHUNK``, so that no step needs all of them at once."""
    for start in range(0, len(rows), CHUNK):
        piece = rows[start : start + CHUNK]
        first, last = int(piece[0]), int(piece[-1])
        # Rows that follow one another are looked at in place.
        yield slice(first, last + 1) if last - first + 1 == len(piece) else piece


def _check_scored(
    sample: ScoredSample, total: FloatArray, scores: FloatArray, gated: IntArray
) -> None:
    """Note enterprises without a total, or without a score at a gated node."""
    faults = Faults()
    for i, p in zip(*np.nonzero(np.isnan(scores[:, gated])), strict=True):
        faults.add(
            message("faults.at_enterprise", id=sample.ids[i]),
            message("faults.no_item_of_weight_above", codes=sample.track.codes[gated[p]]),
            expected=message("faults.an_answer_that_counts_under"),
        )
    faults.raise_if_any()
    for i in np.flatnonzero(np.isnan(total)):
        faults.add(
            message("faults.at_enterprise", id=sample.ids[i]),
            message("faults.no_item_of_weight_above_2"),
            expected=message("faults.an_answer_that_counts"),
        )
    faults.raise_if_any()
