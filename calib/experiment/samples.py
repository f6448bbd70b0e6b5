"""Samples that agree as well with what is known of an experiment's population as its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import Field

from calib.errors import InputError
from calib.experiment.context import Context
from calib.experiment.registry import Params
from calib.population import Ensemble, load_ensemble
from calib.rating import OverSamples, Scored
from calib.report import Result
from calib.words import message

__all__ = ["EnsembleParams", "ensemble_of", "enterprises_under", "together"]

R = TypeVar("R", bound=Result)


class EnsembleParams(Params):
    """The key of analyses whose numbers are shown for other samples too."""

    ensemble: str | None = Field(
        None,
        description='samples over which the range of the numbers is shown ("trial", or a file)',
    )


def ensemble_of(context: Context, name: str) -> Ensemble:
    """Return an ensemble that an experiment names; what is shown is the experiment's population."""
    known = context.log.folder / name
    path = str(context.path(name)) if known.is_file() else name
    return replace(load_ensemble(path, context.framework), example=context.population)


def enterprises_under(context: Context, name: str, ensemble: str | None) -> Scored | Ensemble:
    """Return the enterprises that a set rates, or the samples among which they are one.

    Raises
    ------
    InputError
        Where enterprises grow by the time of the set: those of other samples do not.
    """
    if ensemble is None:
        return context.scored_under(name)
    if context.grown(name) is not None:
        raise InputError(message("experiment.ensemble_grown", file=context.file, set=repr(name)))
    return ensemble_of(context, ensemble)


def together(
    found: Mapping[str, R | OverSamples[R]],
    join: Callable[[Mapping[str, R]], R],
    key: str | None = None,
) -> R | OverSamples[R]:
    """Return the results of several sets or cases as one, with their range over samples."""
    shown: dict[str, Any] = {
        n: r.example if isinstance(r, OverSamples) else r for n, r in found.items()
    }
    ranges = {n: r for n, r in found.items() if isinstance(r, OverSamples)}
    example = join(shown)
    return OverSamples.together(ranges, example, key) if ranges else example
