"""A page to be read and printed: type as large as fits, and a Word document that Word takes."""

from __future__ import annotations

import io

import pytest

from calib.errors import InputError
from calib.report.page import check_ending, page_fragment
from calib.report.page_fit import column_shares, wide
from calib.report.page_parts import Advice, Bullets, Columns, Grid, Heading, Page, Paragraph

GRID = Grid(
    ("rule", "what it asks, in a longer sentence that has to be broken into lines", "verdict"),
    [("few stars change", "at most a quarter of the enterprises " * 3, "met")] * 3,
    numbers=(2,), tones=("good",) * 3, verdict=2,
)  # fmt: skip


def page(lang="en", times=1):
    inside = (Heading("Stars"), GRID, Paragraph("after the table", muted=True))
    return Page("Decision?", "22 enterprises", lang, (
        Advice("Recommendation: adopt", ["all rules are met"], "good"), Heading("Rules"),
        *[GRID] * times, Columns(inside, inside), Bullets(["one", "two"]),
    ))  # fmt: skip


def test_type_on_paper_is_as_large_as_fits():
    sizes = [page_fragment(page(times=n)).split('"')[1].split()[1] for n in (1, 4, 5, 6, 40)]
    assert sizes[0] == "roomy"
    assert sizes[-1] == "least"
    order = ["roomy", "usual", "tight", "least"]
    places = [order.index(s) for s in sizes]
    assert places == sorted(places)
    assert len(set(places)) > 2
    # What else stands on the sheet is reckoned with.
    full = page(times=1)
    assert page_fragment(full, above=230) != page_fragment(full)


def test_a_word_document_has_what_word_and_its_readers_need():
    docx = pytest.importorskip("docx")
    from docx.oxml.ns import qn

    from calib.report.docx import page_docx

    made = docx.Document(io.BytesIO(page_docx(page("zh"))))
    body = made.element.body
    tables = list(body.iter(qn("w:tbl")))
    grids = [t for t in tables if len(t.findall(qn("w:tr"))) > 1]
    assert len(grids) == 3
    order = ["tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblCellMar", "tblLook",
             "tblCaption"]  # fmt: skip
    for table in grids:
        first, *others = table.findall(qn("w:tr"))
        assert first.find(f".//{qn('w:tblHeader')}") is not None
        assert all(r.find(f".//{qn('w:tblHeader')}") is None for r in others)
        names = [child.tag.partition("}")[2] for child in table.tblPr]
        assert names == [n for n in order if n in names]  # as the schema wants them
        assert "tblCaption" in names
    section = made.sections[0]
    assert (section.page_width.mm, section.page_height.mm) == pytest.approx((210, 297), abs=0.1)
    room = section.page_width - section.left_margin - section.right_margin
    for table in made.tables:
        assert sum(c.width for c in table.columns) <= room * 1.001
    # The column of short cells is narrower than the one of sentences.
    widths = [c.width for c in made.tables[1].columns]
    assert widths[2] < widths[0] < widths[1]
    for style in ("Normal", "Heading 1", "Heading 2", "List Bullet"):
        fonts = made.styles[style].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) == "Microsoft YaHei"
    assert [p.style.name for p in made.paragraphs if p.text == "Rules"] == ["Heading 2"]
    assert made.styles["Normal"].element.rPr.find(qn("w:lang")).get(qn("w:eastAsia")) == "zh-CN"


def test_short_columns_keep_their_cells_on_one_line():
    long = "what an enterprise is kept from by its score, in words " * 2
    grid = Grid(("who", "why", "p"), [("D01", long, "100 %")], numbers=(2,))
    first, second, last = column_shares(grid, 40)
    assert first + second + last == pytest.approx(40)
    assert last > wide("100 %") > 4 * 0.53  # digits and signs are wider than letters
    assert second > 5 * last


def test_another_ending_is_refused_before_anything_is_computed():
    with pytest.raises(InputError, match=r"print the \.html"):
        check_ending("page.pdf")
    assert check_ending("PAGE.HTML") == ".html"
