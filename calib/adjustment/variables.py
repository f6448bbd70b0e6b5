"""Decision variables of an adjustment, and the equalities that tie them.

The variables z are the global weights of the nodes at the deepest level that may move; leaf
weights are linear in them. A level that keeps its local weights becomes equalities
``weight(v) = local(v) · weight(parent)``; pillars shared by tracks become equalities between
tracks. Whatever is adjusted, the rest of the tree keeps its local weights exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calib._types import FloatArray, IntArray
from calib.adjustment.constraint_names import with_name
from calib.adjustment.constraints import full_rank
from calib.framework import Track
from calib.words import Label

__all__ = ["Block", "Space", "build_space"]


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
