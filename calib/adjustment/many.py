"""One adjustment under many draws at once.

Draws differ in the enterprises' moments and in the starting weights, little enough that most of
them hold back the same constraints as the weights adjusted on all enterprises: a few Newton steps
on the optimality conditions find their answers from there. An interior-point search from several
starts, finished by the same steps, looks for those of the others. What it does not settle is left
to the search of :mod:`calib.adjustment.solve`, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.batch import Batch
from calib.adjustment.constraints import Rows
from calib.adjustment.interior_point import interior_point
from calib.adjustment.optimality import settle
from calib.adjustment.solve import demand_rows, spec_for
from calib.adjustment.variables import Space
from calib.outcomes.dominance.moments import Moments
from calib.rating.kernel import single_threaded_blas

__all__ = ["Found", "solve_many"]

_PENALTIES = (10.0, 1.0, 100.0)
"""Prices of exceeding the caps in searches from afar. What is dear is avoided first, and may lead
to other optima than what is cheap."""
_FEW, _TRIES = 4, 8
"""Random starts: of every draw, and where none led under the caps."""
_AT_ONCE = 100
"""Searches in one batch: more would not fit the processor's cache."""
_REACHED = 1e-6
"""Excess up to which a search may have reached the caps but for its own inaccuracy."""


@dataclass(frozen=True)
class Found:
    """What was found of one draw.

    Parameters
    ----------
    local : local weights by track, of those tracks that are solved
    unreached : whether no start led under the caps
    """

    local: dict[str, FloatArray] = field(default_factory=dict)
    unreached: bool = False


@single_threaded_blas()
def solve_many(
    spaces: Sequence[Space],
    spec: ResolvedRequest,
    moments: Sequence[Mapping[str, Moments]],
    near: Mapping[str, FloatArray],
) -> list[Found]:
    """Solve a request under many draws.

    Parameters
    ----------
    spaces : variables of each draw, from its starting weights
    spec : the request
    moments : of each draw, by track
    near : local weights by track from which the search starts, beside the starting weights

    Returns
    -------
    what was found of every draw: weights that meet the optimality conditions within 1e-9, or that
    no start led under the caps; neither where the search did not settle, and of a request that is
    not for the nearest weights in Euclidean distance
    """
    if spec.request.problem != "caps" or spec.request.distance != "euclidean" or not spaces:
        return [Found() for _ in spaces]
    parts = [list(spaces)]
    if len(spaces[0].blocks) > 1 and 1 not in spec.depths:  # nothing ties the tracks together
        parts = [list(p) for p in zip(*(s.parts for s in spaces), strict=True)]
    every = [b.track for b in spaces[0].blocks]
    solved = [
        _solve_part(p, spec_for(spec, [b.track for b in p[0].blocks], every), moments, near)
        for p in parts
    ]
    return [
        Found(
            {t: v for f in of_draw for t, v in f.local.items()}, any(f.unreached for f in of_draw)
        )
        for of_draw in zip(*solved, strict=True)
    ]


def _solve_part(
    spaces: Sequence[Space],
    spec: ResolvedRequest,
    moments: Sequence[Mapping[str, Moments]],
    near: Mapping[str, FloatArray],
) -> list[Found]:
    out = [Found() for _ in spaces]
    rows = _rows(spaces, spec, moments)
    tracks = [b.track.code for b in spaces[0].blocks]
    groups: dict[object, list[int]] = {}
    for i, (space, row) in enumerate(zip(spaces, rows, strict=True)):
        if "variance" not in spec.caps or all(moments[i][t].cov.any() for t in tracks):
            groups.setdefault((row.labels, space.equal.shape), []).append(i)
    for which in groups.values():
        own = [spaces[i] for i in which]
        batch = _gather(own, [rows[i] for i in which], spec, [moments[i] for i in which])
        warm = np.concatenate(
            [b.track.global_weights(near[b.track.code])[b.nodes] for b in own[0].blocks]
        )
        z, solved, unreached = _nearest(batch, np.tile(warm, (len(own), 1)))
        for k, i in enumerate(which):
            local = own[k].local_weights(z[k]) if solved[k] else {}
            out[i] = Found(local, bool(unreached[k]))
    return out


def _rows(
    spaces: Sequence[Space], spec: ResolvedRequest, moments: Sequence[Mapping[str, Moments]]
) -> list[Rows]:
    """Return the linear constraints of every draw; once where only the enterprises differ."""
    made: dict[object, Rows] = {}
    out = []
    for i, (space, m) in enumerate(zip(spaces, moments, strict=True)):
        key = (id(space), i if "contribution" in spec.caps else None)
        if key not in made:
            made[key] = demand_rows(space, spec, m)
        out.append(made[key])
    return out


def _gather(
    spaces: Sequence[Space],
    rows: Sequence[Rows],
    spec: ResolvedRequest,
    moments: Sequence[Mapping[str, Moments]],
) -> Batch:
    """Return draws that have the same constraints as arrays."""
    spans, cov, under = [], [], []
    if "variance" in spec.caps:
        for k, block in enumerate(spaces[0].blocks):
            track = block.track
            spans.append(block.span)
            cov.append(np.array([
                s.blocks[k].inside.T @ m[track.code].cov @ s.blocks[k].inside
                for s, m in zip(spaces, moments, strict=True)
            ]))  # fmt: skip
            under.append(np.array([block.cover(int(i)) for i in track.at_depth(spec.on)]))
    return Batch(
        np.array([s.start for s in spaces]),
        np.array([r.a for r in rows]),
        np.array([r.b for r in rows]),
        np.array([s.equal for s in spaces]),
        np.array([s.value for s in spaces]),
        tuple(spans), tuple(cov), tuple(under), spec.caps.get("variance", 1.0),
    )  # fmt: skip


def _nearest(batch: Batch, warm: FloatArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Find the nearest weights of every draw from several starts.

    Returns
    -------
    (B, q) weights; (B,) whether they meet the optimality conditions, of several such points the
    nearest; (B,) whether no start led under the caps
    """
    best = _Best(batch)
    every = np.arange(len(warm))
    for point in (batch.start, warm):
        best.take(every, *settle(batch, point))
    if batch.spans:
        random = list(_random_starts(batch))
        known = [(warm, 10.0), (batch.start, 10.0), (batch.start, 1.0)]
        left = np.flatnonzero(~best.solved)
        best.search(left, [*known, *random[:_FEW]])
        best.search(left[~best.reached[left]], random[_FEW:])
    unreached = ~(best.solved | best.reached) if batch.spans else np.zeros(len(warm), dtype=bool)
    return best.z, best.solved, unreached


class _Best:
    """The nearest weights found so far of every draw."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.z = batch.start.copy()
        self.distance = np.full(len(self.z), np.inf)
        self.reached = np.zeros(len(self.z), dtype=bool)

    @property
    def solved(self) -> BoolArray:
        """Which draws have an answer."""
        return np.asarray(np.isfinite(self.distance))

    def take(self, which: IntArray, z: FloatArray, solved: BoolArray) -> None:
        """Keep points that meet the conditions where they are the nearest so far."""
        far = np.sum((z - self.batch.start[which]) ** 2, axis=1)
        for k in np.flatnonzero(solved & (far < self.distance[which] - 1e-15)):
            if far[k] < self.distance[which[k]] - 1e-15:
                self.z[which[k]], self.distance[which[k]] = z[k], far[k]

    def search(self, left: IntArray, starts: Sequence[tuple[FloatArray, float]]) -> None:
        """Search for some draws from afar, and settle what comes under the caps."""
        which = np.tile(left, len(starts))
        point = np.concatenate([z[left] for z, _ in starts])
        penalty = np.repeat([p for _, p in starts], len(left))
        for at in range(0, len(which), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            self._search(which[part], point[part], penalty[part])

    def _search(self, which: IntArray, point: FloatArray, penalty: FloatArray) -> None:
        batch = self.batch.pick(which)
        inside = interior_point(batch, point, penalty)
        under = inside.above <= _REACHED
        if under.any():
            self.reached[which[under]] = True
            z, solved = settle(batch.pick(under), inside.z[under], inside.price[under])
            self.take(which[under], z, solved)


def _random_starts(batch: Batch) -> Iterator[tuple[FloatArray, float]]:
    """Draw weights, in turn around the starting ones and uniform, alike for any number of draws."""
    generator = np.random.default_rng(0)
    for i in range(_TRIES):
        factor = generator.exponential(size=batch.start.shape[1])
        z = batch.start * factor if i % 2 == 0 else np.tile(factor, (len(batch.start), 1))
        for span in batch.spans:
            z[:, span] /= z[:, span].sum(axis=1, keepdims=True)
        yield z, _PENALTIES[i % len(_PENALTIES)]
