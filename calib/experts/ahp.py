"""AHP in one call: weights with consistency, for a batch of complete or incomplete matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.experts.consistency import (
    CR_LIMIT,
    WorstJudgement,
    consistency_ratio,
    geometric_consistency_index,
    random_index,
    random_index_label,
    worst_judgement,
)
from calib.experts.incomplete import (
    complete_by_weights,
    harker_matrices,
    optimal_completion,
    solve_least_squares,
    sound_comparisons,
)
from calib.experts.pairwise import (
    column_mean_weights,
    eigenvector_weights,
    geometric_weights,
)

__all__ = ["COMPLETE_WEIGHTS", "INCOMPLETE_WEIGHTS", "Comparisons", "weigh_comparisons"]

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

    @property
    def acceptable(self) -> BoolArray:
        """Tell, per expert, whether CR is at most 0.1."""
        return np.asarray(self.ratio <= CR_LIMIT)

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
        Random index of CR; see :func:`calib.experts.consistency.random_index`.

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
        return solve_least_squares(matrices)
    return geometric_weights(matrices)
