"""From a request, weights and moments to adjusted weights: the problems on one tree or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment.correlations import correlation_target
from calib.adjustment.demands import (
    bound_rows,
    contribution_rows,
    group_rows,
    order_rows,
    positive_rows,
    weight_cap_rows,
)
from calib.adjustment.moments import Moments, pool_moments
from calib.adjustment.nearest import Certificate, nearest_weights
from calib.adjustment.rows import Rows, stack_rows
from calib.adjustment.share_cap import ShareCap
from calib.adjustment.space import Space, build_space
from calib.adjustment.spec import AdjustSpec
from calib.adjustment.star_fit import StarFit, StarTask, fit_stars
from calib.adjustment.variance_budget import risk_budget
from calib.adjustment.variance_cap import nearest_under_share_cap
from calib.errors import InfeasibleError, InputError
from calib.framework import Track

__all__ = ["Solution", "demand_rows", "share_caps", "solve", "spec_for"]


@dataclass(frozen=True)
class Solution:
    """Adjusted local weights with what proves and prices them.

    Parameters
    ----------
    local : (m,) by track
    certificate : Karush-Kuhn-Tucker residuals, or None where the problem has none (stars)
    prices : (demand, shadow price, slack) of every demand with a price or without slack
    optima : objectives of distinct local optima (variance caps), best first
    starts, converged : starts tried and converged (variance caps)
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
    notes: tuple[str, ...] = ()


def demand_rows(space: Space, spec: AdjustSpec, moments: Mapping[str, Moments]) -> Rows:
    """Return every linear demand of a request, z >= 0 first."""
    parts = [positive_rows(space)]
    if "weight" in spec.caps:
        parts.append(weight_cap_rows(space, spec.caps["weight"], spec.on))
    if "contribution" in spec.caps:
        parts.append(contribution_rows(space, moments, spec.caps["contribution"], spec.on))
    if spec.bounds is not None:
        parts.append(bound_rows(space, spec.bounds))
    if spec.groups:
        parts.append(group_rows(space, spec.groups))
    if spec.keep_order:
        parts.append(order_rows(space))
    return stack_rows(parts)


def share_caps(
    space: Space, cap: float, depth: int, moments: Mapping[str, Moments]
) -> list[ShareCap]:
    """Return the caps on variance shares of the nodes at a depth, by track.

    Notes
    -----
    The numerator of node v's share is z' F_v z with F_v the symmetric part of G' D_v Σ G, where
    G maps variables to leaf weights and D_v picks the leaves under v.
    """
    out = []
    for block in space.blocks:
        m = moments[block.track.code]
        nodes = block.track.at_depth(depth)
        under = block.track.membership(nodes).astype(float)
        q = space.size
        cov = np.zeros((q, q))
        cov[block.span, block.span] = block.inside.T @ m.cov @ block.inside
        right = m.cov @ block.inside
        forms = np.zeros((len(nodes), q, q))
        part = np.einsum("vl,la,lb->vab", under, block.inside, right, optimize=True)
        forms[:, block.span, block.span] = 0.5 * (part + part.transpose(0, 2, 1))
        labels = tuple(
            f"{block.track.code}/{block.track.codes[i]}: variance share ≤ {cap:g}" for i in nodes
        )
        out.append(ShareCap(forms, cov, np.full(len(nodes), cap), labels))
    return out


def solve(
    space: Space,
    spec: AdjustSpec,
    moments: Mapping[str, Moments],
    *,
    tasks: Sequence[StarTask] = (),
    extra_starts: Sequence[FloatArray] = (),
    rng: Seed = None,
) -> Solution:
    """Solve a request.

    Parameters
    ----------
    space : variables (from the starting weights)
    spec : the request
    moments : of leaf scores, by track
    tasks : stars sought (problem stars)
    extra_starts : further starting points for variance caps
    rng : seed or generator

    Returns
    -------
    Solution

    Raises
    ------
    InfeasibleError
        With the demands that stand in the way.
    """
    if len(space.blocks) > 1 and 1 not in space.depths and spec.problem in ("caps", "stars"):
        return _track_by_track(space, spec, moments, tasks, rng)
    if spec.problem == "shares":
        return _by_family(space, spec, moments, _budget)
    if spec.problem == "correlations":
        return _by_family(space, spec, moments, _correlate)
    _check_floor(space, spec)
    rows = demand_rows(space, spec, moments)
    if spec.problem == "stars":
        fit = fit_stars(space.start, rows, space.equal, space.value, tasks)
        return Solution(space.local_weights(fit.z), None, stars=fit)
    if "variance" not in spec.caps:
        near = nearest_weights(space.start, rows, space.equal, space.value, distance=spec.distance)
        prices = _priced(rows.labels, near.prices(rows), rows.slack(near.z))
        return Solution(space.local_weights(near.z), near.certificate, prices)
    caps = share_caps(space, spec.caps["variance"], spec.on, moments)
    flat = [
        b.track.code
        for b, c in zip(space.blocks, caps, strict=True)
        if float(space.start @ c.cov @ space.start) <= 0
    ]
    caps = [c for b, c in zip(space.blocks, caps, strict=True) if b.track.code not in flat]
    notes = tuple(
        f"{t}: the total does not vary; variance shares are 0 and cap nothing" for t in flat
    )
    if not caps:
        near = nearest_weights(space.start, rows, space.equal, space.value)
        prices = _priced(rows.labels, near.prices(rows), rows.slack(near.z))
        return Solution(space.local_weights(near.z), near.certificate, prices, notes=notes)
    equal = equal_share_start(space, moments)
    starts = [*extra_starts, *([equal] if equal is not None else [])]
    found = nearest_under_share_cap(
        space.start, rows, space.equal, space.value, caps,
        starts=starts, random_starts=spec.starts, rng=rng,
    )  # fmt: skip
    relief = rows.relief @ np.append(found.z, 1.0)
    excess = np.concatenate([c.caps - c.shares(found.z) for c in caps])
    prices = _priced(rows.labels, found.row_prices * relief, rows.slack(found.z))
    prices += _priced(found.cap_labels, found.cap_prices, excess)
    return Solution(
        space.local_weights(found.z), found.certificate, prices, found.optima, found.starts,
        found.converged, notes=notes,
    )  # fmt: skip


def _track_by_track(
    space: Space,
    spec: AdjustSpec,
    moments: Mapping[str, Moments],
    tasks: Sequence[StarTask],
    rng: Seed,
) -> Solution:
    """Solve tracks one at a time: with pillar weights fixed, nothing ties them together."""
    generator = np.random.default_rng(rng)
    parts: list[Solution] = []
    for number, block in enumerate(space.blocks):
        t = block.track.code
        own = build_space({t: block.track}, {t: block.local}, space.depths)
        mine = [StarTask(own.blocks[0], tasks[number].model, tasks[number].star)] if tasks else []
        mine = [k for k in mine if (k.star >= 0).any()]
        if tasks and not mine:
            parts.append(Solution({t: block.local.copy()}, None))
            continue
        known = spec_for(spec, [block.track], [b.track for b in space.blocks])
        parts.append(solve(own, known, moments, tasks=mine, rng=generator))
    sums = [0.0]
    for p in parts:
        sums = sorted(a + b for a in sums for b in (p.optima or (0.0,)))[:20]
    return Solution(
        {t: v for p in parts for t, v in p.local.items()},
        _worst([p.certificate for p in parts if p.certificate is not None]),
        tuple(row for p in parts for row in p.prices),
        tuple(sums) if any(p.optima for p in parts) else (),
        max(p.starts for p in parts),
        min((p.converged for p in parts if p.optima), default=0),
        _joined([p.stars for p in parts if p.stars is not None]),
        tuple(note for p in parts for note in p.notes),
    )


def spec_for(spec: AdjustSpec, tracks: Sequence[Track], every: Sequence[Track]) -> AdjustSpec:
    """Keep the bounds and groups that concern some tracks; names unknown to all still fail."""
    here = {c for t in tracks for c in t.codes}
    others = {c for t in every for c in t.codes} - here
    bounds = spec.bounds
    if isinstance(bounds, Mapping):
        bounds = {c: v for c, v in bounds.items() if c not in others}
    groups = {k: v for k, v in spec.groups.items() if not any(c in others for c in v[0])}
    return replace(spec, bounds=bounds, groups=groups)


def _worst(found: Sequence[Certificate]) -> Certificate | None:
    if not found:
        return None
    return Certificate(
        max(c.stationarity for c in found),
        max(c.violation for c in found),
        max(c.complementarity for c in found),
        all(c.unique for c in found),
    )


def _joined(fits: Sequence[StarFit]) -> StarFit | None:
    if not fits:
        return None
    part = [f.method for f in fits if "part" in f.method]
    return StarFit(
        np.concatenate([f.z for f in fits]),
        sum(f.missed for f in fits),
        sum(f.bound for f in fits),
        all(f.proven for f in fits),
        part[0] if part else fits[0].method,
        sum(f.programmes for f in fits),
        sum(f.used for f in fits),
    )


def _check_floor(space: Space, spec: AdjustSpec) -> None:
    """Refuse caps below 1/L: shares that sum to 1 over L nodes cannot all be under them."""
    for block in space.blocks:
        count = len(block.track.at_depth(spec.on))
        for measure, cap in spec.caps.items():
            if cap * count < 1.0 - 1e-12:
                msg = (
                    f"a {measure} cap of {cap:g} is below 1/{count} = {1 / count:.4f}: shares of "
                    f"the {count} nodes of track {block.track.code} sum to 1, so one of them is "
                    "above it whatever the weights"
                )
                raise InfeasibleError(msg)


def _priced(
    labels: Sequence[str], price: FloatArray, slack: FloatArray
) -> tuple[tuple[str, float, float], ...]:
    return tuple(
        (label, float(p), float(s))
        for label, p, s in zip(labels, price, slack, strict=True)
        if abs(p) > 1e-12 or s < 1e-9
    )


def equal_share_start(space: Space, moments: Mapping[str, Moments]) -> FloatArray | None:
    """Return variables with equal variance shares in every track: feasible for any cap >= 1/L."""
    z = np.array(space.start)
    for block in space.blocks:
        m = moments[block.track.code].through(block.inside)
        if not np.diag(m.cov).any():
            continue
        try:
            found = risk_budget(m, np.ones(len(block.nodes)), start=space.start[block.span])
        except InputError:
            return None
        z[block.span] = found.g
    return z


_Family = Callable[[Moments, FloatArray, FloatArray, str], tuple[FloatArray, float, list[str]]]


def _by_family(
    space: Space, spec: AdjustSpec, moments: Mapping[str, Moments], method: _Family
) -> Solution:
    """Solve a target family by family from the leaves up, or at once where everything moves.

    A family's target concerns the score of its parent: each child decides its share of the
    variance *within the parent*. Only where all levels of a single track move is the target one
    for the whole tree, as then leaf weights are free.
    """
    every = tuple(range(1, max(int(b.track.depth.max()) for b in space.blocks) + 1))
    if len(space.blocks) == 1 and space.depths == every:
        block = space.blocks[0]
        m = moments[block.track.code].through(block.inside)
        codes = [block.track.codes[i] for i in block.nodes]
        target = _target(spec, codes, space.start[block.span])
        z, residual, notes = method(m, target, space.start[block.span], block.track.code)
        return Solution(
            space.local_weights(z), Certificate(residual, 0.0, 0.0, True), notes=tuple(notes)
        )
    local = {b.track.code: b.local.copy() for b in space.blocks}
    worst, notes = 0.0, []
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
                notes.append(f"{where}: nothing varies; local weights stay")
                continue
            w, residual, said = method(m, _target(spec, codes, start), start, where)
            worst = max(worst, residual)
            notes += said
            for t, ids in zip(tracks, members, strict=True):
                local[t.code][ids] = w
    return Solution(local, Certificate(worst, 0.0, 0.0, True), notes=tuple(notes))


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


def _target(spec: AdjustSpec, codes: Sequence[str], start: FloatArray) -> FloatArray:
    if spec.target == "equal":
        return np.ones(len(codes))
    if isinstance(spec.target, str):
        return np.maximum(start, 1e-6)
    return np.array([spec.target.get(c, 1.0) for c in codes], dtype=float)


def _budget(
    m: Moments, target: FloatArray, start: FloatArray, where: str
) -> tuple[FloatArray, float, list[str]]:
    found = risk_budget(m, target, start=start)
    notes = []
    if found.shrinkage:
        notes.append(
            f"{where}: covariances shrunk by {found.shrinkage:.3f}, as some combination of "
            "indicators does not vary at all"
        )
    if found.kept.any():
        notes.append(f"{where}: {int(found.kept.sum())} nodes without variance keep their weight")
    return found.g, found.residual, notes


def _correlate(
    m: Moments, target: FloatArray, start: FloatArray, where: str
) -> tuple[FloatArray, float, list[str]]:
    found = correlation_target(m, target)
    if found.met:
        return found.g, found.residual, []
    return (
        found.g,
        found.residual,
        [
            f"{where}: the target correlations cannot be met, {found.reason}; these are the "
            "nearest feasible weights"
        ],
    )
