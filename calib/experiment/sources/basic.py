"""Sources that need no data: published, equal, file, blend, override, rounded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictFloat

from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.report import Note
from calib.weights import (
    Weighed,
    WeightSet,
    blend,
    equal_weights,
    off_grid,
    published_weights,
    read_weights,
    round_weights,
)
from calib.words import message

__all__ = ["BLEND", "EQUAL", "FILE", "OVERRIDE", "PUBLISHED", "ROUNDED", "grid_notes"]


class PublishedParams(Params):
    """``published``: the framework's own weights."""


class EqualParams(Params):
    """``equal``: equal among siblings on ``levels`` (all if not stated), else as in ``base``."""

    levels: tuple[str, ...] | None = None
    base: str | None = None


class FileParams(Params):
    """``file``: a weight set from a TOML file or a table; ``mapping`` if people made the table."""

    file: str
    mapping: str | None = None


class BlendParams(Params):
    """``blend``: a mixture of other sets by ``shares``."""

    shares: Annotated[dict[str, StrictFloat], Field(min_length=1)]
    method: Literal["arithmetic", "geometric"] = "arithmetic"


class OverrideParams(Params):
    """``override``: ``base`` with some local weights replaced, siblings rescaled."""

    base: str = "published"
    weights: Annotated[dict[str, StrictFloat], Field(min_length=1)]
    track: str | None = None


class RoundedParams(Params):
    """``rounded``: ``base`` on a grid."""

    base: str
    grid: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    keep_equal: bool = True


def _published(context: Context, name: str, params: PublishedParams) -> Weighed:
    return Weighed(published_weights(context.framework).renamed(name))


def _equal(context: Context, name: str, params: EqualParams) -> Weighed:
    base = context.set(params.base) if params.base else None
    weights = equal_weights(context.framework, levels=params.levels, base=base)
    return Weighed(weights.renamed(name))


def _file(context: Context, name: str, params: FileParams) -> Weighed:
    mapping = context.path(params.mapping) if params.mapping else None
    weights = read_weights(context.path(params.file), context.framework, mapping=mapping)
    return Weighed(weights.renamed(name))


def _blend(context: Context, name: str, params: BlendParams) -> Weighed:
    shares = {context.set(s): share for s, share in params.shares.items()}
    return Weighed(blend(shares, name=name, method=params.method))


def _override(context: Context, name: str, params: OverrideParams) -> Weighed:
    base = (
        context.set(params.base)
        if params.base in context.sets()
        else published_weights(context.framework)
    )
    return Weighed(base.with_weights(params.weights, name=name, track=params.track))


def grid_notes(name: str, weights: WeightSet, grid: float | None) -> tuple[Note, ...]:
    """Say which weights of a set that was rounded to a grid are not on it."""
    found = () if grid is None else off_grid(weights, grid)
    if not found:
        return ()
    parents = [p or message("framework.root") for p in found]
    said = message("weights.off_grid", name=name, grid=f"{grid:g}", parents=parents)
    return (Note(said),)


def _rounded(context: Context, name: str, params: RoundedParams) -> Weighed:
    weights = round_weights(
        context.set(params.base), params.grid, name=name, keep_equal=params.keep_equal
    )
    return Weighed(weights, notes=grid_notes(name, weights, params.grid))


PUBLISHED = Source(PublishedParams, _published)
EQUAL = Source(EqualParams, _equal, lambda p: [p.base] if p.base else [])
FILE = Source(FileParams, _file)
BLEND = Source(BlendParams, _blend, lambda p: list(p.shares))
OVERRIDE = Source(OverrideParams, _override, lambda p: [] if p.base == "published" else [p.base])
ROUNDED = Source(RoundedParams, _rounded, lambda p: [p.base])
