"""Linear demands on weights as labelled rows, so that a certificate can speak of them by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import InfeasibleError

__all__ = [
    "Rows",
    "empty_rows",
    "full_rank",
    "independent_rows",
    "make_rows",
    "nonnegative_rows",
    "stack_rows",
]

_DEPENDENT = 1e-10


@dataclass(frozen=True, slots=True)
class Rows:
    """Demands ``a @ z <= b`` on the weights z.

    Parameters
    ----------
    a : (r, q)
    b : (r,)
    labels : r names, each saying which demand the row carries
    relief : (r, q + 1)
        How the slack grows with the number behind the demand (a cap), as a linear function of
        ``(z, 1)``; a multiplier times this is the shadow price of the cap.
    """

    a: FloatArray
    b: FloatArray
    labels: tuple[str, ...]
    relief: FloatArray

    def __len__(self) -> int:
        return len(self.labels)

    def slack(self, z: FloatArray) -> FloatArray:
        """Return what is left of each demand; negative means violated."""
        return np.asarray(self.b - self.a @ z, dtype=float)

    def pick(self, which: Sequence[int] | BoolArray) -> Rows:
        """Keep some rows."""
        number = np.arange(len(self.labels))[np.asarray(which)]
        return Rows(
            self.a[number],
            self.b[number],
            tuple(self.labels[i] for i in number),
            self.relief[number],
        )


def make_rows(
    a: FloatArray, b: FloatArray, labels: Iterable[str], relief: FloatArray | None = None
) -> Rows:
    """Build rows; without ``relief`` the number behind each demand is its right side."""
    a = np.atleast_2d(np.asarray(a, dtype=float))
    b = np.atleast_1d(np.asarray(b, dtype=float))
    if relief is None:
        relief = np.zeros((a.shape[0], a.shape[1] + 1))
        relief[:, -1] = 1.0
    return Rows(a, b, tuple(labels), relief)


def empty_rows(q: int) -> Rows:
    """Return no demand on q weights."""
    return Rows(np.zeros((0, q)), np.zeros(0), (), np.zeros((0, q + 1)))


def nonnegative_rows(names: Sequence[str]) -> Rows:
    """Return the demands that no weight is negative."""
    q = len(names)
    return make_rows(-np.eye(q), np.zeros(q), [f"{name} ≥ 0" for name in names])


def stack_rows(parts: Sequence[Rows]) -> Rows:
    """Join demands."""
    return Rows(
        np.concatenate([p.a for p in parts]),
        np.concatenate([p.b for p in parts]),
        tuple(label for p in parts for label in p.labels),
        np.concatenate([p.relief for p in parts]),
    )


def full_rank(equal: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Drop equalities that follow from earlier ones.

    Parameters
    ----------
    equal, value : (e, q), (e,) equalities ``equal @ z = value``

    Returns
    -------
    (k, q), (k,) equalities with linearly independent rows and the same solutions

    Raises
    ------
    InfeasibleError
        A dropped equality contradicts those kept: no z solves all.

    Notes
    -----
    Solvers that factorise the active demands (SLSQP among them) stop at a singular matrix where
    one equality repeats others, as where two tracks share every pillar: both sums and all but one
    shared pillar imply the last.
    """
    keep = independent_rows(equal)
    if len(keep) == len(value):
        return equal, value
    point = np.linalg.lstsq(equal[keep], value[keep], rcond=None)[0]
    if np.abs(equal @ point - value).max(initial=0.0) > 1e-9:
        raise InfeasibleError("the tree's own equalities contradict each other")
    return equal[keep], value[keep]


def independent_rows(rows: FloatArray) -> list[int]:
    """Return the numbers of rows that are not combinations of earlier ones."""
    size = np.linalg.norm(rows, axis=1)
    if len(rows) <= rows.shape[1]:
        # Where no row depends on earlier ones, one factorisation shows it.
        corner = np.abs(np.diag(np.linalg.qr(rows.T, mode="r")))
        if (corner > 1e-6 * size).all():
            return list(range(len(rows)))
    keep: list[int] = []
    basis = np.zeros((0, rows.shape[1]))
    for i, row in enumerate(rows):
        rest = row - basis.T @ (basis @ row)
        rest = rest - basis.T @ (basis @ rest)
        left = float(np.linalg.norm(rest))
        if left > _DEPENDENT * max(float(size[i]), 1e-300):
            keep.append(i)
            basis = np.vstack([basis, rest / left])
    return keep
