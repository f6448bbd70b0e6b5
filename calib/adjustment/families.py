"""Targets for shares and correlations, family by family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.adjustment.correlations import correlation_target
from calib.adjustment.nearest import Certificate
from calib.adjustment.request import ResolvedRequest
from calib.adjustment.solution import Solution
from calib.adjustment.space import Space
from calib.adjustment.variance_budget import risk_budget
from calib.framework import Track
from calib.outcomes.dominance.moments import Moments, pool_moments
from calib.outcomes.dominance.shares import variance_share
from calib.words import Text, message

__all__ = [
    "ShareMiss",
    "budget_shares",
    "reach_correlations",
    "share_misses",
    "solve_by_family",
]

_Family = Callable[[Moments, FloatArray, FloatArray, str], tuple[FloatArray, float, list[Text]]]


def solve_by_family(
    space: Space, spec: ResolvedRequest, moments: Mapping[str, Moments], method: _Family
) -> Solution:
    """Solve a target family by family from the leaves up, or at once where everything moves.

    A family's target concerns the score of its parent: each child decides its share of the
    variance *within the parent*. Only where all levels of a single track move is the target one
    for the whole tree, as then leaf weights are free.
    """
    if _whole(space):
        block = space.blocks[0]
        m = moments[block.track.code].through(block.inside)
        codes = [block.track.codes[i] for i in block.nodes]
        target = _target(spec, codes, space.start[block.span])
        z, residual, said = method(m, target, space.start[block.span], block.track.code)
        meaning = message("adjustment.note.whole_tree")
        return Solution(space.local_weights(z), _certificate(residual), notes=(meaning, *said))
    local = {b.track.code: b.local.copy() for b in space.blocks}
    worst = 0.0
    notes: list[Text] = [message("adjustment.note.by_family")]
    for depth in sorted(space.depths, reverse=True):
        for tracks, parent in _families(space, depth):
            members = [_members(t, parent) for t in tracks]
            codes = [tracks[0].codes[i] for i in members[0]]
            if len(codes) < 2:
                continue
            parts = [
                moments[t.code].through(t.within(local[t.code], ids).T)
                for t, ids in zip(tracks, members, strict=True)
            ]
            start = local[tracks[0].code][members[0]]
            m = parts[0] if len(parts) == 1 else pool_moments(parts)
            where = f"{'+'.join(t.code for t in tracks)}/{parent or 'total'}"
            if not np.diag(m.cov).any():
                notes.append(message("adjustment.note.nothing_varies", where=where))
                continue
            w, residual, said = method(m, _target(spec, codes, start), start, where)
            worst = max(worst, residual)
            notes += said
            for t, ids in zip(tracks, members, strict=True):
                local[t.code][ids] = w
    return Solution(local, _certificate(worst), notes=tuple(notes))


def _whole(space: Space) -> bool:
    every = tuple(range(1, max(int(b.track.depth.max()) for b in space.blocks) + 1))
    return len(space.blocks) == 1 and space.depths == every


def _certificate(residual: float) -> Certificate | None:
    """Certify an answer; one that misses its target on the sample's own covariance has none."""
    return Certificate(residual, 0.0, 0.0, True) if np.isfinite(residual) else None


@dataclass(frozen=True)
class ShareMiss:
    """A variance share that is not its target, on the sample's own covariance.

    Parameters
    ----------
    where : tracks and parent of the family
    code : the node furthest from its target
    target, share : 0-1, the latter may be negative
    """

    where: str
    code: str
    target: float
    share: float

    def sentence(self) -> Text:
        """Say what is missed."""
        return message("adjustment.note.missed", where=self.where, code=self.code,
                       target=self.target, share=self.share)  # fmt: skip


def share_misses(
    space: Space,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    local: Mapping[str, FloatArray],
    tolerance: float = 1e-6,
) -> tuple[ShareMiss, ...]:
    """Compare variance shares with their targets, family by family, whatever way they were solved.

    Parameters
    ----------
    space : variables of the adjustment, from the starting weights
    spec : the request; nothing is missed unless it is for shares
    moments : of leaf scores, by track, of the sample
    local : final local weights by track
    tolerance : difference that counts as none

    Returns
    -------
    the furthest node of every family that misses, largest miss first
    """
    if spec.request.problem != "shares":
        return ()
    found = []
    for where, codes, start, g, m in _judged(space, moments, local):
        live = np.diag(m.cov) > 0
        if not live.any():
            continue
        target = np.where(live, _target(spec, codes, start), 0.0)
        target = target / target.sum()
        shares = variance_share(g, m).share
        worst = int(np.argmax(np.abs(shares - target)))
        if abs(shares[worst] - target[worst]) > tolerance:
            found.append(ShareMiss(where, codes[worst], float(target[worst]), float(shares[worst])))
    return tuple(sorted(found, key=lambda miss: -abs(miss.share - miss.target)))


def _judged(
    space: Space, moments: Mapping[str, Moments], local: Mapping[str, FloatArray]
) -> Iterator[tuple[str, list[str], FloatArray, FloatArray, Moments]]:
    """Yield name, codes, starting weights, final weights and moments of what has a target."""
    if _whole(space):
        block = space.blocks[0]
        t = block.track
        yield (
            t.code, [t.codes[i] for i in block.nodes], space.start[block.span],
            t.global_weights(local[t.code])[block.nodes], moments[t.code].through(block.inside),
        )  # fmt: skip
        return
    starts = {b.track.code: b.local for b in space.blocks}
    for depth in space.depths:
        for tracks, parent in _families(space, depth):
            members = [_members(t, parent) for t in tracks]
            if len(members[0]) < 2:
                continue
            parts = [
                moments[t.code].through(t.within(local[t.code], ids).T)
                for t, ids in zip(tracks, members, strict=True)
            ]
            first = tracks[0]
            yield (
                f"{'+'.join(t.code for t in tracks)}/{parent or 'total'}",
                [first.codes[i] for i in members[0]],
                starts[first.code][members[0]],
                local[first.code][members[0]],
                parts[0] if len(parts) == 1 else pool_moments(parts),
            )


def _families(space: Space, depth: int) -> list[tuple[list[Track], str]]:
    """Return families at a depth; the tracks' first level, which they share, is one family."""
    trees = [b.track for b in space.blocks]
    if depth == 1:
        tops = [tuple(t.codes[i] for i in t.families[0].members) for t in trees]
        if len(set(tops)) == 1:
            return [(trees, "")]
    return [
        ([t], f.parent) for t in trees for f in t.families if int(t.depth[f.members[0]]) == depth
    ]


def _members(track: Track, parent: str) -> list[int]:
    return [int(i) for f in track.families if f.parent == parent for i in f.members]


def _target(spec: ResolvedRequest, codes: Sequence[str], start: FloatArray) -> FloatArray:
    if spec.request.target == "equal":
        return np.ones(len(codes))
    if isinstance(spec.request.target, str):
        return np.maximum(start, 1e-6)
    return np.array([spec.request.target.get(c, 1.0) for c in codes], dtype=float)


def budget_shares(
    m: Moments, target: FloatArray, start: FloatArray, where: str
) -> tuple[FloatArray, float, list[Text]]:
    """Return the weights of a family with given variance shares, their residual, and notes."""
    found = risk_budget(m, target, start=start)
    notes: list[Text] = []
    if found.shrinkage:
        notes.append(message("adjustment.note.shrunk", where=where, shrinkage=found.shrinkage))
    if found.kept.any():
        notes.append(message("adjustment.note.kept", where=where, n=int(found.kept.sum())))
    # A residual of the shrunken problem would certify what was not asked for.
    residual = found.residual if found.miss < 1e-8 else float("inf")
    return found.g, residual, notes


def reach_correlations(
    m: Moments, target: FloatArray, start: FloatArray, where: str
) -> tuple[FloatArray, float, list[Text]]:
    """Return the weights of a family nearest to given correlations, their residual, and notes."""
    found = correlation_target(m, target)
    if found.met:
        return found.g, found.residual, []
    said = message("adjustment.note.unmet", where=where, reason=found.reason)
    return found.g, found.residual, [said]
