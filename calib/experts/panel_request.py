"""How a panel is weighed: every option, for Python, experiment files and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StrictFloat, model_validator

from calib.requests import Request
from calib.words import message

__all__ = ["Formulas", "PanelRequest", "StoppingRule"]

Elicitation = Literal[
    "ahp", "ahp-incomplete", "bwm", "direct", "points", "ranks", "ratings", "swing"
]
RoundKey = Annotated[str, Field(pattern=r"^[1-9][0-9]*$")]


class StoppingRule(Request):
    """When a Delphi study may stop: limits stated before the first round."""

    max_cv: Annotated[float, Field(gt=0)] = Field(
        default=0.25,
        description="consensus needs every item's coefficient of variation at or below this",
    )
    min_w: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.3, description="consensus needs Kendall's W at or above this"
    )
    alpha: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.05, description="… and the p-value of W below this"
    )
    max_shift: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.03,
        description="stability needs group weights that moved at most this (total variation)",
    )
    max_rounds: Annotated[int, Field(ge=1)] = Field(
        default=4, description="rounds after which the study stops in any case"
    )


class Formulas(Request):
    """How judgements become weights, where the literature knows several ways."""

    ranks: Literal["centroid", "sum", "reciprocal", "sum-reciprocal"] = Field(
        default="centroid", description="weights of the places of a rank order"
    )
    ties: Literal["unordered", "equal"] = Field(
        default="unordered",
        description="what equal places mean: an order that is not told, or equality",
    )
    ahp: Literal["eigenvector", "geometric"] = Field(
        default="eigenvector", description="weights of complete comparison matrices"
    )
    ahp_incomplete: Literal["least-squares", "optimal", "harker"] = Field(
        default="least-squares", description="weights of incomplete comparison matrices"
    )
    random_index: Literal["simulated", "saaty"] | StrictFloat = Field(
        default="simulated", description="random index of the consistency ratio, or its value"
    )

    @model_validator(mode="after")
    def _ties_need_the_centroid(self) -> Formulas:
        if self.ties == "equal" and self.ranks != "centroid":
            raise ValueError(message("options.ties"))
        return self

    def by_method(self) -> dict[str, dict[str, Any]]:
        """Return options of :func:`calib.experts.elicit.elicit` by elicitation method."""
        pairs = {
            "complete": self.ahp,
            "incomplete": self.ahp_incomplete,
            "index": self.random_index,
        }
        ranks = {"formula": self.ranks, "ties": self.ties}
        return {"ranks": ranks, "ahp": pairs, "ahp-incomplete": pairs}


class PanelRequest(Request):
    """How a panel's judgements become weights."""

    renamed: ClassVar[Mapping[str, str]] = {
        "pool": "pooling",
        "level": "confidence",
        "methods": "formulas",
    }

    method: Elicitation | None = Field(
        default=None,
        description="use only the judgements elicited by this method; complete and incomplete"
        " comparisons are one (``ahp``). All judgements if None",
    )
    formulas: Formulas = Field(
        default=Formulas(), description="how judgements become weights; see :class:`Formulas`"
    )
    pooling: Literal["arithmetic", "geometric", "median", "trimmed", "aij"] = Field(
        default="arithmetic",
        description="how experts' weights become the panel's; ``aij`` pools the judgements, and"
        " needs all pairs compared by everybody",
    )
    competence: Literal["equal", "authority", "consistency", "seeds"] | dict[str, StrictFloat] = (
        Field(
            default="equal",
            description="how much each expert counts: alike, by the authority coefficient, by"
            " consistency, by answers to seed questions, or by hand (who is not named counts 1)",
        )
    )
    seed_cutoff: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="least calibration that counts, 0 if None (competence ``seeds``)"
    )
    seed_overshoot: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="widening of the intrinsic ranges, 0.1 if None (competence ``seeds``)",
    )
    inconsistent: Literal["keep", "repair", "leave-out"] = Field(
        default="keep",
        description="judgements above the limit of consistency: they count as they are, with their"
        " worst comparison replaced by what the others imply (pairwise comparisons), or not",
    )
    unjudged: Literal["error", "published", "equal"] = Field(
        default="error", description="weights of nodes that nobody judged"
    )
    trim: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        default=0.1, description="share of competence cut off at each end (pooling ``trimmed``)"
    )
    round: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="the round that gives the weights; the last one if None"
    )
    sent: dict[RoundKey, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="forms sent out by round; those returned if not stated"
    )
    stopping: StoppingRule = Field(
        default=StoppingRule(),
        description="limits of the Delphi stopping rule; see :class:`StoppingRule`",
    )
    draws: Annotated[int, Field(ge=100, le=100_000)] = Field(
        default=2000, description="resampled panels"
    )
    small_panel: Literal["student", "as resampled"] = Field(
        default="student",
        description="spread of the draws: widened by Student's t, so that intervals of few experts"
        " cover as often as they say; or as resampled (too narrow in panels under about 20)",
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        default=0.95, description="confidence level of the intervals"
    )

    @model_validator(mode="after")
    def _seed_options_need_their_competence(self) -> PanelRequest:
        stated = [n for n in ("seed_cutoff", "seed_overshoot") if getattr(self, n) is not None]
        if stated and self.competence != "seeds":
            raise ValueError(message("options.only_seeds", names=stated))
        return self
