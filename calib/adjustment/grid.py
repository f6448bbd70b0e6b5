"""Rounding weights of one level to a grid, optimal in distance under the same demands.

Largest remainders round a family at a time and know nothing of caps; here integer programmes
find the grid weights nearest to the adjusted ones (not to the starting ones) whose siblings sum to
exactly 1 and which still meet every cap and order. "Infeasible" is said where they prove it, "not
found" where the search ended without proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.constraints import Rows
from calib.adjustment.grid_programme import Found, Programmes, explain_rows
from calib.adjustment.lattice import (
    Lattice,
    all_points,
    build_lattice,
    radius_within,
    violations,
)
from calib.adjustment.share_cuts import Cut, deepest, share_cuts
from calib.adjustment.variables import Space
from calib.adjustment.variance_search import ShareCap
from calib.errors import InfeasibleError, NotFoundError
from calib.words import Text, joined, message

__all__ = ["GridRounding", "round_to_grid"]

_MEETS = 1e-9
_WORK = 130_000
"""Work of the integer programmes of one rounding: about ten seconds, where most take a few."""
_CHUNK = 4096
"""Grid points judged at once."""
_AROUND = 4
"""Steps about a good point within which nearer ones are looked for."""
_TRIES = 3
"""Programmes about one point, each with cuts at what the last one found."""


@dataclass(frozen=True, slots=True)
class GridRounding:
    """Grid weights nearest to given ones, the adjusted weights before rounding.

    Parameters
    ----------
    z : (q,) global weights of the level
    steps : (q,) local weights in units of the grid; families sum to 1/grid
    distance : float
        ‖z - target‖.
    bound : float
        No grid weights under the demands are nearer than this.
    proven : bool
        Whether the two agree.
    programmes : int
        Integer programmes solved.
    """

    z: FloatArray
    steps: IntArray
    distance: float
    bound: float
    proven: bool
    programmes: int

    def sentence(self, where: str | Text) -> Text:
        """Say how near the grid weights are to the adjusted ones, and whether that is proven."""
        if self.proven:
            return message("adjustment.note.proven", where=where, distance=self.distance)
        return message("adjustment.note.unproven", where=where, distance=self.distance,
                       bound=self.bound)  # fmt: skip


def round_to_grid(
    space: Space,
    z: FloatArray,
    rows: Rows,
    caps: Sequence[ShareCap] = (),
    *,
    grid: float = 0.01,
    shared: Sequence[str] = (),
    keep: BoolArray | None = None,
    limit: int = 40,
    tried: int = 500_000,
) -> GridRounding:
    """Round the local weights of one level to a grid under the demands of an adjustment.

    Parameters
    ----------
    space : variables of a single level
    z : (q,) global weights to round
    rows : linear demands (caps, bounds, order), in the same variables
    caps : caps on variance shares
    grid : float
        Grid of local weights; 1/grid must be whole.
    shared : codes of nodes whose weights are the same in all tracks
    keep : (q,) variables that stay as they are, off the grid (families of equal indicators that
        the grid cannot hold); a family is kept as a whole
    limit : int
        Integer programmes at most.
    tried : int
        Up to so many grid points are tried one by one, which is quicker than programmes and
        always a proof.

    Returns
    -------
    GridRounding

    Raises
    ------
    InputError
        More than one level, or a grid that does not divide 1.
    InfeasibleError
        It is proven that no grid weights meet the demands; says which and by how much.
    NotFoundError
        The programmes allowed found none; says what came closest.

    Notes
    -----
    Distance is separable and convex in the whole numbers, hence exactly linear in unary
    increments. Caps on variance shares enter as cuts that are valid for all grid points and exact
    at the point where they are made: an outer approximation. The nearest point under the cuts so
    far is a lower bound; where it breaks a cap, it is cut off and, with steps from sibling to
    sibling, repaired into an upper bound, which programmes in a window around it then bring nearer.
    Where there are few grid points, all of them are tried.
    """
    lattice = build_lattice(space, z, grid, shared, keep)
    search = _Search(lattice, rows, tuple(caps))
    points = all_points(lattice, tried)
    if points is None:
        search.run(limit)
    else:
        search.enumerate(points)
    if search.best is None:
        explain_rows(lattice, rows)
        if search.exhausted:
            raise InfeasibleError(search.sentence(grid))
        raise NotFoundError(search.sentence(grid))
    bound = min(search.bound, search.distance)
    return GridRounding(
        lattice.unit * search.best,
        search.best,
        search.distance,
        bound,
        bound >= search.distance - 1e-9,
        search.programmes,
    )


class _Search:
    """Outer approximation: solve, check, cut off, repair, solve again."""

    def __init__(self, lattice: Lattice, rows: Rows, caps: tuple[ShareCap, ...]) -> None:
        self.lattice, self.rows, self.caps = lattice, rows, caps
        self.best: IntArray | None = None
        self.distance, self.bound, self.programmes = np.inf, 0.0, 0
        self.exhausted = False
        self.closest: IntArray | None = None
        self.centre: IntArray | None = None
        self.least = np.inf
        self.cuts: list[Cut] = share_cuts(lattice, caps, lattice.target)
        self.moves = lattice.moves() if caps else np.zeros((0, len(lattice.unit)), dtype=np.int64)

    def over(self, steps: IntArray) -> FloatArray:
        """Return the largest violation of each grid point, (n,)."""
        found = violations(self.lattice, self.rows, self.caps, steps)
        return np.asarray(found.max(axis=1, initial=-np.inf), dtype=float)

    def enumerate(self, points: IntArray) -> None:
        """Take the first of all grid points, nearest first, that meets every demand."""
        for start in range(0, len(points), _CHUNK):
            part = points[start : start + _CHUNK]
            over = self.over(part)
            lowest = int(np.argmin(over))
            if over[lowest] < self.least:
                self.closest, self.least = part[lowest], float(over[lowest])
            fit = np.flatnonzero(over <= _MEETS)
            if len(fit):
                self.best = part[fit[0]]
                self.distance = self.bound = float(self.lattice.far(self.best))
                return
        self.exhausted = True

    def run(self, limit: int) -> None:
        """Tighten the bound until it meets the best point, or programmes run out."""
        lattice = self.lattice
        programmes = Programmes(lattice, self.rows, work=_WORK)
        radius = np.minimum(np.full(len(lattice.unit), 2), lattice.total)
        if self.caps:
            self._begin(programmes, radius)
        while self.programmes < limit and programmes.left > 0:
            complete = self.best is not None
            if complete:
                radius = radius_within(lattice, self.distance)
            found = self._solve(programmes, programmes.around(radius), self.cuts)
            if found.steps is None and found.finished:
                if complete:
                    self.bound = self.distance
                    return
                if (radius >= lattice.total).all():
                    self.exhausted = True
                    return
                radius = np.minimum(3 * radius, lattice.total)
                continue
            # Without an upper bound the window might hide something nearer.
            complete |= bool((radius_within(lattice, found.bound) <= radius).all())
            if complete:
                self.bound = max(self.bound, found.bound)
            if found.steps is not None:
                self.cuts += self._cuts_at(found.steps, 1e-4)
                self._learn(found.steps)
                self._descend(programmes)
            if not found.finished and self.best is None:
                return
            if complete and (not found.finished or self.bound >= self.distance - 1e-12):
                return

    def _solve(
        self, programmes: Programmes, window: tuple[IntArray, IntArray], cuts: Sequence[Cut]
    ) -> Found:
        self.programmes += 1
        return programmes.nearest(window, cuts)

    def _begin(self, programmes: Programmes, radius: IntArray) -> None:
        """Look for a good point: the grid weights nearest to the target but for the caps, repaired.

        Where they are broken by it, also those nearest to weights between the target and the ones
        deepest under the caps: caps that leave little room are met on the grid only there.
        """
        seeds = [self.lattice.target]
        for goal in seeds:
            near = Programmes(replace(self.lattice, target=goal), self.rows, work=programmes.left)
            plain = self._solve(near, near.around(radius), ())
            programmes.left = near.left
            if plain.steps is None:
                continue
            broken = self.over(plain.steps[None])[0] > _MEETS
            self._learn(plain.steps)
            if goal is self.lattice.target and broken:
                self.cuts += self._cuts_at(plain.steps, 1e-4)
                deep = deepest(self.lattice, self.rows, self.caps)
                if deep is not None:
                    seeds += [goal + share * (deep - goal) for share in (0.25, 0.5, 0.75, 1.0)]
        self._descend(programmes)
        if self.best is not None:
            self.cuts += self._cuts_at(self.best, 1e-4)

    def _descend(self, programmes: Programmes) -> None:
        """Replace the best point by the nearest one around it, until it is that itself.

        Cuts made at a point are exact there and nearly so a few steps around.
        """
        near = np.full(len(self.lattice.unit), _AROUND)
        cuts = list(self.cuts)
        while self.best is not None and self.best is not self.centre:
            self.centre = self.best
            cuts += self._cuts_at(self.best, 1e-2)
            window = programmes.around(near, self.best.astype(float))
            for _ in range(_TRIES):
                found = self._solve(programmes, window, cuts)
                if found.steps is None or found.bound >= self.distance - 1e-12:
                    break
                self._learn(found.steps)
                if self.best is not self.centre:
                    break
                cuts += self._cuts_at(found.steps, 1e-4)

    def _cuts_at(self, steps: IntArray, slack: float) -> list[Cut]:
        """Return the cuts at a point, of the caps that it breaks or meets with little room."""
        at = self.lattice.unit * steps
        return [c for c in share_cuts(self.lattice, self.caps, at) if c.value > -slack]

    def _learn(self, steps: IntArray) -> None:
        """Keep a point that meets every demand if it is the nearest; repair another into one."""
        if self.over(steps[None])[0] <= _MEETS:
            if (here := float(self.lattice.far(steps))) < self.distance:
                self.best, self.distance = steps, here
            return
        repaired = self._repair(steps)
        if repaired is None:
            return
        near = self._improve(repaired)
        if (here := float(self.lattice.far(near))) < self.distance:
            self.best, self.distance = near, here

    def _repair(self, steps: IntArray) -> IntArray | None:
        """Take steps that lower the sum of violations most, until there is none."""
        here = self._broken(steps[None])[0]
        for _ in range(100):
            self._note(steps)
            if here <= 0:
                return steps
            options = self._neighbours(steps)
            if len(options) == 0:
                return None
            broken = self._broken(options)
            at = int(np.argmin(broken + 1e-6 * self.lattice.far(options)))
            if broken[at] >= here:  # one step does not help: try two
                options = (options[:, None, :] + self.moves[None]).reshape(-1, len(steps))
                options = options[(options >= 0).all(axis=1)]
                broken = self._broken(options)
                at = int(np.argmin(broken + 1e-6 * self.lattice.far(options)))
                if broken[at] >= here:
                    return None
            steps, here = options[at], float(broken[at])
        return None

    def _improve(self, steps: IntArray) -> IntArray:
        """Take steps, one or two at a time, that come nearer and keep every demand."""
        for _ in range(100):
            one = self._neighbours(steps)
            two = (one[:, None, :] + self.moves[None]).reshape(-1, len(steps))
            options = np.concatenate([one, two])
            options = options[(options >= 0).all(axis=1)]
            far = self.lattice.far(options)
            order = np.argsort(far, kind="stable")
            order = order[far[order] < float(self.lattice.far(steps)) - 1e-12]
            for part in np.array_split(order, max(1, len(order) // 256)):
                fit = part[self.over(options[part]) <= _MEETS] if len(part) else part
                if len(fit):
                    steps = options[fit[0]]
                    break
            else:
                return steps
        return steps

    def _neighbours(self, steps: IntArray) -> IntArray:
        options = steps + self.moves
        return np.asarray(options[(options >= 0).all(axis=1)])

    def _broken(self, steps: IntArray) -> FloatArray:
        found = violations(self.lattice, self.rows, self.caps, steps)
        return np.asarray(np.where(found > _MEETS, found, 0.0).sum(axis=1), dtype=float)

    def _note(self, steps: IntArray) -> None:
        if (over := float(self.over(steps[None])[0])) < self.least:
            self.closest, self.least = steps, over

    def sentence(self, grid: float) -> Text:
        """Say that no grid weights keep the caps, how far that is proven, and what came closest."""
        closest: Text | str = ""
        if self.closest is not None:
            z = self.lattice.unit * self.closest
            over = [
                joined([label, f" {share:.4f} > {limit:.4f}"], "")
                for c in self.caps
                for label, share, limit in zip(c.labels, c.shares(z), c.caps, strict=True)
                if share > limit + _MEETS
            ]
            closest = message("adjustment.grid.closest", excess=self.least,
                              caps=joined(over, message("words.semicolon")))  # fmt: skip
        if self.exhausted:
            return message("adjustment.grid.caps", grid=grid, closest=closest)
        return message("adjustment.grid.unfound", grid=grid, programmes=self.programmes,
                       closest=closest)  # fmt: skip
