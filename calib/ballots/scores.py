"""Named positional scores: points by rank, averaged over ballots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.data import Ballots
from calib.ballots.robust import total_variance
from calib.errors import InputError, suggest
from calib.words import message

__all__ = ["SCORES", "PositionalScore", "positional_score", "score_rows"]

_CHUNK = 50_000

Points = Callable[[int, int, int], tuple[FloatArray, float]]


def _borda_unlisted_zero(J: int, K: int, k: int) -> tuple[FloatArray, float]:
    return np.arange(K, K - k, -1, dtype=float), 0.0


def _borda_mean_unlisted(J: int, K: int, k: int) -> tuple[FloatArray, float]:
    # J - rank; the unlisted share the ranks k + 1 .. J, whose mean is (k + 1 + J) / 2
    return np.arange(J - 1, J - 1 - k, -1, dtype=float), (J - k - 1) / 2.0


def _dowdall(J: int, K: int, k: int) -> tuple[FloatArray, float]:
    return 1.0 / np.arange(1, k + 1), 0.0


def _first_choice(J: int, K: int, k: int) -> tuple[FloatArray, float]:
    return (np.arange(k) == 0).astype(float), 0.0


def _picks(J: int, K: int, k: int) -> tuple[FloatArray, float]:
    return np.ones(k), 0.0


#: Name -> (J, K, k) -> points of the k listed ranks, and of every unlisted item.
SCORES: dict[str, Points] = {
    "borda_unlisted_zero": _borda_unlisted_zero,
    "borda_mean_unlisted": _borda_mean_unlisted,
    "dowdall": _dowdall,
    "first_choice": _first_choice,
    "picks": _picks,
}


@dataclass(frozen=True, slots=True)
class PositionalScore:
    """Mean points of each item under one named rule.

    Parameters
    ----------
    name : name of the rule
    mean : (J,) mean points a ballot
    share : (J,) share of all points, sums to 1
    se : (J,) standard error of the share
    """

    name: str
    mean: FloatArray
    share: FloatArray
    se: FloatArray


def positional_score(ballots: Ballots, name: str) -> PositionalScore:
    """Score items by the ranks they hold on the ballots.

    Parameters
    ----------
    ballots : the ballots; with K ranks asked for
    name : ``borda_unlisted_zero`` (K, K-1, ..., 1 points, unlisted 0), ``borda_mean_unlisted``
        (J minus the rank, unlisted items sharing the remaining ranks' mean), ``dowdall`` (1, 1/2,
        1/3, ...), ``first_choice`` (1 for the first rank), ``picks`` (1 for every listed item)

    Raises
    ------
    InputError
        If the rule is unknown.

    Notes
    -----
    The error of a share is the linearised error of a ratio of means, clustered by enterprise
    when ballots have one.
    """
    if name not in SCORES:
        hint = suggest(name, SCORES) or message("ballots.faults.one_of", known=sorted(SCORES))
        raise InputError(message("ballots.input.score", method=name, hint=hint))
    rows_of = _row_scorer(ballots, SCORES[name])
    total = np.zeros(ballots.J)
    for start in range(0, ballots.n, _CHUNK):
        rows = slice(start, min(start + _CHUNK, ballots.n))
        total += ballots.weights[rows] @ rows_of(rows)
    weight = float(ballots.weights.sum())
    points = float(total.sum())
    share = np.asarray(total / points, dtype=float)

    def residuals(rows: slice) -> FloatArray:
        scores = rows_of(rows)
        return np.asarray(scores - share * scores.sum(axis=1, keepdims=True), dtype=float)

    variance = total_variance(ballots, residuals) / points**2
    return PositionalScore(name, total / weight, share, np.sqrt(variance))


def score_rows(ballots: Ballots, rule: Points, rows: slice) -> FloatArray:
    """Return the points that each ballot of a slice gives to each item, (rows, J)."""
    return _row_scorer(ballots, rule)(rows)


def _row_scorer(ballots: Ballots, rule: Points) -> Callable[[slice], FloatArray]:
    J, K = ballots.J, ballots.K
    by_length = np.zeros((K + 1, K + 1))  # [k, s]: points at rank s; the last column: unlisted
    for k in range(K + 1):
        listed, unlisted = rule(J, K, k)
        by_length[k, :k] = listed
        by_length[k, K] = unlisted if k < J else 0.0

    def scores(rows: slice) -> FloatArray:
        picks = ballots.picks[rows].astype(np.int64)
        lengths = (picks >= 0).sum(axis=1)
        out = np.repeat(by_length[lengths, K][:, None], J + 1, axis=1)
        where = np.where(picks >= 0, picks, J)
        np.put_along_axis(out, where, by_length[lengths, :K], axis=1)
        return np.asarray(out[:, :J], dtype=float)

    return scores
