"""Errors that allow for respondent weights and for several ballots from one enterprise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray
from calib.ballots.likelihood import ballot_scores, derivatives, pseudo_inverse
from calib.ballots.plackett import PlackettLuce
from calib.ballots.prefix import PrefixTable, tabulate
from calib.ballots.survey import Ballots
from calib.errors import InputError
from calib.words import message

__all__ = [
    "EffectiveTable",
    "cluster_index",
    "effective_size",
    "effective_table",
    "likelihood_scale",
    "outer_products",
    "sandwich",
    "total_variance",
    "weights_differ",
]

_CHUNK = 50_000


def effective_size(weight: FloatArray) -> float:
    """Return Kish's effective number of ballots, ``(sum w)^2 / sum w^2``."""
    relative = weight / weight.max()
    return float(relative.sum() ** 2 / (relative**2).sum())


def weights_differ(ballots: Ballots) -> bool:
    """Tell whether respondents count differently; equal weights of any size do not."""
    weight = ballots.weight
    return weight is not None and bool(np.ptp(weight) > 1e-12 * weight.max())


def cluster_index(ballots: Ballots) -> tuple[NDArray[np.int64], int] | None:
    """Return the cluster number of each ballot and how many there are; None without clusters.

    A blank enterprise stands for itself: each such ballot is a cluster of its own.
    """
    if ballots.cluster is None:
        return None
    names, index = np.unique(ballots.cluster, return_inverse=True)
    index = index.astype(np.int64)
    blank = np.flatnonzero(ballots.cluster == "")
    index[blank] = len(names) + np.arange(blank.size)
    _, index = np.unique(index, return_inverse=True)
    count = int(index.max()) + 1
    return (index.astype(np.int64), count) if count < ballots.n else None


def total_variance(
    ballots: Ballots, values: Callable[[slice], FloatArray], *, diagonal: bool = True
) -> FloatArray:
    """Return the variance of ``sum_i w_i z_i`` for centred rows z, by ballot or by cluster.

    Parameters
    ----------
    ballots : the ballots, whose weights and clusters count
    values : returns the rows z of a slice of ballots, (rows, p); their weighted sum is near 0
    diagonal : return the p variances only, else the (p, p) matrix

    Notes
    -----
    Clusters: ``G / (G - 1) sum_g t_g t_g'`` with ``t_g`` the cluster totals of ``w z``. A single
    cluster has no variance between clusters and is an error.
    """
    clusters = cluster_index(ballots)
    total: FloatArray | None = None
    sums: FloatArray | None = None
    for start in range(0, ballots.n, _CHUNK):
        rows = slice(start, min(start + _CHUNK, ballots.n))
        z = values(rows) * ballots.weights[rows, None]
        if clusters is None:
            part = (z**2).sum(axis=0) if diagonal else z.T @ z
            total = part if total is None else total + part
        else:
            sums = np.zeros((clusters[1], z.shape[1])) if sums is None else sums
            np.add.at(sums, clusters[0][rows], z)
    if clusters is not None and sums is not None:
        if clusters[1] < 2:
            raise InputError(message("ballots.input.one_enterprise"))
        total = (sums**2).sum(axis=0) if diagonal else sums.T @ sums
        total = total * clusters[1] / (clusters[1] - 1)
    return np.asarray(total, dtype=float)


def outer_products(
    ballots: Ballots, theta: FloatArray, centre: FloatArray | None = None
) -> FloatArray:
    """Return the middle of the sandwich: summed outer products of (cluster) scores, (J, J).

    Parameters
    ----------
    ballots : the ballots, whose weights and clusters count
    theta : (J,) log-worths
    centre : (J,) mean score to subtract, needed away from the maximum of the likelihood
    """
    middle = np.zeros(ballots.J) if centre is None else centre

    def score(rows: slice) -> FloatArray:
        keep = np.zeros(ballots.n, dtype=bool)
        keep[rows] = True
        return ballot_scores(ballots, theta, keep) - middle

    return total_variance(ballots, score, diagonal=False)


def sandwich(ballots: Ballots, fit: PlackettLuce) -> FloatArray:
    """Return the robust covariance of the log-worths, ``H^- (sum_g u_g u_g') H^-``, (J, J).

    It does not depend on the scale of the weights: H and u carry the ballots' own.

    Parameters
    ----------
    ballots : the ballots that were fitted; their weights and clusters count
    fit : maximum-likelihood fit of them

    References
    ----------
    White (1982), *Econometrica* 50, 1-25; Liang & Zeger (1986), *Biometrika* 73, 13-22.
    """
    bread = np.zeros((ballots.J, ballots.J))
    inner = np.ix_(fit.chosen, fit.chosen)
    if fit.chosen.sum() > 1:
        information = derivatives(tabulate(ballots), fit.theta).information
        bread[inner] = pseudo_inverse(information[inner])
    middle = outer_products(ballots, fit.theta)
    return np.asarray(bread @ middle @ bread, dtype=float)


def likelihood_scale(ballots: Ballots) -> float:
    """Return the factor that makes a likelihood ratio of these ballots comparable to chi-square.

    Notes
    -----
    ``sum w / sum w^2`` for respondent weights, times the effective over Kish's number of
    ballots when enterprises sent several (first-order correction of Rao & Scott 1984).
    """
    weight = ballots.weights
    factor = float(weight.sum() / (weight**2).sum())
    if cluster_index(ballots) is None:
        return factor
    return factor * effective_table(ballots).size / effective_size(weight)


@dataclass(frozen=True, slots=True)
class EffectiveTable:
    """A prefix table scaled to the number of independent, equal ballots it is worth.

    Parameters
    ----------
    table : the scaled sufficient statistics
    size : effective number of ballots
    """

    table: PrefixTable
    size: float


def effective_table(ballots: Ballots) -> EffectiveTable:
    """Return sufficient statistics that do not claim more information than the ballots hold.

    Notes
    -----
    Weights that differ are scaled so that they sum to Kish's effective size. When enterprises
    send several ballots, the scale is instead n divided by the mean ratio of the clustered to the
    model variance of the score at equal worth (never under 1): the magnitude adjustment of
    a quasi-likelihood (Ribatet, Cooley & Davison 2012).
    """
    table = tabulate(ballots)
    if ballots.weight is None and cluster_index(ballots) is None:
        return EffectiveTable(table, float(ballots.n))
    size = effective_size(ballots.weights)
    if cluster_index(ballots) is not None:
        zero = np.zeros(ballots.J)
        at_zero = derivatives(table, zero)
        information = at_zero.information
        if np.trace(information) > 0:
            middle = outer_products(ballots, zero, at_zero.score / table.total)
            ratio = float(np.trace(pseudo_inverse(information) @ middle)) / (ballots.J - 1)
            size = min(size, float(table.total) / ratio) if ratio > 0 else size
    scaled = table.scaled(size / table.total)
    # Kish's number of the scaled table is its total: scaling it once more changes nothing.
    squares = scaled.lengths2 * scaled.total / float(scaled.lengths2.sum())
    return EffectiveTable(replace(scaled, lengths2=squares), size)
