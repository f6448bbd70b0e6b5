from __future__ import annotations

import math

import pytest

from calib.experiment.wording import cell, display, head, spell


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (math.inf, "aitchison", "–"), (-math.inf, "lower", "–"), (math.nan, "p", "–"),
        (None, "p", "–"), (0.4545, "share", "45.5%"), (22.0, "n", "22"), (1e-7, "p", "<0.0001"),
        (0.0, "p", "0"), (-8.33e-17, "shadow_price", "0"), (4.23e-16, "kkt_residual", "0"),
        (-1e-9, "total_change", "0.00"), (-1e-6, "share", "0.0%"), (2e-7, "slack", "2e-07"),
        (40.5833, "total_before", "40.58"), (True, "downgraded", "yes"), ("<b>", "name", "<b>"),
    ],
)  # fmt: skip
def test_cells_are_shown_with_few_digits_and_never_fail(value, column, shown):
    assert cell(value, column, "en") == shown


def test_words_and_codes_are_spelled_in_the_language(aii):
    assert display("process", "track", aii, "zh") == "流程型"
    assert display("all", "scope", aii, "zh") == "全部"
    assert display("gate IN", "reason", aii, "zh") == "门槛 IN 综合集成"
    assert head("band_star", "zh") == "总分星级"
    assert head("band_star", "en") == "band star"
    assert spell("total; gate IC", aii, "zh") == "总分; 门槛 IC 互联互通"
    assert spell("total (exactly at 83.33)", aii, "zh") == "总分（恰为 83.33）"
    assert spell("IC.DEV", aii, "en") == "IC.DEV smart device networking"
