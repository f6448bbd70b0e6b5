"""The form of a framework file, checked by pydantic; see :mod:`calib.framework.load`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FrameworkFile", "NodeEntry"]

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
# Strict: text such as "0.35" is refused, not converted.
Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NameEntry(_Model):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class LevelEntry(_Model):
    """A level of the tree, depth 1 first."""

    code: Code
    name: NameEntry


class TrackEntry(_Model):
    """An industry track; ``aliases`` are other words for it in data files."""

    code: Code
    name: NameEntry
    aliases: tuple[str, ...] = ()


class PublishedEntry(_Model):
    """How printed weights are used."""

    unstated: Literal["equal"] | None = None
    normalise: bool = False


class GatesEntry(_Model):
    """A gate table: one value per star above the lowest."""

    values: tuple[Number, ...]
    inclusive: tuple[bool, ...] | None = None


class RuleOptionsEntry(_Model):
    """Default rule options of a framework."""

    band_edge: str = "upper-inclusive"
    gate_value: str | None = None
    downgrade: str = "highest-met"
    gate_scope: str | None = None
    option_score: str = "even-from-0"
    missing: str = "error"


class RatingEntry(_Model):
    """Score scale, bands, gates, rule options."""

    renamed: ClassVar = {"readings": "rule_options"}

    score_range: tuple[Number, Number] = (0, 100)
    bands: tuple[Number, ...]
    labels: tuple[NameEntry, ...]
    first: Literal[0, 1] = 1
    tolerance: Annotated[float, Field(gt=0, le=1e-3)] = 1e-9
    gates: dict[str, GatesEntry] = {}
    rule_options: RuleOptionsEntry = RuleOptionsEntry()


class ItemEntry(_Model):
    """A questionnaire item."""

    kind: Literal["quantitative", "qualitative"] = "qualitative"
    options: Annotated[int, Field(ge=2, le=100)] = 5
    scores: tuple[Number, ...] | None = None


class NodeEntry(_Model):
    """A node of the tree; nodes are listed in the order of the published table."""

    code: Code
    parent: str = ""
    name: NameEntry
    tracks: tuple[str, ...] | None = None
    weight: Weight | dict[str, Weight] | None = None
    status: Literal["glossary", "provisional", "published"] | None = None
    item: ItemEntry | None = None


class FrameworkFile(_Model):
    """A whole framework file."""

    schema_: Literal["calib.framework/1"] = Field(alias="schema")
    code: Code
    version: str = Field(min_length=1)
    name: NameEntry
    source: str = ""
    notes: tuple[NameEntry, ...] = ()
    levels: tuple[LevelEntry, ...] = Field(min_length=1)
    tracks: tuple[TrackEntry, ...] = Field(min_length=1)
    published: PublishedEntry = PublishedEntry()
    rating: RatingEntry
    nodes: tuple[NodeEntry, ...] = Field(min_length=1)
