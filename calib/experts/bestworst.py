"""Best-Worst judgements: the linear model at its proven optimum, for many experts at once.

An expert names the best item B and the worst item W, says how much B exceeds every item (a_j)
and how much every item exceeds W (o_j). The linear model asks for weights with the smallest
largest misfit ξ:

    min ξ   s.t.  |w_B − a_j w_j| ≤ ξ,  |w_j − o_j w_W| ≤ ξ,  Σ w = 1,  w ≥ 0.

It has a closed form. Divide by ξ: v = w/ξ turns the problem into max Σ v under constraints of the
form x ≤ αy + β with α ≥ 0 and β = 1. A set of such constraints is closed under the componentwise
maximum, so it has a greatest element, and that element is the optimum, hence unique. With
p_j = a_j o_j and k_j = 1 + a_j (and p = a_BW, k = 1 for the pair best-worst itself) it is

    v_W = min over p_i > p_j of (k_i + k_j) / (p_i − p_j),
    v_B = min over j of p_j v_W + k_j,
    v_j = min((v_B + 1)/a_j, o_j v_W + 1),

and ξ = 1/Σ v; all p_j equal means a consistent judgement and ξ = 0. The pair (i, j) that attains
the first minimum also gives the dual solution, so every optimum carries its own certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.experts.problems import Problem
from calib.words import message

__all__ = [
    "BestWorst",
    "certify",
    "check_best_worst",
    "find_best_worst",
    "input_consistency",
    "solve_best_worst",
    "xi_scale",
]


@dataclass(frozen=True, slots=True)
class BestWorst:
    """Optimal weights of the linear Best-Worst model with their certificate.

    Parameters
    ----------
    weights : (k, n) weights, rows sum to 1
    xi : (k,) optimal ξ
    dual : (k, 4, n) non-negative multipliers, summing to 1 per expert, of the constraints
        a_j w_j − w_B ≤ ξ, w_B − a_j w_j ≤ ξ, w_j − o_j w_W ≤ ξ, o_j w_W − w_j ≤ ξ
    bound : (k,) the lower bound on ξ that the multipliers prove
    gap : (k,) ξ − bound; rounding error when the optimum is proven
    conflict : (k, 2) the two items whose chains best → item → worst conflict most (they fix ξ);
        the item is the worst one where the direct comparison of best and worst is the chain;
        −1, −1 for a consistent judgement
    """

    weights: FloatArray
    xi: FloatArray
    dual: FloatArray
    bound: FloatArray
    gap: FloatArray
    conflict: IntArray


def find_best_worst(to_others: FloatArray, to_worst: FloatArray) -> tuple[IntArray, IntArray]:
    """Infer which item is best and which is worst from the two vectors.

    Parameters
    ----------
    to_others, to_worst : (k, n) a_j and o_j

    Returns
    -------
    best, worst : (k,) positions; −1 where no item fits, −2 where several do

    Notes
    -----
    The best item has a = 1 and the largest o; the worst has o = 1 and the largest a.
    """
    return _unique(to_others, to_worst), _unique(to_worst, to_others)


def _unique(one: FloatArray, largest: FloatArray) -> IntArray:
    fits = (one == 1) & (largest == largest.max(axis=1, keepdims=True))
    count = fits.sum(axis=1)
    found = np.where(count == 1, fits.argmax(axis=1), np.where(count == 0, -1, -2))
    return np.asarray(found, dtype=np.int64)


def check_best_worst(
    to_others: FloatArray, to_worst: FloatArray, best: IntArray, worst: IntArray
) -> list[Problem]:
    """Find Best-Worst judgements that cannot be used.

    Parameters
    ----------
    to_others, to_worst : (k, n) comparisons of the best item with all, and of all with the worst
    best, worst : (k,) positions, or the negative codes of :func:`find_best_worst`
    """
    problems = _value_problems(to_others, "to_others") + _value_problems(to_worst, "to_worst")
    spoiled = {p.expert for p in problems}
    for e, (b, w) in enumerate(zip(best.tolist(), worst.tolist(), strict=True)):
        if e in spoiled:
            continue
        for place, part, row in ((b, "best", to_others[e]), (w, "worst", to_worst[e])):
            if place == -2:
                tied = tuple(int(i) for i in np.flatnonzero(row == 1))
                end = message(f"experts.part.{part}")
                text = message("experts.faults.several_ends", part=end)
                problems.append(
                    Problem(
                        e, tied, text, None, message("experts.faults.end_named", part=end), part
                    )
                )
            elif place == -1:
                text = message("experts.faults.no_end", part=message(f"experts.part.{part}"))
                wanted = message("experts.faults.end_wanted")
                problems.append(Problem(e, (), text, None, wanted, part))
        if b >= 0 and w >= 0:
            problems += _pair_problems(e, b, w, to_others[e], to_worst[e])
    return problems


def _value_problems(values: FloatArray, part: str) -> list[Problem]:
    problems = []
    for e, i in np.argwhere(~((values >= 1) & np.isfinite(values))):
        found = None if np.isnan(values[e, i]) else float(values[e, i])
        text = message("experts.faults.missing_pair")
        if found is not None:
            text = message("experts.faults.below_1")
        problems.append(
            Problem(int(e), (int(i),), text, found, message("experts.faults.from_1"), part)
        )
    return problems


def _pair_problems(e: int, b: int, w: int, others: FloatArray, lowest: FloatArray) -> list[Problem]:
    if b == w and others.size > 1:
        text = message("experts.faults.same_ends")
        return [Problem(e, (b,), text, None, message("experts.faults.two_items"), "worst")]
    problems = []
    for item, row, part in ((b, others, "to_others"), (w, lowest, "to_worst")):
        if row[item] != 1:
            text = message("experts.faults.self_not_1")
            problems.append(Problem(e, (item,), text, float(row[item]), "1", part))
    if others[w] != lowest[b]:
        text = message("experts.faults.twice_differs", one=f"{others[w]:g}", other=f"{lowest[b]:g}")
        problems.append(Problem(e, (b, w), text, float(lowest[b]), f"{others[w]:g}", "to_worst"))
    return problems


def solve_best_worst(
    to_others: FloatArray, to_worst: FloatArray, best: IntArray, worst: IntArray
) -> BestWorst:
    """Solve the linear Best-Worst model for every expert, with dual certificates.

    Parameters
    ----------
    to_others, to_worst : (k, n) comparisons ≥ 1 that passed :func:`check_best_worst`
    best, worst : (k,) positions of the best and worst items

    Returns
    -------
    BestWorst

    References
    ----------
    Rezaei (2016), Omega 64, 126-130, for the linear model. The closed form is derived in the
    module's docstring and checked against a linear programming solver in the tests.

    Examples
    --------
    >>> import numpy as np
    >>> found = solve_best_worst(np.array([[8.0, 2, 1]]), np.array([[1.0, 5, 8]]),
    ...                          np.array([2]), np.array([0]))
    >>> found.weights.round(4), found.xi.round(4)
    (array([[0.0714, 0.3214, 0.6071]]), array([0.0357]))
    """
    a, o = np.asarray(to_others, dtype=float), np.asarray(to_worst, dtype=float)
    rows = np.arange(len(a))
    p, k = a * o, 1.0 + a
    k[rows, best] = k[rows, worst] = 1.0  # both stand for the direct comparison |w_B − a_BW w_W|
    p[rows, best] = p[rows, worst] = a[rows, worst]
    spread = p[:, :, None] - p[:, None, :]
    limit = np.full(spread.shape, np.inf)
    reach = k[:, :, None] + k[:, None, :]
    np.divide(reach, spread, out=limit, where=spread > 1e-12 * p.max(axis=1)[:, None, None])
    flat = limit.reshape(len(a), -1).argmin(axis=1)
    high, low = np.divmod(flat, a.shape[1])
    v_worst = limit[rows, high, low]
    consistent = np.isinf(v_worst)
    v_worst = np.where(consistent, 1.0, v_worst)
    slack = np.where(consistent, 0.0, 1.0)[:, None]  # β: 0 on the ray of a consistent judgement
    v_best = (p * v_worst[:, None] + slack * k).min(axis=1)
    from_best = (v_best[:, None] + slack) / a
    from_worst = o * v_worst[:, None] + slack
    v = np.minimum(from_best, from_worst)
    v[rows, best], v[rows, worst] = v_best, v_worst
    total = v.sum(axis=1)
    weights = v / total[:, None]
    xi = np.where(consistent, 0.0, 1.0 / total)
    dual = _multipliers(a, o, (best, worst), (high, low), from_best <= from_worst)
    dual[consistent] = 0.0
    dual[consistent, 0, 0] = 1.0
    bound = np.where(consistent, 0.0, certify(a, o, best, worst, dual))
    conflict = np.where(consistent[:, None], -1, np.stack([high, low], axis=1))
    conflict = np.where(conflict == best[:, None], worst[:, None], conflict)
    return BestWorst(weights, xi, dual, bound, xi - bound, conflict.astype(np.int64))


def _multipliers(
    a: FloatArray,
    o: FloatArray,
    ends: tuple[IntArray, IntArray],
    conflict: tuple[IntArray, IntArray],
    by_best: BoolArray,
) -> FloatArray:
    """Solve the dual on the tight constraints: each v has one, and they form a cycle with tails.

    Column equations Aᵀz = 1. Items other than the two in conflict are tails with z from their own
    row; the cycle best → low → worst → high → best leaves two equations in z_B and z_W.
    """
    (best, worst), (high, low) = ends, conflict
    rows = np.arange(len(a))
    a_bw = a[rows, worst]
    direct_high = (high == best) | (high == worst)
    direct_low = (low == best) | (low == worst)
    tail = np.ones(a.shape, dtype=bool)
    for at in (best, worst, high, low):
        tail[rows, at] = False
    z = np.zeros((len(a), 4, a.shape[1]))
    z[:, 0] = np.where(tail & by_best, 1.0 / a, 0.0)  # a_j v_j − v_B ≤ 1
    z[:, 2] = np.where(tail & ~by_best, 1.0, 0.0)  # v_j − o_j v_W ≤ 1
    a_high, o_high = a[rows, high], np.where(direct_high, a_bw, o[rows, high])
    a_low, o_low = a[rows, low], o[rows, low]
    # z_B = c_B + g_B z_W and h z_W = c_W + g_W z_B
    c_best = 1.0 + z[:, 0].sum(axis=1) + np.where(direct_high, 0.0, 1.0 / a_high)
    g_best = np.where(direct_high, 1.0, 1.0 / a_high)
    c_worst = 1.0 + (z[:, 2] * o).sum(axis=1) + np.where(direct_low, 0.0, o_low)
    g_worst = np.where(direct_low, a_bw, a_low * o_low)
    with np.errstate(divide="ignore", invalid="ignore"):  # consistent rows are overwritten
        z_worst = (c_worst + g_worst * c_best) / (o_high - g_worst * g_best)
        z_best = c_best + g_best * z_worst
        # The direct comparison is written twice in the model, as row 1 and row 3 of the worst item.
        z[rows, 1, np.where(direct_low, worst, low)] += z_best
        z[rows, 2, low] += np.where(direct_low, 0.0, 1.0 + a_low * z_best)
        z[rows, 3, np.where(direct_high, best, high)] += z_worst
        z[rows, 0, high] += np.where(direct_high, 0.0, (1.0 + z_worst) / a_high)
        return np.asarray(z / z.sum(axis=(1, 2), keepdims=True), dtype=float)


def certify(
    to_others: FloatArray, to_worst: FloatArray, best: IntArray, worst: IntArray, dual: FloatArray
) -> FloatArray:
    """Compute the lower bound on ξ that multipliers prove, from the judgements alone.

    Parameters
    ----------
    to_others, to_worst, best, worst
        As in :func:`solve_best_worst`.
    dual : (k, 4, n) multipliers y ≥ 0 with Σ y = 1

    Returns
    -------
    (k,) min_j (Aᵀy)_j; −inf where the multipliers are no multipliers

    Notes
    -----
    ξ = max_i (Aw)_i ≥ y'Aw ≥ min_j (Aᵀy)_j for every w ≥ 0 with Σ w = 1 (weak duality).
    """
    a, o = np.asarray(to_others, dtype=float), np.asarray(to_worst, dtype=float)
    rows = np.arange(len(a))
    best_side, worst_side = dual[:, 0] - dual[:, 1], dual[:, 2] - dual[:, 3]
    column = a * best_side + worst_side
    column[rows, best] -= best_side.sum(axis=1)
    column[rows, worst] -= (o * worst_side).sum(axis=1)
    sound = (dual >= 0.0).all(axis=(1, 2)) & (np.abs(dual.sum(axis=(1, 2)) - 1.0) < 1e-9)
    return np.asarray(np.where(sound, column.min(axis=1), -np.inf), dtype=float)


def input_consistency(
    to_others: FloatArray, to_worst: FloatArray, best: IntArray, worst: IntArray
) -> tuple[FloatArray, IntArray]:
    """Compute the input-based consistency ratio and the item that causes it.

    Returns
    -------
    ratio : (k,) max_j |a_j o_j − a_BW| / (a_BW² − a_BW); 0 where a_BW = 1 and nothing conflicts
    item : (k,) the item j whose pair of comparisons (a_j, o_j) attains it; −1 if ratio is 0

    References
    ----------
    Liang, Brunelli and Rezaei (2020), Omega 96, 102175.
    """
    a, o = np.asarray(to_others, dtype=float), np.asarray(to_worst, dtype=float)
    rows = np.arange(len(a))
    a_bw = a[rows, worst]
    misfit = np.abs(a * o - a_bw[:, None])
    misfit[rows, best] = misfit[rows, worst] = 0.0
    largest = misfit.max(axis=1)
    scale = np.where(a_bw > 1, a_bw**2 - a_bw, 1.0)
    ratio = np.where((a_bw <= 1) & (largest > 0), np.inf, largest / scale)
    return ratio, np.where(largest > 0, misfit.argmax(axis=1), -1)


def xi_scale(best_over_worst: FloatArray) -> FloatArray:
    """Compute the largest ξ of the non-linear model for a given a_BW (its consistency index).

    The smaller root of ξ² − (1 + 2a)ξ + a² − a = 0; at a = 9 it is 5.23.
    """
    a = np.asarray(best_over_worst, dtype=float)
    return np.asarray((1 + 2 * a - np.sqrt((1 + 2 * a) ** 2 - 4 * (a * a - a))) / 2, dtype=float)
