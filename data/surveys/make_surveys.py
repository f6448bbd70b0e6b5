"""Write the SYNTHETIC surveys of this folder, the same files byte for byte.

Run ``python make_surveys.py`` in this folder. Nobody was asked: respondents are simulated under
Plackett-Luce with the worths set below.

- ``near-equal.csv``: log-worths that spread with a standard deviation of 0.05;
- ``unequal.csv``: data analytics lifted by 0.5 and a spread of 0.45 between indicators.
"""

from pathlib import Path

import numpy as np

from calib.ballots import Ballots, simulate_ballots, write_survey
from calib.framework import Framework, load_framework

HERE = Path(__file__).parent
SIZES = {"discrete": 420, "process": 310}
CHOICES = 5
SEED = 20170215


def respondents(framework: Framework, track: str, spread: float, lift: float, seed: int) -> Ballots:
    """Simulate the ballots of one track."""
    rng = np.random.default_rng([SEED, seed])
    leaves = framework.tracks[track].leaf_codes
    n = SIZES[track]
    theta = spread * rng.standard_normal(len(leaves))
    theta += lift * np.array([code.startswith("DA.") for code in leaves])
    # About one respondent in eight lists fewer than five indicators.
    lengths = np.where(rng.random(n) < 0.12, rng.integers(2, CHOICES, size=n), CHOICES)
    drawn = simulate_ballots(theta, n, CHOICES, items=leaves, lengths=lengths, rng=rng)
    letter = track[0].upper()
    sizes = np.array(["large", "medium", "small"])[rng.choice(3, size=n, p=[0.3, 0.4, 0.3])]
    # One ballot an enterprise but for some, which send two.
    firms = np.sort(rng.permutation(np.arange(n) % int(0.93 * n)))
    return Ballots(
        leaves,
        drawn.picks,
        cluster=np.array([f"SYN-{letter}{firm + 1:03d}" for firm in firms]),
        segment=sizes,
        respondent=np.array([f"SYN-{letter}-R{i + 1:03d}" for i in range(n)]),
    )


def main() -> None:
    """Write both surveys."""
    framework = load_framework("aii")
    for seed, (name, spread, lift) in enumerate(
        [("near-equal", 0.05, 0.0), ("unequal", 0.45, 0.5)]
    ):
        ballots = {
            track: respondents(framework, track, spread, lift, 10 * seed + i)
            for i, track in enumerate(framework.tracks)
        }
        write_survey(ballots, HERE / f"{name}.csv", synthetic=True)


if __name__ == "__main__":
    main()
