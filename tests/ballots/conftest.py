"""Reference ballots with fits that several published tools agree on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.ballots import Ballots

DATA = Path(__file__).resolve().parents[2] / "data" / "verify" / "ballots.json"


@cache
def _cases() -> dict[str, Any]:
    return json.loads(DATA.read_text(encoding="utf-8"))["cases"]


def _ballots(case: dict[str, Any]) -> Ballots:
    if "data" in case:
        picks = np.array(case["data"])
    else:
        K = max(len(b["ranking"]) for b in case["ballots"])
        rows = [
            [r - 1 for r in b["ranking"]] + [-1] * (K - len(b["ranking"]))
            for b in case["ballots"]
            for _ in range(b["count"])
        ]
        picks = np.array(rows)
    return Ballots(tuple(f"item{j:02d}" for j in range(case["J"])), picks)


@pytest.fixture(params=["german_goals", "rice", "sim_top5of28_200"])
def case(request: pytest.FixtureRequest) -> tuple[Ballots, dict[str, Any]]:
    found = _cases()[request.param]
    return _ballots(found), found


@pytest.fixture
def rice() -> Ballots:
    return _ballots(_cases()["rice"])


@pytest.fixture
def german() -> Ballots:
    return _ballots(_cases()["german_goals"])


@pytest.fixture
def top5() -> Ballots:
    return _ballots(_cases()["sim_top5of28_200"])
