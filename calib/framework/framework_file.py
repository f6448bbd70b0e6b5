"""The form of a framework file, checked by pydantic; see :mod:`calib.framework.load`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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
    year: str = ""


Words = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
Years = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda v: tuple(map(str, v if isinstance(v, list | tuple) else [v]))),
]


class _Scoped(_Model):
    """Where a part of the rule holds; everywhere if nothing is stated."""

    track: Words = ()
    year: Years = ()


class RoundingEntry(_Model):
    """How totals are rounded before they are compared with bands."""

    rule: Literal["half-up", "half-even", "half-down", "floor", "ceiling"]
    places: Annotated[int, Field(ge=-6, le=9)] = 0


class VariantEntry(_Scoped):
    """Bands of some tracks or years."""

    bands: tuple[Number, ...]


class NodeGateEntry(_Scoped):
    """Gates on one named node, or on all nodes of a level."""

    node: str = ""
    level: str = ""
    values: tuple[Number, ...]
    inclusive: bool | tuple[bool, ...] = False


class WhenEntry(_Model):
    """A condition: one comparison of a node's score, or any / all / a count of conditions."""

    node: str = ""
    below: Number | None = None
    at_most: Number | None = None
    at_least: Number | None = None
    above: Number | None = None
    any: tuple[WhenEntry, ...] | None = None
    all: tuple[WhenEntry, ...] | None = None
    of: tuple[WhenEntry, ...] | None = None
    count: Annotated[int, Field(ge=1)] | None = None


class CapEntry(_Scoped):
    """At most a star (by its number) where a condition holds."""

    at_most: Annotated[int, Field(ge=0, strict=True)]
    when: WhenEntry
    name: NameEntry | None = None


class CoveredEntry(_Model):
    """Nodes of which so many must have a score."""

    nodes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    level: str | None = None
    at_least: Annotated[int, Field(ge=1, strict=True)]


class CoverageEntry(_Model):
    """What must be answered for a rating at all; less is "not rated"."""

    items: Annotated[float, Field(ge=0, le=1)] = 0
    nodes: tuple[CoveredEntry, ...] = ()


class CompensationEntry(_Model):
    """Points that may move between neighbouring parts before gates are looked at."""

    nodes: Annotated[tuple[str, ...], Field(min_length=2, max_length=5)]
    points: Annotated[float, Field(gt=0)]
    step: Annotated[float, Field(gt=0)] = 1
    towards: Literal["balance", "star"] = "balance"


class ClustersEntry(_Model):
    """Bands come from the enterprises: two-pass k-means of the totals, by track."""

    strict: Annotated[float, Field(gt=0)] = float("inf")


class RatingEntry(_Model):
    """Score scale, bands, gates, caps, coverage, rounding, rule options."""

    renamed: ClassVar = {"readings": "rule_options"}

    score_range: tuple[Number, Number] = (0, 100)
    bands: tuple[Number, ...] = ()
    edges: Literal["upper", "lower"] = "upper"
    rounding: RoundingEntry | None = None
    years: Years = ()
    variants: tuple[VariantEntry, ...] = ()
    node_gates: tuple[NodeGateEntry, ...] = ()
    caps: tuple[CapEntry, ...] = ()
    coverage: CoverageEntry | None = None
    compensation: CompensationEntry | None = None
    clusters: ClustersEntry | None = None
    labels: tuple[NameEntry, ...]
    first: Literal[0, 1] = 1
    tolerance: Annotated[float, Field(gt=0, le=1e-3)] = 1e-9
    gates: dict[str, GatesEntry] = {}
    rule_options: RuleOptionsEntry = RuleOptionsEntry()


class ItemEntry(_Model):
    """A questionnaire item; see :class:`calib.framework.Item` for its kinds."""

    kind: Literal["quantitative", "qualitative", "graded", "checklist", "number"] = "qualitative"
    options: Annotated[int, Field(ge=1, le=100)] = 5
    degrees: Annotated[int, Field(ge=2, le=20)] | None = None
    range: tuple[Number, Number] | None = None
    scores: tuple[Number, ...] | None = None


class NodeEntry(_Model):
    """A node of the tree; nodes are listed in the order of the published table.

    ``descriptions`` say what each star of the node means, lowest first; by track if they differ.
    """

    code: Code
    parent: str = ""
    name: NameEntry
    tracks: tuple[str, ...] | None = None
    weight: Weight | dict[str, Weight] | None = None
    status: Literal["glossary", "provisional", "published"] | None = None
    item: ItemEntry | None = None
    descriptions: tuple[NameEntry, ...] | dict[str, tuple[NameEntry, ...]] = ()


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
    columns: dict[str, str] = {}
    rating: RatingEntry
    nodes: tuple[NodeEntry, ...] = Field(min_length=1)
