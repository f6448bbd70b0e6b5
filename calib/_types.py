"""Array types and the letters used for shapes throughout the package.

``n`` enterprises, ``L`` leaves (indicators) of a track, ``m`` nodes of a track without its
root, ``k`` weight sets or draws, ``J`` items on offer in a ballot, ``K`` stars.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
SmallIntArray: TypeAlias = NDArray[np.int8]
BoolArray: TypeAlias = NDArray[np.bool_]
Seed: TypeAlias = "int | np.random.Generator | np.random.SeedSequence | None"

__all__ = ["BoolArray", "FloatArray", "IntArray", "Seed", "SmallIntArray"]
