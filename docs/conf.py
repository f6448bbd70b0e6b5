"""Documentation of calib: ``make docs`` builds it into build/docs, without network."""

from __future__ import annotations

from typing import Any

import calib

project = "calib"
author = "The calib developers"
copyright = author
version = release = calib.__version__
extensions = ["myst_parser"]
exclude_patterns = ["images"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"calib {release}"
html_math_renderer = "mathml"
html_show_sourcelink = False


def _inline(self: Any, node: Any) -> None:
    from docutils import nodes
    from latex2mathml.converter import convert

    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(self: Any, node: Any) -> None:
    from docutils import nodes
    from latex2mathml.converter import convert

    self.body.append(f"<p>{convert(node.astext(), display='block')}</p>")
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Show formulas as MathML: the usual renderers fetch a script from outside."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
