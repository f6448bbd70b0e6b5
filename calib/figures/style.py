"""One look for every figure: size, font, lines, and files that are the same at every run.

matplotlib is imported inside the functions, figures are made without pyplot, and the user's
``rcParams`` are left as they were.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from calib.errors import InputError
from calib.figures.fonts import register_fonts, warn_missing_glyphs
from calib.figures.palette import GRID, INK, MUTED, PAPER, series_colours
from calib.files.atomic import write_bytes
from calib.report.display import NOTHING
from calib.report.showing import mark
from calib.words import languages, message

__all__ = [
    "figure",
    "legend_columns",
    "put_heading",
    "put_rows",
    "save",
    "save_png",
    "save_svg",
    "style",
    "styled",
    "svg_bytes",
    "to_png_bytes",
    "to_svg_string",
]

P = ParamSpec("P")
T = TypeVar("T")

# Colours of the page that a themed figure follows; the values are the fallback.
_THEMED = {
    INK: "--figure-ink",
    MUTED: "--figure-muted",
    GRID: "--figure-grid",
    PAPER: "--figure-paper",
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def _parameters() -> dict[str, Any]:
    from cycler import cycler

    return {
        "font.family": list(register_fonts()),
        "font.size": 9.5,
        "axes.titlesize": 11.0,
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.labelsize": 9.5,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.facecolor": PAPER,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=list(series_colours(8))),
        "axes.unicode_minus": True,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 9.0,
        "ytick.labelsize": 9.0,
        "legend.frameon": False,
        "legend.fontsize": 9.0,
        "figure.facecolor": PAPER,
        "figure.dpi": 100,
        "savefig.facecolor": "auto",
        "svg.fonttype": "none",
        "svg.hashsalt": "calib",
        "path.simplify": False,
    }


@contextmanager
def style() -> Iterator[None]:
    """Apply the look inside a ``with`` block; the user's settings come back after it."""
    import matplotlib as mpl

    defaults = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")}
    with mpl.rc_context():
        # From the defaults, not from the user's settings: the same figure for everyone.
        for key in ("toolbar", "interactive", "webagg.open_in_browser"):
            defaults.pop(key, None)
        mpl.rcParams.update(defaults)
        mpl.rcParams.update(_parameters())
        yield


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function that draws a figure inside :func:`style`, its ``lang`` settled."""

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        lang = kwargs.get("lang")
        if lang is not None and lang not in languages():
            known = " | ".join(languages())
            raise InputError(message("figures.no_language", language=repr(lang), known=known))
        with style():
            return function(*args, **kwargs)

    return inside


@functools.lru_cache(maxsize=1)
def _figure_class() -> Any:
    from matplotlib.figure import Figure

    class CalibFigure(Figure):
        """A matplotlib figure that shows itself in a notebook in calib's look."""

        released = False
        noted: Any = None

        def _repr_svg_(self) -> str:
            svg = to_svg_string(self)
            shown = mark(svg) if self.released else svg
            return shown if self.noted is None else str(self.noted(shown))

    return CalibFigure


@styled
def figure(
    width: float = 7.0,
    height: float = 4.0,
    *,
    rows: int = 1,
    columns: int = 1,
    **subplots: Any,
) -> tuple[Any, Any]:
    """Make an empty figure in calib's look, without pyplot.

    Parameters
    ----------
    width, height : size in inches
    rows, columns : grid of axes
    subplots : handed on to ``Figure.subplots`` (``sharex``, ``width_ratios`` …)

    Returns
    -------
    The figure, and its axes: one ``Axes``, or an array of them as ``Figure.subplots`` gives.

    Examples
    --------
    >>> fig, ax = figure(4, 3)
    >>> _ = ax.set_title("星级分布 star distribution")
    >>> to_svg_string(fig).startswith("<svg")
    True
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fig = _figure_class()(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **subplots)


def put_heading(fig: Any, text: str) -> None:
    """Put the heading of a figure at its upper left; nothing where it is empty."""
    if text:
        fig.suptitle(text, x=0.01, ha="left", fontsize=11)


def put_rows(ax: Any, names: Iterable[object]) -> None:
    """Name the rows of a chart, the first one on top."""
    listed = [str(n) for n in names]
    ax.set_yticks(range(len(listed)), listed)
    ax.set_ylim(len(listed) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


_NO_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:nan|inf)(?![\w.])")


def legend_columns(labels: Iterable[object], width: float) -> int:
    """Return how many columns a legend can have in a figure, so that none of it is cut.

    Parameters
    ----------
    labels : entries; a Chinese character counts as two letters
    width : of the figure in inches
    """
    east = unicodedata.east_asian_width
    widths = [6 + sum(2 if east(c) in "WF" else 1 for c in str(n)) for n in labels]
    fits = [
        n for n in range(1, len(widths) + 1)
        # Entries run down the columns, the first columns hold the most.
        if sum(max(part) for part in np.array_split(widths, n)) <= _LETTERS_AN_INCH * width
    ]  # fmt: skip
    return fits[-1] if fits else 1


_LETTERS_AN_INCH = 14
"""Letters of a legend's size in an inch."""


def _prepare(fig: Any) -> None:
    """Give every text the shipped font and report what it cannot draw."""
    from matplotlib.text import Text

    texts: list[Any] = fig.findobj(Text)
    families = list(register_fonts())
    for text in texts:
        text.set_fontfamily(families)
        # A number that is none never reaches a page.
        text.set_text(_NO_NUMBER.sub(NOTHING, text.get_text()))
    warn_missing_glyphs(dict.fromkeys(t.get_text() for t in texts if t.get_visible()))


@styled
def _render(fig: Any, kind: str, **options: Any) -> bytes:
    import warnings

    _prepare(fig)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Already reported, with the labels, by the check above.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        fig.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


def _theme(svg: str) -> str:
    """Let the four page colours follow the page's CSS variables; data colours stay."""
    for colour, variable in _THEMED.items():
        svg = re.sub(rf"(fill|stroke): {colour}\b", rf"\1: var({variable}, {colour})", svg)
    return svg


def _shorten(svg: str) -> str:
    """Drop what nobody sees: places past a hundredth of a point in paths, and line breaks."""
    svg = re.sub(
        r'(?:\bd="[^"]*"|translate\([^)]*\))',
        lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m.group(0)).replace("\n", " "),
        svg,
    )
    return re.sub(r"\n\s*", "\n", svg)


def _unique_ids(svg: str) -> str:
    """Prefix every id with a digest of the figure, so that many can share a page."""
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8] + "-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}", svg)
    return re.sub(r'href="#', f'href="#{prefix}', svg)


_FONTS = "system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"


def svg_bytes(fig: Any) -> bytes:
    """Return the figure as an SVG file of fixed colours: the same bytes at every run.

    Its texts are texts, which can be searched, read aloud and edited; what draws them is a font of
    the reader's, as wide as the one the figure was laid out in where they are Chinese.
    """
    svg = _render(fig, "svg", metadata=_NO_METADATA).decode()
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    return svg.replace("<svg", f'<svg font-family="{_FONTS}"', 1).encode()


def to_svg_string(
    fig: Any, *, title: str = "", themed: bool = True, drawn: bytes | None = None
) -> str:
    """Return the figure as SVG to put into an HTML page.

    Parameters
    ----------
    fig : a figure from :func:`figure`
    title : what the figure shows, in words, for readers who do not see it
    themed : let background, text and lines follow the CSS variables ``--figure-paper``,
        ``--figure-ink``, ``--figure-muted`` and ``--figure-grid`` of the page (light and dark)
    drawn : what :func:`svg_bytes` gave for it; drawn here if None

    Returns
    -------
    An ``<svg>`` element: the same bytes at every run, ids unique to the figure, width that
    follows the page, no reference to anything outside.
    """
    text = (svg_bytes(fig) if drawn is None else drawn).decode()
    svg = text[text.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    # matplotlib's sheet says * {…}, which on a page would style every other picture too.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'<svg font-family="[^"]*"', "<svg", svg)
    svg = _shorten(svg)
    if themed:
        svg = _theme(svg)
    svg = _unique_ids(svg)
    width = fig.get_figwidth() * 96
    label = f' aria-label="{escape(title)}"' if title else ""
    head = f'<svg role="img"{label} style="width:100%;max-width:{width:.0f}px;height:auto;'
    letters = f"var(--sans, {_FONTS})" if themed else _FONTS
    head += f'overflow:visible;stroke-linejoin:round;stroke-linecap:butt;font-family:{letters}"'
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg", head, 1)


def to_png_bytes(fig: Any, *, dpi: int = 150) -> bytes:
    """Return the figure as PNG, without date or software name."""
    return _render(fig, "png", dpi=dpi, metadata={"Software": None})


def save_svg(fig: Any, path: str | Path) -> Path:
    """Write the figure as an SVG file of fixed colours: the same bytes at every run."""
    path = Path(path)
    write_bytes(path, svg_bytes(fig))
    return path


def save_png(fig: Any, path: str | Path, *, dpi: int = 150) -> Path:
    """Write the figure as a PNG file without date or software name."""
    path = Path(path)
    write_bytes(path, to_png_bytes(fig, dpi=dpi))
    return path


def save(fig: Any, path: str | Path) -> Path:
    """Write the figure as SVG or PNG, by the ending of the file's name."""
    path = Path(path)
    if path.suffix == ".svg":
        return save_svg(fig, path)
    if path.suffix == ".png":
        return save_png(fig, path)
    raise InputError(message("figures.ending", file=str(path), ending=repr(path.suffix)))
