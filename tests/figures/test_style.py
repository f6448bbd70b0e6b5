"""The look: fonts that render, files that repeat, colours that stay apart."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

from calib.errors import InputError
from calib.figures import (
    INK,
    MissingGlyphWarning,
    contrast,
    figure,
    ink_on,
    missing_glyphs,
    save,
    save_png,
    save_svg,
    star_colours,
    styled,
    to_png_bytes,
    to_svg_string,
)
from calib.figures.fonts import FONT_FILE

CHINESE = "互联互通 综合集成 数据分析利用 五星 ★★★★★ ≤20 ≥80 θ −1 1→2"


@styled
def draw(text=CHINESE):
    fig, ax = figure(4, 2)
    ax.plot([0, 1], [0, 1])
    ax.set_title(text)
    return fig


def test_font_holds_all_of_gb2312_and_the_digest_that_its_readme_names():
    points = []
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                points.append(bytes((row, cell)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    assert len(points) > 7000
    assert missing_glyphs(["".join(points)]) == {}
    digest = hashlib.sha256(FONT_FILE.read_bytes()).hexdigest()
    assert digest in (FONT_FILE.parent / "README.md").read_text(encoding="utf-8")


def test_chinese_is_drawn_with_the_shipped_font_and_never_as_boxes():
    """A missing glyph draws the same box for every character; real glyphs all differ."""
    from matplotlib.ft2font import FT2Font

    font = FT2Font(str(FONT_FILE))
    assert all(font.get_char_index(ord(c)) > 0 for c in CHINESE if c not in "−")
    pictures = {to_png_bytes(draw(c)) for c in "互联综合集成"}
    assert len(pictures) == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = to_svg_string(draw())
    assert set("互联综合集成★") <= set(re.sub(r"<[^>]*>", "", svg))  # as text


def test_a_character_without_glyph_is_reported_with_its_label():
    with pytest.warns(MissingGlyphWarning, match="龘 in '龘龘公司'"):
        to_svg_string(draw("龘龘公司"))


def test_figures_are_the_same_bytes_at_every_run(tmp_path):
    assert to_svg_string(draw()) == to_svg_string(draw())
    first, second = save_svg(draw(), tmp_path / "a.svg"), save_svg(draw(), tmp_path / "b.svg")
    assert first.read_bytes() == second.read_bytes()
    assert save_png(draw(), tmp_path / "a.png").read_bytes() == to_png_bytes(draw())
    code = (
        "from calib.figures import figure, to_svg_string; import hashlib;"
        "fig, ax = figure(4, 2); ax.set_title('星级');"
        "print(hashlib.sha256(to_svg_string(fig).encode()).hexdigest())"
    )
    runs = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)}
    assert len(runs) == 1


def test_the_users_settings_neither_change_nor_matter():
    import matplotlib as mpl

    before = to_svg_string(draw())
    with mpl.rc_context({"font.size": 31, "axes.facecolor": "red", "lines.linewidth": 9}):
        kept = dict(mpl.rcParams)
        inside = to_svg_string(draw())
        assert dict(mpl.rcParams) == kept
    assert inside == before


def test_a_themed_figure_follows_the_page_and_a_saved_one_does_not(tmp_path):
    themed = to_svg_string(draw())
    assert f"var(--figure-ink, {INK})" in themed
    assert "var(" not in to_svg_string(draw(), themed=False)
    assert "var(" not in save_svg(draw(), tmp_path / "a.svg").read_text(encoding="utf-8")


def test_two_figures_on_a_page_share_no_id_and_reach_nothing_outside():
    one, two = to_svg_string(draw("一")), to_svg_string(draw("二"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((one, two), ids, strict=True):
        assert set(re.findall(r'href="#([^"]+)"', svg)) <= own
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= own
        assert "<style" not in svg
        assert "<!--" not in svg


def test_a_title_is_escaped():
    svg = to_svg_string(draw(), title='"><script>alert(1)</script>')
    assert "<script" not in svg


def test_saving_goes_by_the_ending(tmp_path):
    assert save(draw(), tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
    assert save(draw(), tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"\.svg or \.png"):
        save(draw(), tmp_path / "a.jpg")


def test_importing_the_figures_does_not_import_matplotlib():
    code = "import sys, calib.figures; print('matplotlib' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"False"


# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
COLOUR_VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def lab(colour, matrix):
    """CIE L*a*b* (D65) of a colour as seen through a simulated colour vision."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(matrix @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", list(COLOUR_VISION))
def test_star_colours_stay_apart_and_in_order_for_every_colour_vision(vision):
    values = [lab(c, COLOUR_VISION[vision]) for c in star_colours(5)]
    lightness = [v[0] for v in values]
    assert lightness == sorted(lightness, reverse=True)
    for i, first in enumerate(values):
        for second in values[i + 1 :]:
            assert np.linalg.norm(first - second) > 14


@pytest.mark.parametrize("stars", [1, 2, 4, 5, 6, 9])
def test_any_number_of_stars_has_distinct_colours_with_readable_ink(stars):
    colours = star_colours(stars)
    assert len(set(colours)) == stars
    assert all(contrast(c, ink_on(c)) > 4.5 for c in colours)


def test_a_number_that_is_none_never_reaches_a_page():
    fig, ax = figure(3, 2)
    ax.set_title("σ = nan, -inf; nanjing")
    ax.text(0.5, 0.5, f"{float('nan'):.0%}")
    to_svg_string(fig)
    assert ax.get_title() == "σ = –, –; nanjing"
    assert "nan" not in ax.texts[0].get_text()
