"""The ready figures show the numbers that they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calib.errors import InputError
from calib.figures import (
    estimates,
    framework_tree,
    star_distribution,
    to_svg_string,
    transitions,
    weights_by_set,
)
from calib.framework import load_framework

COUNTS = pd.DataFrame(
    [[1, 5, 9, 6, 1], [0, 4, 12, 4, 2]],
    index=["公布权重", "专家"],
    columns=["1★", "2★", "3★", "4★", "5★"],
)


def texts(fig):
    from matplotlib.text import Text

    return [t.get_text() for t in fig.findobj(Text) if t.get_text()]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_ready_figure_is_drawn_in_both_languages_the_same_each_time(language):
    track = load_framework("aii").tracks["process"]
    local = load_framework("aii").published["process"]
    names = [n.name.get(language) for n in track.nodes]
    table = pd.DataFrame({"一": local, "二": local[::-1]}, index=names)
    worths = pd.DataFrame({"estimate": local, "lower": local * 0.8, "upper": local * 1.2}, names)
    matrix = np.diag([1, 4, 9, 6, 1]) + np.eye(5, k=1)
    for draw in (
        lambda: star_distribution(COUNTS, lang=language),
        lambda: transitions(matrix, before="一", after="二", lang=language),
        lambda: weights_by_set(table, lang=language, lower=table * 0.9, upper=table * 1.1),
        lambda: estimates(worths, label="θ", reference=0.1, margin=(0.08, 0.12)),
        lambda: framework_tree(names, track.parent, local, lang=language),
    ):
        assert to_svg_string(draw()) == to_svg_string(draw())


def test_star_bars_are_as_long_as_their_shares():
    ax = star_distribution(COUNTS, lang="en").axes[0]
    widths = np.array([[bar.get_width() for bar in group] for group in ax.containers]).T
    np.testing.assert_allclose(widths, 100 * COUNTS.to_numpy() / 22)
    shown = texts(ax.figure)
    assert {"12", "9", "5★"} <= set(shown)
    assert "专家  (n=22)" in shown


def test_transitions_say_how_many_rise_and_fall():
    matrix = np.array([[3, 1, 0], [2, 4, 0], [0, 1, 5]])
    shown = " ".join(texts(transitions(matrix, before="A", after="B", lang="en")))
    assert "1 up (blue), 3 down (orange), 12 unchanged" in shown


def test_tree_heights_are_global_weights():
    fw = load_framework("aii")
    track, local = fw.tracks["discrete"], fw.published["discrete"]
    fig = framework_tree([n.name.zh for n in track.nodes], track.parent, local)
    heights = [abs(p.get_height()) for p in fig.axes[0].patches]
    np.testing.assert_allclose(heights, track.global_weights(local))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: star_distribution(pd.DataFrame()), "table of counts"),
        (lambda: star_distribution(COUNTS - 5), "0 or more"),
        (lambda: transitions(np.ones((2, 3)), before="", after=""), "square"),
        (lambda: weights_by_set(pd.DataFrame()), "at least one node"),
        (lambda: estimates(COUNTS, label="x"), "no column estimate, lower, upper"),
        (lambda: framework_tree(["a"], [-1, -1], np.ones(2)), "1 names, 2 parents"),
        (lambda: star_distribution(COUNTS, lang="fr"), "no language 'fr'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(InputError, match=message):
        draw()
