"""Linear demands on weights as labelled rows, so that a certificate can speak of them by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray

__all__ = ["Rows", "empty_rows", "make_rows", "nonnegative_rows", "stack_rows"]


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
