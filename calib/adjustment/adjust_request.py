"""What an adjustment asks for: options, rules of the verdict, and their meaning on a tree."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from calib._types import FloatArray
from calib.errors import Faults, did_you_mean
from calib.framework import Framework
from calib.outcomes.dominance.dominance_request import level_depths
from calib.requests import Request
from calib.words import message

__all__ = [
    "MEASURES",
    "AdjustRequest",
    "Bounds",
    "GroupBounds",
    "ResolvedRequest",
    "VerdictRules",
    "resolve",
]


Threshold: TypeAlias = Annotated[float, Field(ge=0, le=1)] | Literal[False]
"""A threshold from 0 to 1, or false for no such rule."""


class VerdictRules(Request):
    """Rules of the verdict on an adjustment; false in place of a threshold drops a rule."""

    vanished: StrictBool = Field(True, description="no weight that may move falls to 0")
    at_bound: Threshold = Field(
        0.5,
        description="largest share of the weights that may move, in any track, that stand at their "
        "floor or at another bound",
    )
    reversed: StrictBool = Field(True, description="no two siblings change their order")
    effective: Threshold = Field(
        0.9,
        description="least effective number of the capped nodes (1 / sum of squared weights), in "
        "any track, as a fraction of that before",
    )
    out_of_sample: Annotated[float, Field(ge=-1, le=1)] | Literal[False] = Field(
        0.0,
        description="caps hold on enterprises left out more often than before adjusting, by this "
        "share of the refits at least",
    )
    same_nodes: Threshold = Field(
        0.5,
        description="least share of an ensemble's samples in which a node over its cap here is "
        "over it too, for every such node",
    )
    holds_over_ensemble: Annotated[float, Field(ge=-1, le=1)] | Literal[False] = Field(
        0.0,
        description="caps hold over an ensemble's samples more often than before adjusting, by "
        "this share of the samples at least",
    )


MEASURES = ("weight", "contribution", "variance")
_RELATIVE_FLOOR = 0.5
_DRAWS = 60
_ALIASES = {"variance_share": "variance", "contribution_share": "contribution"}

Share = Annotated[float, Field(gt=0, le=1)]
Pair = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]
Bounds = Mapping[str, tuple[float, float]] | tuple[float, float]


class GroupBounds(Request):
    """Bounds on the total global weight of a group of nodes; ``(codes, low, high)`` for short."""

    codes: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="the nodes")
    low: Annotated[float, Field(ge=0, le=1)] = Field(0.0, description="least total weight")
    high: Annotated[float, Field(ge=0, le=1)] = Field(1.0, description="largest total weight")


def _group(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 3:
        return dict(zip(("codes", "low", "high"), value, strict=True))
    return value


def _whole(value: Any) -> Any:
    """Return NumPy's whole numbers as Python's."""
    return operator.index(value) if type(value).__module__ == "numpy" else value


def _measure(name: str) -> str:
    known = {**{m: m for m in MEASURES}, **_ALIASES}
    if name not in known:
        hint = did_you_mean(name, MEASURES)
        raise ValueError(f"{name!r}: {message('adjustment.fault.measure', hint=hint)}".rstrip())
    return known[name]


Measure = Annotated[str, AfterValidator(_measure)]
Group = Annotated[GroupBounds, BeforeValidator(_group)]
StarOf = Annotated[int, Field(strict=True), BeforeValidator(_whole)]


class AdjustRequest(Request):
    """Options of reverse adjustment."""

    cap: Share | dict[Measure, Share] | None = Field(
        None,
        description="highest share allowed; a number for every ``measure``, or a mapping from "
        "measure to cap",
    )
    measure: Measure | tuple[Measure, ...] | None = Field(
        None,
        description='"weight", "contribution", "variance"; contribution and variance by default',
    )
    level: str | tuple[str, ...] = Field(
        "leaf",
        description="level or levels that may move; the rest of the tree keeps its local weights",
    )
    on: str | None = Field(
        None, description="level whose nodes are capped; the lowest one that moves by default"
    )
    bounds: Pair | dict[str, Pair] | None = Field(
        None, description="(low, high) of local weights, for all that move or by node code"
    )
    floor: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="least local weight (share among siblings, not of the start) of every node "
        "that may move; raises the low end of ``bounds``. ``floor=0`` lets weights vanish: no "
        "floor at all, ``relative_floor`` neither",
    )
    relative_floor: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="least local weight of every node that may move, as a fraction of its starting "
        'one, so that nothing is adjusted away; 0.5 by default for problem "caps", 0 for no such '
        "floor",
    )
    groups: dict[str, Group] = Field(
        default_factory=dict,
        description="name -> (codes, low, high): bounds on the total weight of groups of nodes",
    )
    keep_order: bool | None = Field(
        None,
        description='whether siblings may not change places; true by default for problem "caps"',
    )
    problem: Literal["caps", "shares", "correlations", "stars"] = Field(
        "caps",
        description='"caps" (nearest weights under caps), "shares" (target variance shares), '
        '"correlations" (target correlations with the total), "stars" (fewest star changes; with '
        "``reference`` the fit to reference stars)",
    )
    distance: Literal["euclidean", "entropy"] = Field(
        "euclidean", description='what "nearest" means: "euclidean", or "entropy" for linear caps'
    )
    target: Literal["equal", "nominal"] | dict[str, float] = Field(
        "equal",
        description='"equal", "nominal" or shares by node code (problems "shares", "correlations")',
    )
    reference: dict[str, StarOf] | None = Field(
        None,
        description='star of enterprises by id, as the rule numbers them (problem "stars")',
    )
    steps: tuple[Share, ...] = Field(
        (),
        description="share of the way to the nearest weights that each round takes, as many "
        "rounds at most; at once when empty",
    )
    grid: Annotated[float, Field(gt=0, le=0.5)] | None = Field(
        None,
        description="round local weights to those on this grid nearest to the adjusted ones, "
        "under the same constraints; families of equal siblings that the grid cannot hold stay "
        "equal, as the published ones, unless the caps need them",
    )
    starts: Annotated[int, Field(ge=0, le=200)] = Field(
        8,
        description="random starts for variance caps, beside equal shares and the linear optimum",
    )
    draws: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        None,
        description="bootstrap refits that check how far the caps hold on enterprises left out, "
        '60 by default (none for problem "stars"); 0 for no check',
    )
    verdict: VerdictRules = Field(
        default_factory=lambda: VerdictRules.make({}),
        description="rules by which adjusted weights are recommended or not",
    )
    replicates: Annotated[int, Field(ge=0, le=10_000)] = Field(
        200,
        description="replicates of the enterprises that the draws of the new weights go through, "
        "each with the adjustment solved again, once they are asked for; 0 takes the enterprises "
        "as given",
    )
    dominance: bool = Field(
        False, description="whether to add tables and figures of dominance before and after"
    )

    def resolve(self, framework: Framework) -> ResolvedRequest:
        """Return what the options mean on a framework's tree; see :func:`resolve`."""
        return resolve(framework, self)


@dataclass(frozen=True)
class ResolvedRequest:
    """A request checked against a framework, for the solvers.

    Attributes
    ----------
    request : the options as given
    caps : cap by measure ("weight", "contribution", "variance")
    depths : depths of the tree that may move
    on : depth whose nodes are capped
    bounds : each (low, high) of local weights, everywhere or by node code; the floor is one
    groups : name -> (codes, low, high) of total global weight
    asked : the caps asked for, where ``caps`` are higher ones that can be met
    least : fraction of its starting local weight that a weight keeps at least
    keep_order : whether siblings keep their order
    origin : local weights by track that order and fraction are measured from; those that an
        adjustment starts from if None
    brief : whether to search without random starts and to leave conflicts unexplained
    """

    request: AdjustRequest
    caps: Mapping[str, float]
    depths: tuple[int, ...]
    on: int
    bounds: tuple[Bounds, ...]
    groups: Mapping[str, tuple[Sequence[str], float, float]]
    asked: Mapping[str, float]
    least: float = 0.0
    keep_order: bool = False
    origin: Mapping[str, FloatArray] | None = None
    brief: bool = False

    @property
    def draws(self) -> int:
        """Refits of the check on enterprises left out."""
        asked = self.request.draws
        return (0 if self.request.problem == "stars" else _DRAWS) if asked is None else asked

    def free(self) -> ResolvedRequest:
        """Return the same request with neither relative floor nor order."""
        return replace(self, least=0.0, keep_order=False)

    def quick(self) -> ResolvedRequest:
        """Return the same request for one of many draws, solved near a known answer."""
        return replace(self.but(starts=0), brief=True)

    def but(self, **options: Any) -> ResolvedRequest:
        """Return the same request with some options of its search or order changed."""
        return replace(self, request=self.request.model_copy(update=options))


def resolve(framework: Framework, request: AdjustRequest) -> ResolvedRequest:
    """Check a request against a framework, and list everything that is wrong with it.

    Raises
    ------
    InputError
    """
    faults = Faults()
    caps = _caps(request)
    depths = level_depths(framework, request.level)
    depth = level_depths(framework, request.on)[-1] if request.on else depths[-1]
    if depth > depths[-1]:
        faults.add("on", message("adjustment.fault.on"), value=request.on)
    _check_combination(request, caps, faults)
    faults.raise_if_any()
    groups = {k: (g.codes, g.low, g.high) for k, g in request.groups.items()}
    usual = request.problem == "caps"
    least, order = request.relative_floor, request.keep_order
    if least is None:
        least = _RELATIVE_FLOOR if usual and request.floor != 0 else 0.0
    return ResolvedRequest(
        request, caps, depths, depth, _bounds(request), groups, caps,
        least, usual if order is None else order,
    )  # fmt: skip


def _check_combination(request: AdjustRequest, caps: Mapping[str, float], faults: Faults) -> None:
    problem = request.problem
    floors = request.floor or request.relative_floor
    free = bool(request.bounds or request.groups or floors)
    if request.floor == 0 and request.relative_floor:
        faults.add("floor", message("adjustment.fault.two_floors"), value=0)
    if request.distance == "entropy" and "variance" in caps:
        faults.add("distance", message("adjustment.fault.entropy"), value=request.distance)
    if problem == "stars" and "variance" in caps:
        faults.add("measure", message("adjustment.fault.stars"), value="variance",
                   expected="weight | contribution")  # fmt: skip
    if problem in ("shares", "correlations") and (caps or free or request.keep_order):
        faults.add("problem", message("adjustment.fault.one_answer", problem=repr(problem)),
                   value=problem)  # fmt: skip
    if problem == "caps" and not (caps or free):
        faults.add("cap", message("adjustment.fault.nothing"),
                   expected="cap=0.08 | bounds=… | floor=… | groups=…")  # fmt: skip
    if request.steps and problem != "caps":
        faults.add("steps", message("adjustment.fault.rounds"), value=list(request.steps))
    if request.draws and problem == "stars":
        faults.add("draws", message("adjustment.fault.refits"), value=request.draws)
    elif request.draws == 1:
        faults.add("draws", message("adjustment.fault.draws"), value=1)
    if request.reference is not None and problem != "stars":
        faults.add("reference", message("adjustment.fault.reference"))


def _caps(request: AdjustRequest) -> dict[str, float]:
    cap, measure = request.cap, request.measure
    if cap is None or isinstance(cap, Mapping):
        return dict(cap or {})
    default = ("contribution",) if request.problem == "stars" else ("contribution", "variance")
    names = default if measure is None else ([measure] if isinstance(measure, str) else measure)
    return dict.fromkeys(names, cap)


def _bounds(request: AdjustRequest) -> tuple[Bounds, ...]:
    """Return the bounds of local weights and the floor, as bounds that hold all at once."""
    bounds, floor = request.bounds, request.floor
    if not floor:
        return () if bounds is None else (bounds,)
    if isinstance(bounds, tuple):
        return ((max(bounds[0], floor), bounds[1]),)
    everywhere = (floor, 1.0)
    return (everywhere,) if bounds is None else (everywhere, bounds)
