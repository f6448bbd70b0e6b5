"""Grid weights of one level as whole numbers of steps, and which of them meet constraints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.constraints import Rows
from calib.adjustment.variables import Space
from calib.adjustment.variance_search import ShareCap
from calib.errors import InputError
from calib.words import message

__all__ = ["Lattice", "all_points", "build_lattice", "radius_within", "violations"]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Families of one level: z = unit * t for whole numbers t, families of t sum to ``total``.

    Parameters
    ----------
    unit : (q,) global weight of one step
    target : (q,) global weights to round
    families : columns of siblings
    pairs : columns that have the same t (shared weights)
    total : steps in a family
    """

    unit: FloatArray
    target: FloatArray
    families: tuple[IntArray, ...]
    pairs: tuple[tuple[int, int], ...]
    total: int

    def far(self, steps: IntArray) -> FloatArray:
        """Return the distances of grid points (..., q) from the target, (...)."""
        return np.asarray(np.linalg.norm(self.unit * steps - self.target, axis=-1), dtype=float)

    def sums(self) -> tuple[FloatArray, FloatArray]:
        """Return the equalities of t: families sum to the total, shared weights agree."""
        sums = np.zeros((len(self.families) + len(self.pairs), len(self.unit)))
        right = np.zeros(len(sums))
        for k, members in enumerate(self.families):
            sums[k, members] = 1.0
            right[k] = self.total
        for k, (i, j) in enumerate(self.pairs, start=len(self.families)):
            sums[k, i], sums[k, j] = 1.0, -1.0
        return sums, right

    def moves(self) -> IntArray:
        """Return the smallest changes that keep all sums: a step from one sibling to another."""
        alike = np.arange(len(self.unit))
        for i, j in self.pairs:
            alike[alike == alike[j]] = alike[i]
        equal, _ = self.sums()
        found = set()
        for family in self.families:
            for i in family:
                for j in family:
                    move = (alike == alike[i]).astype(int) - (alike == alike[j]).astype(int)
                    if i != j and not (equal @ move).any():
                        found.add(tuple(move.tolist()))
        return np.array(sorted(found), dtype=np.int64).reshape(-1, len(self.unit))


def build_lattice(
    space: Space, z: FloatArray, grid: float, shared: Sequence[str], keep: BoolArray | None
) -> Lattice:
    """Return the lattice of one level; see :func:`calib.adjustment.grid.round_to_grid`."""
    if len(space.depths) != 1:
        raise InputError(message("adjustment.fault.one_level"))
    total = round(1.0 / grid) if grid > 0 else 0
    if total < 1 or abs(total * grid - 1.0) > 1e-9:
        raise InputError(message("adjustment.fault.grid", grid=grid))
    depth = space.depths[0]
    unit = np.empty(space.size)
    families: list[IntArray] = []
    where: dict[tuple[str, str], int] = {}
    for block in space.blocks:
        track = block.track
        weight = track.global_weights(block.local)
        by_parent: dict[int, list[int]] = {}
        for j, node in enumerate(block.nodes):
            column = block.first + j
            where[(track.code, track.codes[node])] = column
            parent = int(track.parent[node])
            above = 1.0 if parent < 0 else float(weight[parent])
            fixed = keep is not None and bool(keep[column])
            if int(track.depth[node]) == depth and not fixed:
                unit[column] = above / total
                by_parent.setdefault(parent, []).append(column)
            else:  # what keeps its weight is a family of its own
                unit[column] = (float(z[column]) if fixed else float(weight[node])) / total
                by_parent[-2 - column] = [column]
        families.extend(np.array(v, dtype=np.int64) for v in by_parent.values())
    pairs: list[tuple[int, int]] = []
    if depth == 1:
        for code in shared:
            columns = [c for (_, name), c in where.items() if name == code]
            pairs.extend((columns[0], other) for other in columns[1:])
    return Lattice(unit, z, tuple(families), tuple(pairs), total)


def all_points(lattice: Lattice, most: int) -> IntArray | None:
    """Return every grid point (n, q), nearest to the target first; None where there are too many.

    Parameters
    ----------
    most : how many points there may be
    """
    sizes = [len(f) for f in lattice.families]
    if prod(comb(lattice.total + c - 1, c - 1) for c in sizes) > most:
        return None
    points = np.zeros((1, len(lattice.unit)), dtype=np.int64)
    for family in lattice.families:
        # Bars between total stars: what stands between two bars is the share of one sibling.
        bars = list(combinations(range(lattice.total + len(family) - 1), len(family) - 1))
        wide = np.array(bars, dtype=np.int64).reshape(len(bars), len(family) - 1)
        ends = np.full((len(bars), 1), lattice.total + len(family) - 1)
        shares = np.diff(np.hstack([np.full_like(ends, -1), wide, ends]), axis=1) - 1
        points = np.repeat(points, len(shares), axis=0)
        points[:, family] = np.tile(shares, (len(points) // len(shares), 1))
    for i, j in lattice.pairs:
        points = points[points[:, i] == points[:, j]]
    return points[np.argsort(lattice.far(points), kind="stable")]


def radius_within(lattice: Lattice, distance: float) -> IntArray:
    """Return how many steps from its target each weight of a nearer point can be, (q,)."""
    out = np.zeros(len(lattice.unit), dtype=np.int64)
    for family in lattice.families:
        # What one sibling gains the others lose: |change|² >= change_i² c / (c - 1).
        c = len(family)
        unit = lattice.unit[family]
        reach = distance * np.sqrt((c - 1) / c) / np.where(unit > 0, unit, np.inf)
        most = np.minimum(np.floor(reach) + 1, lattice.total)
        out[family] = np.where(unit > 0, most, lattice.total)
    return out


def violations(
    lattice: Lattice, rows: Rows, caps: Sequence[ShareCap], steps: IntArray
) -> FloatArray:
    """Return by how much grid points break each demand, (n, r + c); negative is slack.

    Parameters
    ----------
    steps : (n, q)
    """
    z = lattice.unit * steps
    parts = [z @ rows.a.T - rows.b]
    for cap in caps:
        top = np.einsum("nq,cqr,nr->nc", z, cap.forms, z, optimize=True)
        whole = np.einsum("nq,qr,nr->n", z, cap.cov, z, optimize=True)
        parts.append(top / np.where(whole > 0, whole, np.inf)[:, None] - cap.caps)
    return np.concatenate(parts, axis=1)
