"""Why demands cannot be met: an irreducible set of rows that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calib._types import FloatArray
from calib.adjustment.rows import Rows
from calib.errors import InfeasibleError

__all__ = ["explain_conflict", "irreducible_conflict"]


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
            raise InfeasibleError("the tree's own equalities contradict each other")
        return
    lines = "\n".join(f"  - {rows.labels[i]}" for i in found)
    which = (
        "this one cannot be met whatever the others" if len(found) == 1
        else f"these {len(found)} contradict each other"
    )  # fmt: skip
    msg = f"no weights meet all demands; {which}:\n{lines}\n"
    raise InfeasibleError(msg + _way_out(rows, equal, value, found))


def _way_out(rows: Rows, equal: FloatArray, value: FloatArray, found: Sequence[int]) -> str:
    """Say which of the rows in conflict, left out alone, would make all other demands possible."""
    asked = [i for i in found if not _is_sign(rows, i)]
    number = range(len(rows))
    cures = [i for i in asked if _feasible(rows, equal, value, [k for k in number if k != i])]
    if not cures and len(found) == 1:
        return "Leaving it out is not enough: other demands cannot be met either."
    if not cures:
        return (
            "Leaving out one of them is not enough: whichever it is, other demands contradict "
            "each other too."
        )
    if len(cures) == len(asked):
        if len(asked) == 1:
            return "Left out or loosened, it leaves demands that can all be met."
        return "Leaving out any one of them (but no weight may be negative) resolves it."
    named = "; ".join(rows.labels[i] for i in cures)
    return (
        f"Leaving out one of these resolves it: {named}. Without another one, other demands still "
        "contradict each other."
    )


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
