"""Compare the stars of the framework ``euro-ncap-2026`` with those of Euro NCAP's own package.

Development only: ``pip install euroncap-rating-2026`` first. Stage scores run over a full grid of
18 values a stage (104,976 cars) in each of three years; whole points, as stages are floored.

    python benchmarks/check_euro_ncap.py [values a stage]
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

STAGES = ("safe-driving", "crash-avoidance", "crash-protection", "post-crash")
TITLES = ("Safe Driving", "Crash Avoidance", "Crash Protection", "Post-Crash")
YEARS = (2026, 2027, 2028)


def grid(values: int) -> np.ndarray:
    axis = np.unique(np.linspace(15, 92, values).round().astype(int))
    return np.array(list(itertools.product(axis, repeat=4)), dtype=float)


class Sheet:
    """A sheet of four stage scores that is asked as a data frame is, at a hundredth of its cost."""

    def __init__(self, row: np.ndarray) -> None:
        self.row = dict(zip(TITLES, row, strict=True))

    def __getitem__(self, key: Any) -> Any:
        if key == "Stage":
            return Stage()
        return {"Score": SimpleNamespace(values=np.array([self.row[key]]))}


class Stage:
    """The column of stage names: a comparison with one gives that name back."""

    def __eq__(self, other: object) -> Any:
        return other

    __hash__ = None  # type: ignore[assignment]


def official(scores: np.ndarray, year: int) -> np.ndarray:
    from euroncap_rating_2026 import common
    from euroncap_rating_2026.overall import compute_score

    logging.disable(logging.CRITICAL)
    given: dict[str, Any] = {"All": {"Year of the test": year}}
    common.create_param_dict_from_input_parameters = lambda *a, **k: given
    stars = [compute_score.compute_star_rating(Sheet(row), None, False) for row in scores]
    return np.array(stars, dtype=int)


def ours(scores: np.ndarray, year: int) -> np.ndarray:
    import pandas as pd

    import calib

    fw = calib.load_framework("euro-ncap-2026")
    frame = pd.DataFrame(scores, columns=list(STAGES))
    frame.insert(0, "enterprise", np.arange(len(frame)).astype(str))
    cars = calib.Population.from_frame(frame, fw)
    rated = calib.rate(calib.published_weights(fw), cars, rule_options={"year": str(year)})
    return rated.samples["car"].star


def main() -> int:
    scores = grid(int(sys.argv[1]) if len(sys.argv) > 1 else 18)
    wrong = 0
    for year in YEARS:
        start = time.perf_counter()
        mine = ours(scores, year)
        middle = time.perf_counter()
        theirs = official(scores, year)
        off = int((mine != theirs).sum())
        wrong += off
        print(
            f"{year}: {len(scores)} cars, {off} stars differ "
            f"({middle - start:.1f} s, official {time.perf_counter() - middle:.0f} s)",
            flush=True,
        )
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
