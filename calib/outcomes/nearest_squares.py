"""The nearest weights, in least squares, that meet several linear demands."""

from __future__ import annotations

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import ConvergenceError
from calib.words import message

__all__ = ["move_least_squares_jointly", "project_by_nnls"]

STEPS = 60
TOLERANCE = 1e-10


def move_least_squares_jointly(demands: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project on the weights that meet all demands.

    Parameters
    ----------
    demands : (n, J, u) coefficients; demand j is ``demands[:, j] · g' >= 0``
    g : (u,) weights, non-negative, summing to 1

    Returns
    -------
    distance : (n,) Euclidean distance, inf where no weights meet all demands
    weights : (n, u) nearest weights; ``g`` where there are none

    Notes
    -----
    The projection is ``g' = max(0, g + C'λ + μ)`` with multipliers λ >= 0 of the demands and μ of
    the sum. An active-set Newton method on (λ, μ) solves all enterprises abreast and ends at the
    exact solution when its sets no longer change; whoever does not settle, and whoever has no
    solution, goes through a finite method one by one (:func:`project_by_nnls`).
    """
    scale = np.maximum(np.abs(demands).max(axis=2, keepdims=True), 1e-300)
    c = demands / scale
    weights, settled = _newton(c, g)
    distance = np.sqrt(((weights - g) ** 2).sum(axis=1))
    for i in np.flatnonzero(~settled):
        solution = project_by_nnls(c[i], g)
        weights[i] = g if solution is None else solution
        distance[i] = np.inf if solution is None else np.sqrt(((solution - g) ** 2).sum())
    return distance, weights


def _newton(c: FloatArray, g: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Solve by active sets; the second array tells where the optimum is certain."""
    n, j, u = c.shape
    weights = np.broadcast_to(g, (n, u)).copy()
    settled = np.zeros(n, dtype=bool)
    rows = np.arange(n)
    a = np.concatenate([c, np.ones((n, 1, u))], axis=1)
    z = np.zeros((n, j + 1))
    support = np.broadcast_to(g > 0, (n, u)).copy()
    active = np.concatenate([c @ g < 0, np.ones((n, 1), dtype=bool)], axis=1)
    for _ in range(STEPS):
        inside = a * support[:, None, :]
        gram = np.matmul(inside, a.transpose(0, 2, 1))
        target = np.concatenate([np.zeros((len(a), j)), np.ones((len(a), 1))], axis=1)
        right = target - inside @ g
        both = active[:, :, None] & active[:, None, :]
        system = np.where(both, gram, 0.0)
        diagonal = np.arange(j + 1)
        system[:, diagonal, diagonal] += np.where(active, 1e-13, 1.0)
        z = np.linalg.solve(system, np.where(active, right, 0.0)[:, :, None])[:, :, 0]
        raw = g + np.matmul(z[:, None, :], a)[:, 0]
        trial = np.maximum(raw, 0.0)
        level = np.matmul(a, trial[:, :, None])[:, :, 0] - target
        good = (
            (np.abs(level[:, j]) < TOLERANCE)
            & (level[:, :j] > -TOLERANCE).all(axis=1)
            & (z[:, :j] > -TOLERANCE).all(axis=1)
            & (np.abs(np.where(active[:, :j], level[:, :j], 0.0)) < TOLERANCE).all(axis=1)
        )
        weights[rows[good]] = trial[good]
        settled[rows[good]] = True
        keep = ~good
        if not keep.any():
            break
        rows, a = rows[keep], a[keep]
        support = raw[keep] > 0
        # A demand stays active while its multiplier is positive, or joins when it is unmet.
        active[:, :j] = np.where(active[:, :j], z[:, :j] > 0, level[:, :j] < -TOLERANCE)
        active = active[keep]
        z = z[keep]
        lost = ~support.any(axis=1)
        support[lost] = True
    return weights, settled


def project_by_nnls(demands: FloatArray, g: FloatArray) -> FloatArray | None:
    """Project one ``g`` by non-negative least squares; None where no weights meet the demands.

    Parameters
    ----------
    demands : (J, u)
    g : (u,)

    Notes
    -----
    Least-distance programming: min ‖x‖ subject to G x >= h has the solution x = r / r_last from
    the residual r of the non-negative least-squares problem ``[G h]' y = (0, …, 0, 1)``, and no
    solution when that residual is 0 (Lawson and Hanson, Solving Least Squares Problems, ch. 23).
    The sum is kept by working in an orthonormal basis of the shifts that sum to 0.
    """
    from scipy.optimize import nnls

    u = len(g)
    basis = np.linalg.qr(np.column_stack([np.ones(u), np.eye(u)[:, : u - 1]]))[0][:, 1:]
    rows = np.vstack([demands, np.eye(u)])
    G, h = rows @ basis, -rows @ g
    E = np.vstack([G.T, h])
    f = np.zeros(u)
    f[-1] = 1.0
    try:
        y, _ = nnls(E, f, maxiter=50 * u)
    except RuntimeError as exc:
        raise ConvergenceError(message("outcomes.stability.projection", why=str(exc))) from exc
    residual = E @ y - f
    # At the optimum r_last = -‖r‖²; a residual of 0 certifies that nothing meets the demands.
    if -residual[-1] < 1e-12:
        return None
    x = -residual[:-1] / residual[-1]
    return np.asarray(np.maximum(g + basis @ x, 0.0), dtype=float)
