"""The indicator tree of one industry track, as names outside and index arrays inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.words import Name, Text, message

__all__ = ["Family", "Item", "Name", "Node", "Track"]


@dataclass(frozen=True, slots=True)
class Item:
    """The questionnaire item of an indicator.

    Attributes
    ----------
    kind : quantitative or qualitative (one of the ordered options, the last one the best), graded
        (an option in one of several degrees), checklist (how many statements hold) or number
    options : number of options; of a graded item times its degrees; statements of a checklist
    scores : scores of the answers where the file states them; of a number those at the ends of
        its range, between which it is scaled (a number is its own score if None)
    degrees : degrees of each option of a graded item
    span : least and greatest number
    """

    kind: str
    options: int
    scores: tuple[float, ...] | None = None
    degrees: int = 1
    span: tuple[float, float] | None = None

    @property
    def answers(self) -> range:
        """Whole answers in rising order: 1 … k, for a checklist 0 … k; none for a number."""
        if self.kind == "number":
            return range(0)
        return range(0 if self.kind == "checklist" else 1, self.options + 1)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a track: a pillar, a capability or an indicator.

    ``descriptions`` say what each star of it means, lowest first; empty where the file does not.
    """

    code: str
    name: Name
    depth: int
    parent: str
    children: tuple[str, ...] = ()
    item: Item | None = None
    status: str = ""
    descriptions: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """The children of one node, whose local weights sum to 1; ``parent`` is "" for the root."""

    parent: str
    members: IntArray

    def place(self, track: str | Text) -> Text:
        """Return how a fault names the family: "under IC (process)"."""
        parent = self.parent or message("framework.root")
        return message("framework.under", parent=parent, track=track)


@dataclass(frozen=True)
class Track:
    """The tree of one industry track: ``m`` nodes without the root, ``L`` of them leaves.

    ``nodes`` is in preorder (a parent before its children), which every array with a node axis
    follows. Local weights are weights among siblings; global ones are products down the tree.
    """

    code: str
    name: Name
    nodes: tuple[Node, ...]
    aliases: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Track {self.code}: {len(self.nodes)} nodes, {len(self.leaves)} indicators>"

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Codes of the ``m`` nodes."""
        return tuple(n.code for n in self.nodes)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each code among the nodes."""
        return {c: i for i, c in enumerate(self.codes)}

    @cached_property
    def parent(self) -> IntArray:
        """Position of each node's parent (m,), -1 under the root."""
        return np.array([self.index.get(n.parent, -1) for n in self.nodes], dtype=np.int64)

    @cached_property
    def depth(self) -> IntArray:
        """Depth of each node (m,), 1 under the root."""
        return np.array([n.depth for n in self.nodes], dtype=np.int64)

    @cached_property
    def leaves(self) -> IntArray:
        """Positions of the leaves (L,)."""
        return np.array([i for i, n in enumerate(self.nodes) if not n.children], dtype=np.int64)

    @cached_property
    def leaf_codes(self) -> tuple[str, ...]:
        """Codes of the leaves (L)."""
        return tuple(self.codes[i] for i in self.leaves)

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """Groups of siblings, the root's children first."""
        parents = ["", *(n.code for n in self.nodes if n.children)]
        return tuple(
            Family(p, np.array([i for i, n in enumerate(self.nodes) if n.parent == p], np.int64))
            for p in parents
        )

    @cached_property
    def _below(self) -> BoolArray:
        """Return whether leaf ``l`` lies under node ``i`` or is it, (m, L)."""
        below = np.zeros((len(self.nodes), len(self.leaves)), dtype=bool)
        for column, leaf in enumerate(self.leaves):
            i = int(leaf)
            while i >= 0:
                below[i, column] = True
                i = int(self.parent[i])
        return below

    def at_depth(self, depth: int) -> IntArray:
        """Return the nodes that cut the tree at ``depth``: nodes there, and leaves above it."""
        childless = np.array([not n.children for n in self.nodes])
        return np.flatnonzero((self.depth == depth) | ((self.depth < depth) & childless)).astype(
            np.int64
        )

    def membership(self, nodes: Sequence[int] | IntArray) -> BoolArray:
        """Return which leaves lie under each of ``nodes``, (len(nodes), L)."""
        return self._below[np.asarray(nodes, dtype=np.int64)]

    def global_weights(self, local: FloatArray) -> FloatArray:
        """Return the global weight of every node.

        Parameters
        ----------
        local : (..., m) local weights

        Returns
        -------
        (..., m) products of the local weights from the root down to each node
        """
        out = np.array(local, dtype=float)
        for i, parent in enumerate(self.parent):  # preorder: the parent is final already
            if parent >= 0:
                out[..., i] *= out[..., parent]
        return out

    def leaf_weights(self, local: FloatArray) -> FloatArray:
        """Return the global leaf weights (..., L) of local weights (..., m)."""
        return self.global_weights(local)[..., self.leaves]

    def within(self, local: FloatArray, nodes: Sequence[int] | IntArray) -> FloatArray:
        """Return the weight of each leaf inside each of ``nodes``; rows sum to 1.

        Products of the local weights *below* a node, so a node of weight 0 still has a score.

        Parameters
        ----------
        local : (..., m) local weights
        nodes : positions of nodes

        Returns
        -------
        (..., len(nodes), L)
        """
        local = np.asarray(local, dtype=float)
        steps = self._steps_up[np.asarray(nodes, dtype=np.int64)]
        up = self._chains
        factors = np.where(up >= 0, local[..., up], 1.0)
        below = np.ones((*local.shape[:-1], len(up), up.shape[1] + 1))
        below[..., 1:] = np.cumprod(factors, axis=-1)
        return np.where(steps >= 0, below[..., np.arange(len(up)), steps], 0.0)

    @cached_property
    def _chains(self) -> IntArray:
        """The nodes from each leaf up to the first level, (L, depth), -1 beyond it."""
        out = np.full((len(self.leaves), int(self.depth.max())), -1, dtype=np.int64)
        for row, leaf in enumerate(self.leaves):
            i, step = int(leaf), 0
            while i >= 0:
                out[row, step] = i
                i, step = int(self.parent[i]), step + 1
        return out

    @cached_property
    def _steps_up(self) -> IntArray:
        """How many steps above each leaf a node stands, (m, L); -1 where it is not above it."""
        out = np.full((len(self.nodes), len(self.leaves)), -1, dtype=np.int64)
        for row, chain in enumerate(self._chains):
            for step, node in enumerate(chain[chain >= 0]):
                out[node, row] = step
        return out

    def local_weights(self, leaf: FloatArray, fallback: FloatArray) -> FloatArray:
        """Return the local weights that have given global leaf weights.

        Parameters
        ----------
        leaf : (..., L) global leaf weights, each row summing to 1
        fallback : (m,) or (..., m) local weights used below nodes whose global weight is 0,
            where local weights are undetermined

        Returns
        -------
        (..., m) local weights
        """
        leaf = np.asarray(leaf, dtype=float)
        total = leaf @ self._below.T.astype(float)
        out = np.empty(total.shape)
        for i, parent in enumerate(self.parent):
            above = leaf.sum(axis=-1) if parent < 0 else total[..., parent]
            with np.errstate(divide="ignore", invalid="ignore"):
                share = total[..., i] / above
            out[..., i] = np.where(above > 0, share, fallback[..., i])
        return out

    def sibling_sums(self, local: FloatArray) -> FloatArray:
        """Return the sum of the local weights of each family, (..., number of families)."""
        local = np.asarray(local, dtype=float)
        return np.stack([local[..., f.members].sum(axis=-1) for f in self.families], axis=-1)

    def find(self, word: str) -> str | None:
        """Return the leaf code meant by a code or by a Chinese or English name, if just one is."""
        word = word.strip()
        if word in self.leaf_codes:
            return word
        folded = word.casefold()
        hits = [
            self.codes[i]
            for i in self.leaves
            if folded in (self.nodes[i].name.zh.casefold(), self.nodes[i].name.en.casefold())
        ]
        return hits[0] if len(hits) == 1 else None
