"""The outcome ``scale``: stars of a population too large for memory, under sets and draws."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.outcomes.scale import ScaleRequest, ScaleResult, scale

__all__ = ["SCALE"]


class ScaleParams(ScaleRequest):
    """``scale``: a folder of Parquet ``parts``, rated under every set and under draws."""

    parts: str


def _build(context: Context, params: ScaleParams) -> ScaleResult:
    sets = context.sets()
    base = context.baseline
    found = scale(
        {base: sets[base], **sets}, context.log.folder / params.parts,
        rule_options=context.rule_options, rng=context.seed,
        workers=context.workers, scheduler=context.scheduler,
        progress=context.tick, request=params.part(ScaleRequest),
    )  # fmt: skip
    digests = {f"{params.parts}/{n}": d for n, d in found.counts.parts.items()}
    context.log.hashes.update(digests)
    return found


SCALE = Outcome(ScaleParams, _build)
