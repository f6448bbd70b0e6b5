"""Weights from rank orders, full or partial, and from stated numbers.

An expert who only orders items says that the weights lie in a polytope: non-negative, summing
to 1, decreasing along the order. Its centroid is the weight vector to expect when nothing else is
known (rank-order centroid, ROC). A partial order (ties, or only the first few ranked) is the
union of the polytopes of all full orders that agree with it. These have equal volume, so the
centroid is the mean of their centroids: items that are not told apart share the mean of their
places' weights.
Rank sum and rank reciprocal are carried over to partial orders in the same way.

Direct weights, points, ratings and swings are normalised by their sum; the sum is kept, because a
panel whose points add up to 90 has misread the form even though normalisation hides it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.experts.problems import Problem
from calib.words import message

__all__ = [
    "RANK_FORMULAS",
    "Normalised",
    "check_numbers",
    "check_ranks",
    "normalise",
    "place_weights",
    "rank_weights",
]

RANK_FORMULAS = ("centroid", "sum", "reciprocal", "sum-reciprocal")


def place_weights(n: int, formula: str = "centroid") -> FloatArray:
    """Compute the weights of the places 1 to n of a full rank order.

    Parameters
    ----------
    n
        Number of items, at least 1.
    formula
        ``"centroid"`` (default: the only one with a stated meaning, see the module),
        ``"sum"``, ``"reciprocal"`` or ``"sum-reciprocal"``.

    Returns
    -------
    (n,) weights, decreasing, sum 1

    Notes
    -----
    Centroid: w_r = (1/n) Σ_{i=r..n} 1/i. Sum: w_r ∝ n + 1 − r. Reciprocal: w_r ∝ 1/r.
    Sum-reciprocal: w_r ∝ 1/r + (n + 1 − r)/n.

    References
    ----------
    Barron and Barrett (1996), Management Science 42, 1515-1523;
    Danielson and Ekenberg (2014), for the sum-reciprocal weights.

    Examples
    --------
    >>> place_weights(3).round(4)
    array([0.6111, 0.2778, 0.1111])
    """
    place = np.arange(1, n + 1, dtype=float)
    if formula == "centroid":
        return np.asarray(np.cumsum(1.0 / place[::-1])[::-1] / n, dtype=float)
    if formula == "sum":
        raw = n + 1 - place
    elif formula == "reciprocal":
        raw = 1.0 / place
    elif formula == "sum-reciprocal":
        raw = 1.0 / place + (n + 1 - place) / n
    else:
        msg = f"unknown rank formula {formula!r}; known: {', '.join(RANK_FORMULAS)}"
        raise ValueError(msg)
    return np.asarray(raw / raw.sum(), dtype=float)


def check_ranks(ranks: FloatArray) -> list[Problem]:
    """Find rank orders that cannot be read.

    Parameters
    ----------
    ranks : (k, n) places from 1 (most important); equal places are ties; NaN means
        "not ranked, below every ranked item"

    Notes
    -----
    Ties may be written 1 2 2 4 (competition), 1 2 2 3 (dense) or 1 2.5 2.5 4 (mean ranks), in one
    way throughout; only the order counts. A place above n and a place that was left out (1 and 3
    without 2) are faults: they are nearly always typing errors, and the order may be another one.
    """
    ranks = np.asarray(ranks, dtype=float)
    n = ranks.shape[1]
    problems: list[Problem] = []
    bad = ~np.isnan(ranks) & ~((ranks >= 1) & (ranks <= n))
    for expert, item in np.argwhere(bad):
        value = float(ranks[expert, item])
        wanted = message("experts.faults.place_wanted", n=n)
        problems.append(
            Problem(int(expert), (int(item),), message("experts.faults.no_place"), value, wanted)
        )
    for expert in np.flatnonzero(np.isnan(ranks).all(axis=1)):
        text = message("experts.faults.nothing_ranked")
        wanted = message("experts.faults.one_place")
        problems.append(Problem(int(expert), (), text, None, wanted))
    for expert in np.flatnonzero(~bad.any(axis=1) & ~np.isnan(ranks).all(axis=1)):
        at = _first_off_place(ranks[expert])
        if at is None:
            continue
        value = float(ranks[expert, at])
        if value == np.nanmin(ranks[expert]):
            text = message("experts.faults.no_first")
            problems.append(
                Problem(int(expert), (), text, value, message("experts.faults.from_first"))
            )
        else:
            text = message("experts.faults.left_out_above")
            problems.append(Problem(int(expert), (at,), text, value, _WAYS))
    return problems


_WAYS = message("experts.faults.ways")


def _first_off_place(row: FloatArray) -> int | None:
    """Find the best-placed item that no way to write ties explains; None if one explains all."""
    at = np.flatnonzero(~np.isnan(row))
    at = at[np.argsort(row[at], kind="stable")]
    places = row[at]
    before = np.searchsorted(places, places)
    tied = np.searchsorted(places, places, side="right") - before
    dense = np.unique(places, return_inverse=True)[1] + 1
    fits = [places == way for way in (before + 1, dense, before + (tied + 1) / 2)]
    # The way that explains the order longest tells where it goes wrong.
    sound = [int(np.argmin(fit)) if not fit.all() else len(places) for fit in fits]
    return None if max(sound) == len(places) else int(at[max(sound)])


def rank_weights(
    ranks: FloatArray, *, formula: str = "centroid", ties: str = "unordered"
) -> FloatArray:
    """Turn rank orders into weights.

    Parameters
    ----------
    ranks : (k, n) places that passed :func:`check_ranks`; NaN is unranked
    formula
        As in :func:`place_weights`.
    ties
        What equal places mean: ``"unordered"`` (default: the expert does not say which is larger)
        or ``"equal"`` (the weights are the same; centroid only). Unranked items are always
        unordered among themselves.

    Returns
    -------
    (k, n) weights, rows sum to 1

    Examples
    --------
    Only the two most important of four items were ranked:

    >>> import numpy as np
    >>> rank_weights(np.array([[2.0, 1.0, np.nan, np.nan]])).round(4)
    array([[0.2708, 0.5208, 0.1042, 0.1042]])
    """
    ranks = np.asarray(ranks, dtype=float)
    if ties == "unordered":
        return _mean_over_orders(ranks, place_weights(ranks.shape[1], formula))
    if ties != "equal" or formula != "centroid":
        msg = "ties must be 'unordered' or, with the centroid, 'equal'"
        raise ValueError(msg)
    return np.stack([_centroid_of_equal_ties(row) for row in ranks])


def _mean_over_orders(ranks: FloatArray, places: FloatArray) -> FloatArray:
    """Give every group of items that are not told apart the mean weight of its places."""
    filled = np.where(np.isnan(ranks), np.inf, ranks)
    before = (filled[:, None, :] < filled[:, :, None]).sum(axis=2)  # (k, n) items above
    group = (filled[:, None, :] == filled[:, :, None]).sum(axis=2)  # (k, n) items beside, self too
    cumulative = np.concatenate([[0.0], np.cumsum(places)])
    return np.asarray((cumulative[before + group] - cumulative[before]) / group, dtype=float)


def _centroid_of_equal_ties(row: FloatArray) -> FloatArray:
    """Average the vertices when tied ranked items have one common weight.

    With ties as equalities the polytope is a simplex per order of the unranked items. A vertex
    spreads 1 evenly over the first groups of the order; unranked items enter one at a time.
    """
    n = row.size
    ranked = ~np.isnan(row)
    vertices = [row <= place for place in np.unique(row[ranked])]
    tops = int(ranked.sum())
    total = np.zeros(n)
    for members in vertices:
        total += _even(members)
    rest = n - tops
    for extra in range(1, rest + 1):
        # Mean over all orders of the unranked items: `extra` of the `rest` are in.
        size = tops + extra
        total += np.where(ranked, 1.0 / size, extra / rest / size)
    return np.asarray(total / (len(vertices) + rest), dtype=float)


def _even(members: BoolArray) -> FloatArray:
    return np.asarray(members / members.sum(), dtype=float)


@dataclass(frozen=True, slots=True)
class Normalised:
    """Stated numbers and the weights that follow.

    Parameters
    ----------
    weights : (k, n) local weights, rows sum to 1
    raw : (k, n) the numbers as they were stated
    raw_sum : (k,) their sums before normalising
    """

    weights: FloatArray
    raw: FloatArray
    raw_sum: FloatArray


def check_numbers(
    values: FloatArray, *, low: float = 0.0, high: float = np.inf, top: float | None = None
) -> list[Problem]:
    """Find missing, out-of-range and all-zero judgements.

    Parameters
    ----------
    values : (k, n) stated numbers, NaN where nothing was stated
    low, high
        Valid range of one number, both ends included.
    top
        Value that the highest item must have (swing: 100), or None.

    Returns
    -------
    list of Problem
        Empty when every row can be normalised.
    """
    values = np.asarray(values, dtype=float)
    problems: list[Problem] = []
    kind = "number_from_to" if np.isfinite(high) else "number_from"
    wanted = message(f"experts.faults.{kind}", low=f"{low:g}", high=f"{high:g}")
    missing = np.isnan(values)
    bad = ~missing & ~((values >= low) & (values <= high) & np.isfinite(values))
    for expert, item in np.argwhere(missing):
        problems.append(
            Problem(int(expert), (int(item),), message("experts.faults.no_value"), None, wanted)
        )
    for expert, item in np.argwhere(bad):
        at, value = (int(item),), float(values[expert, item])
        problems.append(
            Problem(int(expert), at, message("experts.faults.out_of_range"), value, wanted)
        )
    sound = ~(missing | bad).any(axis=1)
    for expert in np.flatnonzero(sound & (values.sum(axis=1) <= 0.0)):
        problems.append(
            Problem(
                int(expert),
                (),
                message("experts.faults.sum_0"),
                0.0,
                message("experts.faults.one_above_0"),
            )
        )
    if top is not None:
        for expert in np.flatnonzero(sound & (values.max(axis=1) != top)):
            highest = float(values[expert].max())
            wanted_top = message("experts.faults.one_item_top", top=f"{top:g}")
            text = message("experts.faults.swing_top")
            problems.append(Problem(int(expert), (), text, highest, wanted_top))
    return problems


def normalise(values: FloatArray) -> Normalised:
    """Divide stated numbers by their sum.

    Parameters
    ----------
    values : (k, n) numbers ≥ 0 that passed :func:`check_numbers`

    Returns
    -------
    Normalised

    Examples
    --------
    >>> import numpy as np
    >>> normalise(np.array([[50.0, 30.0, 10.0]])).raw_sum
    array([90.])
    """
    raw = np.asarray(values, dtype=float)
    raw_sum = np.asarray(raw.sum(axis=-1), dtype=float)
    return Normalised(raw / raw_sum[..., None], raw, raw_sum)
