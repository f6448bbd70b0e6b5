"""The rules by which adjusted weights are recommended or not, each with its default."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool

from calib.requests import Request

__all__ = ["VerdictRules"]

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)] | Literal[False]
"""A threshold from 0 to 1, or false for no such rule."""


class VerdictRules(Request):
    """Rules of the verdict on an adjustment; false in place of a threshold drops a rule."""

    vanished: StrictBool = Field(True, description="no weight that may move falls to 0")
    at_bound: Share = Field(
        0.5,
        description="largest share of the weights that may move, in any track, that stand at their "
        "floor or at another bound",
    )
    reversed: StrictBool = Field(True, description="no two siblings change their order")
    effective: Share = Field(
        0.9,
        description="least effective number of the capped nodes (1 / sum of squared weights), in "
        "any track, as a fraction of that before",
    )
    out_of_sample: Annotated[float, Field(ge=-1, le=1)] | Literal[False] = Field(
        0.0,
        description="caps hold on enterprises left out more often than before adjusting, by this "
        "share of the refits at least",
    )
    same_nodes: Share = Field(
        0.5,
        description="least share of an ensemble's samples in which a node over its cap here is "
        "over it too, for every such node",
    )
    holds_over_ensemble: Annotated[float, Field(ge=-1, le=1)] | Literal[False] = Field(
        0.0,
        description="caps hold over an ensemble's samples more often than before adjusting, by "
        "this share of the samples at least",
    )
