"""Problem D and targets for shares, family by family, with what a solver hands back.

Problem D asks for weights under which indicators have given correlations with the total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.nearest import Certificate
from calib.adjustment.risk_budgeting import risk_budget
from calib.adjustment.star_fit import StarFit
from calib.adjustment.variables import Space
from calib.errors import InputError
from calib.framework import Track
from calib.outcomes.dominance.moments import (
    Moments,
    correlation_with_total,
    pool_moments,
    variance_share,
)
from calib.words import Text, joined, message

__all__ = [
    "CorrelationTarget",
    "ShareMiss",
    "Solution",
    "budget_shares",
    "correlation_target",
    "priced",
    "reach_correlations",
    "share_misses",
    "solve_by_family",
    "worst_certificate",
]


@dataclass(frozen=True)
class Solution:
    """Adjusted local weights with what proves and prices them.

    Parameters
    ----------
    local : (m,) by track
    certificate : Karush-Kuhn-Tucker residuals, or None where the problem has none (stars)
    prices : (demand, shadow price, slack) of every demand with a price or without slack
    optima : objectives of distinct local optima (variance caps), best first
    starts, converged : starts tried, and those of them that ended in an optimum (variance caps)
    stars : outcome of the integer programme (stars)
    notes : what was done to the data or could not be met
    """

    local: dict[str, FloatArray]
    certificate: Certificate | None
    prices: tuple[tuple[str, float, float], ...] = ()
    optima: tuple[float, ...] = ()
    starts: int = 0
    converged: int = 0
    stars: StarFit | None = None
    notes: tuple[Text, ...] = ()

    def search(self) -> Text:
        """Say how the answer is known to be an optimum, and of how many."""
        cert = self.certificate
        if cert is None:
            return message("adjustment.search.none")
        if cert.unique:
            return message("adjustment.search.unique", residual=cert.residual)
        return message("adjustment.search.local", residual=cert.residual, starts=self.starts,
                       converged=self.converged, n=len(self.optima))  # fmt: skip


def worst_certificate(found: Sequence[Certificate]) -> Certificate | None:
    """Return the largest residuals of several; None for none."""
    if not found:
        return None
    return Certificate(
        max(c.stationarity for c in found),
        max(c.violation for c in found),
        max(c.complementarity for c in found),
        all(c.unique for c in found),
    )


def priced(
    labels: Sequence[str], price: FloatArray, slack: FloatArray
) -> tuple[tuple[str, float, float], ...]:
    """Keep the demands that have a price or no slack, as (demand, price, slack)."""
    return tuple(
        (label, float(p), float(s))
        for label, p, s in zip(labels, price, slack, strict=True)
        if abs(p) > 1e-12 or s < 1e-9
    )


@dataclass(frozen=True, slots=True)
class CorrelationTarget:
    """Weights for target correlations, and whether they exist.

    Parameters
    ----------
    exact : (L,) the closed form; sums to 1, may have negative entries
    met : bool
        Whether ``exact`` has no negative entry and reaches the targets: then it is the answer.
    g : (L,) the answer, or the feasible weights, >= 0, whose covariances with the total are nearest
        to the target in the metric Σ⁻¹
    achieved : (L,) correlations with the total under ``g``
    residual : float
        KKT residual of ``g`` in min ½y'Σy - v'y, y >= 0 (in standardised scores).
    reason : text
        Why the target cannot be met; empty when it is.
    """

    exact: FloatArray
    met: bool
    g: FloatArray
    achieved: FloatArray
    residual: float
    reason: Text


def correlation_target(m: Moments, target: FloatArray) -> CorrelationTarget:
    """Find the weights whose correlations with the total are in proportion to a target.

    Parameters
    ----------
    m : moments of the scores
    target : (L,) correlations sought, up to a common factor (which data decide)

    Returns
    -------
    CorrelationTarget

    Notes
    -----
    Cov(x, T) = Σg must be in proportion to v, v_l = z_l σ_l, hence g* = Σ⁻¹v / (1'Σ⁻¹v) is the
    only candidate: a negative entry certifies that no weights >= 0 meet the target. The nearest
    feasible weights minimise ½y'Σy - v'y over y >= 0, that is the distance of Σy from v in the
    metric Σ⁻¹; they are the candidate itself where it is feasible. A singular Σ is handled by
    the pseudo-inverse; a target outside its range is said to be unreachable.
    """
    from scipy.optimize import nnls

    target = np.asarray(target, dtype=float)
    scale = np.sqrt(np.maximum(np.diag(m.cov), 0.0))
    live = scale > 0
    if not live.any():
        raise InputError(message("adjustment.fault.nothing_varies_correlations"))
    if not (np.isfinite(target).all() and (target[live] != 0).any()):
        raise InputError(message("adjustment.fault.correlations"))
    corr = m.cov[np.ix_(live, live)] / np.outer(scale[live], scale[live])
    z = target[live]
    values, vectors = np.linalg.eigh(corr)
    keep = values > 1e-10 * values[-1]
    part = vectors[:, keep].T @ z
    raw = vectors[:, keep] @ (part / values[keep])
    missed = float(np.abs(corr @ raw - z).max())
    reason: list[Text] = []
    if missed > 1e-8 * np.abs(z).max():
        reason.append(message("adjustment.correlation.dependent", missed=missed))
    exact = np.zeros(len(target))
    exact[live] = raw / scale[live]
    total = exact.sum()
    if (target[~live] != 0).any():
        reason.append(message("adjustment.correlation.constant"))
    if total <= 1e-12 * np.abs(exact).sum():
        reason.append(message("adjustment.correlation.sum"))
    else:
        exact = exact / total
    if exact.min() < -1e-12:
        worst = int(np.argmin(exact))
        reason.append(message("adjustment.correlation.negative", weight=float(exact[worst]),
                              position=worst))  # fmt: skip
    root = np.sqrt(values[keep])[:, None] * vectors[:, keep].T
    y, _ = nnls(root, part / np.sqrt(values[keep]))
    if y.sum() <= 0:
        raise InputError(message("adjustment.correlation.wrong_sign"))
    gradient = corr @ y - (vectors[:, keep] @ part)
    residual = float(max(np.abs(np.where(y > 0, gradient, np.minimum(gradient, 0.0))).max(), 0.0))
    g = np.zeros(len(target))
    g[live] = y / scale[live]
    g = g / g.sum()
    met = not reason
    if met:
        g = np.maximum(exact, 0.0) / np.maximum(exact, 0.0).sum()
    return CorrelationTarget(
        exact, met, g, correlation_with_total(g, m), residual,
        joined(reason, message("words.semicolon")),
    )  # fmt: skip


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
