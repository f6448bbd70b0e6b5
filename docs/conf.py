"""Documentation of calib: ``make docs`` builds it into build/docs, without network."""

from __future__ import annotations

from typing import Any

import calib

project = "calib"
author = "The calib developers"
copyright = author
version = release = calib.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_google_docstring = False
napoleon_use_ivar = True  # attributes of dataclasses are described once
autodoc_typehints = "none"  # shapes and meaning stand in the docstrings
autodoc_member_order = "groupwise"
exclude_patterns = ["images"]
suppress_warnings = ["ref.python"]  # names such as `codes` that several classes have
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


def _plain_bars(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Let absolute values |x| in docstrings stand, where reST would look for a substitution."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app: Any) -> None:
    """Show formulas as MathML: the usual renderers fetch a script from outside."""
    app.connect("autodoc-process-docstring", _plain_bars)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
