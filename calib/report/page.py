"""One page to be read and printed, as HTML; :mod:`calib.report.docx` makes a Word document."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from calib.errors import InputError
from calib.report.page_fit import fitting
from calib.report.page_parts import (
    Advice,
    Bullets,
    Columns,
    Figure,
    Grid,
    Heading,
    Page,
    Paragraph,
    Part,
    Tone,
)
from calib.words import message

__all__ = ["check_ending", "page_fragment", "page_html", "page_style", "write_page"]

_PRINT = {"roomy": (8.8, 56.0), "usual": (8.0, 50.0), "tight": (7.2, 45.0), "least": (6.7, 42.0)}
"""Type size in points and height of a figure in millimetres on paper; page.css has the same."""
_PAPER = (186.0, 279.0)
"""Width and height of a page in millimetres, without its margins."""
_LEADING = 1.18


def page_style() -> str:
    """Return the style sheet of pages; every rule of it is under ``.calib-page``."""
    return (files("calib.report.assets") / "page.css").read_text(encoding="utf-8")


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


def page_fragment(page: Page, level: int = 1, above: float = 0.0) -> str:
    """Return the page as an HTML element, to stand in another page with :func:`page_style`.

    Parameters
    ----------
    level : of its title; headings inside are one level lower
    above : millimetres that something else takes on the same sheet of paper
    """
    body = "\n".join(_html(p, level + 1) for p in page.parts)
    width, height = _PAPER
    size = list(_PRINT)[fitting(page, list(_PRINT.values()), width, height - above, _LEADING)]
    title = f'<h{level} class="title">{escape(page.title)}</h{level}>'
    return (
        f'<article class="calib-page {size}">{title}\n'
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
        kind = " ".join(filter(None, (
            "num" if i in grid.numbers else "", "whole" if i in grid.unbroken else "", tone
        )))  # fmt: skip
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


def check_ending(path: str | Path) -> str:
    """Return the ending of a file that a page can be written to.

    Raises
    ------
    InputError
        For another ending, or where python-docx is not installed.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in (".html", ".docx"):
        raise InputError(message("report.page_ending", file=target.name, ending=kind or "–"))
    if kind == ".docx" and find_spec("docx") is None:
        raise InputError(message("report.no_docx"))
    return kind


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page as ``.html`` or ``.docx``, in one step.

    Raises
    ------
    InputError
        For another ending, or where python-docx is not installed.
    """
    from calib.files.atomic import write_bytes, write_text

    target = Path(path)
    if check_ending(target) == ".html":
        write_text(target, page_html(page))
    else:
        from calib.report.docx import page_docx

        write_bytes(target, page_docx(page))
    return target
