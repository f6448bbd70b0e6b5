"""What a page to be read and printed is made of: parts that know nothing of how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = [
    "Advice",
    "Bullets",
    "Columns",
    "Figure",
    "Grid",
    "Heading",
    "Page",
    "Paragraph",
    "Part",
    "Tone",
]

Tone = Literal["", "good", "bad", "open"]
"""How a verdict is coloured; words say the same, for readers who do not see colours."""


@dataclass(frozen=True)
class Heading:
    """A heading inside the page."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; a muted one is small and grey."""

    text: str
    muted: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Advice:
    """The conclusion, in a frame: what is advised, and the sentences that belong to it."""

    title: str
    items: Sequence[str]
    tone: Tone = ""


@dataclass(frozen=True)
class Grid:
    """A small table.

    Attributes
    ----------
    heads : headings
    rows : cells as shown, as many in each row as headings
    numbers : positions of the columns that stand on the right
    tones : by row, the tone of its verdict; none if empty
    verdict : position of the column that takes the tone
    unbroken : positions of columns whose cells are never broken into lines
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    tones: Sequence[Tone] = ()
    verdict: int = 0
    unbroken: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure, ready to stand on a page and in a document.

    Attributes
    ----------
    svg : for a page
    png : makes it for a document
    title : what it shows, in words
    narrow : the same for a narrow screen, its panels one under another; ``svg`` if empty
    """

    svg: str
    png: Callable[[], bytes]
    title: str
    narrow: str = ""


@dataclass(frozen=True)
class Columns:
    """Parts side by side where there is room, one after the other where there is not."""

    left: Sequence[Part]
    right: Sequence[Part]


Part: TypeAlias = "Heading | Paragraph | Bullets | Advice | Grid | Figure | Columns"


@dataclass(frozen=True)
class Page:
    """A page in one language."""

    title: str
    subtitle: str
    lang: str
    parts: Sequence[Part] = field(default_factory=tuple)
