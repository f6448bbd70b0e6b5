"""One page to be read and printed: its parts, as HTML and as a Word document.

A page is a sequence of parts that know nothing of how they are shown; one renderer makes a
self-contained HTML page of them, another a DOCX file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

from calib.errors import InputError
from calib.words import message

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
    "page_fragment",
    "page_html",
    "page_style",
    "write_page",
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
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    tones: Sequence[Tone] = ()
    verdict: int = 0


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


def page_style() -> str:
    """Return the style sheet of pages; every rule of it is under ``.calib-page``."""
    return (files("calib.report") / "page.css").read_text(encoding="utf-8")


def page_html(page: Page) -> str:
    """Return the page as one HTML file that loads nothing."""
    lang = "zh-CN" if page.lang == "zh" else page.lang
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title)}</title>\n<style>\n"
        "body { margin: 0; background: #fff; }\n"
        f"{page_style()}</style>\n</head>\n<body>\n<main>\n{page_fragment(page)}\n</main>\n"
        "</body>\n</html>\n"
    )


def page_fragment(page: Page, level: int = 1) -> str:
    """Return the page as an HTML element, to stand in another page with :func:`page_style`.

    Parameters
    ----------
    level : of its title; headings inside are one level lower
    """
    body = "\n".join(_html(p, level + 1) for p in page.parts)
    return (
        f'<article class="calib-page"><h{level} class="title">{escape(page.title)}</h{level}>\n'
        f'<p class="muted">{escape(page.subtitle)}</p>\n{body}\n</article>'
    )


def _html(part: Part, level: int) -> str:
    if isinstance(part, Heading):
        return f'<h{level} class="head">{escape(part.text)}</h{level}>'
    if isinstance(part, Paragraph):
        kind = ' class="muted"' if part.muted else ""
        return f"<p{kind}>{escape(part.text)}</p>"
    if isinstance(part, Bullets):
        return f"<ul>{''.join(f'<li>{escape(i)}</li>' for i in part.items)}</ul>"
    if isinstance(part, Advice):
        items = "".join(f"<li>{escape(i)}</li>" for i in part.items)
        return (
            f'<section class="advice {part.tone}"><p class="said">{escape(part.title)}</p>'
            f"<ul>{items}</ul></section>"
        )
    if isinstance(part, Columns):
        sides = ("\n".join(_html(p, level) for p in side) for side in (part.left, part.right))
        return f'<div class="sides">{"".join(f"<div>{s}</div>" for s in sides)}</div>'
    if isinstance(part, Figure):
        if not part.narrow:
            return f"<figure>{part.svg}</figure>"
        both = f'<div class="broad">{part.svg}</div><div class="narrow">{part.narrow}</div>'
        return f"<figure>{both}</figure>"
    return _grid_html(part)


def _grid_html(grid: Grid) -> str:
    def cell(tag: str, i: int, text: str, tone: Tone = "") -> str:
        kind = " ".join(filter(None, ("num" if i in grid.numbers else "", tone)))
        head = ' scope="col"' if tag == "th" else f' data-head="{escape(grid.heads[i])}"'
        head += f' class="{kind}"' if kind else ""
        return f"<{tag}{head}>{escape(text)}</{tag}>"

    heads = "".join(cell("th", i, h) for i, h in enumerate(grid.heads))
    rows = []
    for number, row in enumerate(grid.rows):
        tone: Tone = grid.tones[number] if grid.tones else ""
        cells = (cell("td", i, c, tone if i == grid.verdict else "") for i, c in enumerate(row))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    kind = ' class="stack"' if len(grid.heads) > _NARROW else ""
    return (
        f'<div class="scroll" tabindex="0"><table{kind}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


_NARROW = 4
"""Tables with more columns are stacked on narrow screens, a row under another."""


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page as ``.html`` or ``.docx``, in one step.

    Raises
    ------
    InputError
        For another ending, or where python-docx is not installed.
    """
    from calib.files.atomic import write_bytes, write_text

    target = Path(path)
    kind = target.suffix.lower()
    if kind == ".html":
        write_text(target, page_html(page))
    elif kind == ".docx":
        from calib.report.docx import page_docx

        write_bytes(target, page_docx(page))
    else:
        raise InputError(message("report.page_ending", file=target.name, ending=kind or "–"))
    return target
