"""A page as a Word document, through python-docx."""

from __future__ import annotations

import io
from typing import Any

from calib.errors import InputError
from calib.report.page import (
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

__all__ = ["page_docx"]

_COLOURS: dict[Tone, str] = {"good": "1D7A46", "bad": "B3261E", "open": "8A5F00", "": "1B2530"}
_MUTED = "56636F"
_WIDTH = 18.4
"""Width of the text on A4, in centimetres."""
_FONT, _CHINESE = "Calibri", "Microsoft YaHei"


def page_docx(page: Page) -> bytes:
    """Return the page as a DOCX file: real headings and tables, A4, to be edited in Word.

    Raises
    ------
    InputError
        Where python-docx is not installed.
    """
    try:
        import docx
    except ImportError as exc:
        raise InputError(message("report.no_docx")) from exc
    from docx.shared import Cm

    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(1.3)
    section.top_margin = section.bottom_margin = Cm(1.1)
    _fonts(document)
    document.core_properties.title = page.title
    document.core_properties.language = "zh-CN" if page.lang == "zh" else "en-GB"
    document.core_properties.author = "calib"
    document.add_heading(page.title, level=1)
    _muted(document.add_paragraph(page.subtitle))
    for part in page.parts:
        _add(document, part, _WIDTH)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _fonts(document: Any) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    sizes = {"Normal": 9, "Heading 1": 15, "Heading 2": 10.5, "List Bullet": 9}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), _CHINESE)
        style.paragraph_format.space_before = Pt(5 if name == "Heading 2" else 0)
        style.paragraph_format.space_after = Pt(2)
    document.styles["Heading 1"].font.color.rgb = RGBColor.from_string("1B2530")
    document.styles["Heading 2"].font.color.rgb = RGBColor.from_string("1F5FA8")


def _add(where: Any, part: Part, width: float) -> None:
    if isinstance(part, Heading):
        paragraph = where.add_paragraph(part.text)
        paragraph.style = "Heading 2"
    elif isinstance(part, Paragraph):
        paragraph = where.add_paragraph(part.text)
        if part.muted:
            _muted(paragraph)
    elif isinstance(part, Bullets):
        for item in part.items:
            where.add_paragraph(item).style = "List Bullet"
    elif isinstance(part, Advice):
        _advice(where, part, width)
    elif isinstance(part, Grid):
        _grid(where, part, width)
    elif isinstance(part, Figure):
        from docx.shared import Cm

        run = where.add_paragraph().add_run()
        shape = run.add_picture(io.BytesIO(part.png()), width=Cm(width))
        shape._inline.docPr.set("descr", part.title)
    else:
        _columns(where, part, width)


def _advice(where: Any, part: Advice, width: float) -> None:
    table = _table(where, 1, 1, width)
    table.style = "Table Grid"
    cell = table.cell(0, 0)
    _coloured(cell.paragraphs[0].add_run(part.title), _COLOURS[part.tone], 12)
    for item in part.items:
        cell.add_paragraph(item, style="List Bullet")


def _columns(where: Any, part: Columns, width: float) -> None:
    table = _table(where, 1, 2, width)
    for cell, side in zip(table.rows[0].cells, (part.left, part.right), strict=True):
        for inner in side:
            _add(cell, inner, width / 2 - 0.4)
        first = cell.paragraphs[0]._p
        if not cell.paragraphs[0].text and len(cell._tc) > 2:
            first.getparent().remove(first)
        cell.add_paragraph()  # Word wants one after a table


def _grid(where: Any, grid: Grid, width: float) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    table = _table(where, 1 + len(grid.rows), len(grid.heads), width)
    table.style = "Light Grid Accent 1" if not hasattr(where, "_tc") else "Table Grid"
    for r, row in enumerate([grid.heads, *grid.rows]):
        for c, text in enumerate(row):
            paragraph = table.cell(r, c).paragraphs[0]
            run = paragraph.add_run(text)
            run.bold = r == 0
            if c in grid.numbers:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            if r and grid.tones and c == grid.verdict:
                _coloured(run, _COLOURS[grid.tones[r - 1]])


def _table(where: Any, rows: int, columns: int, width: float) -> Any:
    from docx.shared import Cm

    table = where.add_table(rows, columns)
    for column in table.columns:
        column.width = Cm(width / columns)
    return table


def _coloured(run: Any, colour: str, size: float | None = None) -> None:
    from docx.shared import Pt, RGBColor

    run.bold = True
    run.font.color.rgb = RGBColor.from_string(colour)
    if size is not None:
        run.font.size = Pt(size)


def _muted(paragraph: Any) -> None:
    from docx.shared import Pt, RGBColor

    for run in paragraph.runs:
        run.font.color.rgb = RGBColor.from_string(_MUTED)
        run.font.size = Pt(8)
