"""What a published page needs to compute a result again; the result says it itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calib.words import Text

__all__ = ["Live", "LiveFigure", "LiveRating"]


@dataclass(frozen=True, eq=False)
class LiveRating:
    """Enterprises rated under a weight set, or along a path of weights.

    Attributes
    ----------
    name : of the set in the result's tables, "" where they have no column of sets
    weights : the :class:`~calib.weights.WeightSet`
    scored : the enterprises, as :class:`~calib.rating.Scored`
    check : what the page must find before it shows anything, by moment (one without a path) and
        track: ``counts`` of enterprises at each star, and the ``total`` of all totals if known
    path : the weights over the years, None where they do not move
    """

    name: str
    weights: Any
    scored: Any
    check: Sequence[Mapping[str, Mapping[str, Any]]]
    path: Any = None


@dataclass(frozen=True)
class LiveFigure:
    """A figure that the page draws by itself.

    Attributes
    ----------
    kind : ``stars``, ``sets``, ``weights``, ``transitions``, ``acceptability`` or ``years``
    labels : what the sets in it are called
    """

    kind: str
    labels: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Live:
    """How a published page computes a result again.

    Attributes
    ----------
    ratings : what the result is made from; without any the page computes nothing, but says where
        its reader's changes mean that the result no longer holds
    base : name of the set that the others are compared with
    weights : digest of the weights that are shown, for results without ratings
    tables : by the name of a table, the one of calib's that it is made like, such as ``stars``
    figures : by the name of a figure
    spread : how the weights vary, for results over draws; nothing for others
    """

    ratings: Sequence[LiveRating] = ()
    base: str = ""
    weights: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, LiveFigure] = field(default_factory=dict)
    spread: Mapping[str, Any] = field(default_factory=dict)
