"""What a method can say, beside its weights, to those who have to decide on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calib.words import Text

__all__ = ["Consensus", "Evidence", "LeftOut", "OwnVerdict"]


@dataclass(frozen=True, slots=True)
class Consensus:
    """How far the experts agree at one node: Kendall's W with its interval.

    Attributes
    ----------
    track : the track in which it was judged, "all" where tracks share the answer
    node : code of the parent whose children were judged, "" for the first level
    experts : how many judged it
    w, low, high : W from 0 (none) to 1 (identical orders), NaN where it is not defined
    panel : which panel, where there are several
    """

    track: str
    node: str
    experts: int
    w: float
    low: float
    high: float
    panel: Text | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How often a cap holds on enterprises that were left out of a fit.

    Attributes
    ----------
    measure : what is capped
    cap : its cap
    held, held_before : share of the refits in which it holds on left-out enterprises, with the
        fitted weights and with those before
    """

    measure: str
    cap: float
    held: float
    held_before: float


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """Whether the method that made the weights recommends them itself.

    Attributes
    ----------
    recommended : whether none of its rules speaks against them
    unchecked : how many of its rules could not be checked
    found : its verdict in words, with the names of the rules that are not met
    """

    recommended: bool
    unchecked: int
    found: Text


@dataclass(frozen=True)
class Evidence:
    """What a decision needs to know of how weights came about.

    Attributes
    ----------
    consensus : agreement of experts by node
    left_out : out-of-sample checks by capped measure
    caveats : what was assumed or chosen on the way, the gravest first
    verdicts : what methods that judge their weights say of them
    """

    consensus: Sequence[Consensus] = ()
    left_out: Sequence[LeftOut] = ()
    caveats: Sequence[Text] = ()
    verdicts: Sequence[OwnVerdict] = ()

    @classmethod
    def together(cls, every: Sequence[Evidence]) -> Evidence:
        """Return the evidence of several methods as one."""
        return cls(
            tuple(c for e in every for c in e.consensus),
            tuple(c for e in every for c in e.left_out),
            tuple(dict.fromkeys(c for e in every for c in e.caveats)),
            tuple(v for e in every for v in e.verdicts),
        )
