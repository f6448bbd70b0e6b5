"""Linear constraints on weights, labelled, so that a certificate can speak of them by name.

Constraints that cannot be met together are explained by an irreducible set of them that
contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.adjustment.constraint_names import constraint_name
from calib.errors import InfeasibleError
from calib.words import Text, joined, message

__all__ = [
    "Rows",
    "empty_rows",
    "explain_conflict",
    "full_rank",
    "independent_rows",
    "irreducible_conflict",
    "listed",
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
    return make_rows(
        -np.eye(q), np.zeros(q), [constraint_name("nonnegative", where=name) for name in names]
    )


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
        raise InfeasibleError(message("adjustment.fault.tree_contradicts"))
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


def irreducible_conflict(rows: Rows, equal: FloatArray, value: FloatArray) -> tuple[int, ...]:
    """Find rows that contradict each other, none of which the contradiction can spare.

    Parameters
    ----------
    rows : demands a z <= b
    equal, value : equalities, which are never dropped (the tree itself)

    Returns
    -------
    numbers of the rows; empty when all demands can be met. Any of these rows but one can be met
    together; all demands but one need not be, as there may be other conflicts among them.

    Notes
    -----
    An elastic linear programme (least total violation) gives by duality rows that already
    contradict each other (Farkas); a deletion filter (Chinneck 1997) makes the set irreducible.
    """
    if _feasible(rows, equal, value, range(len(rows))):
        return ()
    kept = _farkas(rows, equal, value)
    if _feasible(rows, equal, value, kept):
        kept = list(range(len(rows)))
    for i in list(kept):
        rest = [k for k in kept if k != i]
        if not _feasible(rows, equal, value, rest):
            kept = rest
    return tuple(kept)


def explain_conflict(rows: Rows, equal: FloatArray, value: FloatArray) -> None:
    """Raise InfeasibleError naming the demands in conflict; return when there is none."""
    found = irreducible_conflict(rows, equal, value)
    if not found:
        if not _feasible(rows, equal, value, ()):
            raise InfeasibleError(message("adjustment.fault.tree_contradicts"))
        return
    raise InfeasibleError(
        message("adjustment.conflict.found", n=len(found),
                constraints=listed(rows.labels[i] for i in found),
                way_out=_way_out(rows, equal, value, found))
    )  # fmt: skip


def listed(constraints: Iterable[object]) -> Text:
    """Return constraints one a line."""
    return joined((joined(["  - ", c], "") for c in constraints), "\n")


def _way_out(rows: Rows, equal: FloatArray, value: FloatArray, found: Sequence[int]) -> Text:
    """Say which of the rows in conflict, left out alone, would make all other demands possible."""
    asked = [i for i in found if not _is_sign(rows, i)]
    number = range(len(rows))
    cures = [i for i in asked if _feasible(rows, equal, value, [k for k in number if k != i])]
    if not cures:
        return message("adjustment.conflict.no_way", n=len(found))
    if len(cures) == len(asked):
        return message("adjustment.conflict.any_way", n=len(asked))
    named = joined([rows.labels[i] for i in cures], message("words.semicolon"))
    return message("adjustment.conflict.some_way", constraints=named)


def _is_sign(rows: Rows, i: int) -> bool:
    """Whether a row only says that a weight is not negative, which nobody can leave out."""
    return bool(rows.b[i] == 0 and np.count_nonzero(rows.a[i]) == 1 and rows.a[i].sum() == -1)


def _feasible(rows: Rows, equal: FloatArray, value: FloatArray, which: object) -> bool:
    from scipy.optimize import linprog

    number = list(which)  # type: ignore[call-overload]
    q = rows.a.shape[1]
    out = linprog(
        np.zeros(q),
        A_ub=rows.a[number] if number else None,
        b_ub=rows.b[number] if number else None,
        A_eq=equal if len(value) else None,
        b_eq=value if len(value) else None,
        bounds=[(None, None)] * q,
        method="highs",
    )
    return int(out.status) != 2


def _farkas(rows: Rows, equal: FloatArray, value: FloatArray) -> list[int]:
    """Return rows that carry the infeasibility of the elastic programme."""
    from scipy.optimize import linprog

    r, q = rows.a.shape
    e = len(value)
    # Rows may be broken at a cost; the equalities of the tree may not, but slightly, so that the
    # programme itself is always feasible.
    cost = np.concatenate([np.zeros(q), np.ones(r), np.full(2 * e, 1e4)])
    out = linprog(
        cost,
        A_ub=np.block([rows.a, -np.eye(r), np.zeros((r, 2 * e))]),
        b_ub=rows.b,
        A_eq=np.block([equal, np.zeros((e, r)), np.eye(e), -np.eye(e)]) if e else None,
        b_eq=value if e else None,
        bounds=[(None, None)] * q + [(0, None)] * (r + 2 * e),
        method="highs",
    )
    price = np.asarray(out.ineqlin.marginals, dtype=float)
    return [int(i) for i in np.flatnonzero(np.abs(price) > 1e-9)]
