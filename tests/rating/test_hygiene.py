"""A framework for a system that is not shipped, written from the docs, rates as by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib.population import Population

FILE = Path(__file__).parent / "data" / "hygiene.toml"


def by_hand(row):
    cold, hands = 100 - 10 * row.cold, 20 * (row.hands - 1)
    clean, pests, trust = 12.5 * row.clean, 100 * (row.pests - 1), 25 * (row.trust - 1)
    food = cold if math.isnan(hands) else 0.6 * cold + 0.4 * hands
    place = 0.5 * clean + 0.5 * pests
    total = math.floor(0.5 * food + 0.3 * place + 0.2 * trust + 0.5 + 1e-9)
    bands = [30, 50, 65, 80, 90] if row.track == "restaurant" else [35, 55, 70, 85, 95]
    star = sum(total >= b for b in bands)
    if cold < 50:
        star = min(star, 2)
    if pests < 100:
        star = min(star, 1)
    if (food < 60) + (place < 60) + (trust < 60) >= 2:
        star = min(star, 3)
    return star


def test_three_caps_bands_by_track_rounding_and_four_kinds_of_items():
    fw = calib.load_framework(str(FILE))
    rng, n = np.random.default_rng(4), 600
    frame = pd.DataFrame({
        "enterprise": [f"R{i}" for i in range(n)],
        "track": rng.choice(["restaurant", "canteen"], n),
        "cold": rng.integers(0, 21, n) / 2,
        "hands": rng.integers(1, 7, n).astype(float),
        "clean": rng.integers(0, 9, n),
        "pests": rng.choice([1, 2], n, p=[0.3, 0.7]),
        "trust": rng.integers(1, 6, n).astype(float),
    })  # fmt: skip
    frame.loc[::7, "hands"] = np.nan
    frame.loc[::35, "trust"] = np.nan  # three of five items: not rated
    rated = calib.rate(calib.published_weights(fw), Population.from_frame(frame, fw))
    found = {i: int(s) for t in rated.samples.values() for i, s in zip(t.ids, t.star, strict=True)}
    assert set(rated.not_rated["enterprise"]) == set(frame["enterprise"][::35])
    for row in frame.itertuples():
        if row.enterprise in found:
            assert found[row.enterprise] == by_hand(row), row
    assert len(set(found.values())) >= 5


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_its_worked_example_names_the_caps(lang):
    told = calib.explain_rule(calib.load_framework(str(FILE)), lang=lang)
    assert told.summary(lang).count("100") >= 1
    assert len(told.frame("steps")) >= 2
