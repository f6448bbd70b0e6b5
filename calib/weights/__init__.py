"""Weight sets: local and global weights, files, comparisons, blends, rounding."""

from calib.weights.blend import blend
from calib.weights.distances import (
    aitchison_distance,
    compare_weights,
    distance_table,
    total_variation,
)
from calib.weights.entropy import entropy_weights
from calib.weights.evidence import Consensus, Evidence, LeftOut, OwnVerdict
from calib.weights.files import read_weights, to_toml, write_weights
from calib.weights.imported import import_weights, mapped_weights
from calib.weights.labels import set_names
from calib.weights.override import override
from calib.weights.published_and_equal import equal_weights, published_weights
from calib.weights.rounding import off_grid, round_draws, round_family, round_weights
from calib.weights.several import Sets, given, named_sets
from calib.weights.uncertainty import (
    DECIDED,
    Local,
    Plan,
    Root,
    Uncertainty,
    derive,
    from_table,
    under,
)
from calib.weights.weighed import Weighed
from calib.weights.weightset import Provenance, WeightSet, check_weights

__all__ = [
    "DECIDED",
    "Consensus",
    "Evidence",
    "LeftOut",
    "Local",
    "OwnVerdict",
    "Plan",
    "Provenance",
    "Root",
    "Sets",
    "Uncertainty",
    "Weighed",
    "WeightSet",
    "aitchison_distance",
    "blend",
    "check_weights",
    "compare_weights",
    "derive",
    "distance_table",
    "entropy_weights",
    "equal_weights",
    "from_table",
    "given",
    "import_weights",
    "mapped_weights",
    "named_sets",
    "off_grid",
    "override",
    "published_weights",
    "read_weights",
    "round_draws",
    "round_family",
    "round_weights",
    "set_names",
    "to_toml",
    "total_variation",
    "under",
    "write_weights",
]
