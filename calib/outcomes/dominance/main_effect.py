"""Main effect of an indicator on the total: V(E[T | x]) / V(T).

Few score levels, as answers have, are groups with a mean each; continuous scores, as capabilities
and pillars have, are smoothed by local linear regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._quantiles import tails
from calib._types import FloatArray, IntArray, Seed, SmallIntArray
from calib.errors import InputError
from calib.words import message

__all__ = [
    "Conditional",
    "MainEffect",
    "Smoother",
    "bootstrap_counts",
    "conditional",
    "local_linear",
    "main_effect",
    "score_levels",
]

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


MAX_LEVELS = 12
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class MainEffect:
    """Main effects, first-order sensitivity indices of the total.

    Parameters
    ----------
    effect : (L,) V(E[T|x_l]) / V(T) of these enterprises, 0-1
    adjusted : (L,) effect corrected for the number of parameters (as adjusted R²), at least 0
    low, high : (L,) bootstrap interval of the effect behind the sample, around ``adjusted``; NaN
        without bootstrap, and where there are as many parameters as enterprises
    parameters : (L,) number of groups, or effective number of parameters of a smooth fit
    smooth : (L,) whether scores had too many levels for groups
    """

    effect: FloatArray
    adjusted: FloatArray
    low: FloatArray
    high: FloatArray
    parameters: FloatArray
    smooth: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """How the mean total given each indicator's score is estimated.

    Parameters
    ----------
    total : (n,) totals, centred
    fits : group number (n,) of each enterprise, or a smoother, for each indicator
    parameters : (L,) number of groups, or effective number of parameters
    """

    total: FloatArray
    fits: tuple[IntArray | SmallIntArray | Smoother, ...]
    parameters: FloatArray

    def effects(self, counts: FloatArray) -> FloatArray:
        """Return main effects (draws, L) of enterprises counted ``counts (draws, n)`` times."""
        draws = counts.shape[0]
        size = counts.sum(axis=1)
        first = counts @ self.total / size
        variance = counts @ self.total**2 / size - first**2
        # A spread of rounding size is no spread.
        live = variance > 1e-12 * max(float(np.mean(self.total**2)), 1e-300)
        out = np.zeros((draws, len(self.fits)))
        for i, fit in enumerate(self.fits):
            if self.parameters[i] < 2 or not live.any():
                continue
            if isinstance(fit, Smoother):
                explained = _smooth(fit, counts, self.total)
            else:
                explained = _grouped(fit, counts, self.total)
            out[live, i] = (explained[live] / size[live] - first[live] ** 2) / variance[live]
        return np.clip(out, 0.0, 1.0)

    def adjusted(self, effects: FloatArray) -> FloatArray:
        """Correct effects (..., L) for the number of parameters; 0 where none is left to judge by.

        Notes
        -----
        1 - (1-S)(n-1)/(n-G), at least 0. With as many parameters as enterprises nothing is left to
        tell an effect from chance.
        """
        n = len(self.total)
        spare = n - self.parameters
        factor = (n - 1) / np.where(spare > 0, spare, 1.0)
        out = np.where((effects > 0) & (spare > 0), 1.0 - (1.0 - effects) * factor, 0.0)
        return np.asarray(np.maximum(out, 0.0), dtype=float)

    def drawn(self, counts: FloatArray) -> FloatArray:
        """Return draws (k, L) around the adjusted effects.

        Notes
        -----
        Chance adds to the effect of a sample once, and to that of a sample drawn from it twice:
        the draws are corrected twice. NaN where there are as many parameters as enterprises, and
        so nothing to judge by.
        """
        out = self.adjusted(self.adjusted(self.effects(counts)))
        out[:, self.parameters >= len(self.total)] = np.nan
        return out


def conditional(X: FloatArray, total: FloatArray, max_levels: int = MAX_LEVELS) -> Conditional:
    """Settle how the mean total given each score is estimated.

    Parameters
    ----------
    X : (n, L) scores
    total : (n,) totals
    max_levels : int
        With more levels than this, or more than half as many as enterprises (beyond five), as
        capabilities and pillars have, the total is smoothed by local linear regression; with fewer
        it is averaged at each level. Scores that differ by rounding noise are one level.

    Returns
    -------
    Conditional
    """
    n, L = X.shape
    centred = total - total.mean()
    if np.ptp(total) <= _SAME * max(float(np.abs(total).max(initial=0.0)), 1e-300):
        centred = np.zeros(n)  # rounding noise is no spread that a score could explain
    fits: list[IntArray | SmallIntArray | Smoother] = []
    parameters = np.empty(L)
    for i in range(L):
        code = score_levels(X[:, i])
        levels = int(code.max()) + 1
        # A byte is enough for the number of one of a few groups.
        fit: IntArray | SmallIntArray | Smoother = code.astype(np.int8) if levels < 64 else code
        parameters[i] = levels
        if levels > min(max_levels, max(5, n // 2)):
            fit = local_linear(code, X[:, i], centred)
            parameters[i] = fit.df
        fits.append(fit)
    return Conditional(centred, tuple(fits), parameters)


def score_levels(x: FloatArray) -> IntArray:
    """Return the level number (n,) of each score, upwards; rounding noise makes no level."""
    order = np.argsort(x, kind="stable")
    new = np.diff(x[order]) > _SAME * max(float(np.abs(x).max(initial=0.0)), 1e-300)
    out = np.empty(len(x), dtype=np.int64)
    out[order] = np.concatenate([[0], np.cumsum(new)])
    return out


def main_effect(
    X: FloatArray,
    total: FloatArray,
    *,
    draws: int = 0,
    confidence: float = 0.95,
    rng: Seed = None,
) -> MainEffect:
    """Compute main effects, with a bootstrap interval over enterprises.

    Parameters
    ----------
    X : (n, L) scores
    total : (n,) totals
    draws : int
        Bootstrap draws; 0 for none.
    confidence : of the percentile interval
    rng : seed or generator

    Returns
    -------
    MainEffect

    Notes
    -----
    S_l = 1 - Σ_n (T_n - m(x_nl))² / Σ_n (T_n - T̄)² with m the mean total of the enterprises of
    equal score, or a local linear fit where scores are continuous (Paruolo, Saisana and Saltelli
    2013). With G parameters and n enterprises chance alone gives about (G-1)/(n-1), hence
    ``adjusted`` = 1 - (1-S)(n-1)/(n-G). Where n <= G there is no interval (NaN).
    """
    if X.shape[0] != len(total):
        raise InputError(message("dominance.fault.sizes"))
    n, L = X.shape
    known = conditional(X, total)
    effect = known.effects(np.ones((1, n)))[0]
    low = high = np.full(L, np.nan)
    if draws:
        generator = np.random.default_rng(rng)
        sample = np.concatenate(
            [
                known.drawn(bootstrap_counts(n, k, generator))
                for k in _blocks(draws, max(1, 2_000_000 // n))
            ]
        )
        low, high = np.quantile(sample, tails(confidence), axis=0)
    smooth = tuple(isinstance(f, Smoother) for f in known.fits)
    return MainEffect(effect, known.adjusted(effect), low, high, known.parameters, smooth)


def bootstrap_counts(n: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """Draw how often each of n enterprises is in a bootstrap sample of size n: (draws, n)."""
    out = np.empty((draws, n))
    for k in range(draws):
        out[k] = np.bincount(rng.integers(0, n, size=n), minlength=n)
    return out


def _blocks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _smooth(fit: Smoother, counts: FloatArray, total: FloatArray) -> FloatArray:
    """Return Σ y² - Σ (y - m)² = 2 Σ y m - Σ m² of every draw."""
    count, summed = fit.gather(counts), fit.gather(counts * total)
    m = fit.fit(count, summed)
    return np.asarray((2.0 * summed * m - count * m**2).sum(axis=1), dtype=float)


def _grouped(code: IntArray | SmallIntArray, counts: FloatArray, total: FloatArray) -> FloatArray:
    """Return Σ m² of every draw, m the mean of the group."""
    many = int(code.max()) + 1
    if len(counts) == 1:
        member = np.bincount(code, weights=counts[0], minlength=many)[None].astype(float)
        summed = np.bincount(code, weights=counts[0] * total, minlength=many)[None].astype(float)
    else:
        onehot = np.zeros((len(total), 2 * many))
        onehot[np.arange(len(total)), code] = 1.0
        onehot[np.arange(len(total)), many + code] = total
        both = counts @ onehot
        member, summed = both[:, :many], both[:, many:]
    square = np.divide(summed**2, member, out=np.zeros_like(summed), where=member > 0)
    return np.asarray(square.sum(axis=1), dtype=float)
