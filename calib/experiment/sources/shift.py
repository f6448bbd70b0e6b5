"""The source ``shift``: a path from one weight set to another over named years."""

from __future__ import annotations

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


def _build(context: Context, name: str, params: ShiftParams) -> ShiftResult:
    to = None if params.to is None else context.set(params.to)
    return shift(
        context.set(params.base), params.weights, to=to, name=name,
        request=params.part(ShiftRequest),
    )  # fmt: skip


SHIFT = Source(ShiftParams, _build, lambda p: [p.base, *([p.to] if p.to else [])])
