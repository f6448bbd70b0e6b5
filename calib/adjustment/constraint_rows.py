"""Linear constraints of an adjustment as rows on its variables.

Caps, bounds, groups, floor and order are inequalities in the variables z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from calib._types import FloatArray
from calib.adjustment.adjust_request import Bounds
from calib.adjustment.constraint_names import constraint_name, with_name
from calib.adjustment.constraints import (
    Rows,
    empty_rows,
    make_rows,
    nonnegative_rows,
    stack_rows,
)
from calib.adjustment.variables import Block, Space
from calib.errors import Faults, did_you_mean
from calib.outcomes.dominance.moments import Moments
from calib.words import Label, message

__all__ = [
    "bound_rows",
    "contribution_rows",
    "group_rows",
    "order_rows",
    "positive_rows",
    "relative_floor_rows",
    "weight_cap_rows",
]


def positive_rows(space: Space) -> Rows:
    """Return z >= 0."""
    return nonnegative_rows(space.labels)


def _targets(block: Block, depth: int) -> list[int]:
    return [int(i) for i in block.track.at_depth(depth)]


def weight_cap_rows(space: Space, cap: float, depth: int) -> Rows:
    """Cap the global weight of every node at a depth: weight(v) <= cap."""
    rows, labels = [], []
    for block in space.blocks:
        for node in _targets(block, depth):
            rows.append(space.node_row(block, node))
            labels.append(constraint_name("weight", where=block.names[node], cap=cap))
    return make_rows(np.array(rows), np.full(len(rows), cap), labels)


def contribution_rows(space: Space, moments: Mapping[str, Moments], cap: float, depth: int) -> Rows:
    """Cap the share of the mean total that every node at a depth contributes.

    Notes
    -----
    Σ_{l under v} g_l x̄_l <= κ Σ_m g_m x̄_m, linear and homogeneous in the weights.
    """
    rows, relief = [], []
    labels: list[str] = []
    for block in space.blocks:
        mean = moments[block.track.code].mean
        part = mean @ block.inside  # mean score of each variable's node
        nodes = block.track.at_depth(depth)
        under = block.track.membership(nodes).astype(float)
        own, gain = np.zeros((2, len(nodes), space.size + 1))
        own[:, block.span] = (under * mean) @ block.inside - cap * part
        gain[:, block.span] = part
        rows.append(own[:, :-1])
        relief.append(gain)
        labels += [constraint_name("contribution", where=block.names[i], cap=cap) for i in nodes]
    a = np.concatenate(rows)
    # Rows in points become rows in weights, so that tolerances mean the same everywhere.
    scale = np.maximum(np.abs(a).max(axis=1), 1e-12)[:, None]
    return make_rows(a / scale, np.zeros(len(a)), labels, np.concatenate(relief) / scale)


def bound_rows(space: Space, bounds: Bounds) -> Rows:
    """Keep local weights of the levels that move within bounds.

    Parameters
    ----------
    bounds : (low, high) for every node that may move, or a mapping from node code to it

    Notes
    -----
    low · weight(parent) <= weight(v) <= high · weight(parent).
    """
    faults = Faults()
    table = dict(bounds) if isinstance(bounds, Mapping) else {}
    everywhere = None if isinstance(bounds, Mapping) else (float(bounds[0]), float(bounds[1]))
    movable: set[str] = set()
    rows, values, labels, relief = [], [], [], []
    for block in space.blocks:
        for node, code in enumerate(block.track.codes):
            if int(block.track.depth[node]) not in space.depths:
                continue
            movable.add(code)
            pair = everywhere if everywhere is not None else table.get(code)
            if pair is None:
                continue
            low, high = pair
            if not 0 <= low <= high <= 1:
                faults.add(
                    f"bounds.{code}",
                    message("adjustment.fault.bounds_order"),
                    value=pair,
                    expected="0 ≤ low ≤ high ≤ 1",
                )
                continue
            own, above = space.node_row(block, node), _parent_row(space, block, node)
            if low > 0:
                rows.append(low * above - own)
                labels.append(constraint_name("local_least", where=block.names[node], bound=low))
                relief.append(np.append(-above, 0.0))
            if high < 1:
                rows.append(own - high * above)
                labels.append(constraint_name("local_most", where=block.names[node], bound=high))
                relief.append(np.append(above, 0.0))
    for code in sorted(set(table) - movable):
        hint = did_you_mean(code, movable)
        faults.add(f"bounds.{code}", message("adjustment.fault.moves_not", hint=hint),
                   expected=message("adjustment.fault.one_of", known=sorted(movable)))  # fmt: skip
    faults.raise_if_any()
    if not rows:
        return empty_rows(space.size)
    values = [0.0] * len(rows)
    return make_rows(np.array(rows), np.array(values), labels, np.array(relief))


def group_rows(space: Space, groups: Mapping[str, tuple[Sequence[str], float, float]]) -> Rows:
    """Keep the total global weight of groups of nodes within bounds.

    Parameters
    ----------
    groups : name -> (codes, low, high); a group applies in every track that has all its codes
    """
    faults = Faults()
    parts = [empty_rows(space.size)]
    for name, (codes, low, high) in groups.items():
        found = False
        for block in space.blocks:
            if any(c not in block.track.index for c in codes):
                continue
            found = True
            where = Label(block.track.code, block.track.name.get("zh"))
            row = sum(
                (space.node_row(block, block.track.index[c]) for c in codes), np.zeros(space.size)
            )
            parts.append(
                make_rows(
                    np.array([row, -row]),
                    np.array([high, -low]),
                    [
                        constraint_name("group_most", where=where, group=name, bound=high),
                        constraint_name("group_least", where=where, group=name, bound=low),
                    ],
                )
            )
        if not found:
            faults.add(f"groups.{name}", message("adjustment.fault.no_such_group"),
                       value=", ".join(codes))  # fmt: skip
        if not 0 <= low <= high <= 1:
            faults.add(
                f"groups.{name}", message("adjustment.fault.bounds_order"), value=(low, high)
            )
    faults.raise_if_any()
    return stack_rows(parts)


def relative_floor_rows(
    space: Space, least: float, origin: Mapping[str, FloatArray] | None = None
) -> Rows:
    """Keep local weights of the levels that move above a fraction of those at the start.

    Parameters
    ----------
    space : the variables
    least : the fraction
    origin : local weights by track that the fraction is of; those of ``space`` by default
    """
    rows, labels, relief = [], list[str](), []
    for block in space.blocks:
        local = block.local if origin is None else origin[block.track.code]
        nodes = np.flatnonzero(np.isin(block.track.depth, space.depths) & (least * local > 0))
        own, above = np.zeros((2, len(nodes), space.size + 1))
        own[:, block.span] = block.covers[nodes]
        above[:, block.span] = block.above[nodes]
        weights = local[nodes]
        rows.append((least * weights[:, None] * above - own)[:, :-1])
        relief.append(-weights[:, None] * above)
        labels += [
            constraint_name("floor", where=block.names[i], share=least, least=f"{least * w:.4g}")
            for i, w in zip(nodes, weights, strict=True)
        ]
    if not labels:
        return empty_rows(space.size)
    a = np.concatenate(rows)
    return make_rows(a, np.zeros(len(a)), labels, np.concatenate(relief))


def order_rows(space: Space, origin: Mapping[str, FloatArray] | None = None) -> Rows:
    """Keep the order of siblings that differ at the start: no two change places (ties may come).

    Parameters
    ----------
    space : the variables
    origin : local weights by track whose order counts; those of ``space`` by default
    """
    rows, labels = [], []
    for block in space.blocks:
        track = block.track
        local = block.local if origin is None else origin[track.code]
        for family in track.families:
            members = sorted(map(int, family.members), key=lambda i: -local[i])
            if int(track.depth[members[0]]) not in space.depths:
                continue
            heads = [
                i for i, (a, b) in enumerate(pairwise(members))
                if local[a] - local[b] > 1e-9
            ]  # fmt: skip
            for cut in heads:
                # Every member of the higher tie stays at or above every member of the next one.
                upper = [i for i in members if abs(local[i] - local[members[cut]]) <= 1e-9]
                lower = [i for i in members if abs(local[i] - local[members[cut + 1]]) <= 1e-9]
                for a in upper:
                    for b in lower:
                        rows.append(space.node_row(block, b) - space.node_row(block, a))
                        below = with_name(track.nodes[b])
                        labels.append(constraint_name("order", where=block.names[a], below=below))
    if not rows:
        return empty_rows(space.size)
    return make_rows(np.array(rows), np.zeros(len(rows)), labels)


def _parent_row(space: Space, block: Block, node: int) -> FloatArray:
    parent = int(block.track.parent[node])
    if parent >= 0:
        return space.node_row(block, parent)
    row = np.zeros(space.size)
    row[block.span] = 1.0
    return row
