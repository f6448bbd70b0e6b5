"""Faults of options, and where weights come from, are said in the reader's language."""

from __future__ import annotations

import re

import pytest

import calib
from calib.errors import InputError
from calib.experts import PanelRequest
from calib.outcomes.dominance import DominanceRequest
from calib.shifts import ShiftRequest
from calib.weights import to_toml
from calib.words import languages


@pytest.mark.parametrize(
    ("request_of", "options", "zh", "en"),
    [
        (DominanceRequest, {"draws": -1}, "应不小于 0", "greater than or equal to 0"),
        (DominanceRequest, {"draws": "many"}, "应为整数", "valid integer"),
        (DominanceRequest, {"cap": {"beauty": 0.1}}, "", "beauty"),
        (ShiftRequest, {"years": [2020]}, "至少应有 2 项", "at least 2"),
        (ShiftRequest, {"years": [2020, 2019]}, "递增", "must rise"),
        (PanelRequest, {"pooling": "loud"}, "应为", "arithmetic"),
        (PanelRequest, {"seed_cutoff": 0.1}, "仅用于", "only with"),
    ],
)
def test_a_fault_of_an_option_is_said_in_both_languages(request_of, options, zh, en):
    with pytest.raises(InputError) as caught:
        request_of.make(options)
    assert zh in caught.value.get("zh")
    assert en in caught.value.get("en")
    assert "Input should" not in caught.value.get("zh")
    assert not re.search(r"[\u3400-\u9fff]", caught.value.get("en"))


def test_where_weights_come_from_is_said_in_both_languages_and_kept_in_english(aii):
    published = calib.published_weights(aii)
    more = calib.override(published, {"DA": 0.4})
    path = calib.shift(published, {"DA": 0.4}, years=[2020, 2022])
    sets = [published, more, calib.equal_weights(aii), calib.blend({published: 0.5, more: 0.5}),
            calib.round_weights(more, 0.05), path.weights]  # fmt: skip
    for weights in sets:
        said = {lang: weights.provenance.get(lang) for lang in languages()}
        assert re.search(r"[\u3400-\u9fff]", said["zh"]), said
        assert not re.search(r"[\u3400-\u9fff]", said["en"])
        assert weights.provenance.detail == said["en"]
        assert said["zh"] not in to_toml(weights)
    frame = calib.compare(published, more, calib.generate_population(aii, 20, rng=1), rng=1)
    assert frame.frame("provenance")["detail"].map(type).eq(str).all()
