"""Pairwise comparisons (AHP): the reciprocal matrix and the weights of complete matrices.

Entry a_ij says how many times more important item i is than item j. Entries are real, positive
and reciprocal (a_ji = 1/a_ij), of any size and any number of items, so geometric means of
several experts' matrices are matrices like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import ConvergenceError, InputError
from calib.experts.problems import Problem
from calib.words import Text, message

__all__ = [
    "Eigen",
    "check_comparisons",
    "column_mean_weights",
    "complete_weights",
    "eigenvector_weights",
    "geometric_weights",
    "matrix_from_pairs",
    "pairs_of",
]

RECIPROCITY = 5e-6  # a_ij · a_ji may differ from 1 by this much: six typed digits are enough


@dataclass(frozen=True, slots=True)
class Eigen:
    """Principal right eigenvectors of positive matrices.

    Parameters
    ----------
    weights : (k, n) eigenvectors, rows sum to 1
    eigenvalue : (k,) principal eigenvalues λ
    bound : (k,) half width of the Collatz-Wielandt interval that contains λ
    """

    weights: FloatArray
    eigenvalue: FloatArray
    bound: FloatArray


def pairs_of(n: int) -> tuple[tuple[int, int], ...]:
    """List the pairs (i, j), i < j, in the order in which forms and CSV files hold them."""
    return tuple((i, j) for i in range(n) for j in range(i + 1, n))


def matrix_from_pairs(values: FloatArray, n: int) -> FloatArray:
    """Build reciprocal matrices from their upper triangles.

    Parameters
    ----------
    values : (..., n(n-1)/2) a_ij in the order of :func:`pairs_of`, NaN where not compared
    n
        Number of items.

    Returns
    -------
    (..., n, n)

    Examples
    --------
    >>> import numpy as np
    >>> matrix_from_pairs(np.array([2.0]), 2)
    array([[1. , 2. ],
           [0.5, 1. ]])
    """
    values = np.asarray(values, dtype=float)
    matrix = np.ones((*values.shape[:-1], n, n))
    above = np.triu_indices(n, 1)
    matrix[..., above[0], above[1]] = values
    with np.errstate(divide="ignore"):  # a zero is reported by check_comparisons, not here
        matrix[..., above[1], above[0]] = 1.0 / values
    return matrix


def check_comparisons(
    matrices: FloatArray, *, complete: bool = True, tolerance: float = RECIPROCITY
) -> list[Problem]:
    """Find entries that no reciprocal matrix may have.

    Parameters
    ----------
    matrices : (k, n, n) comparisons, NaN where not compared
    complete
        Whether a missing comparison is a fault.
    tolerance
        Largest accepted |a_ij a_ji − 1|.

    Returns
    -------
    list of Problem
        Missing, non-positive, infinite and non-reciprocal pairs, and diagonals other than 1.
    """
    matrices = np.asarray(matrices, dtype=float)
    n = matrices.shape[-1]
    above = np.triu_indices(n, 1)
    upper, lower = matrices[:, above[0], above[1]], matrices[:, above[1], above[0]]
    problems = _diagonal_problems(matrices)
    half = np.isnan(upper) != np.isnan(lower)
    missing = np.isnan(upper) & np.isnan(lower)
    with np.errstate(invalid="ignore"):
        positive = (upper > 0) & (lower > 0) & np.isfinite(upper) & np.isfinite(lower)
        product = np.where(positive, upper, 1.0) * np.where(positive, lower, 1.0)
    wrong = ~missing & ~half & ~positive
    off = positive & (np.abs(product - 1.0) > tolerance)

    def note(mask: BoolArray, text: Text, wanted: str | Text, value: FloatArray | None) -> None:
        for expert, pair in np.argwhere(mask):
            found = None if value is None else float(value[expert, pair])
            items = (int(above[0][pair]), int(above[1][pair]))
            problems.append(Problem(int(expert), items, text, found, wanted))

    above_0 = message("experts.faults.above_0")
    if complete:
        note(missing, message("experts.faults.missing_pair"), above_0, None)
    note(half, message("experts.faults.half_pair"), message("experts.faults.both_or_neither"), None)
    note(wrong, message("experts.faults.not_positive"), above_0, np.where(upper > 0, lower, upper))
    note(off, message("experts.faults.not_reciprocal"), "1", product)
    return problems


def _diagonal_problems(matrices: FloatArray) -> list[Problem]:
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    text = message("experts.faults.self_not_1")
    return [
        Problem(int(e), (int(i), int(i)), text, float(diagonal[e, i]), "1")
        for e, i in np.argwhere(diagonal != 1.0)
    ]


def _complete(matrices: FloatArray, zeros: bool = False) -> FloatArray:
    """Return comparisons as floats, all of them there and above 0 (``zeros``: or 0)."""
    a = np.asarray(matrices, dtype=float)
    sound = np.isfinite(a) & ((a >= 0) if zeros else (a > 0))
    if not sound.all():
        place = np.argwhere(~sound)[0]
        row, column = (int(i) + 1 for i in place[-2:])
        raise InputError(
            message("experts.not_complete", row=row, column=column, value=f"{a[tuple(place)]:g}")
        )
    return a


def geometric_weights(matrices: FloatArray) -> FloatArray:
    """Compute weights by the geometric means of the rows (least squares of log comparisons).

    Parameters
    ----------
    matrices : (..., n, n) complete positive matrices

    Returns
    -------
    (..., n) weights, rows sum to 1

    Raises
    ------
    InputError
        For a matrix with a gap, or an entry that is not above 0.

    References
    ----------
    Crawford and Williams (1985), Journal of Mathematical Psychology 29, 387-405.
    """
    logs = np.log(_complete(matrices)).mean(axis=-1)
    raw = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(raw / raw.sum(axis=-1, keepdims=True), dtype=float)


def column_mean_weights(matrices: FloatArray) -> FloatArray:
    """Average the normalised columns of (..., n, n) complete matrices.

    An approximation of the eigenvector for calculation by hand, exact on consistent matrices.
    """
    a = _complete(matrices)
    return np.asarray((a / a.sum(axis=-2, keepdims=True)).mean(axis=-1), dtype=float)


def eigenvector_weights(
    matrices: FloatArray, *, tolerance: float = 1e-12, max_steps: int = 10_000
) -> Eigen:
    """Compute principal eigenvectors of many positive matrices by power iteration.

    Parameters
    ----------
    matrices : (k, n, n) positive matrices
    tolerance
        Largest relative half width of the interval that contains the eigenvalue.
    max_steps
        Steps after which the iteration is given up.

    Returns
    -------
    Eigen

    Raises
    ------
    InputError
        For a matrix with a gap, or an entry below 0 (Harker's matrices hold zeros).
    ConvergenceError
        When a matrix has not converged after ``max_steps``.

    Notes
    -----
    For any positive x the eigenvalue lies between min and max of (Ax)_i / x_i (Collatz and
    Wielandt), which is the stop rule and the reported bound. The start is the row sum of A², and
    matrices leave the batch once they have converged.
    """
    A = _complete(np.ascontiguousarray(matrices, dtype=float), zeros=True)
    k, n, _ = A.shape
    weights, eigenvalue, bound = np.empty((k, n)), np.empty(k), np.empty(k)
    todo = np.arange(k)
    x = A.sum(axis=2)
    for step in range(max_steps):
        y = np.matmul(A, x[:, :, None])[:, :, 0]
        if step % 2:  # every second step is enough: the bounds cost as much as the product
            ratio = y / x
            low, high = ratio.min(axis=1), ratio.max(axis=1)
            done = high - low <= 2.0 * tolerance * high
            if done.any():
                at = todo[done]
                weights[at] = y[done] / y[done].sum(axis=1, keepdims=True)
                # The mean of the bounds is exact to the tolerance for any x.
                eigenvalue[at] = 0.5 * (low[done] + high[done])
                bound[at] = 0.5 * (high[done] - low[done])
                keep = ~done
                todo, A, y = todo[keep], A[keep], y[keep]
                if todo.size == 0:
                    return Eigen(weights, eigenvalue, bound)
        x = y / y.sum(axis=1, keepdims=True)
    msg = f"power iteration: {todo.size} of {k} matrices did not converge in {max_steps} steps"
    raise ConvergenceError(msg)


def complete_weights(matrices: FloatArray, method: str = "eigenvector") -> FloatArray:
    """Compute weights (k, n) of (k, n, n) complete matrices: ``eigenvector`` or ``geometric``."""
    if method == "geometric":
        return geometric_weights(matrices)
    return eigenvector_weights(matrices).weights
