"""Local linear regression of the total on one continuous score.

A straight line is reproduced without error whatever the bandwidth, so a total regressed on itself
explains everything. Scores are gathered in cells (one a distinct score, or 256 of equal width), so
that the cost of a bootstrap draw does not depend on the number of enterprises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray

__all__ = ["Smoother", "local_linear"]

_CELLS = 256
_BANDWIDTHS = 24


@dataclass(frozen=True, slots=True)
class Smoother:
    """A local linear fit with a Gaussian kernel and a chosen bandwidth.

    Parameters
    ----------
    code : (n,) cell of each enterprise
    centre : (G,) mean score in each cell
    bandwidth : standard deviation of the kernel, points
    df : effective number of parameters, n - tr((I-H)'(I-H)) of the smoother matrix H
    """

    code: IntArray
    centre: FloatArray
    bandwidth: float
    df: float

    def gather(self, values: FloatArray) -> FloatArray:
        """Return the sums (k, G) in each cell of values (k, n)."""
        G = len(self.centre)
        return np.array([np.bincount(self.code, weights=row, minlength=G) for row in values])

    def fit(self, count: FloatArray, summed: FloatArray) -> FloatArray:
        """Return the fit (k, G) at the cells' centres.

        Parameters
        ----------
        count : (k, G) how many enterprises each cell holds
        summed : (k, G) sum of their totals
        """
        return _fit(*_kernel(self.centre, self.bandwidth), count, summed)


def local_linear(code: IntArray, x: FloatArray, y: FloatArray) -> Smoother:
    """Choose the bandwidth of a local linear regression of y on x.

    Parameters
    ----------
    code : (n,) number of the distinct score of each enterprise, in the order of scores
    x : (n,) scores
    y : (n,) totals

    Returns
    -------
    Smoother

    Notes
    -----
    The bandwidth, between the closest that leaves a third of the enterprises as parameters and one
    so wide that the fit is a straight line, has the smallest corrected Akaike criterion
    ln(RSS/n) + 2 (tr H + 1)/(n - tr H - 2) (Hurvich, Simonoff and Tsai 1998).
    """
    n = len(x)
    if int(code.max()) >= _CELLS:
        width = np.ptp(x) / _CELLS
        cell = np.minimum(((x - x.min()) / width).astype(np.int64), _CELLS - 1)
        code = np.unique(cell, return_inverse=True)[1].ravel()
    count: FloatArray = np.bincount(code).astype(float)
    centre = np.bincount(code, weights=x) / count
    summed: FloatArray = np.asarray(np.bincount(code, weights=y), dtype=float)
    square = float(y @ y)
    spread = float(np.ptp(x))
    floor = 1e-12 * max(float(np.sum((y - y.mean()) ** 2)), 1e-300)
    best, chosen = np.inf, Smoother(code, centre, 10.0 * spread, 2.0)
    for bandwidth in np.geomspace(10.0 * spread, spread / 60.0, _BANDWIDTHS):
        U, K = _kernel(centre, float(bandwidth))
        trace, df = _parameters(U, K, count)
        if trace > max(n / 3.0, 2.0 + 1e-6) or n - trace <= 2.0:
            break
        fit = _fit(U, K, count[None], summed[None])[0]
        residual = max(square - 2.0 * float(summed @ fit) + float(count @ fit**2), floor)
        score = float(np.log(residual / n)) + 2.0 * (trace + 1.0) / (n - trace - 2.0)
        if score < best - 1e-9:
            best, chosen = score, Smoother(code, centre, float(bandwidth), df)
    return chosen


def _kernel(centre: FloatArray, bandwidth: float) -> tuple[FloatArray, FloatArray]:
    U = (centre[None, :] - centre[:, None]) / bandwidth
    return U, np.exp(-0.5 * U**2)


def _sums(
    U: FloatArray, K: FloatArray, count: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the weights' moments s0, s1, s2 (k, G) around every centre."""
    KU = K * U
    return count @ K.T, count @ KU.T, count @ (KU * U).T


def _fit(U: FloatArray, K: FloatArray, count: FloatArray, summed: FloatArray) -> FloatArray:
    s0, s1, s2 = _sums(U, K, count)
    t0, t1 = summed @ K.T, summed @ (K * U).T
    spread = s0 * s2 - s1**2
    # With (almost) a single cell in reach there is no slope: the local mean.
    line = spread > 1e-12 * s0**2
    mean = np.divide(t0, s0, out=np.zeros_like(t0), where=s0 > 0)
    return np.asarray(np.divide(s2 * t0 - s1 * t1, spread, out=mean, where=line), dtype=float)


def _parameters(U: FloatArray, K: FloatArray, count: FloatArray) -> tuple[float, float]:
    """Return tr H and 2 tr H - tr H'H of the smoother matrix H (n, n)."""
    s0, s1, s2 = _sums(U, K, count[None])
    spread = s0 * s2 - s1**2
    line = spread > 1e-12 * s0**2
    mean = np.broadcast_to(K / s0.T, K.shape).copy()
    H = np.divide(K * (s2.T - U * s1.T), spread.T, out=mean, where=line.T)
    trace = float(count @ np.diag(H))
    return trace, 2.0 * trace - float(count @ H**2 @ count)
