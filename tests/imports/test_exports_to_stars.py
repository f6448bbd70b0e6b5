"""Exports of survey platforms go from the file to stars, every cell as it was meant."""

from __future__ import annotations

import numpy as np
import pytest
from platform_exports import AII, LAYOUTS, firms

import calib
from calib.errors import InputError
from calib.imports import prepare

TRUTH = {f.name: f for f in firms()}
PUBLISHED = calib.published_weights(AII)


def wrong(population):
    """Return the cells that are not what the enterprise answered."""
    out = []
    for t, sample in population.samples.items():
        for i, name in enumerate(sample.names):
            firm = TRUTH[name]
            assert firm.track == t
            for j, code in enumerate(sample.track.leaf_codes):
                meant = firm.answers.get(code, np.nan)
                if not np.isclose(sample.values[i, j], meant, equal_nan=True):
                    out.append((name, code, sample.values[i, j], meant))
    return out


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_goes_from_the_file_to_stars_with_one_confirmation(layout, tmp_path):
    path = LAYOUTS[layout](tmp_path)
    proposal = prepare(path, AII)
    assert proposal.questions == ()
    if not proposal.mapping.ready:
        with pytest.raises(InputError, match="likely but not certain"):
            calib.import_answers(path, AII)
    population = calib.import_answers(path, AII, confirm=True)
    assert len(population) == 60
    assert wrong(population) == []
    rating = calib.rate(PUBLISHED, population, rule_options={"missing": "renormalise"})
    assert rating.counts().sum() == 60
