"""What an adjustment asks for, settled before any number is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from calib.adjustment.nearest import Distance
from calib.adjustment.space import level_depths
from calib.errors import Faults, suggest
from calib.framework import Framework

__all__ = ["MEASURES", "PROBLEMS", "AdjustSpec", "Problem", "make_spec"]

Problem = Literal["caps", "shares", "correlations", "stars"]
PROBLEMS = ("caps", "shares", "correlations", "stars")
MEASURES = ("weight", "contribution", "variance")
_ALIASES = {"variance_share": "variance", "contribution_share": "contribution"}


@dataclass(frozen=True)
class AdjustSpec:
    """A checked request.

    Parameters
    ----------
    problem : "caps" (nearest weights under caps: METHODS A and C), "shares" (given variance
        shares: B), "correlations" (given correlations with the total: D), "stars" (fewest stars
        changed: E)
    caps : cap by measure ("weight", "contribution", "variance")
    depths : depths of the tree that may move
    on : depth whose nodes are capped
    bounds : (low, high) of local weights, everywhere or by node code
    groups : name -> (codes, low, high) of total global weight
    keep_order : siblings may not change places
    distance : "euclidean" or "entropy" (the latter for linear caps only)
    target : "equal", "nominal" or share by node code (problems shares and correlations)
    starts : random starts for variance caps
    """

    problem: Problem
    caps: Mapping[str, float]
    depths: tuple[int, ...]
    on: int
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float] | None = None
    groups: Mapping[str, tuple[Sequence[str], float, float]] = field(default_factory=dict)
    keep_order: bool = False
    distance: Distance = "euclidean"
    target: str | Mapping[str, float] = "equal"
    starts: int = 8

    def as_dict(self) -> dict[str, Any]:
        """Return the request as plain values, for ledgers and manifests."""
        bounds: Any = self.bounds
        if isinstance(bounds, Mapping):
            bounds = {k: list(v) for k, v in bounds.items()}
        elif bounds is not None:
            bounds = list(bounds)
        return {
            "problem": self.problem,
            "caps": dict(self.caps),
            "depths": list(self.depths),
            "on": self.on,
            "bounds": bounds,
            "groups": {k: [list(c), lo, hi] for k, (c, lo, hi) in self.groups.items()},
            "keep_order": self.keep_order,
            "distance": self.distance,
            "target": self.target if isinstance(self.target, str) else dict(self.target),
            "starts": self.starts,
        }


def spec_from_dict(data: Mapping[str, Any]) -> AdjustSpec:
    """Rebuild a request from :meth:`AdjustSpec.as_dict`."""
    bounds = data["bounds"]
    if isinstance(bounds, Mapping):
        bounds = {k: (float(v[0]), float(v[1])) for k, v in bounds.items()}
    elif bounds is not None:
        bounds = (float(bounds[0]), float(bounds[1]))
    return AdjustSpec(
        data["problem"], dict(data["caps"]), tuple(data["depths"]), int(data["on"]), bounds,
        {k: (tuple(c), lo, hi) for k, (c, lo, hi) in data["groups"].items()},
        bool(data["keep_order"]), data["distance"], data["target"], int(data["starts"]),
    )  # fmt: skip


def make_spec(
    framework: Framework,
    *,
    cap: float | Mapping[str, float] | None,
    measure: str | Sequence[str] | None,
    level: str | Sequence[str],
    on: str | None,
    problem: str,
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float] | None,
    groups: Mapping[str, tuple[Sequence[str], float, float]] | None,
    keep_order: bool,
    distance: Distance,
    target: str | Mapping[str, float],
    starts: int,
) -> AdjustSpec:
    """Check a request, and list everything that is wrong with it.

    Raises
    ------
    InputError
    """
    faults = Faults()
    if problem not in PROBLEMS:
        faults.add(
            "problem", f"no such problem {suggest(problem, PROBLEMS)}".rstrip(), value=problem,
            expected=", ".join(PROBLEMS),
        )  # fmt: skip
    caps = _read_caps(cap, measure, problem, faults)
    depths = level_depths(framework, level)
    depth = level_depths(framework, on)[-1] if on else depths[-1]
    if depth > depths[-1]:
        faults.add("on", "caps cannot stand on a level below the one adjusted", value=on)
    if distance not in ("euclidean", "entropy"):
        faults.add("distance", "unknown", value=distance, expected="euclidean | entropy")
    if distance == "entropy" and "variance" in caps:
        faults.add("distance", "variance caps are solved in the euclidean distance", value=distance)
    if problem == "stars" and "variance" in caps:
        faults.add("measure", "problem 'stars' takes caps that are linear in the weights",
                   value="variance", expected="weight | contribution")  # fmt: skip
    if problem in ("shares", "correlations") and (caps or bounds or groups or keep_order):
        faults.add("problem", f"{problem!r} has one answer; it takes a target, no caps or bounds",
                   value=problem)  # fmt: skip
    if isinstance(target, str) and target not in ("equal", "nominal"):
        faults.add("target", "unknown", value=target, expected="equal | nominal | share by code")
    if problem == "caps" and not (caps or bounds or groups):
        faults.add("cap", "nothing is asked for", expected="cap=0.08, bounds=… or groups=…")
    faults.raise_if_any()
    return AdjustSpec(
        problem, caps, depths, depth, bounds, dict(groups or {}), keep_order, distance, target,  # type: ignore[arg-type]
        starts,
    )  # fmt: skip


def _read_caps(
    cap: float | Mapping[str, float] | None,
    measure: str | Sequence[str] | None,
    problem: str,
    faults: Faults,
) -> dict[str, float]:
    if cap is None:
        return {}
    if isinstance(cap, Mapping):
        caps = {_ALIASES.get(k, k): v for k, v in cap.items()}
    else:
        default = ("contribution",) if problem == "stars" else ("contribution", "variance")
        names = default if measure is None else ([measure] if isinstance(measure, str) else measure)
        caps = {_ALIASES.get(name, name): cap for name in names}
    for name, value in caps.items():
        if name not in MEASURES:
            faults.add("measure", f"no such measure {suggest(name, MEASURES)}".rstrip(), value=name,
                       expected=", ".join(MEASURES))  # fmt: skip
        elif not isinstance(value, int | float) or not 0 < value <= 1:
            faults.add(f"cap {name}", "out of range", value=value, expected="above 0, at most 1")
    return caps
