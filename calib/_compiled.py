"""Whether functions can be compiled: numba is an extra."""

from __future__ import annotations

from functools import cache
from typing import Any

from calib.errors import MissingExtraError
from calib.words import Text

__all__ = ["numba_available", "numba_njit"]


@cache
def numba_available() -> bool:
    """Return whether numba is installed."""
    from importlib.util import find_spec

    return find_spec("numba") is not None


def numba_njit(feature: Text) -> Any:
    """Return numba's ``njit``.

    Parameters
    ----------
    feature : what asks for it

    Raises
    ------
    MissingExtraError
        Where numba is not installed.
    """
    if not numba_available():
        raise MissingExtraError(feature, "fast")
    from numba import njit

    return njit
