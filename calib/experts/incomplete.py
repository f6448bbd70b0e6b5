"""Weights from incomplete pairwise comparisons.

The comparisons that were made are the edges of a graph on the items. Weights exist, and are
unique, when that graph is connected. Default: least squares of the log comparisons over the
edges (one linear system per expert). Beside it: the completion with the smallest principal
eigenvalue, and its eigenvector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import ConvergenceError
from calib.experts.pairwise import check_comparisons
from calib.experts.problems import Problem, names_or_numbers, raise_problems
from calib.words import message

__all__ = [
    "UNLINKED",
    "Completion",
    "check_connected",
    "complete_by_weights",
    "components",
    "harker_matrices",
    "laplacian",
    "least_squares_weights",
    "optimal_completion",
    "sound_comparisons",
]


UNLINKED = message("experts.faults.unlinked")


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
    matrices = np.asarray(matrices, dtype=float)
    for expert in np.flatnonzero(np.isnan(matrices).any(axis=(1, 2))).tolist():
        groups = components(matrices[expert])
        problems += [
            Problem(
                expert,
                group,
                UNLINKED,
                None,
                message("experts.faults.link_wanted"),
            )
            for group in groups[1:]
        ]
    return problems


def sound_comparisons(
    matrices: FloatArray,
    *,
    experts: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
) -> FloatArray:
    """Return comparison matrices as floats if they determine weights; refuse them otherwise.

    Parameters
    ----------
    matrices : (k, n, n) reciprocal comparisons, NaN where not compared
    experts, items
        Names for error messages.

    Raises
    ------
    InputError
        Naming comparisons that are not positive and reciprocal, and items that no chain of
        comparisons reaches: their weights would be anybody's guess.
    """
    matrices = np.asarray(matrices, dtype=float)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        msg = f"comparisons have shape {matrices.shape}, expected a batch (k, n, n)"
        raise ValueError(msg)
    problems = check_comparisons(matrices, complete=False)
    people = names_or_numbers(experts, matrices.shape[0], "expert")
    things = names_or_numbers(items, matrices.shape[2], "item")
    raise_problems(problems or check_connected(matrices), people, things)
    return matrices


def laplacian(known: BoolArray) -> FloatArray:
    """Build graph Laplacians from (..., n, n) masks of the comparisons made."""
    off = known & ~np.eye(known.shape[-1], dtype=bool)
    degree = off.sum(axis=-1)
    return np.asarray(degree[..., None] * np.eye(known.shape[-1]) - off.astype(float), dtype=float)


def least_squares_weights(matrices: FloatArray) -> FloatArray:
    """Fit log weights to the log comparisons that were made.

    Parameters
    ----------
    matrices : (k, n, n) comparisons that passed :func:`sound_comparisons`

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
    gradient : largest |∂λ / ∂ ln a_ij| over the filled pairs, computed afresh from the completed
        matrix that is returned; 0 at the optimum
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
        Largest accepted gradient of λ in the logs of the filled values.

    Raises
    ------
    InputError
        As :func:`sound_comparisons`, for instance naming items that are not linked to the others.
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
    matrix = sound_comparisons(np.asarray(matrix, dtype=float)[None])[0]
    gaps = np.argwhere(np.isnan(np.triu(matrix, 1)))
    i, j = gaps[:, 0], gaps[:, 1]
    start = complete_by_weights(matrix[None], least_squares_weights(matrix[None]))[0]

    full = _filled(start, i, j, _newton(start, i, j, tolerance)[None])[0]
    eigenvalue, vector = _perron(full[None])
    # Measured on what is returned, not on the way there.
    _, slopes = _slopes(full, i, j, np.log(full[i, j])[None])
    gradient = float(np.abs(slopes).max(initial=0.0))
    return Completion(full, vector[0] / vector[0].sum(), float(eigenvalue[0]), gradient)


def _filled(start: FloatArray, i: IntArray, j: IntArray, logs: FloatArray) -> FloatArray:
    """Put (t, d) logs of the missing comparisons into t copies of the matrix."""
    full = np.repeat(start[None], len(logs), axis=0)
    full[:, i, j], full[:, j, i] = np.exp(logs), np.exp(-logs)
    return full


def _slopes(
    start: FloatArray, i: IntArray, j: IntArray, logs: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Compute λ (t,) and its gradient (t, d) at t points of the missing logs."""
    full = _filled(start, i, j, logs)
    eigenvalue, right = _perron(full)
    _, left = _perron(full.transpose(0, 2, 1))
    forth = left[:, i] * full[:, i, j] * right[:, j]
    back = left[:, j] * full[:, j, i] * right[:, i]
    return eigenvalue, (forth - back) / (left * right).sum(axis=1)[:, None]


def _perron(matrices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute principal eigenvalues (t,) and eigenvectors (t, n) to the last digits.

    Power iteration stops at the eigenvalue's tolerance; the gradient needs the vectors too.
    """
    values, vectors = np.linalg.eig(matrices)
    at = values.real.argmax(axis=1)
    rows = np.arange(len(matrices))
    return values[rows, at].real, np.abs(vectors[rows, :, at].real)


def _newton(
    start: FloatArray, i: IntArray, j: IntArray, tolerance: float, max_steps: int = 60
) -> FloatArray:
    """Minimise λ over the missing logs by damped Newton steps on ln λ, which is convex.

    The Hessian is differenced from the gradient. Newton steps about square the error, so the step
    after the one that meets the tolerance costs little and leaves rounding error only.
    """
    d = i.size
    logs = np.log(start[i, j])
    if d == 0:
        return logs
    step = 1e-4
    nudges = step * np.concatenate([np.eye(d), -np.eye(d), np.zeros((1, d))])
    for _ in range(max_steps):
        values, slopes = _slopes(start, i, j, logs + nudges)
        steepest = np.abs(slopes[-1]).max()
        slopes = slopes / values[:, None]  # of ln λ
        hessian = (slopes[:d] - slopes[d : 2 * d]) / (2 * step)
        move = np.linalg.solve((hessian + hessian.T) / 2, -slopes[-1])
        if steepest <= tolerance:
            polished = logs + move
            _, after = _slopes(start, i, j, polished[None])
            return polished if np.abs(after).max() < steepest else logs
        tries = logs + move * 0.5 ** np.arange(8)[:, None]
        tried, _ = _slopes(start, i, j, tries)
        logs = tries[int(np.argmin(tried))] if tried.min() < values[-1] else tries[0]
    msg = f"optimal completion did not converge: gradient {steepest:.1e}"
    raise ConvergenceError(msg)
