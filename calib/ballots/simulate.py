"""Simulated top-k ballots from Plackett-Luce worths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray, IntArray, Seed
from calib.ballots.data import Ballots

__all__ = ["simulate_ballots", "simulate_picks"]

_CHUNK = 20_000


def simulate_picks(theta: FloatArray, n: int, K: int, *, rng: Seed = None) -> NDArray[np.int16]:
    """Draw ordered picks from log-worths, (n, K).

    Notes
    -----
    The K largest of ``theta_j + Gumbel noise``, in order, are a Plackett-Luce top-K (Yellott 1977).
    """
    gen = np.random.default_rng(rng)
    picks = np.empty((n, K), dtype=np.int16)
    for start in range(0, n, _CHUNK):
        count = min(_CHUNK, n - start)
        noisy = gen.gumbel(size=(count, theta.size)) + theta
        picks[start : start + count] = np.argsort(-noisy, axis=1)[:, :K]
    return picks


def simulate_ballots(
    theta: FloatArray,
    n: int,
    K: int,
    *,
    items: Sequence[str] | None = None,
    lengths: IntArray | None = None,
    rng: Seed = None,
) -> Ballots:
    """Draw synthetic ballots of respondents who follow Plackett-Luce.

    Parameters
    ----------
    theta : (J,) log-worths
    n : number of ballots
    K : ranks on a ballot
    items : (J,) codes; ``item01``, ... by default
    lengths : (n,) items listed on each ballot; K by default

    Examples
    --------
    >>> import numpy as np
    >>> simulate_ballots(np.zeros(4), 3, 2, rng=0).picks.shape
    (3, 2)
    """
    picks = simulate_picks(theta, n, K, rng=rng)
    if lengths is not None:
        picks[np.arange(K) >= np.asarray(lengths)[:, None]] = -1
    names = tuple(items or (f"item{j + 1:02d}" for j in range(theta.size)))
    return Ballots(names, picks)
