"""A page as a Word document, through python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from calib.report.page_fit import column_shares, fitting
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

__all__ = ["page_docx"]

_COLOURS: dict[Tone, str] = {"good": "1D7A46", "bad": "B3261E", "open": "8A5F00", "": "56636F"}
_MUTED, _LINE, _INK, _ACCENT = "56636F", "D8DEE6", "1B2530", "1F5FA8"
_WIDTH, _HEIGHT = 18.6, 27.7
"""Of the text on A4, in centimetres."""
_SIZES = ((9.0, 56.0), (8.5, 54.0), (8.0, 52.0), (7.5, 50.0), (7.0, 48.0), (6.5, 46.0))
"""Type size in points and height of a figure in millimetres; the first that fits is taken."""
_LEADING = {"zh": 1.32, "en": 1.2}
"""Height of a line in Word, in type sizes; that of Chinese fonts is the larger one."""
_INDENT = 127_000
"""In the frame of the conclusion: 10 points, in the units of Word."""
_FONT, _CHINESE = "Calibri", "Microsoft YaHei"


def page_docx(page: Page) -> bytes:
    """Return the page as a DOCX file: real headings, lists and tables, A4, to be edited in Word."""
    import docx
    from docx.shared import Cm

    size = _SIZES[fitting(page, _SIZES, 10 * _WIDTH, 10 * _HEIGHT, _LEADING.get(page.lang, 1.2))]
    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21.0 - _WIDTH) / 2)
    section.top_margin = section.bottom_margin = Cm((29.7 - _HEIGHT) / 2)
    _styles(document, page.lang, size[0])
    document.core_properties.title = page.title
    document.core_properties.language = "zh-CN" if page.lang == "zh" else "en-GB"
    document.core_properties.author = "calib"
    document.add_heading(page.title, level=1)
    _muted(document.add_paragraph(page.subtitle))
    _Writer(*size).add(document, page.parts, _WIDTH)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _styles(document: Any, lang: str, points: float) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    sizes = {"Normal": 1.0, "Heading 1": 1.6, "Heading 2": 1.15, "List Bullet": 1.0}
    for name, times in sizes.items():
        style = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(round(2 * points * times) / 2)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), _CHINESE)
        form = style.paragraph_format
        form.space_before = Pt(4 if name == "Heading 2" else 0)
        form.space_after = Pt(1)
        form.line_spacing = 1.0
    for name, colour in (("Heading 1", _INK), ("Heading 2", _ACCENT)):
        document.styles[name].font.color.rgb = RGBColor.from_string(colour)
    # Which dictionary checks the spelling, and how Chinese lines are broken.
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), "en-GB")
    spoken.set(qn("w:eastAsia"), "zh-CN")
    normal = document.styles["Normal"].element.get_or_add_rPr()
    for old in normal.findall(qn("w:lang")):
        normal.remove(old)
    normal.append(spoken)


class _Writer:
    """Puts parts into a document or a cell.

    Parameters
    ----------
    points : type size
    figure : height of a figure at most, in millimetres
    """

    def __init__(self, points: float, figure: float) -> None:
        self.points, self.figure = points, figure
        self._title = ""

    def add(self, where: Any, parts: Sequence[Part], width: float) -> None:
        for part in parts:
            self._add(where, part, width)

    def _add(self, where: Any, part: Part, width: float) -> None:
        if isinstance(part, Heading):
            self._title = part.text
            where.add_paragraph(part.text).style = "Heading 2"
        elif isinstance(part, Paragraph):
            paragraph = where.add_paragraph(part.text)
            if part.muted:
                _muted(paragraph)
        elif isinstance(part, Bullets):
            for item in part.items:
                where.add_paragraph(item).style = "List Bullet"
        elif isinstance(part, Advice):
            self._advice(where, part, width)
        elif isinstance(part, Grid):
            self._grid(where, part, width)
        elif isinstance(part, Figure):
            _picture(where, part, width, self.figure)
        else:
            self._columns(where, part, width)

    def _advice(self, where: Any, part: Advice, width: float) -> None:
        table = _table(where, 1, [width], part.title)
        colour = _COLOURS[part.tone]
        _borders(table, {"left": (48, colour), **dict.fromkeys(("top", "bottom", "right"),
                                                              (12, colour))})  # fmt: skip
        cell = table.cell(0, 0)
        _coloured(cell.paragraphs[0].add_run(part.title), colour, self.points + 3)
        cell.paragraphs[0].paragraph_format.left_indent = _INDENT
        for item in part.items:
            form = cell.add_paragraph(item, style="List Bullet").paragraph_format
            form.left_indent, form.first_line_indent = 2 * _INDENT, -_INDENT

    def _columns(self, where: Any, part: Columns, width: float) -> None:
        table = _table(where, 1, [width / 2, width / 2])
        for cell, side in zip(table.rows[0].cells, (part.left, part.right), strict=True):
            self.add(cell, side, width / 2 - 0.4)
            first = cell.paragraphs[0]._p
            if not cell.paragraphs[0].text and len(cell._tc) > 2:
                first.getparent().remove(first)

    def _grid(self, where: Any, grid: Grid, width: float) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH

        per_line = width / 2.54 * 72 / self.points
        widths = [width * share / per_line for share in column_shares(grid, per_line)]
        table = _table(where, 1 + len(grid.rows), widths, self._title)
        _borders(table, dict.fromkeys(("bottom", "insideH"), (4, _LINE)))
        _repeated(table.rows[0])
        for r, row in enumerate([grid.heads, *grid.rows]):
            for c, text in enumerate(row):
                paragraph = table.cell(r, c).paragraphs[0]
                run = paragraph.add_run(text)
                paragraph.paragraph_format.space_after = 0
                if r == 0:
                    _coloured(run, _MUTED)
                if c in grid.numbers:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                if r and grid.tones and c == grid.verdict:
                    _coloured(run, _COLOURS[grid.tones[r - 1]])


def _picture(where: Any, part: Figure, width: float, height: float) -> None:
    from docx.shared import Cm, Mm

    shape = where.add_paragraph().add_run().add_picture(io.BytesIO(part.png()), width=Cm(width))
    if shape.height > Mm(height):
        shape.width, shape.height = int(shape.width * Mm(height) / shape.height), Mm(height)
    shape._inline.docPr.set("descr", part.title)


def _table(where: Any, rows: int, widths: Sequence[float], title: str = "") -> Any:
    """Add a table of columns of fixed widths in centimetres; ``title`` is read to the blind."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm

    table = where.add_table(rows, len(widths))
    if hasattr(where, "_tc"):
        _small(where.paragraphs[-1])  # in a cell, Word wants a paragraph after a table
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)
    properties = table._tbl.tblPr
    margins = OxmlElement("w:tblCellMar")
    for side, twips in (("left", 0), ("right", 90)):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(twips))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    properties.find(qn("w:tblLayout")).addnext(margins)  # the schema wants an order
    if title:
        caption = OxmlElement("w:tblCaption")
        caption.set(qn("w:val"), title)
        properties.append(caption)
    return table


def _borders(table: Any, sides: dict[str, tuple[int, str]]) -> None:
    """Draw lines: by side, the thickness in eighths of a point and the colour."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        if side in sides:
            line = OxmlElement(f"w:{side}")
            thick, colour = sides[side]
            for key, value in (("val", "single"), ("sz", str(thick)), ("space", "0"),
                               ("color", colour)):  # fmt: skip
                line.set(qn(f"w:{key}"), value)
            borders.append(line)
    # The schema wants an order: lines stand before the layout and the margins of cells.
    table._tbl.tblPr.find(qn("w:tblLayout")).addprevious(borders)


def _repeated(row: Any) -> None:
    """Mark a row as heading: Word repeats it on every page, and reads it with every cell."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _coloured(run: Any, colour: str, size: float | None = None) -> None:
    from docx.shared import Pt, RGBColor

    run.bold = True
    run.font.color.rgb = RGBColor.from_string(colour)
    if size is not None:
        run.font.size = Pt(size)


def _small(paragraph: Any) -> None:
    """Make a paragraph that must stand there take next to no room."""
    from docx.shared import Pt

    paragraph.paragraph_format.line_spacing = Pt(1)
    paragraph.paragraph_format.space_after = Pt(0)


def _muted(paragraph: Any) -> None:
    from docx.shared import RGBColor

    for run in paragraph.runs:
        run.font.color.rgb = RGBColor.from_string(_MUTED)
