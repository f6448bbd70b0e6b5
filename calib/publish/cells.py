"""Every count of enterprises that the tables of a run hold, and how they add up.

Tables overlap: the stars of a set are the sums of its transitions, those of the tracks add up to
those of all, and two sets with the same weights under a node have the same stars of that node.
Each count is one *cell* however often it is printed, and each sum is one equation, so that a
publication can be protected, and attacked, as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calib._types import FloatArray, IntArray
from calib.outcomes.star_differences import transition_matrix
from calib.rating import Rating

__all__ = ["WHOLE", "Block", "CellKey", "Cells", "count_cells"]

WHOLE = "all"
"""The scope of all enterprises."""

CellKey = tuple[str | int, ...]
"""What a cell counts: ``("stars", set, scope, star)``, ``("moves", set, scope, from, to)`` …"""

_COSTS: Mapping[tuple[str, bool], float] = {
    ("stars", True): 1000.0, ("stars", False): 60.0,
    ("agreement", True): 40.0, ("agreement", False): 8.0,
    ("moves", True): 12.0, ("moves", False): 3.0,
    ("nodes", True): 10.0, ("nodes", False): 3.0,
    ("downgraded", True): 10.0, ("downgraded", False): 3.0,
}  # fmt: skip
"""How dear it is to give up a cell, of all enterprises or of a track: splits go before totals."""


@dataclass(frozen=True, eq=False)
class Block:
    """Cells whose sums hold among themselves once the cells of the baseline are given.

    Attributes
    ----------
    cells : positions of the cells
    equations : each a sum that is 0 for every change of the cells: positions with coefficients;
        positions outside ``cells`` are those of the baseline
    """

    cells: IntArray
    equations: Sequence[Mapping[int, int]]


@dataclass(eq=False)
class Cells:
    """The counts of a run, each once, and the blocks that they fall into.

    Attributes
    ----------
    index : position of a cell by its key; two keys of one position are the same count
    values, costs : the count of each cell, and how dear it is to give it up
    known : positions of cells that follow from the weights alone
    base : the block of the baseline's stars, None where nobody is rated
    blocks : all others
    sizes : enterprises in each scope that is published
    baseline : name of the set that the others are compared with
    small_tracks : tracks of too few enterprises to be shown by themselves
    """

    index: dict[CellKey, int] = field(default_factory=dict)
    values: list[int] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    base: Block | None = None
    blocks: list[Block] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    baseline: str = ""
    small_tracks: frozenset[str] = frozenset()

    def add(self, key: CellKey, value: int) -> int:
        """Add a cell, and return its position."""
        position = len(self.values)
        whole = WHOLE in key
        # Small cells are given up before large ones, and equal ones in a fixed order.
        dear = _COSTS[str(key[0]), whole] * (1 + min(value, 50) / 100) + 1e-4 * (position % 97)
        self.index[key] = position
        self.values.append(value)
        self.costs.append(dear)
        return position


def count_cells(
    ratings: Mapping[str, Rating],
    baseline: str,
    growing: Sequence[str] = (),
    *,
    least_group: int = 1,
) -> Cells:
    """Return the cells of the comparison of sets with a baseline.

    Parameters
    ----------
    growing : sets that rate enterprises which have grown: equal weights give other stars there
    least_group : where a track has fewer enterprises than this, nothing is split by track: it
        would show the stars of a few, or what is left of the whole
    """
    base = ratings[baseline]
    few = frozenset(t for t, s in base.samples.items() if 0 < len(s.star) < least_group)
    cells = Cells(sizes=_sizes(base, few), baseline=baseline, small_tracks=few)
    scopes = list(cells.sizes)
    twins = _twins(ratings, baseline, growing)
    cells.base = _stars_block(cells, baseline, base, scopes)
    for name, rating in ratings.items():
        twin = twins[name]
        if twin != name:
            continue
        if name == baseline:
            _unmoved(cells, baseline, base, scopes)
        else:
            cells.blocks.append(_moves_block(cells, name, rating, baseline, base, scopes))
        cells.blocks.append(_downgraded_block(cells, name, rating, scopes))
    for name, twin in twins.items():
        if name != twin:
            _share_cells(cells, name, twin)
    _node_blocks(cells, ratings, growing, scopes)
    return cells


def _sizes(base: Rating, few: frozenset[str]) -> dict[str, int]:
    tracks = {t: len(s.star) for t, s in base.samples.items()}
    out = {WHOLE: sum(tracks.values())}
    if len(tracks) > 1 and not few:
        out |= tracks
    return out


def _twins(ratings: Mapping[str, Rating], baseline: str, growing: Sequence[str]) -> dict[str, str]:
    """Return for each set the first one with the same weights, which everybody can see."""
    out: dict[str, str] = {}
    first: dict[object, str] = {}
    for name in (baseline, *(n for n in ratings if n != baseline)):
        weights = ratings[name].weights.local
        own: object = tuple((t, _bytes(v)) for t, v in sorted(weights.items()))
        own = (own, name) if name in growing else own
        out[name] = first.setdefault(own, name)
    return out


def _bytes(weights: FloatArray) -> bytes:
    return np.round(np.asarray(weights, dtype=float), 12).tobytes()


def _share_cells(cells: Cells, name: str, twin: str) -> None:
    for key, position in list(cells.index.items()):
        if key[1] == twin and key[0] != "nodes":
            cells.index[(key[0], name, *key[2:])] = position


def _sums(cells: Cells, start: CellKey, scopes: Sequence[str], end: CellKey) -> dict[int, int]:
    """Return that the tracks add up to the whole, for a cell with ``start`` and ``end``."""
    out = {cells.index[(*start, WHOLE, *end)]: 1}
    for scope in scopes[1:]:
        out[cells.index[(*start, scope, *end)]] = -1
    return out


def _stars_block(cells: Cells, name: str, rating: Rating, scopes: Sequence[str]) -> Block:
    first = rating.framework.rule.first
    for scope in scopes:
        for k, count in enumerate(rating.counts(_track(scope)).tolist(), first):
            cells.add(("stars", name, scope, k), count)
    stars = range(first, first + rating.framework.rule.stars)
    own = [cells.index["stars", name, scope, k] for scope in scopes for k in stars]
    equations: list[Mapping[int, int]] = [
        {cells.index["stars", name, scope, k]: 1 for k in stars} for scope in scopes
    ]
    if len(scopes) > 1:
        equations += [_sums(cells, ("stars", name), scopes, (k,)) for k in stars]
    return Block(np.array(own), equations)


def _track(scope: str) -> str | None:
    return None if scope == WHOLE else scope


def _moves_block(
    cells: Cells, name: str, rating: Rating, baseline: str, base: Rating, scopes: Sequence[str]
) -> Block:
    """Return the stars of a set, its transitions, and who stays, rises and falls."""
    start = len(cells.values)
    block = _stars_block(cells, name, rating, scopes)
    equations = list(block.equations)
    first = rating.framework.rule.first
    stars = range(first, first + rating.framework.rule.stars)
    for scope in scopes:
        matrix = transition_matrix(rating, base, _track(scope))
        at = {}
        for i in stars:
            for j in stars:
                value = int(matrix[i - first, j - first])
                at[i, j] = cells.add(("moves", name, scope, i, j), value)
        for i in stars:
            row = {at[i, j]: 1 for j in stars}
            equations.append({**row, cells.index["stars", baseline, scope, i]: -1})
            column = {at[j, i]: 1 for j in stars}
            equations.append({**column, cells.index["stars", name, scope, i]: -1})
        for kind, wanted in _KINDS.items():
            among = [at[i, j] for i in stars for j in stars if wanted(i, j)]
            total = sum(cells.values[c] for c in among)
            position = cells.add(("agreement", name, scope, kind), total)
            equations.append({**dict.fromkeys(among, 1), position: -1})
    if len(scopes) > 1:
        ends = [("moves", (i, j)) for i in stars for j in stars]
        equations += [_sums(cells, (kind, name), scopes, end) for kind, end in ends]
    return Block(np.arange(start, len(cells.values)), equations)


_KINDS: Mapping[str, Callable[[int, int], bool]] = {
    "same": lambda i, j: i == j,
    "up": lambda i, j: i < j,
    "down": lambda i, j: i > j,
}


def _unmoved(cells: Cells, baseline: str, base: Rating, scopes: Sequence[str]) -> None:
    """Add the transitions of the baseline to itself: everybody stays."""
    first = base.framework.rule.first
    stars = range(first, first + base.framework.rule.stars)
    for scope in scopes:
        for i in stars:
            for j in stars:
                if i == j:
                    own = cells.index["stars", baseline, scope, i]
                    cells.index["moves", baseline, scope, i, j] = own
                else:
                    cells.known.add(cells.add(("moves", baseline, scope, i, j), 0))
        for kind in _KINDS:
            value = cells.sizes[scope] if kind == "same" else 0
            cells.known.add(cells.add(("agreement", baseline, scope, kind), value))


def _downgraded_block(cells: Cells, name: str, rating: Rating, scopes: Sequence[str]) -> Block:
    start = len(cells.values)
    for scope in scopes:
        cells.add(("downgraded", name, scope), rating.downgrades_in(_track(scope)))
    equations = [_sums(cells, ("downgraded", name), scopes, ())] if len(scopes) > 1 else []
    return Block(np.arange(start, len(cells.values)), equations)


def _node_blocks(
    cells: Cells, ratings: Mapping[str, Rating], growing: Sequence[str], scopes: Sequence[str]
) -> None:
    """Add the stars of nodes; sets with the same weights under a node share them."""
    shared: dict[object, CellKey] = {}
    for name, rating in ratings.items():
        for node in _nodes(rating):
            own = _under(rating, node)
            key: object = (node, tuple(own.items()), name if name in growing else "")
            if key in shared:
                twin = shared[key]
                ends = [k[3:] for k in cells.index if k[:3] == twin]
                for end in ends:
                    cells.index[("nodes", name, node, *end)] = cells.index[(*twin, *end)]
            else:
                shared[key] = ("nodes", name, node)
                cells.blocks.append(_node_block(cells, name, rating, node, scopes))


def _nodes(rating: Rating) -> Iterator[str]:
    yield from dict.fromkeys(n.code for s in rating.samples.values() for n in s.track.nodes
                             if n.depth == 1)  # fmt: skip


def _under(rating: Rating, code: str) -> dict[str, bytes]:
    """Return the weights under a node, by track."""
    out = {}
    for t, sample in rating.samples.items():
        track = sample.track
        inside: set[int] = set()
        for i, node in enumerate(track.nodes):
            if node.code == code or int(track.parent[i]) in inside:
                inside.add(i)
        below = [i for i in sorted(inside) if track.nodes[i].code != code]
        out[t] = _bytes(rating.weights.local[t][below])
    return out


def _node_block(cells: Cells, name: str, rating: Rating, code: str, scopes: Sequence[str]) -> Block:
    start, first = len(cells.values), rating.framework.rule.first
    stars = range(first, first + rating.framework.rule.stars)
    equations: list[Mapping[int, int]] = []
    for scope in scopes:
        counts = rating.node_counts(code, _track(scope)).tolist()
        own = [
            cells.add(("nodes", name, code, scope, k), c)
            for k, c in zip(stars, counts, strict=True)
        ]
        equations.append(dict.fromkeys(own, 1))
    if len(scopes) > 1:
        equations += [_sums(cells, ("nodes", name, code), scopes, (k,)) for k in stars]
    return Block(np.arange(start, len(cells.values)), equations)
