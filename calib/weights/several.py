"""One weight set or several, as callers give them: by themselves, in a list, or by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from calib.errors import InputError
from calib.files.names import names_apart
from calib.requests import expect
from calib.weights.weighed import Weighed
from calib.weights.weightset import WeightSet
from calib.words import message

__all__ = ["Sets", "given", "named_sets"]

Sets = WeightSet | Weighed | Mapping[str, WeightSet | Weighed] | Sequence[WeightSet | Weighed]
"""One or several weight sets, or the results that made them."""


def named_sets(call: str, weights: Sets) -> dict[str, WeightSet]:
    """Return one or several weight sets by name; sets of one name are numbered.

    What a method gave stands for its weights.

    Raises
    ------
    InputError
        When something else than a weight set is among them, or nothing is.
    """
    named = {n: g.weights if isinstance(g, Weighed) else g for n, g in given(weights).items()}
    for value in named.values():
        expect(call, weights=(value, WeightSet))
    if not named:
        raise InputError(message("outcomes.no_sets", call=call))
    return named


def given(weights: Sets) -> dict[str, WeightSet | Weighed]:
    """Return sets, or the results that made them, by the names of the sets."""
    if isinstance(weights, Mapping):
        return dict(weights)
    if isinstance(weights, Iterable) and not isinstance(weights, WeightSet):
        every = list(weights)
        return dict(zip(names_apart([_name(w) for w in every]), every, strict=True))
    return {_name(weights): weights}


def _name(thing: object) -> str:
    return str(getattr(thing.weights if isinstance(thing, Weighed) else thing, "name", ""))
