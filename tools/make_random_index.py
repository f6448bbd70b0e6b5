"""Write the table of random indices that calib ships beside ``calib/experts/random_index.py``.

python tools/make_random_index.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import calib
from calib.experts.random_index import SEED, simulate_random_index

NUMBERS = (*range(3, 41), 45, 50, 60)


def main() -> None:
    """Simulate every number of items, small ones with more matrices."""
    rows = []
    for n in NUMBERS:
        count = 400_000 if n <= 9 else 100_000 if n <= 16 else 20_000
        generator = np.random.default_rng([SEED, n])
        mean, error = simulate_random_index(n, count, rng=generator)
        rows.append({"n": n, "ri": round(mean, 5), "se": round(error, 6), "matrices": count})
    table = {
        "what": "mean consistency index of random reciprocal matrices on Saaty's 1/9..9 scale",
        "made_by": "python tools/make_random_index.py",
        "seed": SEED,
        "rows": rows,
    }
    path = Path(calib.__file__).with_name("experts") / "random_index.json"
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
