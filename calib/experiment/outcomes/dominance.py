"""Outcome ``dominance``: the eight measures under the sets of an experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import Field

from calib.errors import Fault, InputError, did_you_mean
from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.results import OutcomeResult
from calib.experiment.samples import EnsembleParams, enterprises_under, together
from calib.outcomes.dominance.dominance_request import DominanceRequest
from calib.report import Note, Result, Table
from calib.words import joined, message

__all__ = ["DOMINANCE"]


class DominanceParams(DominanceRequest, EnsembleParams):
    """``dominance``: ``sets`` (the baseline if not stated) and the options of the method."""

    sets: tuple[str, ...] = ()
    draws: int = Field(500, ge=0, le=10_000, description="bootstrap draws for intervals")


def _dominance(context: Context, params: DominanceParams) -> Result:
    from calib.outcomes.dominance import dominance

    known = context.sets()
    names = params.sets or (context.baseline,)
    unknown = [n for n in names if n not in known]
    if unknown:
        raise InputError(
            Fault(context.file, "outcomes.dominance.sets",
                  message("dominance.fault.no_set", hint=did_you_mean(n, known)), n,
                  " | ".join(known))
            for n in unknown
        )  # fmt: skip
    request = params.part(DominanceRequest)
    found = {
        name: dominance(
            known[name], enterprises_under(context, name, params.ensemble), request=request,
            rule_options=context.rule_options, rng=context.rng(f"dominance {name}"),
        )
        for name in names
    }  # fmt: skip
    return together(found, _joined, "set")


def _joined(found: Mapping[str, Result]) -> Result:
    drawings = [
        replace(d, name=d.name.replace("dominance-", f"dominance-{name.replace('/', '-')}-", 1))
        for name, result in found.items()
        for d in result.drawings
    ]
    notes: dict[str, Note] = {n.get("en"): n for r in found.values() for n in r.notes}
    said = joined([r.headline() for r in found.values()], message("words.semicolon"))
    return OutcomeResult(tuple(_stacked(found)), tuple(drawings), tuple(notes.values()), said)


def _stacked(found: Mapping[str, Result]) -> Iterator[Table]:
    """Yield each table with the rows of every set."""
    import pandas as pd

    first = next(iter(found.values()))
    for number, table in enumerate(first.tables):
        parts = []
        for name, result in found.items():
            part = result.tables[number].frame.copy()
            part.insert(0, "set", name)
            parts.append(part)
        full = [p for p in parts if len(p)] or parts[:1]
        yield replace(table, frame=pd.concat(full, ignore_index=True))


DOMINANCE = Outcome(DominanceParams, _dominance)
