"""Valid cuts for caps on variance shares, so that integer programmes can look for grid weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.adjustment.constraints import Rows, full_rank
from calib.adjustment.lattice import Lattice
from calib.adjustment.variance_search import CapProblem, ShareCap, lower_excess

__all__ = ["Cut", "deepest", "share_cuts"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A demand ``value + slope @ (z - at) - curve @ (z - at)² <= 0`` on grid weights z.

    Parameters
    ----------
    at, slope, curve : (q,)
    value : float
    """

    at: FloatArray
    slope: FloatArray
    curve: FloatArray
    value: float


def share_cuts(lattice: Lattice, caps: Sequence[ShareCap], at: FloatArray) -> list[Cut]:
    """Return one cut a cap that every grid point under the cap meets.

    Notes
    -----
    A cap is q(z) = z'Pz <= 0 with an indefinite P. Between grid points, which differ only within
    families, q(z) >= q(a) + q'(a)(z - a) - curve |z - a|² where -curve is the least
    eigenvalue of P on changes that keep the sums. |z - a|² is linear in unary increments of
    whole numbers taken in order, so the cut is exact at a and nearly so around it.
    """
    from scipy.linalg import null_space

    free = null_space(lattice.sums()[0] / np.maximum(lattice.unit, 1e-12))
    out = []
    for cap in caps:
        v = float(at @ cap.cov @ at)
        if v <= 0:
            continue
        for form, limit in zip(cap.forms, cap.caps, strict=True):
            p = (form - limit * cap.cov) / v
            curve = _least_curve(p, free)
            out.append(Cut(at, 2.0 * p @ at, curve, float(at @ p @ at)))
    return out


def deepest(lattice: Lattice, rows: Rows, caps: Sequence[ShareCap]) -> FloatArray | None:
    """Return weights off the grid whose largest excess over the caps is lowest, by local search."""
    if (lattice.unit <= 0).any():
        return None
    sums, right = lattice.sums()
    equal, value = full_rank(sums / lattice.unit, right)
    problem = CapProblem(lattice.target, rows, equal, value, tuple(caps))
    excess, z = lower_excess(problem, lattice.target)
    return z if np.isfinite(excess) else None


def _least_curve(p: FloatArray, free: FloatArray) -> FloatArray:
    """Return the smallest sum of numbers (q,) that, on the diagonal, make a form convex.

    Parameters
    ----------
    p : (q, q) the form
    free : (q, f) orthonormal basis of the changes on which it is to be convex

    Notes
    -----
    A semidefinite programme, solved by barrier Newton steps; feasible, and within a few
    per cent of the least sum. The least eigenvalue repeated is a feasible start, and three times
    as large a sum for the forms of variance shares.
    """
    inner = free.T @ p @ free
    least = float(np.linalg.eigvalsh(inner)[0]) if free.size else 0.0
    if least >= 0:
        return np.zeros(len(p))
    live = np.flatnonzero(np.abs(free).max(axis=1) > 1e-9)
    moved = free[live]
    curve = np.full(len(live), -1.5 * least)
    weight = curve.sum() / len(inner)
    while weight * len(inner) > 0.02 * np.abs(curve).sum():
        for _ in range(20):
            inverse = moved @ np.linalg.inv(inner + moved.T @ (curve[:, None] * moved)) @ moved.T
            gradient = 1.0 - weight * np.diag(inverse)
            step, *_ = np.linalg.lstsq(weight * inverse**2, -gradient)
            decrement = max(float(-gradient @ step) / weight, 0.0)
            curve = curve + step / (1.0 + np.sqrt(decrement))
            if decrement < 0.05:
                break
        weight *= 0.3
    out = np.zeros(len(p))
    out[live] = curve
    convex = np.linalg.eigvalsh(inner + moved.T @ (curve[:, None] * moved))[0] >= 0
    return out if convex else np.full(len(p), -least)
