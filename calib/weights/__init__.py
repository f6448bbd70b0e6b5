"""Weight sets: local and global weights, files, comparisons, blends, rounding."""

from calib.weights.blend import blend
from calib.weights.compare import (
    aitchison_distance,
    compare_weights,
    distance_table,
    total_variation,
)
from calib.weights.entropy import entropy_weights
from calib.weights.files import read_weights, to_toml, write_weights
from calib.weights.rounding import off_grid, round_family, round_weights
from calib.weights.weightset import (
    Provenance,
    WeightSet,
    check_weights,
    equal_weights,
    published_weights,
)

__all__ = [
    "Provenance",
    "WeightSet",
    "aitchison_distance",
    "blend",
    "check_weights",
    "compare_weights",
    "distance_table",
    "entropy_weights",
    "equal_weights",
    "off_grid",
    "published_weights",
    "read_weights",
    "round_family",
    "round_weights",
    "to_toml",
    "total_variation",
    "write_weights",
]
