"""Legends that are not cut."""

from __future__ import annotations

import pandas as pd
import pytest

from calib.figures import legend_columns, shift_distances, to_svg_string, weights_by_set


@pytest.mark.parametrize("sets", [2, 5, 9])
def test_a_legend_of_long_names_lies_within_its_figure(sets):
    names = [f"选票：明显不等（合成，仅三级指标）{i}" for i in range(sets)]
    fig = weights_by_set(pd.DataFrame({n: [0.3, 0.7] for n in names}, index=["甲", "乙"]))
    to_svg_string(fig)
    box = fig.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= fig.bbox.width


def test_short_names_share_a_line():
    assert legend_columns(["a", "b", "c", "d"], 7.2) == 4


def test_enterprises_that_nothing_moves_are_counted_and_take_no_row():
    never = float("inf")
    table = pd.DataFrame(
        {"down": [0.02, never, never], "up": [never, never, 0.3]}, index=["a", "b", "c"]
    )
    axes = shift_distances(table, within=0.05, lang="en").axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "c"]
    assert "1 more enterprise" in axes.get_xlabel()
