"""Voting rules, which need no model: positional scores, and Kemeny's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.ballots.robust import total_variance
from calib.ballots.survey import Ballots
from calib.errors import ConvergenceError, InputError, unknown
from calib.words import message

__all__ = [
    "SCORES",
    "Kemeny",
    "PositionalScore",
    "kemeny",
    "kemeny_order",
    "positional_score",
    "preference_counts",
    "score_rows",
]

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
    """What each item gets of all points under one rule.

    Parameters
    ----------
    share : (J,) share of all points, sums to 1
    se : (J,) standard error of the share
    """

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
        raise InputError(unknown("ballots.input.score", name, SCORES))
    rows_of = _row_scorer(ballots, SCORES[name])
    total = np.zeros(ballots.J)
    for start in range(0, ballots.n, _CHUNK):
        rows = slice(start, min(start + _CHUNK, ballots.n))
        total += ballots.weights[rows] @ rows_of(rows)
    points = float(total.sum())
    share = np.asarray(total / points, dtype=float)

    def residuals(rows: slice) -> FloatArray:
        scores = rows_of(rows)
        return np.asarray(scores - share * scores.sum(axis=1, keepdims=True), dtype=float)

    variance = total_variance(ballots, residuals) / points**2
    return PositionalScore(share, np.sqrt(variance))


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


_PAIR_CHUNK = 200_000


def preference_counts(ballots: Ballots) -> FloatArray:
    """Return (J, J): the weight of the ballots that strictly prefer item i to item j.

    Notes
    -----
    Listed before, or listed while the other is not; two unlisted items are not compared.
    """
    J = ballots.J
    before = np.zeros(J * J)  # both listed, i before j
    listed = np.zeros(J)
    for start in range(0, ballots.n, _PAIR_CHUNK):
        picks = ballots.picks[start : start + _PAIR_CHUNK].astype(np.int64)
        weight = ballots.weights[start : start + _PAIR_CHUNK]
        for t in range(ballots.K):
            on = picks[:, t] >= 0
            listed += np.bincount(picks[on, t], weight[on], minlength=J)
            for s in range(t):
                cell = picks[on, s] * J + picks[on, t]
                before += np.bincount(cell, weight[on], minlength=J * J)
    order = before.reshape(J, J)
    counts = listed[:, None] - order - order.T + order
    np.fill_diagonal(counts, 0.0)
    return np.asarray(np.maximum(counts, 0.0), dtype=float)


_MAX_ROUNDS = 500
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Kemeny:
    """An order of the items that disagrees least with the ballots, proven optimal.

    Parameters
    ----------
    order : (J,) item positions, best first
    disagreements : weight of the ballots' pairwise preferences that the order contradicts
    comparisons : weight of all pairwise preferences on the ballots
    blocks : sizes of the groups that strict majorities put one above the other; only within a
        group was there anything to solve
    cuts : triangle inequalities that the solver needed
    """

    order: IntArray
    disagreements: float
    comparisons: float
    blocks: tuple[int, ...]
    cuts: int

    @property
    def ranks(self) -> IntArray:
        """Rank of each item, 1 is best, (J,)."""
        ranks = np.empty(self.order.size, dtype=np.int64)
        ranks[self.order] = np.arange(1, self.order.size + 1)
        return ranks


def kemeny(ballots: Ballots) -> Kemeny:
    """Find an order with the fewest pairwise disagreements with the ballots.

    Notes
    -----
    A ballot disagrees on a pair when it strictly prefers the item that the order puts lower;
    unlisted items are below listed ones and not compared with each other.
    """
    return kemeny_order(preference_counts(ballots))


def kemeny_order(preferences: FloatArray) -> Kemeny:
    """Find the Kemeny order from a matrix of preference counts.

    Parameters
    ----------
    preferences : (J, J) weight of the ballots that prefer item i to item j

    Notes
    -----
    Groups that strict majorities order (the components of the weak majority graph) are placed
    first: every optimal order respects them (Truchon 1998). Within a group, minimise
    ``sum_{i<j} (P_ji - P_ij) x_ij`` over 0/1 ``x_ij`` ("i above j") with
    ``0 <= x_ij + x_jk - x_ik <= 1`` for every triple; the linear relaxation is solved with the
    inequalities found violated so far, and branch and bound follows only if it ends fractional.

    References
    ----------
    Conitzer, Davenport & Kalagnanam (2006), AAAI. Truchon (1998), *Figure skating and the theory
    of social choice*.
    """
    order: list[int] = []
    cuts = 0
    groups = _majority_groups(preferences)
    for group in groups:
        placed, used = _solve_group(preferences[np.ix_(group, group)])
        order.extend(group[placed].tolist())
        cuts += used
    found = np.array(order, dtype=np.int64)
    arranged = preferences[np.ix_(found, found)]
    return Kemeny(
        found,
        float(np.tril(arranged, -1).sum()),
        float(preferences.sum()),
        tuple(len(group) for group in groups),
        cuts,
    )


def _majority_groups(preferences: FloatArray) -> list[IntArray]:
    """Return the components of the weak majority graph, from the top one down."""
    reach: BoolArray = preferences >= preferences.T
    for middle in range(len(reach)):
        reach |= reach[:, middle, None] & reach[middle]
    mutual = reach & reach.T
    below = reach.sum(axis=1)  # a higher group reaches more items
    groups: list[IntArray] = []
    seen = np.zeros(len(reach), dtype=bool)
    for item in np.argsort(-below, kind="stable"):
        if not seen[item]:
            members = np.flatnonzero(mutual[item])
            seen[members] = True
            groups.append(members)
    return groups


def _solve_group(preferences: FloatArray) -> tuple[IntArray, int]:
    J = len(preferences)
    if J <= 2:
        return np.arange(J), 0
    if not np.all(preferences == np.round(preferences)):  # weights, of any scale
        preferences = preferences / preferences.max()
    first, second = np.triu_indices(J, 1)
    margin = preferences[second, first] - preferences[first, second]
    start = _local_order(preferences)
    rank = np.argsort(start)
    # Majorities decide at first; tied pairs follow a good order, so that they close no cycle.
    x = np.where(margin < 0, 1.0, 0.0)
    x = np.where(margin == 0, (rank[first] < rank[second]).astype(float), x)
    upper = float(margin @ (rank[first] < rank[second]))
    cuts = _Cuts(J)
    integral = True
    for _ in range(_MAX_ROUNDS):
        if not cuts.add_violated(x):
            if np.abs(x - np.round(x)).max() < _TOLERANCE:
                whole = np.asarray(np.round(x), dtype=float)
                return _order_of(whole, J, first, second), cuts.size
            integral = False
        x = cuts.solve(margin, x, integral=not integral)
        # Margins are differences of weights: when they are whole numbers, so is the optimum.
        integers = bool(np.all(margin == np.round(margin)))
        bound = float(margin @ x)
        if (np.ceil(bound - _TOLERANCE) if integers else bound) >= upper - 1e-9 * (1 + abs(upper)):
            return start, cuts.size
    raise ConvergenceError(message("ballots.input.kemeny_rounds", items=J, rounds=_MAX_ROUNDS))


class _Cuts:
    """Triangle inequalities in use, and the programs over the pairs that they touch."""

    def __init__(self, J: int) -> None:
        pair = np.zeros((J, J), dtype=np.int64)
        first, second = np.triu_indices(J, 1)
        pair[first, second] = np.arange(first.size)
        i, j, k = np.array(
            [(a, b, c) for a in range(J) for b in range(a + 1, J) for c in range(b + 1, J)]
        ).T
        self._triples = np.stack([pair[i, j], pair[j, k], pair[i, k]], axis=1)
        self._used = np.zeros((2, i.size), dtype=bool)

    @property
    def size(self) -> int:
        return int(self._used.sum())

    def add_violated(self, x: FloatArray) -> bool:
        """Take up the inequalities that x violates; tell whether there were any."""
        a, b, c = x[self._triples].T
        value = a + b - c
        violated = np.stack([value > 1.0 + _TOLERANCE, value < -_TOLERANCE]) & ~self._used
        self._used |= violated
        return bool(violated.any())

    def solve(self, margin: FloatArray, x: FloatArray, *, integral: bool) -> FloatArray:
        """Solve over the pairs in the inequalities in use; the others keep their majority."""
        from scipy.optimize import linprog
        from scipy.sparse import csr_matrix

        side, triple = np.nonzero(self._used)
        touched, column = np.unique(self._triples[triple], return_inverse=True)
        sign = np.where(side == 0, 1.0, -1.0)[:, None] * np.array([1.0, 1.0, -1.0])
        rows = np.repeat(np.arange(side.size), 3)
        matrix = csr_matrix((sign.ravel(), (rows, column.ravel())), shape=(side.size, touched.size))
        result: Any = linprog(
            margin[touched],
            A_ub=matrix,
            b_ub=np.where(side == 0, 1.0, 0.0),
            bounds=(0.0, 1.0),
            method="highs" if integral else "highs-ds",
            integrality=np.ones(touched.size) if integral else None,
        )
        if result.x is None:
            raise ConvergenceError(message("ballots.input.kemeny_solver", said=str(result.message)))
        x = x.copy()
        x[touched] = result.x
        return x


def _order_of(x: FloatArray, J: int, first: IntArray, second: IntArray) -> IntArray:
    above = np.zeros((J, J))
    above[first, second] = x
    above[second, first] = 1.0 - x
    return np.argsort(-above.sum(axis=1), kind="stable")


def _local_order(preferences: FloatArray) -> IntArray:
    """Return a good order: by net wins, then single items moved while that helps."""
    gain = preferences - preferences.T
    order = np.argsort(-gain.sum(axis=1), kind="stable")
    J = len(order)
    improved = True
    while improved:
        improved = False
        for place in range(J):
            item = order[place]
            rest = np.delete(order, place)
            # value[t]: agreement of the item at place t of the rest, up to a constant
            below = np.concatenate([[0.0], np.cumsum(gain[item, rest])])
            value = below[-1] - 2.0 * below
            best = int(value.argmax())
            if value[best] > value[place] + 1e-9:
                order = np.insert(rest, best, item)
                improved = True
    return order
