from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment
from calib.weights import entropy_weights

CASE = json.loads(
    (Path(__file__).parents[2] / "data" / "verify" / "entropy.json").read_text("utf-8")
)


def test_entropy_weights_agree_with_a_published_test_case():
    found = entropy_weights(np.array(CASE["matrix"]))
    np.testing.assert_allclose(found, CASE["weights"], atol=1e-9)


def test_what_tells_nobody_apart_has_no_weight():
    x = np.array([[50, 0, 10.0], [50, 0, 90.0], [50, 0, 20.0]])
    np.testing.assert_array_equal(entropy_weights(x), [0, 0, 1])
    for bad, word in ((x[:1], "two enterprises"), (-x, "0 or more"), (x[:, :2], "apart")):
        with pytest.raises(InputError, match=word):
            entropy_weights(bad)


def test_the_source_keeps_pillars_shared_and_other_levels(aii, tmp_path):
    document = {
        "schema": "calib.experiment/1", "name": "e", "framework": "aii", "baseline": "published",
        "population": {"generate": {"n": 200, "seed": 1}},
        "sets": {"published": {"source": "published"}, "all": {"source": "entropy"},
                 "pillars": {"source": "entropy", "levels": ["pillar"]}},
    }  # fmt: skip
    run = run_experiment(parse_experiment(document, folder=tmp_path))
    assert run.sets["pillars"].weight("IC.DEV", "discrete") == 0.32
    assert run.sets["pillars"].weight("IC") != 0.35
    assert run.sets["all"].weight("IC", "discrete") == run.sets["all"].weight("IC", "process")
    frames = [run.ratings["published"].frame()[["score IC", "score IN", "score DA"]]]
    expected = entropy_weights(np.vstack(frames))
    found = [run.sets["pillars"].weight(c) for c in ("IC", "IN", "DA")]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
