"""Blends of weight sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.framework import Framework
from calib.requests import kind_name
from calib.weights.uncertainty import Local, derive
from calib.weights.weighed import Weighed
from calib.weights.weightset import WeightSet
from calib.words import joined, message

__all__ = ["blend"]


def blend(
    shares: Mapping[WeightSet, float]
    | Mapping[Weighed, float]
    | Mapping[WeightSet | Weighed, float],
    *,
    method: str = "arithmetic",
    name: str = "blend",
) -> WeightSet:
    """Mix weight sets node by node; draws are mixed too, paired by the roots they share.

    Parameters
    ----------
    shares : weight sets of one framework with their shares, non-negative, summing to 1; what a
        method gave stands for its weights
    method : ``"arithmetic"``: Σ share · w; ``"geometric"``: ∏ w^share, siblings divided by their
        sum (the mixing that Aitchison geometry calls a line)
    name : of the new set

    Raises
    ------
    InputError
        When the shares do not fit, frameworks differ, or a geometric mean has no weight above 0.
    """
    sets = [s.weights if isinstance(s, Weighed) else s for s in shares]
    share = np.array(list(shares.values()), dtype=float)
    _check(sets, share, method, name)
    framework = sets[0].framework

    def mixed(parts: Sequence[Local], plan: object = None) -> Local:
        del plan
        return {t: _mix(framework, t, [p[t] for p in parts], share, method, name)
                for t in framework.tracks}  # fmt: skip

    parts = joined(
        [joined([f"{w:g}", s.called], " ") for w, s in zip(share, sets, strict=True)], " + "
    )
    detail = message(f"provenance.mean.{method}", parts=parts)
    return WeightSet.build(
        framework,
        name,
        mixed([s.local for s in sets]),
        source="blend",
        detail=detail,
        inputs={s.name: s.digest for s in sets},
        synthetic=any(s.provenance.synthetic for s in sets),
        uncertainty=derive(sets, mixed),
    )


def _check(sets: Sequence[WeightSet], share: FloatArray, method: str, name: str) -> None:
    wrong = [s for s in sets if not isinstance(s, WeightSet)]
    if not sets or wrong:
        what = kind_name(type(wrong[0]).__name__) if wrong else message("weights.nothing")
        raise InputError(
            message("faults.blend_got_expected_weight_sets", name=repr(name), what=what)
        )
    if (share < 0).any() or not np.isfinite(share).all() or abs(share.sum() - 1) > 1e-9:
        raise InputError(
            message(
                "faults.blend_shares_sum_to_expected",
                name=repr(name),
                shares=share.tolist(),
                total=f"{share.sum():.6g}",
            )
        )
    if method not in ("arithmetic", "geometric"):
        raise InputError(
            message(
                "faults.blend_method_expected_arithmetic_geometric",
                name=repr(name),
                method=repr(method),
            )
        )
    if any(s.framework.digest != sets[0].framework.digest for s in sets):
        raise InputError(message("faults.blend_the_sets_belong_to", name=repr(name)))


def _mix(
    framework: Framework,
    track: str,
    parts: Sequence[FloatArray],
    share: FloatArray,
    method: str,
    name: str,
) -> FloatArray:
    """Mix local weights (..., m) of one track."""
    stack = np.stack(parts)
    if method == "arithmetic":
        return np.asarray(np.tensordot(share, stack, axes=1))
    weight = share.reshape(-1, *[1] * (stack.ndim - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(weight > 0, weight * np.log(stack), 0.0)
    mixed = np.exp(logs.sum(axis=0))
    for family in framework.tracks[track].families:
        total = mixed[..., family.members].sum(axis=-1, keepdims=True)
        if (total <= 0).any():
            raise InputError(
                message(
                    "faults.blend_no_weight_above_is",
                    name=repr(name),
                    place=family.place(track),
                )
            )
        mixed[..., family.members] /= total
    return np.asarray(mixed)
