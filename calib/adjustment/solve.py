"""From a request, weights and moments to adjusted weights: the problems on one tree or several.

Adjusted weights are rounded to a grid level by level from the top, under the same constraints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.constraint_names import constraint_name
from calib.adjustment.constraint_rows import (
    bound_rows,
    contribution_rows,
    group_rows,
    order_rows,
    positive_rows,
    relative_floor_rows,
    weight_cap_rows,
)
from calib.adjustment.constraints import Rows, stack_rows
from calib.adjustment.families import (
    Solution,
    budget_shares,
    priced,
    reach_correlations,
    solve_by_family,
    worst_certificate,
)
from calib.adjustment.nearest import nearest_weights
from calib.adjustment.risk_budgeting import risk_budget
from calib.adjustment.star_fit import StarFit, StarTask, fit_stars
from calib.adjustment.variables import Space
from calib.adjustment.variance_caps import nearest_under_share_cap
from calib.adjustment.variance_search import ShareCap
from calib.errors import InfeasibleError, InputError
from calib.framework import Track
from calib.outcomes.dominance.moments import Moments
from calib.rating.kernel import single_threaded_blas
from calib.words import message

__all__ = ["Solution", "demand_rows", "share_caps", "solve", "spec_for"]


def demand_rows(space: Space, spec: ResolvedRequest, moments: Mapping[str, Moments]) -> Rows:
    """Return every linear demand of a request, z >= 0 first."""
    parts = [positive_rows(space)]
    if "weight" in spec.caps:
        parts.append(weight_cap_rows(space, spec.caps["weight"], spec.on))
    if "contribution" in spec.caps:
        parts.append(contribution_rows(space, moments, spec.caps["contribution"], spec.on))
    parts += [bound_rows(space, bounds) for bounds in spec.bounds]
    if spec.groups:
        parts.append(group_rows(space, spec.groups))
    if spec.least:
        parts.append(relative_floor_rows(space, spec.least, spec.origin))
    if spec.keep_order:
        parts.append(order_rows(space, spec.origin))
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
        labels = tuple(constraint_name("variance", where=block.names[i], cap=cap) for i in nodes)
        out.append(ShareCap(forms, cov, np.full(len(nodes), cap), labels))
    return out


def solve(
    space: Space,
    spec: ResolvedRequest,
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
        With the demands that stand in the way, where it is proven that no weights meet them.
    NotFoundError
        No weights under variance caps were found; nothing proves that there are none.
    """
    import scipy.linalg  # noqa: F401  (brings a BLAS of its own, to be limited too)

    with single_threaded_blas():
        return _solve(space, spec, moments, tasks, extra_starts, rng)


def _solve(
    space: Space,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    tasks: Sequence[StarTask],
    extra_starts: Sequence[FloatArray],
    rng: Seed,
) -> Solution:
    if (
        len(space.blocks) > 1
        and 1 not in space.depths
        and spec.request.problem in ("caps", "stars")
    ):
        return _track_by_track(space, spec, moments, tasks, extra_starts, rng)
    if spec.request.problem == "shares":
        return solve_by_family(space, spec, moments, budget_shares)
    if spec.request.problem == "correlations":
        return solve_by_family(space, spec, moments, reach_correlations)
    _check_least_cap(space, spec, moments)
    rows = demand_rows(space, spec, moments)
    if spec.request.problem == "stars":
        fit = fit_stars(space.start, rows, space.equal, space.value, tasks)
        return Solution(space.local_weights(fit.z), None, stars=fit)
    if "variance" not in spec.caps:
        near = nearest_weights(
            space.start, rows, space.equal, space.value, distance=spec.request.distance,
            explain=not spec.brief,
        )  # fmt: skip
        prices = priced(rows.labels, near.prices(rows), rows.slack(near.z))
        return Solution(space.local_weights(near.z), near.certificate, prices)
    caps = share_caps(space, spec.caps["variance"], spec.on, moments)
    flat = [
        b.track.code
        for b, c in zip(space.blocks, caps, strict=True)
        if float(space.start @ c.cov @ space.start) <= 0
    ]
    caps = [c for b, c in zip(space.blocks, caps, strict=True) if b.track.code not in flat]
    notes = tuple(message("adjustment.note.flat", track=t) for t in flat)
    if not caps:
        near = nearest_weights(space.start, rows, space.equal, space.value)
        prices = priced(rows.labels, near.prices(rows), rows.slack(near.z))
        return Solution(space.local_weights(near.z), near.certificate, prices, notes=notes)
    equal = equal_share_start(space, moments)
    starts = [*extra_starts, *([equal] if equal is not None else [])]
    found = nearest_under_share_cap(
        space.start, rows, space.equal, space.value, caps,
        starts=starts, random_starts=spec.request.starts, rng=rng,
        brief=spec.brief,
    )  # fmt: skip
    relief = rows.relief @ np.append(found.z, 1.0)
    excess = np.concatenate([c.caps - c.shares(found.z) for c in caps])
    prices = priced(rows.labels, found.row_prices * relief, rows.slack(found.z))
    prices += priced(found.cap_labels, found.cap_prices, excess)
    return Solution(
        space.local_weights(found.z), found.certificate, prices, found.optima, found.starts,
        found.converged, notes=notes,
    )  # fmt: skip


def _track_by_track(
    space: Space,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    tasks: Sequence[StarTask],
    extra_starts: Sequence[FloatArray],
    rng: Seed,
) -> Solution:
    """Solve tracks one at a time: with pillar weights fixed, nothing ties them together."""
    generator = np.random.default_rng(rng)
    parts: list[Solution] = []
    for number, block in enumerate(space.blocks):
        t = block.track.code
        own = space.parts[number]
        mine = [StarTask(own.blocks[0], tasks[number].model, tasks[number].star)] if tasks else []
        mine = [k for k in mine if (k.star >= 0).any()]
        if tasks and not mine:
            parts.append(Solution({t: block.local.copy()}, None))
            continue
        known = spec_for(spec, [block.track], [b.track for b in space.blocks])
        starts = [z[block.span] for z in extra_starts]
        parts.append(_solve(own, known, moments, mine, starts, generator))
    sums = [0.0]
    for p in parts:
        sums = sorted(a + b for a in sums for b in (p.optima or (0.0,)))[:20]
    return Solution(
        {t: v for p in parts for t, v in p.local.items()},
        worst_certificate([p.certificate for p in parts if p.certificate is not None]),
        tuple(row for p in parts for row in p.prices),
        tuple(sums) if any(p.optima for p in parts) else (),
        sum(p.starts for p in parts),
        sum(p.converged for p in parts),
        _joined([p.stars for p in parts if p.stars is not None]),
        tuple(note for p in parts for note in p.notes),
    )


def spec_for(
    spec: ResolvedRequest, tracks: Sequence[Track], every: Sequence[Track]
) -> ResolvedRequest:
    """Keep the bounds and groups that concern some tracks; names unknown to all still fail."""
    here = {c for t in tracks for c in t.codes}
    others = {c for t in every for c in t.codes} - here
    bounds = tuple(
        {c: v for c, v in b.items() if c not in others} if isinstance(b, Mapping) else b
        for b in spec.bounds
    )
    groups = {k: v for k, v in spec.groups.items() if not any(c in others for c in v[0])}
    return replace(spec, bounds=bounds, groups=groups)


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


def _check_least_cap(space: Space, spec: ResolvedRequest, moments: Mapping[str, Moments]) -> None:
    """Refuse caps below 1/L: shares that sum to 1 over L nodes cannot all be under them."""
    for block in space.blocks:
        count = len(block.track.at_depth(spec.on))
        for measure, cap in spec.caps.items():
            if measure == "variance" and not moments[block.track.code].cov.any():
                continue  # nothing varies: all shares are 0
            if cap * count < 1.0 - 1e-12:
                raise InfeasibleError(
                    message("adjustment.fault.below", cap=cap,
                            measure=message(f"adjustment.measure.{measure}"),
                            count=count, least=1 / count, track=block.track.name)
                )  # fmt: skip


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
