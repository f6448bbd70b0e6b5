"""The stage test is too eager in small surveys, and the report says so instead of concluding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calib.ballots import ballots_from_lists, equality_report
from calib.ballots.sentences import equality_sentences


@pytest.mark.parametrize(
    ("size", "said"), [(60, "is no finding"), (600, "follow different worths")]
)
def test_small_surveys_draw_no_conclusion_from_the_stage_test(size, said):
    rng = np.random.default_rng(3)
    # First choices are always 0 or 1, later ones anything: worths differ between the ranks.
    lists = []
    for _ in range(size):
        first = int(rng.integers(0, 2))
        rest = [int(i) for i in rng.permutation(np.arange(2, 8))[:2]]
        lists.append(["abcdefgh"[i] for i in (first, *rest)])
    report = equality_report(ballots_from_lists(lists, items=tuple("abcdefgh")), rng=1)
    assert report.stages.p < 0.001
    text = " ".join(equality_sentences(report, "en"))
    assert said in text
    plain = replace(report, stages=replace(report.stages, p=0.5))
    assert said not in " ".join(equality_sentences(plain, "en"))
