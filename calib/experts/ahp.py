"""AHP in one call: weights and consistency for a batch of complete or incomplete matrices.

Three questions at any number of items: how inconsistent is a matrix (CR with a named random index,
geometric consistency index), which one judgement is to blame, and which value would repair it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.experts.incomplete import (
    complete_by_weights,
    harker_matrices,
    laplacian,
    least_squares_weights,
    optimal_completion,
    sound_comparisons,
)
from calib.experts.pairwise import (
    column_mean_weights,
    eigenvector_weights,
    geometric_weights,
)
from calib.experts.random_index import random_index, random_index_label

__all__ = [
    "COMPLETE_WEIGHTS",
    "INCOMPLETE_WEIGHTS",
    "Comparisons",
    "WorstJudgement",
    "consistency_index",
    "consistency_ratio",
    "geometric_consistency_index",
    "weigh_comparisons",
    "worst_judgement",
]

CR_LIMIT = 0.1


def consistency_index(eigenvalue: FloatArray, n: int) -> FloatArray:
    """Compute (λ − n)/(n − 1); 0 for n < 3. Rounding below 0 is cut off, λ ≥ n being a theorem."""
    if n < 3:
        return np.zeros_like(np.asarray(eigenvalue, dtype=float))
    return np.maximum((np.asarray(eigenvalue, dtype=float) - n) / (n - 1), 0.0)


def consistency_ratio(
    eigenvalue: FloatArray,
    n: int,
    missing: IntArray | int = 0,
    *,
    index: str | float = "simulated",
) -> FloatArray:
    """Divide consistency indices by the random index.

    Parameters
    ----------
    eigenvalue : (k,) principal eigenvalues (of the completed matrix where pairs are missing)
    n
        Number of items.
    missing : (k,) or a number of pairs not compared
    index
        As in :func:`random_index`.

    Returns
    -------
    (k,) CR; 0 where the comparisons cannot contradict each other (n < 3, or a tree)
    """
    ci = consistency_index(eigenvalue, n)
    counts = np.broadcast_to(np.asarray(missing), ci.shape)
    known = {int(c): random_index(n, int(c), index=index) for c in np.unique(counts)}
    ri = np.array([known[int(c)] for c in counts.ravel()]).reshape(ci.shape)
    return np.asarray(np.divide(ci, ri, out=np.zeros_like(ci), where=ri > 0), dtype=float)


def _log_residuals(matrices: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute e_ij = ln a_ij − ln w_i + ln w_j; 0 where not compared."""
    known = ~np.isnan(matrices)
    logs = np.log(weights)
    e = np.log(np.where(known, matrices, 1.0)) - logs[:, :, None] + logs[:, None, :]
    return np.asarray(np.where(known, e, 0.0), dtype=float)


def geometric_consistency_index(matrices: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute the residual variance of the log comparisons.

    Parameters
    ----------
    matrices : (k, n, n) comparisons, NaN where not compared
    weights : (k, n) weights by log least squares (row geometric means if complete)

    Returns
    -------
    (k,) GCI = Σ_{i<j} e_ij² / (E − n + 1), E the number of pairs compared; 0 without freedom

    References
    ----------
    Aguarón and Moreno-Jiménez (2003), European Journal of Operational Research 147, 137-145.
    """
    matrices = np.asarray(matrices, dtype=float)
    n = matrices.shape[-1]
    freedom = (~np.isnan(matrices)).sum(axis=(1, 2)) - n  # both triangles, without the diagonal
    freedom = freedom / 2 - n + 1
    squares = (_log_residuals(matrices, weights) ** 2).sum(axis=(1, 2)) / 2
    out = np.zeros(len(matrices))
    return np.asarray(np.divide(squares, freedom, out=out, where=freedom > 0), dtype=float)


@dataclass(frozen=True, slots=True)
class WorstJudgement:
    """The single comparison that contradicts the others most, and its repair.

    Parameters
    ----------
    pair : (k, 2) items i < j; −1, −1 where no comparison can be contradicted
    value : (k,) a_ij as judged
    repaired : (k,) the value that the other comparisons imply
    """

    pair: IntArray
    value: FloatArray
    repaired: FloatArray


def worst_judgement(matrices: FloatArray, weights: FloatArray) -> WorstJudgement:
    """Find each expert's worst comparison and the value that would repair it.

    Parameters
    ----------
    matrices : (k, n, n) comparisons, NaN where not compared
    weights : (k, n) weights by log least squares

    Returns
    -------
    WorstJudgement

    Notes
    -----
    Dropping comparison (i, j) lowers the residual sum of squares by e_ij²/(1 − h_ij), where h_ij is
    its leverage (2/n in a complete matrix, the resistance distance of i and j in the comparison
    graph otherwise). The pair with the largest drop is the worst judgement. What the other
    comparisons imply is ln a_ij − e_ij/(1 − h_ij): in a complete matrix the geometric mean of
    a_ik·a_kj over the other items k. A comparison without which the graph falls apart (h = 1) can
    not be contradicted.
    """
    matrices = np.asarray(matrices, dtype=float)
    k, n, _ = matrices.shape
    known = ~np.isnan(matrices)
    e = _log_residuals(matrices, weights)
    room = 1.0 - _leverage(known)
    free = known & np.triu(np.ones((n, n), dtype=bool), 1) & (room > 1e-9)
    room = np.where(free, room, 1.0)
    drop = np.where(free, e * e / room, -1.0).reshape(k, -1)
    at = drop.argmax(axis=1)
    i, j = np.divmod(at, n)
    rows, none = np.arange(k), drop.max(axis=1) < 0
    value = matrices[rows, i, j]
    repaired = np.where(none, value, value * np.exp(-e[rows, i, j] / room[rows, i, j]))
    pair = np.where(none[:, None], -1, np.stack([i, j], axis=1)).astype(np.int64)
    return WorstJudgement(pair, value, repaired)


def _leverage(known: BoolArray) -> FloatArray:
    """Compute resistance distances between items of connected comparison graphs."""
    n = known.shape[-1]
    if known.all():
        return np.full(known.shape, 2.0 / n)
    inverse = np.linalg.inv(laplacian(known) + 1.0 / n)
    own = np.diagonal(inverse, axis1=1, axis2=2)
    return np.asarray(own[:, :, None] + own[:, None, :] - 2.0 * inverse, dtype=float)


COMPLETE_WEIGHTS = ("eigenvector", "geometric", "column-mean")
INCOMPLETE_WEIGHTS = ("least-squares", "optimal", "harker")


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Weights and consistency of pairwise comparison matrices.

    Parameters
    ----------
    matrices : (k, n, n) the judgements, NaN where not compared
    weights : (k, n) local weights, rows sum to 1
    eigenvalue : (k,) principal eigenvalue (of the completed matrix where pairs are missing)
    ratio : (k,) consistency ratio CR
    gci : (k,) geometric consistency index
    missing : (k,) pairs not compared
    index : which random index CR used
    random_index : (k,) its value, for the number of items and of missing pairs; 0 where the
        comparisons cannot contradict each other
    """

    matrices: FloatArray
    weights: FloatArray
    eigenvalue: FloatArray
    ratio: FloatArray
    gci: FloatArray
    missing: IntArray
    index: str
    random_index: FloatArray

    def worst(self) -> WorstJudgement:
        """Find each expert's worst comparison and its repair value."""
        return worst_judgement(self.matrices, _log_least_squares(self.matrices, self.missing))


def weigh_comparisons(
    matrices: FloatArray,
    *,
    complete: str = "eigenvector",
    incomplete: str = "least-squares",
    index: str | float = "simulated",
    experts: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
) -> Comparisons:
    """Turn pairwise comparisons into weights with consistency measures.

    Parameters
    ----------
    matrices : (k, n, n) reciprocal comparisons, NaN where not compared
    complete
        ``"eigenvector"`` (default; what CR is about) or ``"geometric"`` for complete matrices;
        ``"column-mean"``, the approximation of hand calculation, to check published examples
        only: its λ is the mean of (Aw)_i/w_i.
    incomplete
        Weights of incomplete ones: ``"least-squares"`` (default: unique, one linear solve) or
        ``"optimal"``, the eigenvector of the completion with the smallest eigenvalue, or
        ``"harker"``, the eigenvector with gaps counted on the diagonal.
    index
        Random index of CR; see :func:`calib.experts.ahp.random_index`.

    experts, items
        Names for error messages.

    Returns
    -------
    Comparisons

    Raises
    ------
    InputError
        Naming comparisons that are not positive and reciprocal, and items that no chain of
        comparisons links to the others.

    Notes
    -----
    With least squares the eigenvalue is that of the matrix completed by weight ratios. It is never
    below the smallest one, so CR is never understated.
    """
    if complete not in COMPLETE_WEIGHTS or incomplete not in INCOMPLETE_WEIGHTS:
        msg = f"complete is one of {COMPLETE_WEIGHTS}, incomplete one of {INCOMPLETE_WEIGHTS}"
        raise ValueError(msg)
    matrices = sound_comparisons(matrices, experts=experts, items=items)
    k, n, _ = matrices.shape
    missing = np.isnan(matrices).sum(axis=(1, 2)) // 2
    logs = _log_least_squares(matrices, missing)
    weights, eigenvalue = logs.copy(), np.empty(k)
    full = missing == 0
    if full.any():
        weights[full], eigenvalue[full] = _complete(matrices[full], complete, logs[full])
    gaps = ~full
    if gaps.any() and incomplete == "optimal":
        done = [optimal_completion(matrix) for matrix in matrices[gaps]]
        weights[gaps] = [c.weights for c in done]
        eigenvalue[gaps] = [c.eigenvalue for c in done]
    elif gaps.any() and incomplete == "harker":
        eigen = eigenvector_weights(harker_matrices(matrices[gaps]))
        weights[gaps], eigenvalue[gaps] = eigen.weights, eigen.eigenvalue
    elif gaps.any():
        filled = complete_by_weights(matrices[gaps], logs[gaps])
        eigenvalue[gaps] = eigenvector_weights(filled).eigenvalue
    ratio = consistency_ratio(eigenvalue, n, missing, index=index)
    gci = geometric_consistency_index(matrices, logs)
    label = random_index_label(index)
    scale = np.array([random_index(n, int(count), index=index) for count in missing])
    return Comparisons(matrices, weights, eigenvalue, ratio, gci, missing, label, scale)


def _complete(matrices: FloatArray, kind: str, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    if kind == "column-mean":
        weights = column_mean_weights(matrices)
        ratios = np.matmul(matrices, weights[:, :, None])[:, :, 0] / weights
        return weights, np.asarray(ratios.mean(axis=1), dtype=float)
    eigen = eigenvector_weights(matrices)
    return (eigen.weights if kind == "eigenvector" else logs), eigen.eigenvalue


def _log_least_squares(matrices: FloatArray, missing: IntArray) -> FloatArray:
    if missing.any():
        return least_squares_weights(matrices)
    return geometric_weights(matrices)
