"""How far two ratings of the same enterprises agree, with tests and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.errors import InputError

__all__ = [
    "Bootstrap",
    "MatrixTest",
    "bootstrap_agreement",
    "bowker_symmetry",
    "stuart_maxwell",
    "wilson_interval",
]


@dataclass(frozen=True, slots=True)
class MatrixTest:
    """A χ² test on a transition matrix; p is NaN where nothing could have differed (df 0)."""

    statistic: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A measure of agreement with its percentile interval over enterprises."""

    measure: str
    value: float
    low: float
    high: float


def wilson_interval(
    count: IntArray | int, total: int, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's score interval of a share.

    Parameters
    ----------
    count : how many of ``total``; scalar or array
    level : confidence level, between 0 and 1

    Notes
    -----
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). Wilson, JASA 22 (1927), 209-212.

    Examples
    --------
    >>> low, high = wilson_interval(9, 22)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2326, 0.6127)
    """
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, not {level}")
    if total <= 0:
        none = np.full(np.shape(count), np.nan)
        return none, none.copy()
    z = float(ndtri(0.5 + level / 2))
    p = np.asarray(count, dtype=float) / total
    middle = p + z * z / (2 * total)
    half = z * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return np.asarray((middle - half) / scale), np.asarray((middle + half) / scale)


def bowker_symmetry(matrix: IntArray) -> MatrixTest:
    """Test whether moves up and moves down balance, star by star.

    Parameters
    ----------
    matrix : (K, K) transitions

    Notes
    -----
    Σ_{i<j} (n_ij - n_ji)² / (n_ij + n_ji) over the pairs with a move, as many df. With few moves
    the χ² approximation is poor. Bowker, JASA 43 (1948), 572-574.
    """
    upper, lower = np.triu_indices(len(matrix), 1)
    a = matrix[upper, lower].astype(float)
    b = matrix[lower, upper].astype(float)
    moved = a + b > 0
    statistic = float(((a - b)[moved] ** 2 / (a + b)[moved]).sum())
    return _chi_square(statistic, int(moved.sum()))


def stuart_maxwell(matrix: IntArray) -> MatrixTest:
    """Test whether the star distributions before and after are the same.

    Parameters
    ----------
    matrix : (K, K) transitions

    Notes
    -----
    d' V⁻¹ d with d_i = n_i. - n_.i, V_ii = n_i. + n_.i - 2 n_ii, V_ij = -(n_ij + n_ji). V is
    singular (Σ d = 0, and stars that nobody enters or leaves); the pseudo-inverse on its range,
    df its rank, gives the usual statistic. Stuart, Biometrika 42 (1955), 412-416; Maxwell,
    Br. J. Psychiatry 116 (1970), 651-655.
    """
    table = np.asarray(matrix, dtype=float)
    d = table.sum(axis=1) - table.sum(axis=0)
    off = table + table.T
    np.fill_diagonal(off, 0.0)
    V = np.diag(off.sum(axis=1)) - off
    rank = int(np.linalg.matrix_rank(V))
    statistic = float(d @ np.linalg.pinv(V, hermitian=True) @ d)
    return _chi_square(statistic, rank)


def _chi_square(statistic: float, df: int) -> MatrixTest:
    from scipy.special import chdtrc

    p = float(chdtrc(df, statistic)) if df else float("nan")
    return MatrixTest(statistic, df, p)


def bootstrap_agreement(
    matrices: Sequence[IntArray],
    *,
    size: int = 2000,
    level: float = 0.95,
    rng: Seed = None,
) -> tuple[Bootstrap, ...]:
    """Bootstrap measures of agreement over enterprises.

    Parameters
    ----------
    matrices : (K, K) transitions, one a stratum (a track); each stratum keeps its size
    size : bootstrap samples
    level : of the percentile intervals

    Returns
    -------
    Shares moved, up and down, mean change of star, and linear and quadratic weighted κ

    Notes
    -----
    All that a resampled enterprise brings is its cell of the matrix, so drawing enterprises with
    replacement is drawing the cells of each stratum from a multinomial.
    """
    generator = np.random.default_rng(rng)
    K = len(matrices[0])
    drawn = np.zeros((size, K, K), dtype=np.int64)
    for matrix in matrices:
        total = int(matrix.sum())
        if total:
            cells = generator.multinomial(total, matrix.ravel() / total, size=size)
            drawn += cells.reshape(size, K, K)
    whole = np.sum(np.stack([np.asarray(m, dtype=np.int64) for m in matrices]), axis=0)
    out = []
    tail = (1 - level) / 2
    for name in ("moved", "up", "down", "mean_change", "kappa_linear", "kappa_quadratic"):
        samples = _measure(name, drawn)
        samples = samples[np.isfinite(samples)]
        ends = np.quantile(samples, [tail, 1 - tail]) if len(samples) else (np.nan, np.nan)
        value = float(_measure(name, whole[None])[0])
        out.append(Bootstrap(name, value, float(ends[0]), float(ends[1])))
    return tuple(out)


def _measure(name: str, matrices: IntArray) -> FloatArray:
    """Return a measure of each of many transition matrices (b, K, K)."""
    index = np.arange(matrices.shape[1])
    step = index[None, :] - index[:, None]
    weight = {
        "moved": step != 0, "up": step > 0, "down": step < 0, "mean_change": step,
        "kappa_linear": np.abs(step), "kappa_quadratic": step**2,
    }[name].astype(float)  # fmt: skip
    total = matrices.sum(axis=(1, 2)).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (matrices * weight).sum(axis=(1, 2)) / total
        if not name.startswith("kappa"):
            return np.asarray(mean, dtype=float)
        # Weighted κ as in :func:`calib.outcomes.comparison.weighted_kappa`, many at once.
        before, after = matrices.sum(axis=2) / total[:, None], matrices.sum(axis=1) / total[:, None]
        chance = np.einsum("bi,ij,bj->b", before, weight, after)
        return np.where(chance > 0, 1 - mean / chance, np.nan)
