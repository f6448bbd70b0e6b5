"""A made-up credit rating with three caps, written from the docs, rates as its text says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import calib

FILE = Path(__file__).parent / "data" / "credit.toml"
NAN = float("nan")
COLUMNS = ["enterprise", "track", "leverage", "coverage", "default", "audit", "board"]
FIRMS = [
    ("sound", "listed", 0.5, 9.5, 3, 2, 8),
    ("defaulted", "private", 0.5, 9.5, 1, 2, 8),
    ("indebted", "listed", 5.0, 9.5, 3, 2, 8),
    ("badly run", "listed", 0.1, 10.0, 3, 1, 8),
    ("middling", "private", 2.0, 5.0, 2, 2, 4),
    ("silent", "listed", NAN, NAN, 3, 1, NAN),
    ("brief", "private", 1.0, NAN, 3, 2, 8),
]


def test_three_caps_bands_by_track_and_least_coverage():
    framework = calib.load_framework(FILE)
    firms = calib.Population.from_frame(pd.DataFrame(FIRMS, columns=COLUMNS), framework)
    rating = calib.rate(calib.published_weights(framework), firms)
    found = rating.frame("enterprises").set_index("enterprise")
    assert found["label"].to_dict() == {
        "sound": "AA", "defaulted": "D", "indebted": "B", "badly run": "A", "middling": "B",
        "brief": "AA",
    }  # fmt: skip
    causes = found["caused_by"].to_dict()
    assert causes["defaulted"] == "default"
    assert causes["indebted"] == "leverage"
    assert causes["badly run"] == "GOV/audit"
    assert not any(causes[k] for k in ("sound", "middling", "brief"))
    assert rating.not_rated["enterprise"].tolist() == ["silent"]
    # F = 0.4 * (100 - 50/6) + 0.35 * 95 + 0.25 * 100, G = 100: 0.7 F + 0.3 G
    assert abs(found.loc["sound", "total"] - (0.7 * (36.6666666667 + 33.25 + 25) + 30)) < 1e-6
