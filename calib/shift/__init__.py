"""Planned shifts: weight sets that move from one to another over named years."""

from calib.shift.growth import Growth, check_growth, grown_population, grown_scores
from calib.shift.paths import PATH_KINDS, WeightPath, weight_path

__all__ = [
    "PATH_KINDS",
    "Growth",
    "WeightPath",
    "check_growth",
    "grown_population",
    "grown_scores",
    "weight_path",
]
