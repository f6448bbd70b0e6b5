"""The source ``shift``: a path from one weight set to another over named years."""

from __future__ import annotations

from typing import Any

from pydantic import StrictFloat

from calib.experiment.context import Context
from calib.experiment.registry import Source
from calib.shifts import ShiftRequest, ShiftResult, shift

__all__ = ["SHIFT", "ShiftParams"]


class ShiftParams(ShiftRequest):
    """``shift``: from ``base`` to the set ``to``, or to ``base`` with ``weights`` replaced."""

    base: str = "published"
    to: str | None = None
    weights: dict[str, StrictFloat] | None = None


def _arguments(context: Context, name: str, params: ShiftParams) -> dict[str, Any]:
    """Return the arguments of :func:`calib.shift` for a set."""
    return {
        "weights": context.set(params.base),
        "changes": params.weights,
        "to": None if params.to is None else context.set(params.to),
        "name": name,
        "request": params.part(ShiftRequest),
    }


def _build(context: Context, name: str, params: ShiftParams) -> ShiftResult:
    return shift(**_arguments(context, name, params))


SHIFT = Source(ShiftParams, _build, lambda p: [p.base, *([p.to] if p.to else [])], _arguments)
