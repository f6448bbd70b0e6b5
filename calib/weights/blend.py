"""Blends of weight sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.weights.weightset import WeightSet

__all__ = ["blend"]


def blend(
    sets: Sequence[WeightSet],
    shares: Sequence[float],
    *,
    name: str = "blend",
    method: str = "arithmetic",
) -> WeightSet:
    """Mix weight sets node by node.

    Parameters
    ----------
    sets : two or more weight sets of one framework
    shares : their shares, non-negative, summing to 1
    method : ``"arithmetic"``: Σ share · w; ``"geometric"``: ∏ w^share, siblings divided by their
        sum (the mixing that Aitchison geometry calls a line)

    Raises
    ------
    InputError
        When the shares do not fit, frameworks differ, or a geometric mean has no weight above 0.
    """
    share = np.asarray(shares, dtype=float)
    if len(sets) != len(share) or not len(sets):
        raise InputError(f"blend {name!r}: {len(sets)} sets but {len(share)} shares")
    if (share < 0).any() or not np.isfinite(share).all() or abs(share.sum() - 1) > 1e-9:
        raise InputError(
            f"blend {name!r}: shares {share.tolist()} sum to {share.sum():.6g};"
            " expected non-negative shares that sum to 1"
        )
    if method not in ("arithmetic", "geometric"):
        raise InputError(f"blend {name!r}: method {method!r}; expected arithmetic | geometric")
    framework = sets[0].framework
    if any(s.framework.digest != framework.digest for s in sets):
        raise InputError(f"blend {name!r}: the sets belong to different frameworks")
    local: dict[str, FloatArray] = {}
    for t, tree in framework.tracks.items():
        stack = np.stack([s.local[t] for s in sets])
        if method == "arithmetic":
            mixed = share @ stack
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.where(share[:, None] > 0, share[:, None] * np.log(stack), 0.0)
            mixed = np.exp(logs.sum(axis=0))
            for family in tree.families:
                total = mixed[family.members].sum()
                if total <= 0:
                    raise InputError(
                        f"blend {name!r}: no weight above 0 is left under"
                        f" {family.parent or 'the root'} ({t})"
                    )
                mixed[family.members] /= total
        local[t] = mixed
    parts = " + ".join(f"{w:g} {s.name}" for w, s in zip(share, sets, strict=True))
    return WeightSet.build(
        framework,
        name,
        local,
        source="blend",
        detail=f"{method} mean: {parts}",
        inputs={s.name: s.digest for s in sets},
    )
