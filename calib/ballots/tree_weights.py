"""From worths of indicators to local weights up the tree, with one first level for all tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Framework, Track
from calib.words import message

__all__ = ["align_leaves", "leaf_groups", "local_from_worths", "pool_tracks"]

Pooling = Literal["ballots", "equal"]


def align_leaves(track: Track, items: tuple[str, ...], worth: FloatArray) -> FloatArray:
    """Return worths (..., J) in the order of the track's leaves, (..., L), by code.

    Raises
    ------
    InputError
        If the items are not exactly the leaves of the track.
    """
    index = {code: j for j, code in enumerate(items)}
    absent = [code for code in track.leaf_codes if code not in index]
    extra = [code for code in items if code not in track.leaf_codes]
    if absent or extra:
        nothing = message("ballots.faults.nothing_absent")
        raise InputError(
            message(
                "ballots.input.not_its_indicators",
                track=track.code,
                absent=absent or nothing,
                extra=extra or nothing,
            )
        )
    return np.asarray(worth)[..., [index[code] for code in track.leaf_codes]]


def leaf_groups(track: Track) -> tuple[IntArray, tuple[str, ...]]:
    """Return the number of each leaf's parent, (L,), and the parents' codes by that number."""
    parents = [track.nodes[i].parent for i in track.leaves]
    names = tuple(dict.fromkeys(parents))
    return np.array([names.index(p) for p in parents], dtype=np.int64), names


def local_from_worths(track: Track, leaf: FloatArray) -> FloatArray:
    """Return local weights (..., m) from worths of the leaves (..., L).

    Parameters
    ----------
    track : the tree
    leaf : (..., L) worths, each row summing to 1

    Notes
    -----
    A capability weighs the sum of its indicators' worths, a pillar the sum of its
    capabilities'; local weights are these sums divided by the parent's. A node with more
    indicators therefore collects more worth than one with fewer: ballots are cast for
    indicators, not for pillars. Below a node of worth 0, siblings share equally.
    """
    fallback = np.zeros(len(track.nodes))
    for family in track.families:
        fallback[family.members] = 1.0 / len(family.members)
    return _normalised(track, track.local_weights(leaf, fallback))


def pool_tracks(
    framework: Framework,
    worths: Mapping[str, FloatArray],
    sizes: Mapping[str, float],
    *,
    pooling: Pooling = "ballots",
) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """Return local weights of all tracks, with one set of shared first-level weights.

    Parameters
    ----------
    framework : the framework, whose tracks share their first-level nodes
    worths : by track, (L,) worths of the leaves in the track's order, summing to 1, or (k, L)
        draws of them, the same k in every track
    sizes : by track, (effective) number of ballots
    pooling : ``ballots`` - the shared weight is the mean of the tracks' own, weighted by
        the number of ballots, as if every ballot counted once; ``equal`` - the plain mean

    Returns
    -------
    local : by track, (m,) or (k, m) local weights; first-level weights that tracks share are equal
    share : by track, its share in these

    Notes
    -----
    Pillars belong to all tracks, ballots to one. Shared first-level weight
    ``A_p = sum_t s_t A_pt`` with ``s_t`` proportional to the tracks' ballots, in every draw alike;
    the weights below a pillar stay those of the track. Tracks are sampled independently of
    each other, so that row r of both may be combined.
    """
    if set(worths) != set(framework.tracks):
        absent = [t for t in framework.tracks if t not in worths]
        raise InputError(message("ballots.input.every_track", absent=absent))
    total = float(sum(sizes[t] for t in worths))
    share = {t: (sizes[t] / total if pooling == "ballots" else 1 / len(worths)) for t in worths}
    own = {t: local_from_worths(framework.tracks[t], w) for t, w in worths.items()}
    return _pooled(framework, own, share), share


def _pooled(
    framework: Framework, local: Mapping[str, FloatArray], share: Mapping[str, float]
) -> dict[str, FloatArray]:
    out = {t: np.array(values) for t, values in local.items()}
    for code in framework.shared:
        having = [t for t in local if code in framework.tracks[t].index]
        weight = sum(share[t] for t in having)
        mean = sum(
            share[t] / weight * local[t][..., framework.tracks[t].index[code]] for t in having
        )
        for t in having:
            out[t][..., framework.tracks[t].index[code]] = mean
    return {t: _normalised(framework.tracks[t], values) for t, values in out.items()}


def _normalised(track: Track, local: FloatArray) -> FloatArray:
    """Take rounding out: sibling sums are 1 to the last bit that division allows."""
    local = np.array(local)
    for family in track.families:
        local[..., family.members] /= local[..., family.members].sum(axis=-1, keepdims=True)
    return local
