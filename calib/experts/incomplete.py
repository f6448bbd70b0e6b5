"""Weights from incomplete pairwise comparisons.

The comparisons that were made are the edges of a graph on the items. Weights exist, and are
unique, when that graph is connected. Default: least squares of the log comparisons over the
edges (one linear system per expert). Beside it: the completion with the smallest principal
eigenvalue, and its eigenvector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import ConvergenceError
from calib.experts.pairwise import eigenvector_weights
from calib.experts.problems import Problem

__all__ = [
    "Completion",
    "check_connected",
    "complete_by_weights",
    "components",
    "harker_matrices",
    "laplacian",
    "least_squares_weights",
    "optimal_completion",
]


def components(matrix: FloatArray) -> list[tuple[int, ...]]:
    """Split items into groups that are linked by comparisons, largest group first.

    Parameters
    ----------
    matrix : (n, n) comparisons, NaN where not compared
    """
    linked = ~np.isnan(np.asarray(matrix, dtype=float))
    reach = linked | np.eye(linked.shape[0], dtype=bool)
    for _ in range(int(np.ceil(np.log2(max(2, reach.shape[0]))))):
        reach = reach @ reach
    groups = {tuple(int(i) for i in np.flatnonzero(row)) for row in reach}
    return sorted(groups, key=lambda g: (-len(g), g))


def check_connected(matrices: FloatArray) -> list[Problem]:
    """Find experts whose comparisons leave items unreached, and name those items.

    Parameters
    ----------
    matrices : (k, n, n) comparisons, NaN where not compared
    """
    problems = []
    for expert, matrix in enumerate(np.asarray(matrices, dtype=float)):
        groups = components(matrix)
        problems += [
            Problem(
                expert,
                group,
                "no chain of comparisons links these items to the others",
                None,
                "a comparison with one of the other items",
            )
            for group in groups[1:]
        ]
    return problems


def laplacian(known: BoolArray) -> FloatArray:
    """Build graph Laplacians from (..., n, n) masks of the comparisons made."""
    off = known & ~np.eye(known.shape[-1], dtype=bool)
    degree = off.sum(axis=-1)
    return np.asarray(degree[..., None] * np.eye(known.shape[-1]) - off.astype(float), dtype=float)


def least_squares_weights(matrices: FloatArray) -> FloatArray:
    """Fit log weights to the log comparisons that were made.

    Parameters
    ----------
    matrices : (k, n, n) connected comparisons, NaN where not compared

    Returns
    -------
    (k, n) weights, rows sum to 1; on complete matrices the row geometric means

    Notes
    -----
    min Σ_{(i,j) compared} (ln a_ij − ln w_i + ln w_j)² is the linear system
    L ln w = row sums of ln a over the comparisons made, L the graph Laplacian.

    References
    ----------
    Bozóki, Fülöp and Rónyai (2010), Mathematical and Computer Modelling 52, 318-333.
    """
    matrices = np.asarray(matrices, dtype=float)
    known = ~np.isnan(matrices)
    logs = np.where(known, np.log(np.where(known, matrices, 1.0)), 0.0)
    system = laplacian(known)[:, :-1, :-1]  # the last item is the reference: ln w = 0
    right = logs.sum(axis=2)[:, :-1, None]
    solved = np.linalg.solve(system, right)[:, :, 0]
    raw = np.exp(np.pad(solved, ((0, 0), (0, 1))))
    return np.asarray(raw / raw.sum(axis=1, keepdims=True), dtype=float)


def complete_by_weights(matrices: FloatArray, weights: FloatArray) -> FloatArray:
    """Fill the comparisons that were not made with the ratios of the weights.

    Parameters
    ----------
    matrices : (k, n, n) comparisons, NaN where not compared
    weights : (k, n) positive weights
    """
    ratio = weights[:, :, None] / weights[:, None, :]
    return np.asarray(np.where(np.isnan(matrices), ratio, matrices), dtype=float)


def harker_matrices(matrices: FloatArray) -> FloatArray:
    """Put 0 where pairs were not compared, and count the gaps of each row on the diagonal.

    Parameters
    ----------
    matrices : (k, n, n) connected comparisons, NaN where not compared

    References
    ----------
    Harker (1987), Mathematical Modelling 9, 353-360.
    """
    gaps = np.isnan(np.asarray(matrices, dtype=float))
    filled = np.where(gaps, 0.0, matrices)
    at = np.arange(filled.shape[-1])
    filled[:, at, at] += gaps.sum(axis=2)
    return np.asarray(filled, dtype=float)


@dataclass(frozen=True, slots=True)
class Completion:
    """The completion of a comparison matrix with the smallest principal eigenvalue.

    Parameters
    ----------
    matrix : (n, n) completed matrix
    weights : (n,) its principal eigenvector, sum 1
    eigenvalue : its principal eigenvalue
    gradient : largest |∂ ln λ / ∂ ln a_ij| over the filled pairs; 0 at the optimum
    """

    matrix: FloatArray
    weights: FloatArray
    eigenvalue: float
    gradient: float


def optimal_completion(matrix: FloatArray, *, tolerance: float = 1e-9) -> Completion:
    """Fill missing comparisons so that the principal eigenvalue is smallest.

    Parameters
    ----------
    matrix : (n, n) connected comparisons, NaN where not compared
    tolerance
        Largest accepted gradient of ln λ in the logs of the filled values.

    Raises
    ------
    ConvergenceError
        When the gradient stays above ``tolerance``.

    Notes
    -----
    λ is log-convex in the logs of the filled values, so a point with zero gradient is the
    optimum; on a connected graph it is unique. With left and right eigenvectors u, v:
    ∂λ/∂ln a_ij = (u_i a_ij v_j − u_j a_ji v_i) / u·v.

    References
    ----------
    Bozóki, Fülöp and Rónyai (2010), Mathematical and Computer Modelling 52, 318-333.
    """
    matrix = np.asarray(matrix, dtype=float)
    gaps = np.argwhere(np.isnan(np.triu(matrix, 1)))
    i, j = gaps[:, 0], gaps[:, 1]
    start = complete_by_weights(matrix[None], least_squares_weights(matrix[None]))[0]

    logs, slope = _newton(start, i, j, tolerance)
    full = _filled(start, i, j, logs[None])[0]
    eigen = eigenvector_weights(full[None])
    return Completion(full, eigen.weights[0], float(eigen.eigenvalue[0]), slope)


def _filled(start: FloatArray, i: IntArray, j: IntArray, logs: FloatArray) -> FloatArray:
    """Put (t, d) logs of the missing comparisons into t copies of the matrix."""
    full = np.repeat(start[None], len(logs), axis=0)
    full[:, i, j], full[:, j, i] = np.exp(logs), np.exp(-logs)
    return full


def _slopes(
    start: FloatArray, i: IntArray, j: IntArray, logs: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Compute ln λ (t,) and its gradient (t, d) at t points of the missing logs."""
    full = _filled(start, i, j, logs)
    both = eigenvector_weights(np.concatenate([full, full.transpose(0, 2, 1)]), tolerance=1e-14)
    right, left = both.weights[: len(logs)], both.weights[len(logs) :]
    forth = left[:, i] * full[:, i, j] * right[:, j]
    back = left[:, j] * full[:, j, i] * right[:, i]
    scale = both.eigenvalue[: len(logs)] * (left * right).sum(axis=1)
    return np.log(both.eigenvalue[: len(logs)]), (forth - back) / scale[:, None]


def _newton(
    start: FloatArray, i: IntArray, j: IntArray, tolerance: float, max_steps: int = 60
) -> tuple[FloatArray, float]:
    """Minimise ln λ by damped Newton steps; the Hessian is differenced from the gradient."""
    d = i.size
    logs = np.log(start[i, j])
    if d == 0:
        return logs, 0.0
    step = 1e-4
    nudges = step * np.concatenate([np.eye(d), -np.eye(d), np.zeros((1, d))])
    for _ in range(max_steps):
        values, slopes = _slopes(start, i, j, logs + nudges)
        slope = slopes[-1]
        if np.abs(slope).max() <= tolerance:
            return logs, float(np.abs(slope).max())
        hessian = (slopes[:d] - slopes[d : 2 * d]) / (2 * step)
        move = np.linalg.solve((hessian + hessian.T) / 2, -slope)
        tries = logs + move * 0.5 ** np.arange(8)[:, None]
        tried, _ = _slopes(start, i, j, tries)
        logs = tries[int(np.argmin(tried))] if tried.min() < values[-1] else tries[0]
    msg = f"optimal completion did not converge: gradient {np.abs(slope).max():.1e}"
    raise ConvergenceError(msg)
