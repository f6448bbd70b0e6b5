"""What the methods on the way to a proposed set have to say to those who decide on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calib.weights import Evidence, Weighed, WeightSet
from calib.words import Message, Text, message

__all__ = ["gathered"]


def gathered(results: Sequence[Weighed], on_the_way: Sequence[Weighed | WeightSet]) -> Evidence:
    """Return the evidence of all methods, and of blends what shares were chosen.

    Parameters
    ----------
    results : methods that made the proposed set, or what went into it
    on_the_way : the same, and sets
    """
    return Evidence.together([*_told(results), Evidence(caveats=_blends(on_the_way))])


def _told(results: Sequence[Weighed]) -> list[Evidence]:
    """Return what methods say; of several panels, each node with the panel that judged it."""
    found = [(r.weights.label, r.evidence) for r in results]
    if sum(bool(said.consensus) for _, said in found) < 2:
        return [said for _, said in found]
    return [
        replace(said, consensus=[replace(c, panel=label) for c in said.consensus])
        for label, said in found
    ]


def _blends(evidence: Sequence[Weighed | WeightSet]) -> tuple[Text, ...]:
    """Return what shares were chosen where sets were mixed."""
    sets = [e.weights if isinstance(e, Weighed) else e for e in evidence]
    return tuple(
        message("outcomes.decision.caveat.blend", set=w.label, shares=_shares(w))
        for w in sets
        if w.provenance.source == "blend"
    )  # fmt: skip


def _shares(weights: WeightSet) -> Text | str:
    """Return what a blend was mixed of, in words; as its file tells it where that is all."""
    said = weights.provenance.said
    if isinstance(said, Message):
        parts: Text = said.values["parts"]
        return parts
    return weights.provenance.detail.partition(": ")[2]
