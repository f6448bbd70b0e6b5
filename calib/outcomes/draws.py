"""Drawing weights: uncertainty stated family by family, sampled without bias.

Uniform means uniform on the simplex (a flat Dirichlet), which independent uniforms divided by
their sum are not. Intervals and orders are sampled uniformly on what is left of the simplex.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from calib._types import FloatArray, Seed
from calib.errors import InfeasibleError, InputError, did_you_mean
from calib.framework import Framework
from calib.requests import Request
from calib.words import message

__all__ = ["FamilyRule", "draw_family", "draw_weights", "simplex_from_uniform"]

Kind = Literal["fixed", "uniform", "dirichlet", "interval"]

MAX_ROUNDS = 2000


class FamilyRule(Request):
    """How the local weights of one family vary."""

    kind: Kind = Field(
        "uniform",
        description="fixed at the centre; uniform on the simplex; dirichlet around the centre; "
        "interval: uniform within bounds",
    )
    concentration: Annotated[float, Field(gt=0)] = Field(
        50.0,
        description="of the Dirichlet: parameters are this times the centre, so that a weight w "
        "has variance w (1 - w) / (concentration + 1)",
    )
    within: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="half width of the intervals around the centre, in weight"
    )
    bounds: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="low and high by code, in place of or beside within"
    )
    order: tuple[str, ...] = Field(
        default=(), description="codes of siblings, the heaviest first; those not named are free"
    )

    @model_validator(mode="after")
    def _no_idle_keys(self) -> FamilyRule:
        used = {"interval": {"within", "bounds", "order"}, "dirichlet": {"concentration", "order"},
                "uniform": {"order"}, "fixed": set()}[self.kind]  # fmt: skip
        idle = sorted(self.model_fields_set - used - {"kind"})
        if idle:
            raise ValueError(str(message("outcomes.draws.idle", kind=repr(self.kind), keys=idle)))
        if self.kind == "interval" and self.within is None and not self.bounds:
            raise ValueError(str(message("outcomes.draws.no_interval")))
        return self


def simplex_from_uniform(u: FloatArray) -> FloatArray:
    """Map the unit cube to the simplex so that uniform goes to uniform.

    Parameters
    ----------
    u : (k, d-1) in [0, 1)

    Returns
    -------
    (k, d) weights, rows summing to 1

    Notes
    -----
    Breaking the stick: each part takes a Beta(1, rest) share of what is left, by inversion, so a
    quasi-random point set keeps its evenness.
    """
    k, d = u.shape[0], u.shape[1] + 1
    out = np.empty((k, d))
    left = np.ones(k)
    for j in range(d - 1):
        out[:, j] = left * (1 - (1 - u[:, j]) ** (1 / (d - 1 - j)))
        left = left - out[:, j]
    out[:, -1] = np.maximum(left, 0.0)
    return out


def draw_family(
    rule: FamilyRule,
    codes: Sequence[str],
    centre: FloatArray,
    size: int,
    rng: np.random.Generator,
    points: FloatArray | None = None,
) -> FloatArray:
    """Draw the local weights of one family.

    Parameters
    ----------
    codes : (d) siblings
    centre : (d,) weights around which a Dirichlet or interval is centred
    points : (size, d-1) quasi-random points, used for the kinds uniform and dirichlet

    Returns
    -------
    (size, d), rows summing to 1

    Raises
    ------
    InputError
        For bounds or orders that name an unknown sibling.
    InfeasibleError
        When no weights meet bounds and order together.
    """
    d = len(codes)
    if rule.kind == "fixed" or d == 1:
        return np.tile(centre, (size, 1))
    for code in (*rule.bounds, *rule.order):
        if code not in codes:
            hint = did_you_mean(code, codes)
            raise InputError(
                message("outcomes.draws.no_sibling", code=code, codes=list(codes), hint=hint)
            )
    if rule.kind == "interval":
        low, high = _box(rule, codes, centre)
        return _accepted(lambda k: _in_box(low, high, k, rng), rule, codes, size)
    if rule.kind == "dirichlet":
        if points is not None and not rule.order:
            return _dirichlet_from_uniform(points, rule.concentration * centre)
        return _accepted(
            lambda k: _dirichlet(rule.concentration * centre, k, rng), rule, codes, size
        )
    if points is not None and not rule.order:
        return simplex_from_uniform(points)
    if set(rule.order) == set(codes):
        # A full order: sorting a flat draw is uniform on the ordered part of the simplex.
        out = np.empty((size, d))
        out[:, [codes.index(c) for c in rule.order]] = -np.sort(
            -rng.dirichlet(np.ones(d), size), axis=1
        )
        return out
    return _accepted(lambda k: rng.dirichlet(np.ones(d), k), rule, codes, size)


def _dirichlet(alpha: FloatArray, size: int, rng: np.random.Generator) -> FloatArray:
    """Draw from a Dirichlet whose parameters may be 0: those weights stay 0."""
    out = np.zeros((size, len(alpha)))
    out[:, alpha > 0] = rng.dirichlet(alpha[alpha > 0], size)
    return out


def _dirichlet_from_uniform(u: FloatArray, alpha: FloatArray) -> FloatArray:
    """Break the stick with Beta(α_j, Σ_{i>j} α_i) shares, by inversion."""
    from scipy.special import betaincinv

    out = np.zeros((len(u), len(alpha)))
    left = np.ones(len(u))
    for j in range(len(alpha) - 1):
        rest = float(alpha[j + 1 :].sum())
        if rest <= 0:
            share: FloatArray | float = 1.0
        elif alpha[j] <= 0:
            share = 0.0
        else:
            share = np.asarray(betaincinv(alpha[j], rest, u[:, j]), dtype=float)
        out[:, j] = left * share
        left = left - out[:, j]
    out[:, -1] = np.maximum(left, 0.0)
    return out


def _box(
    rule: FamilyRule, codes: Sequence[str], centre: FloatArray
) -> tuple[FloatArray, FloatArray]:
    low, high = np.zeros(len(codes)), np.ones(len(codes))
    if rule.within is not None:
        low, high = np.maximum(0, centre - rule.within), np.minimum(1, centre + rule.within)
    for code, (a, b) in rule.bounds.items():
        low[codes.index(code)], high[codes.index(code)] = a, b
    if (low > high).any() or low.sum() > 1 + 1e-12 or high.sum() < 1 - 1e-12:
        raise InfeasibleError(
            message(
                "outcomes.draws.empty_box",
                codes=list(codes),
                low=f"{low.sum():.4g}",
                high=f"{high.sum():.4g}",
            )
        )
    return low, high


def _in_box(low: FloatArray, high: FloatArray, size: int, rng: np.random.Generator) -> FloatArray:
    """Draw uniformly from box and simplex: all coordinates but the widest, kept if that fits."""
    last = int((high - low).argmax())
    out = low + (high - low) * rng.random((size, len(low)))
    out[:, last] = 0
    out[:, last] = 1 - out.sum(axis=1)
    fits = (out[:, last] >= low[last]) & (out[:, last] <= high[last])
    return np.asarray(out[fits], dtype=float)


def _accepted(
    draw: Callable[[int], FloatArray], rule: FamilyRule, codes: Sequence[str], size: int
) -> FloatArray:
    """Draw until enough rows agree with the order."""
    place = [list(codes).index(c) for c in rule.order]
    kept: list[FloatArray] = []
    have = 0
    for _ in range(MAX_ROUNDS):
        rows = draw(max(size, 256))
        if place:
            rows = rows[(np.diff(rows[:, place], axis=1) <= 0).all(axis=1)]
        kept.append(rows)
        have += len(rows)
        if have >= size:
            return np.concatenate(kept)[:size]
    raise InfeasibleError(
        message(
            "outcomes.draws.almost_none",
            codes=list(codes),
            have=have,
            tried=MAX_ROUNDS * max(size, 256),
        )
    )


def draw_weights(
    framework: Framework,
    centre: Mapping[str, FloatArray],
    rules: Mapping[str, FamilyRule],
    size: int,
    *,
    given: Mapping[str, FloatArray] | None = None,
    quasi: bool = True,
    rng: Seed = None,
) -> dict[str, FloatArray]:
    """Draw local weights on every track.

    Parameters
    ----------
    centre : local weights (m,) by track
    rules : by parent code ("" for the root's children); a family without a rule stays at its
        centre, or at ``given`` where that is there
    size : number of draws
    given : draws (k, m) by track from experts or ballots, used in turn for families without a rule
    quasi : scrambled Sobol points for the kinds uniform and dirichlet

    Returns
    -------
    (size, m) by track; the first level is drawn once for all tracks that share it
    """
    generator = np.random.default_rng(rng)
    parents = {f.parent for t in framework.tracks.values() for f in t.families}
    for parent in rules:
        if parent not in parents:
            hint = did_you_mean(parent, parents)
            raise InputError(message("outcomes.draws.no_parent", parent=repr(parent), hint=hint))
    out = {}
    for t in framework.tracks:
        base = np.tile(centre[t], (size, 1))
        if given is not None:
            base = np.asarray(given[t], dtype=float)[np.arange(size) % len(given[t])].copy()
        out[t] = base
    plan = _families(framework, rules)
    sobol = _sobol(sum(len(codes) - 1 for _, codes, _ in plan), size, generator) if quasi else None
    at = 0
    for parent, codes, tracks in plan:
        width = len(codes) - 1
        points = None if sobol is None else sobol[:, at : at + width]
        at += width
        tree = framework.tracks[tracks[0]]
        members = [tree.index[c] for c in codes]
        drawn = draw_family(
            rules[parent], codes, centre[tracks[0]][members], size, generator, points
        )
        for t in tracks:
            out[t][:, [framework.tracks[t].index[c] for c in codes]] = drawn
    return out


def _families(
    framework: Framework, rules: Mapping[str, FamilyRule]
) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """Return the families with a rule: parent, codes, and the tracks that have just these."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for t, tree in framework.tracks.items():
        for family in tree.families:
            if family.parent in rules:
                codes = tuple(tree.codes[i] for i in family.members)
                found.setdefault((family.parent, codes), []).append(t)
    out = []
    for (parent, codes), tracks in found.items():
        # First-level weights are shared by the tracks; below, each track has its own.
        shared = [tracks] if parent == "" else [[t] for t in tracks]
        out += [(parent, codes, own) for own in shared]
    return out


def _sobol(dimensions: int, size: int, rng: np.random.Generator) -> FloatArray | None:
    if dimensions == 0:
        return None
    from scipy.stats import qmc

    power = max(0, int(np.ceil(np.log2(size))))
    points = qmc.Sobol(dimensions, scramble=True, rng=rng).random_base2(power)
    return np.asarray(points[:size], dtype=float)
