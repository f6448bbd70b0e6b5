"""Replacing some local weights by hand, their siblings rescaled in proportion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, InputError, did_you_mean
from calib.framework import Framework
from calib.weights.uncertainty import derive
from calib.weights.weightset import SUM_TOLERANCE, WeightSet
from calib.words import Text, message

__all__ = ["override"]


def override(
    weights: WeightSet,
    changes: Mapping[str, float],
    *,
    track: str | None = None,
    name: str | None = None,
) -> WeightSet:
    """Return a set with some local weights replaced, their siblings rescaled in proportion.

    Parameters
    ----------
    weights : the set to start from; what is replaced is decided, the rest keeps its draws
    changes : new local weights by node code
    track : restrict the change to one track (not for shared first-level nodes)
    name : of the new set

    Raises
    ------
    InputError
        For an unknown code or track, a code that the track does not have, a weight outside
        0–1, given siblings that sum to more than 1, or siblings that are all 0 and so
        cannot be rescaled.
    """
    framework = weights.framework
    _check(framework, changes, track)
    faults = Faults()
    local = _replaced(framework, weights.local, changes, track, faults)
    faults.raise_if_any()

    def drawn(sets: object, plan: object) -> Mapping[str, FloatArray]:
        del plan
        again = Faults()
        out = _replaced(framework, sets[0], changes, track, again)  # type: ignore[index]
        again.raise_if_any()
        return out

    listed = ", ".join(f"{c}={v:g}" for c, v in changes.items())
    return WeightSet.build(
        framework,
        name or f"{weights.name} with {listed}",
        local,
        source="override",
        detail=message("provenance.override", base=weights.called, listed=listed),
        inputs={weights.name: weights.digest},
        synthetic=weights.provenance.synthetic,
        uncertainty=derive([weights], drawn),
    )


def _check(framework: Framework, changes: Mapping[str, float], track: str | None) -> None:
    faults = Faults()
    tracks = framework.tracks
    if track is not None and track not in tracks:
        hint = did_you_mean(track, tracks)
        raise InputError(
            message("faults.no_track", track=repr(track), hint=hint, tracks=" | ".join(tracks))
        )
    known = framework.codes if track is None else tracks[track].codes
    for code, value in changes.items():
        if code not in known:
            faults.add(code, message("faults.unknown_code", hint=did_you_mean(code, known)))
        elif not 0 <= value <= 1:
            faults.add(
                code,
                message("faults.weight_out_of_range"),
                value=value,
                expected=message("faults.a_number_to"),
            )
        elif track is not None and code in framework.shared:
            faults.add(code, message("faults.first_level_weights_are_shared"), value=track)
    faults.raise_if_any()


def _replaced(
    framework: Framework,
    local: Mapping[str, FloatArray],
    changes: Mapping[str, float],
    track: str | None,
    faults: Faults,
) -> dict[str, FloatArray]:
    """Return local weights (..., m) by track with the changes made."""
    out = {t: np.array(v) for t, v in local.items()}
    for t, values in out.items():
        if track not in (None, t):
            continue
        tree = framework.tracks[t]
        for family in tree.families:
            fixed = {i: changes[tree.codes[i]] for i in family.members if tree.codes[i] in changes}
            if fixed:
                where = family.place(t)
                rest = [int(i) for i in family.members if i not in fixed]
                _rescale(values, fixed, rest, where, faults)
    return out


def _rescale(
    values: FloatArray, fixed: Mapping[int, float], rest: list[int], where: Text, faults: Faults
) -> None:
    """Set the fixed members of a family in place and bring the others to what is left."""
    left = 1 - sum(fixed.values())
    if abs(left) <= SUM_TOLERANCE:
        left = 0.0
    if left < 0 or (not rest and left > 0):
        faults.add(
            where,
            message("faults.the_given_weights_sum_to", total=f"{1 - left:.6g}"),
            expected=message("faults.at_most")
            if rest
            else message("faults.exactly_as_all_siblings_are"),
        )
        return
    others = values[..., rest].sum(axis=-1, keepdims=True)
    if rest and left > 0 and (others <= 0).any():
        faults.add(where, message("faults.the_other_siblings_weigh_and"))
        return
    for i, value in fixed.items():
        values[..., i] = value
    if rest:
        with np.errstate(invalid="ignore", divide="ignore"):
            values[..., rest] *= np.where(others > 0, left / others, 0.0)
