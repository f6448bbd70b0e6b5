"""How much each expert counts: authority coefficient, consistency, or by hand.

Weights from seed questions are in :mod:`calib.experts.cooke`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from calib._types import FloatArray
from calib.errors import Fault, InputError
from calib.experts.problems import hinted
from calib.words import message

__all__ = [
    "BASIS_SCALE",
    "FAMILIARITY_SCALE",
    "authority",
    "basis_of_judgement",
    "competence_by_consistency",
    "hand_set_competence",
]

# Influence of each basis of judgement (判断依据及其影响程度): large, medium, small. The columns
# sum to 1.0, 0.8 and 0.6. Studies vary the table; pass another one to `basis_of_judgement`.
BASIS_SCALE: Mapping[str, tuple[float, float, float]] = {
    "practice": (0.5, 0.4, 0.3),  # 实践经验
    "theory": (0.3, 0.2, 0.1),  # 理论分析
    "literature": (0.1, 0.1, 0.1),  # 国内外文献资料
    "intuition": (0.1, 0.1, 0.1),  # 直觉
}
# Familiarity (熟悉程度) Cs: from very familiar to unfamiliar.
FAMILIARITY_SCALE = (1.0, 0.8, 0.6, 0.4, 0.2)


def basis_of_judgement(
    influence: Mapping[str, int], scale: Mapping[str, tuple[float, float, float]] = BASIS_SCALE
) -> float:
    """Compute Ca from the influence of each basis of judgement.

    Parameters
    ----------
    influence
        Basis → 1 large, 2 medium, 3 small. All bases of the scale must be there.
    scale
        Basis → values of large, medium, small.

    Examples
    --------
    >>> round(basis_of_judgement({"practice": 1, "theory": 2, "literature": 1, "intuition": 3}), 2)
    0.9
    """
    levels = message("experts.faults.levels_123")
    faults = [
        Fault("", b, message("experts.faults.no_influence"), None, levels)
        for b in scale
        if b not in influence
    ]
    for basis, level in influence.items():
        if basis not in scale:
            text = hinted(message("experts.faults.unknown_basis"), basis, scale)
            faults.append(Fault("", basis, text, None, " | ".join(scale)))
        elif level not in (1, 2, 3):
            faults.append(
                Fault("", basis, message("experts.faults.unknown_influence"), level, levels)
            )
    if faults:
        raise InputError(faults)
    # Tenths do not add up in binary; the coefficient is a decimal number.
    return round(float(sum(scale[basis][level - 1] for basis, level in influence.items())), 10)


def authority(basis: FloatArray, familiarity: FloatArray) -> FloatArray:
    """Compute the authority coefficient Cr = (Ca + Cs)/2.

    Parameters
    ----------
    basis : (k,) Ca, 0 to 1
    familiarity : (k,) Cs, 0 to 1

    Returns
    -------
    (k,) Cr; a mean of 0.7 or more over the panel is usually asked for
    """
    ca, cs = np.asarray(basis, dtype=float), np.asarray(familiarity, dtype=float)
    faults = [
        Fault(
            "",
            message("experts.faults.expert_n", n=i + 1),
            message("experts.faults.coefficient_range", name=name),
            float(v[i]),
            message("experts.faults.from_0_to_1"),
        )
        for name, v in (("Ca", ca), ("Cs", cs))
        for i in np.flatnonzero(~((v >= 0) & (v <= 1)))
    ]
    if faults:
        raise InputError(faults)
    return np.asarray((ca + cs) / 2, dtype=float)


def competence_by_consistency(
    ratios: FloatArray, *, limit: float = 0.1, missing: float = 1.0
) -> FloatArray:
    """Let consistent experts count more.

    Parameters
    ----------
    ratios : (k,) consistency ratios ≥ 0, NaN where the method has none
    limit
        Ratio at which an expert counts half.
    missing
        Value for experts without a ratio.

    Returns
    -------
    (k,) 1/(1 + ratio/limit), from 1 (consistent) towards 0

    Notes
    -----
    Smooth on purpose: a cut at the limit would let 0.101 lose everything against 0.099.
    """
    r = np.asarray(ratios, dtype=float)
    return np.asarray(np.where(np.isnan(r), missing, 1.0 / (1.0 + r / limit)), dtype=float)


def hand_set_competence(given: Mapping[str, float], experts: Sequence[str]) -> FloatArray:
    """Order hand-set weights like the experts; everyone not named counts 1.

    Raises
    ------
    InputError
        Listing unknown experts and weights that are negative or not finite.
    """
    faults = []
    for name, value in given.items():
        if name not in experts:
            text = hinted(message("experts.faults.unknown_expert"), name, experts)
            faults.append(Fault("", name, text, None, message("experts.faults.panel_expert")))
        elif not (np.isfinite(value) and value >= 0):
            text = message("experts.faults.bad_weight")
            faults.append(Fault("", name, text, value, message("experts.faults.finite_from_0")))
    if faults:
        raise InputError(faults)
    return np.array([float(given.get(name, 1.0)) for name in experts])
