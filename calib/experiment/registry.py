"""Which sources of weights and which outcome analyses an experiment file can name.

A module of calib is imported only when a file names what it offers. Packages outside calib
add theirs through the entry-point groups ``calib.sources`` and ``calib.outcomes``, each entry
naming a :class:`Source` or an :class:`Outcome`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, TypeVar

from calib.errors import CalibError
from calib.experiment.context import Context
from calib.report import Result
from calib.requests import Request
from calib.weights import Weighed
from calib.words import Text, message

__all__ = [
    "RENAMED_OUTCOMES",
    "Outcome",
    "Params",
    "Source",
    "find_outcome",
    "find_source",
    "known",
]


Params = Request
"""Base of the keys that a source or an analysis takes; unknown keys are faults."""


@dataclass(frozen=True)
class Source:
    """A source of weights.

    Attributes
    ----------
    params : pydantic model of its keys in the experiment file
    build : ``(context, name of the set, params) -> Weighed``
    requires : names of the sets that it builds on, from its params
    arguments : ``(context, name of the set, params)`` -> the arguments of the front function
        behind it, for notebooks that call it; None where it has none
    """

    params: type[Params]
    build: Callable[[Context, str, Any], Weighed]
    requires: Callable[[Any], Sequence[str]] = lambda params: ()
    arguments: Callable[[Context, str, Any], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Outcome:
    """An analysis of what weights do.

    Attributes
    ----------
    params : model of its keys in the experiment file
    build : ``(context, params) -> Result``
    requires : names of the sets that it looks at, from its params
    title : heads its section in reports; ``sections.<name>`` of the catalogue if None
    complete_only : whether it looks only at enterprises that answered every item
    """

    params: type[Params]
    build: Callable[[Context, Any], Result]
    requires: Callable[[Any], Sequence[str]] = lambda params: ()
    title: Text | None = None
    complete_only: bool = False


SOURCES: Mapping[str, str] = {
    "published": "calib.experiment.sources.basic:PUBLISHED",
    "equal": "calib.experiment.sources.basic:EQUAL",
    "file": "calib.experiment.sources.basic:FILE",
    "blend": "calib.experiment.sources.basic:BLEND",
    "override": "calib.experiment.sources.basic:OVERRIDE",
    "rounded": "calib.experiment.sources.basic:ROUNDED",
    "entropy": "calib.experiment.sources.entropy:ENTROPY",
    "experts": "calib.experiment.sources.experts:EXPERTS",
    "opinions": "calib.experiment.sources.experts:OPINIONS",
    "ballots": "calib.experiment.sources.ballots:BALLOTS",
    "adjusted": "calib.experiment.sources.adjusted:ADJUSTED",
    "shift": "calib.experiment.sources.shift:SHIFT",
}
OUTCOMES: Mapping[str, str] = {
    "acceptability": "calib.experiment.outcomes.acceptability:ACCEPTABILITY",
    "stability": "calib.experiment.outcomes.stability:STABILITY",
    "tipping": "calib.experiment.outcomes.tipping:TIPPING",
    "rule-options": "calib.experiment.outcomes.rule_options:RULE_OPTIONS",
    "lifecycle": "calib.experiment.outcomes.lifecycle:LIFECYCLE",
    "comparison": "calib.experiment.outcomes.comparison:COMPARISON",
    "decision": "calib.experiment.outcomes.decision:DECISION",
    "dominance": "calib.experiment.outcomes.dominance:DOMINANCE",
    "scale": "calib.experiment.outcomes.scale:SCALE",
    "value-of-information": "calib.experiment.outcomes.value_of_information:VALUE",
}
# What analyses of earlier versions are called now.
RENAMED_OUTCOMES: Mapping[str, str] = {"readings": "rule-options"}

T = TypeVar("T", Source, Outcome)


def known(kind: str) -> tuple[str, ...]:
    """Return the names that an experiment may use; ``kind`` is "sources" or "outcomes"."""
    own = SOURCES if kind == "sources" else OUTCOMES
    return tuple(dict.fromkeys([*own, *(e.name for e in entry_points(group=f"calib.{kind}"))]))


def find_source(name: str) -> Source | None:
    """Return a source by its name, None if there is none such."""
    return _find(name, SOURCES, "calib.sources", Source)


def find_outcome(name: str) -> Outcome | None:
    """Return an outcome analysis by its name, None if there is none such."""
    return _find(name, OUTCOMES, "calib.outcomes", Outcome)


def _find(name: str, own: Mapping[str, str], group: str, kind: type[T]) -> T | None:
    if name in own:
        module, attribute = own[name].split(":")
        return _checked(getattr(importlib.import_module(module), attribute), name, kind)
    for entry in entry_points(group=group, name=name):
        try:
            found = entry.load()
        except Exception as exc:
            raise CalibError(
                message("faults.plugin_fails", name=repr(name), entry=entry.value, cause=str(exc))
            ) from exc
        return _checked(found, name, kind)
    return None


def _checked(found: object, name: str, kind: type[T]) -> T:
    if not isinstance(found, kind):
        raise CalibError(
            message(
                "faults.is_registered_as_a_but",
                name=repr(name),
                kind=kind.__name__,
                found=type(found),
            )
        )
    return found
