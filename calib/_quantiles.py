"""Ends of percentile intervals."""

from __future__ import annotations

from calib._types import FloatArray

__all__ = ["tails"]


def tails(confidence: float) -> FloatArray:
    """Return the two quantiles between which a share ``confidence`` of the draws lies.

    Examples
    --------
    >>> tails(0.9).tolist()
    [0.05, 0.95]
    """
    import numpy as np

    tail = round((1.0 - confidence) / 2.0, 12)
    return np.array([tail, 1.0 - tail])
