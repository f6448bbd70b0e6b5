"""What a measurement of dominance asks for, and which levels of a tree a name means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from calib.errors import InputError, did_you_mean
from calib.framework import Framework
from calib.requests import Request
from calib.words import message

__all__ = ["CAPPABLE", "DominanceRequest", "level_depths", "level_name"]


def level_depths(framework: Framework, level: str | Sequence[str]) -> tuple[int, ...]:
    """Return the depths that a level, several, or ``"all"`` mean.

    Parameters
    ----------
    level : a level's code or its English name, in singular or plural; "leaves" for the
        lowest level, "all" for every level; or a sequence of those
    """
    words = [level] if isinstance(level, str) else list(level)
    deepest = max(int(t.depth.max()) for t in framework.tracks.values())
    known: dict[str, tuple[int, ...]] = {"all": tuple(range(1, deepest + 1))}
    for word in ("leaf", "leaves", "indicators"):
        known[word] = (deepest,)
    for depth, (code, name) in enumerate(framework.levels, start=1):
        plural = f"{code[:-1]}ies" if code.endswith("y") else f"{code}s"
        for word in (code, plural, name.en, name.zh):
            known[word] = (depth,)
    out: set[int] = set()
    for word in words:
        if word not in known:
            hint = did_you_mean(word, known)
            raise InputError(
                message("dominance.fault.level", level=repr(word), framework=framework.code,
                        hint=hint, known=list(known))
            )  # fmt: skip
        out.update(known[word])
    if not out:
        raise InputError(message("dominance.fault.no_levels"))
    return tuple(sorted(out))


def level_name(framework: Framework, depth: int) -> str:
    """Return the code of the level at a depth."""
    return framework.levels[depth - 1][0] if depth <= len(framework.levels) else f"level {depth}"


CAPPABLE = ("weight", "contribution", "variance_share", "main_effect", "shapley", "star_changed")


def _measure(name: str) -> str:
    if name not in CAPPABLE:
        hint = did_you_mean(name, CAPPABLE)
        raise ValueError(
            message("dominance.fault.no_cap", measure=repr(name), hint=hint, known=CAPPABLE)
        )
    return name


Share = Annotated[float, Field(gt=0, le=1)]
Measure = Annotated[str, AfterValidator(_measure)]


class DominanceRequest(Request):
    """Options of measuring dominance."""

    level: str | tuple[str, ...] = Field("all", description="levels to report")
    cap: Share | dict[Measure, Share] | None = Field(
        None,
        description="declared cap on shares; a number holds for contribution and variance share, "
        "a mapping gives caps by measure",
    )
    cap_level: str | None = Field(
        None, description="level that the cap is declared for; the lowest one reported by default"
    )
    enterprise_cap: Share = Field(
        0.15,
        description="share of one enterprise's total above which a single node dominates it",
    )
    draws: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="bootstrap draws for intervals, 0 for none"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.95, description="confidence level of the intervals"
    )
    orders: Annotated[int, Field(ge=2)] = Field(
        2000, description="sampled orders for Shapley shares of many nodes"
    )

    @property
    def caps(self) -> dict[str, float]:
        """The declared cap by measure."""
        if self.cap is None or isinstance(self.cap, Mapping):
            return dict(self.cap or {})
        return {"contribution": self.cap, "variance_share": self.cap}
