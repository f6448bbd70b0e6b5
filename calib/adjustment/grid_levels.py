"""Adjusted weights rounded to a grid, level by level from the top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.constraint_rows import (
    bound_rows,
    order_rows,
    positive_rows,
    relative_floor_rows,
)
from calib.adjustment.constraints import Rows, stack_rows
from calib.adjustment.grid import GridRounding, round_to_grid
from calib.adjustment.solve import demand_rows, share_caps, solve, spec_for
from calib.adjustment.variables import Space, build_space
from calib.errors import InfeasibleError, NotFoundError
from calib.outcomes.dominance.moments import Moments
from calib.weights import WeightSet

__all__ = ["round_levels"]


def round_levels(
    weights: WeightSet,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    local: Mapping[str, FloatArray],
    grid: float,
    tracks: Sequence[str],
) -> tuple[dict[str, FloatArray], dict[str, GridRounding]]:
    """Round level by level from the top; lower levels are adjusted again below rounded ones."""
    fw = weights.framework
    current = {t: np.array(v) for t, v in local.items()}
    done: dict[str, GridRounding] = {}
    for depth in spec.depths:
        # Below the shared pillars nothing ties the tracks together.
        for part in [list(tracks)] if depth == 1 else [[t] for t in tracks]:
            values, found = _round_level(weights, spec, moments, current, grid, part, depth)
            name = fw.levels[depth - 1][0] if depth <= len(fw.levels) else str(depth)
            done[f"{'+'.join(part)}/{name}"] = found
            current.update(values)
        rest = tuple(d for d in spec.depths if d > depth)
        if rest:
            trees = {t: fw.tracks[t] for t in tracks}
            mixed = {t: _mix(trees[t].depth, current[t], weights.local[t], depth) for t in tracks}
            below = build_space(trees, mixed, rest, fw.shared)
            current = dict(solve(below, replace(spec, depths=rest), moments, rng=0).local)
    return current, done


def _round_level(
    weights: WeightSet,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    current: Mapping[str, FloatArray],
    grid: float,
    tracks: Sequence[str],
    depth: int,
) -> tuple[dict[str, FloatArray], GridRounding]:
    fw = weights.framework
    space = build_space(
        {t: fw.tracks[t] for t in tracks}, {t: current[t] for t in tracks}, (depth,), fw.shared
    )
    start = weights.local if spec.origin is None else spec.origin
    own = spec_for(spec, [b.track for b in space.blocks], list(fw.tracks.values()))
    rows, caps = _level_demands(space, own, moments, start, depth == spec.depths[-1])
    keep = _kept(space, grid)
    try:
        found = round_to_grid(
            space, space.start, rows, caps, grid=grid, shared=fw.shared, keep=keep
        )
    except (InfeasibleError, NotFoundError):
        if not keep.any():
            raise
        found = round_to_grid(space, space.start, rows, caps, grid=grid, shared=fw.shared)
    return _exact_grid(space, space.local_weights(found.z), grid), found


def _mix(depths: IntArray, rounded: FloatArray, start: FloatArray, depth: int) -> FloatArray:
    return np.where(depths <= depth, rounded, start)


def _level_demands(
    space: Space,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    start: Mapping[str, FloatArray],
    last: bool,
) -> tuple[Rows, list[Any]]:
    if spec.request.problem in ("shares", "correlations"):
        return positive_rows(space), []
    if last:
        plain = replace(spec, depths=space.depths, bounds=()).free()
        rows = demand_rows(space, plain, moments)
        caps = (
            share_caps(space, spec.caps["variance"], spec.on, moments)
            if "variance" in spec.caps
            else []
        )
        caps = [c for c in caps if float(space.start @ c.cov @ space.start) > 0]
    else:
        rows, caps = positive_rows(space), []
    rows = stack_rows([rows, *(bound_rows(space, _only(b, space)) for b in spec.bounds)])
    if spec.least:
        rows = stack_rows([rows, relative_floor_rows(space, spec.least, start)])
    if spec.keep_order:
        rows = stack_rows([rows, order_rows(space, start)])
    return rows, caps


def _only(
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float], space: Space
) -> Mapping[str, tuple[float, float]] | tuple[float, float]:
    if not isinstance(bounds, Mapping):
        return bounds
    here = {
        code
        for b in space.blocks
        for code, d in zip(b.track.codes, b.track.depth, strict=True)
        if int(d) in space.depths
    }
    return {c: v for c, v in bounds.items() if c in here}


def _kept(space: Space, grid: float) -> BoolArray:
    """Return which variables belong to families of equal siblings that the grid cannot hold."""
    keep = np.zeros(space.size, dtype=bool)
    for block in space.blocks:
        place = {int(node): block.first + j for j, node in enumerate(block.nodes)}
        for family in block.track.families:
            own = block.local[family.members]
            if int(block.track.depth[family.members[0]]) not in space.depths:
                continue
            off = abs(own[0] / grid - np.rint(own[0] / grid)) > 1e-6
            if len(own) > 1 and np.ptp(own) < 1e-9 and off:
                keep[[place[int(i)] for i in family.members]] = True
    return keep


def _exact_grid(
    space: Space, local: Mapping[str, FloatArray], grid: float
) -> dict[str, FloatArray]:
    """Clear the rounding noise of local weights on the grid."""
    total = round(1.0 / grid)
    out = {}
    for block in space.blocks:
        values = np.array(local[block.track.code])
        for i, depth in enumerate(block.track.depth):
            if int(depth) in space.depths:
                near = np.rint(values[i] * total)
                if abs(values[i] * total - near) < 1e-6:
                    values[i] = near / total
                else:
                    values[i] = block.local[i]
        out[block.track.code] = values
    return out
