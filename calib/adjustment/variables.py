"""Decision variables of an adjustment, and the linear constraints on them.

The variables z are the global weights of the nodes at the deepest level that may move; leaf
weights are linear in them. A level that keeps its local weights becomes equalities
``weight(v) = local(v) · weight(parent)``; pillars shared by tracks become equalities between
tracks. Whatever is adjusted, the rest of the tree keeps its local weights exactly. Caps, bounds,
groups and order are inequalities in z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from calib._types import FloatArray, IntArray
from calib.adjustment.constraint_names import constraint_name, with_name
from calib.adjustment.constraints import (
    Rows,
    empty_rows,
    full_rank,
    make_rows,
    nonnegative_rows,
    stack_rows,
)
from calib.errors import Faults, did_you_mean
from calib.framework import Track
from calib.outcomes.dominance.moments import Moments
from calib.words import Label, message

__all__ = [
    "Block",
    "Space",
    "bound_rows",
    "build_space",
    "contribution_rows",
    "group_rows",
    "order_rows",
    "positive_rows",
    "relative_floor_rows",
    "weight_cap_rows",
]


@dataclass(frozen=True, eq=False)
class Block:
    """The part of the variables that belongs to one track.

    Parameters
    ----------
    track : the tree
    nodes : (q_t,) positions of the nodes whose global weights are the variables
    first : position of the first of them among all variables
    inside : (L, q_t) weight of each leaf inside each node
    local : (m,) starting local weights
    """

    track: Track
    nodes: IntArray
    first: int
    inside: FloatArray
    local: FloatArray

    @property
    def span(self) -> slice:
        """Where the track's variables are among all."""
        return slice(self.first, self.first + len(self.nodes))

    def cover(self, node: int) -> FloatArray:
        """Return which of the track's variables lie under a node, (q_t,) of 0 and 1."""
        row: FloatArray = self.covers[node]
        return row

    @cached_property
    def names(self) -> tuple[Label, ...]:
        """What the track's nodes are called in constraints, "track/code", (m,)."""
        zh = self.track.name.get("zh")
        inner = [with_name(n) for n in self.track.nodes]
        return tuple(Label(f"{self.track.code}/{n}", f"{zh}/{n.get('zh')}") for n in inner)

    @cached_property
    def above(self) -> FloatArray:
        """Of every node, which variables lie under its parent, (m, q_t); all at the first level."""
        parent = self.track.parent
        return np.where(parent[:, None] >= 0, self.covers[parent], 1.0)

    @cached_property
    def covers(self) -> FloatArray:
        """Of every node, which variables lie under it, (m, q_t)."""
        under = self.track.membership(np.arange(len(self.track.codes))).astype(float)
        own = self.track.membership(self.nodes).astype(float)
        return np.asarray(under @ own.T > 0, dtype=float)


@dataclass(frozen=True, eq=False)
class Space:
    """Variables of an adjustment and the equalities that tie them.

    Parameters
    ----------
    blocks : one a track
    start : (q,) starting global weights of the variables
    labels : (q,) "track/code" of each variable, a label
    equal, value : (e, q), (e,) sums, kept levels, shared nodes; rows linearly independent
    depths : depths of the tree that may move
    """

    blocks: tuple[Block, ...]
    start: FloatArray
    labels: tuple[Label, ...]
    equal: FloatArray
    value: FloatArray
    depths: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of variables q."""
        return len(self.start)

    @cached_property
    def parts(self) -> tuple[Space, ...]:
        """The variables of each track by itself, where nothing ties the tracks together."""
        return tuple(
            build_space({b.track.code: b.track}, {b.track.code: b.local}, self.depths)
            for b in self.blocks
        )

    def node_row(self, block: Block, node: int) -> FloatArray:
        """Return the row that gives a node's global weight from the variables, (q,)."""
        row = np.zeros(self.size)
        row[block.span] = block.cover(node)
        return row

    def local_weights(self, z: FloatArray) -> dict[str, FloatArray]:
        """Return local weights by track; levels that may not move keep theirs to the last bit.

        Below a node of weight 0, where local weights are undetermined, the starting ones stay.
        """
        out = {}
        for block in self.blocks:
            z_t = np.maximum(z[block.span], 0.0)
            own, above = block.covers @ z_t, block.above @ z_t
            moves = np.isin(block.track.depth, self.depths) & (above > 1e-12)
            local = block.local.copy()
            local[moves] = own[moves] / above[moves]
            out[block.track.code] = local
        return out


def build_space(
    tracks: Mapping[str, Track],
    local: Mapping[str, FloatArray],
    depths: Sequence[int],
    shared: Sequence[str] = (),
) -> Space:
    """Build the variables and equalities of an adjustment.

    Parameters
    ----------
    tracks : trees to adjust together
    local : (m,) starting local weights of each
    depths : depths that may move
    shared : codes of first-level nodes whose weights must be the same in all tracks

    Returns
    -------
    Space
    """
    deepest = max(depths)
    blocks: list[Block] = []
    first = 0
    for code, track in tracks.items():
        nodes = track.at_depth(deepest)
        own = np.asarray(local[code], dtype=float)
        blocks.append(Block(track, nodes, first, track.within(own, nodes).T, own))
        first += len(nodes)
    start = np.concatenate([b.track.global_weights(b.local)[b.nodes] for b in blocks])
    labels = tuple(b.names[i] for b in blocks for i in b.nodes)
    rows: list[FloatArray] = []
    values: list[float] = []
    for block in blocks:
        _tree_equalities(block, tuple(depths), first, rows, values)
    _shared_equalities(blocks, tuple(depths), shared, first, rows, values)
    equal, value = full_rank(np.array(rows), np.array(values))
    return Space(tuple(blocks), start, labels, equal, value, tuple(sorted(set(depths))))


def _tree_equalities(
    block: Block, depths: tuple[int, ...], q: int, rows: list[FloatArray], values: list[float]
) -> None:
    whole = np.zeros(q)
    whole[block.span] = 1.0
    rows.append(whole)
    values.append(1.0)
    track = block.track
    for family in track.families:
        members = [int(i) for i in family.members]
        if int(track.depth[members[0]]) > max(depths):
            continue
        if int(track.depth[members[0]]) in depths:
            continue
        above = np.ones(len(block.nodes))
        if family.parent:
            above = block.cover(track.index[family.parent])
        for i in members[:-1]:  # the last follows from the others
            row = np.zeros(q)
            row[block.span] = block.cover(i) - block.local[i] * above
            rows.append(row)
            values.append(0.0)


def _shared_equalities(
    blocks: Sequence[Block],
    depths: tuple[int, ...],
    shared: Sequence[str],
    q: int,
    rows: list[FloatArray],
    values: list[float],
) -> None:
    if 1 not in depths:
        return
    for code in shared:
        holders = [b for b in blocks if code in b.track.index]
        for other in holders[1:]:
            row = np.zeros(q)
            row[holders[0].span] = holders[0].cover(holders[0].track.index[code])
            row[other.span] -= other.cover(other.track.index[code])
            rows.append(row)
            values.append(0.0)


Bounds = Mapping[str, tuple[float, float]] | tuple[float, float]


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
