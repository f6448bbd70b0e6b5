"""How far respondents agree: Kendall's W and distances between top-k lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.data import Ballots
from calib.ballots.equality import chi2_sf

__all__ = ["Agreement", "fagin_distance", "kendall_w", "list_distances"]

_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Agreement:
    """Kendall's coefficient of concordance, unlisted items sharing their mean rank.

    Parameters
    ----------
    W : from 0 (no agreement) to 1 (identical ballots), corrected for ties
    friedman : Friedman's chi-square ``n (J - 1) W``
    df, p : its degrees of freedom and p-value
    mean_rank : (J,) mean rank of each item
    """

    W: float
    friedman: float
    df: int
    p: float
    mean_rank: FloatArray


def kendall_w(ballots: Ballots) -> Agreement:
    """Return Kendall's W over whole ballots, unlisted items tied at their mid-rank.

    Notes
    -----
    Friedman's statistic in its tie-corrected form,
    ``(J - 1) sum_j (R_j - n (J+1)/2)^2 / sum_i sum_j (r_ij - (J+1)/2)^2`` with rank sums R.
    Respondent weights count in the rank sums, their squares in the denominator.

    References
    ----------
    Kendall & Gibbons (1990), *Rank Correlation Methods*, ch. 6.
    """
    J, K = ballots.J, ballots.K
    rank = np.arange(1, K + 1, dtype=float)
    sums = np.zeros(J)
    weight, lengths = ballots.weights, ballots.lengths
    middle = (lengths + 1 + J) / 2.0  # mid-rank of the unlisted items
    for s in range(K):
        on = ballots.picks[:, s] >= 0
        gain = (rank[s] - middle[on]) * weight[on]
        sums += np.bincount(ballots.picks[on, s], gain, minlength=J)
    sums += float(weight @ middle)
    centre = (J + 1) / 2.0
    inside = np.concatenate([[0.0], np.cumsum((rank - centre) ** 2)])[lengths]
    within = inside + (J - lengths) * (middle - centre) ** 2
    spread = float((weight**2) @ within)
    deviation = sums - float(weight.sum()) * centre
    friedman = (J - 1) * float((deviation**2).sum()) / spread
    size = float(weight.sum() ** 2 / (weight**2).sum())
    W = friedman / (size * (J - 1))
    return Agreement(W, friedman, J - 1, chi2_sf(friedman, J - 1), sums / float(weight.sum()))


def fagin_distance(first: list[str], second: list[str], *, penalty: float = 0.5) -> float:
    """Return the Kendall distance of two top-k lists, from 0 to 1.

    Parameters
    ----------
    first, second : item codes, best first, without repeats
    penalty : cost of a pair that one list ranks and the other leaves wholly out, in [0, 1/2]

    Notes
    -----
    A pair costs 1 when the lists certainly disagree, ``penalty`` when both items are on one list
    and neither on the other, else 0; divided by the largest value, that of disjoint lists.

    References
    ----------
    Fagin, Kumar & Sivakumar (2003), *SIAM J. Discrete Math.* 17, 134-160 (K^(p)).

    Examples
    --------
    >>> fagin_distance(["a", "b", "c"], ["a", "b", "c"]), fagin_distance(["a"], ["b"])
    (0.0, 1.0)
    """
    items = {code: j for j, code in enumerate(dict.fromkeys([*first, *second]))}
    J = max(len(items), 2)
    K = max(len(first), len(second))
    picks = np.full((2, K), -1, dtype=np.int16)
    for row, codes in enumerate((first, second)):
        picks[row, : len(codes)] = [items[code] for code in codes]
    return float(_distances(picks[:1], picks[1], J, penalty)[0])


def list_distances(ballots: Ballots, centre: list[str], *, penalty: float = 0.5) -> FloatArray:
    """Return the distance of every ballot from one list, (n,), each from 0 to 1.

    Parameters
    ----------
    ballots : the ballots
    centre : item codes, best first: the top of a consensus order, say
    penalty : as in :func:`fagin_distance`
    """
    index = {code: j for j, code in enumerate(ballots.items)}
    target = np.array([index[code] for code in centre], dtype=np.int16)
    out = [
        _distances(ballots.picks[start : start + _CHUNK], target, ballots.J, penalty)
        for start in range(0, ballots.n, _CHUNK)
    ]
    return np.concatenate(out)


def _distances(
    picks: np.ndarray[tuple[int, int], np.dtype[np.int16]],
    target: np.ndarray[tuple[int], np.dtype[np.int16]],
    J: int,
    penalty: float,
) -> FloatArray:
    """Compare each row with one list over all pairs of items, by sums over listed pairs."""
    target = target[target >= 0].astype(np.int64)
    b = target.size
    place = np.full(J + 1, b, dtype=np.int64)  # b marks "not on the target"
    place[target] = np.arange(b)
    k = (picks >= 0).sum(axis=1)
    where = place[np.where(picks >= 0, picks, J)]
    valid = picks >= 0
    common = (valid & (where < b)).sum(axis=1)
    distance = np.zeros(len(picks))
    for t in range(picks.shape[1]):
        on = valid[:, t]
        target_only = np.zeros(len(picks))
        for s in range(t):
            # both on the ballot, s before t: inverted when the target has t above s
            inverted = on & (where[:, t] < where[:, s])
            neither = on & (where[:, t] == b) & (where[:, s] == b)
            distance += inverted + penalty * neither
        # pairs of t with target items that the ballot leaves out and the target puts above t
        above = np.where(on, where[:, t], 0)
        listed_above = np.zeros(len(picks))
        for s in range(picks.shape[1]):
            listed_above += valid[:, s] & (where[:, s] < where[:, t])
        target_only += np.where(on, above - listed_above, 0)
        distance += target_only
    missing = b - common  # on the target, not on the ballot
    distance += penalty * missing * (missing - 1) / 2.0
    largest = k * b + penalty * (k * (k - 1) + b * (b - 1)) / 2.0
    return np.asarray(distance / largest, dtype=float)
