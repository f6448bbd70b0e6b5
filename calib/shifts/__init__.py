"""Planned shifts: weight sets that move from one to another over named years."""

from calib.shifts.growth import Grown, Growth, check_growth, grown_population, grown_scores
from calib.shifts.paths import PATH_KINDS, WeightPath, weight_path
from calib.shifts.shift import ShiftRequest, ShiftResult, shift

__all__ = [
    "PATH_KINDS",
    "Grown",
    "Growth",
    "ShiftRequest",
    "ShiftResult",
    "WeightPath",
    "check_growth",
    "grown_population",
    "grown_scores",
    "shift",
    "weight_path",
]
