"""A framework as a picture: every level a column, every node as tall as its weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.figures.palette import PAPER, ink_on, series_colours
from calib.figures.style import figure, put_heading, styled
from calib.words import message, say

__all__ = ["framework_tree"]


def _global_weights(parent: Sequence[int], local: FloatArray) -> FloatArray:
    """Return each node's share of the whole; nodes come after their parent."""
    shares = np.array(local, dtype=float)
    for i, above in enumerate(parent):
        if above >= 0:
            shares[i] *= shares[above]
    return shares


def _mix(colour: str, depth: int) -> str:
    """Lighten a colour level by level."""
    from matplotlib.colors import to_hex, to_rgb

    keep = max(0.25, 1.0 - 0.3 * depth)
    return str(to_hex(np.array(to_rgb(colour)) * keep + (1.0 - keep)))


@styled
def framework_tree(
    names: Sequence[str],
    parent: Sequence[int],
    local: FloatArray,
    *,
    lang: str | None = None,
    title: str = "",
) -> Any:
    """Draw the tree of a track with its weights.

    Parameters
    ----------
    names : (m,) names of the nodes as shown, in preorder, root excluded
    parent : (m,) position of each node's parent, -1 for children of the root
    local : (m,) weight of each node among its siblings, 0 to 1
    lang : ``zh`` or ``en``; the current one if None
    title : heading; a general one when empty

    Returns
    -------
    The figure: columns are levels, heights are shares of the whole.

    Raises
    ------
    InputError
        When the three do not have the same length.
    """
    if not len(names) == len(parent) == len(local) or not len(names):
        raise InputError(
            message("figures.tree_lengths", names=len(names), parents=len(parent),
                    weights=len(local))
        )  # fmt: skip
    shares = _global_weights(parent, local)
    depth, top, colour = _layout(parent, shares)
    levels = max(depth) + 1
    # Names grow longer down the tree, so its columns grow wider.
    widths = np.arange(1.0, levels + 1.0) ** 0.75
    widths = widths / widths.sum()
    left = np.cumsum(widths) - widths
    height = float(np.clip(0.125 / max(float(shares[shares > 0].min()), 1e-9), 3.0, 11.0))
    fig, ax = figure(8.4, height)
    for i, name in enumerate(names):
        face = _mix(colour[i], depth[i])
        ax.bar(
            left[depth[i]], -shares[i], bottom=-top[i], width=widths[depth[i]], align="edge",
            color=face, edgecolor=PAPER, linewidth=1.2,
        )  # fmt: skip
        size = float(np.clip(shares[i] * height * 72 * 0.72, 4.5, 9.5))
        room = int(widths[depth[i]] * 8.2 * 72 / (0.54 * size))
        ax.text(
            left[depth[i]] + 0.008, -top[i] - shares[i] / 2, _fit(name, local[i], room),
            va="center", ha="left", color=ink_on(face), fontsize=size,
        )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(-1.0, 0.0)
    ax.set_axis_off()
    heading = title or say("figures.tree", lang)
    put_heading(fig, heading)
    return fig


def _layout(parent: Sequence[int], shares: FloatArray) -> tuple[list[int], list[float], list[str]]:
    """Return depth, upper edge and colour of every node."""
    roots = [i for i, above in enumerate(parent) if above < 0]
    palette = dict(zip(roots, series_colours(len(roots)), strict=True))
    depth: list[int] = []
    top: list[float] = []
    colour: list[str] = []
    used: dict[int, float] = {-1: 0.0}
    for i, above in enumerate(parent):
        depth.append(0 if above < 0 else depth[above] + 1)
        top.append(used[above])
        used[above] += float(shares[i])
        used[i] = top[i]
        colour.append(palette[i] if above < 0 else colour[above])
    return depth, top, colour


def _fit(name: str, weight: float, room: int) -> str:
    """Cut a name to the room; a Chinese character takes two places."""
    tail = f"  {weight:.3g}"
    room -= len(tail)
    used = 0
    for at, character in enumerate(name):
        used += 2 if ord(character) > 0x2E7F else 1
        if used > room:
            return name[: max(1, at - 1)] + "…" + tail
    return name + tail
