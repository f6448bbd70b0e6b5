"""A population as a file declares it."""

from __future__ import annotations

import pickle

from calib.population import PopulationSpec, load_population, resolve_population
from calib.rating import score_answers
from calib.words import set_language


def test_a_label_in_both_languages_is_read_in_the_reader_s_and_recorded_in_one(aii, tmp_path):
    frame = load_population("trial", aii).frame()
    frame.to_csv(tmp_path / "firms.csv", index=False)
    spec = PopulationSpec.model_validate(
        {"file": "firms.csv", "label": {"zh": "甲省样本", "en": "province A"}}
    )
    firms = resolve_population(spec, aii, tmp_path, lambda path: None)
    assert firms.label == "province A"
    set_language("zh")
    assert "甲省样本" in repr(firms)
    scored = score_answers(firms)
    assert scored.label.get("zh") == "甲省样本"
    assert pickle.loads(pickle.dumps(scored.label)).get("zh") == "甲省样本"
