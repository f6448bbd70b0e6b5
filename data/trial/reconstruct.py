"""Reconstruct a trial sample that agrees with every published aggregate.

No enterprise-level answer of the trial was published. This script solves for 22 synthetic
enterprises (12 discrete, 10 process) whose ratings under the published weights and the default
rule options give every published aggregate, and writes ``trial.csv``; the same file byte for byte
at every run. It works in two steps:

1. An integer programme picks how many enterprises have each *profile* (overall star, downgraded
   or not, star of each pillar), so that the aggregates hold.
2. For each enterprise an integer programme picks option answers, as near as possible to a drawn
   profile of realistic shape, so that all scores lie at least 0.3 points inside their bands.

With ``--half-steps`` every item has each of its options in two degrees (10, 20 … 100 where there
are five): whether samples that agree exist on that scale too. Answers are then degrees.

Run:  python data/trial/reconstruct.py [--half-steps] [OUTPUT]
"""

from __future__ import annotations

import sys
import tomllib
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from calib.files.shipped import shipped_data
from calib.framework import Framework, Track, load_framework, parse_framework
from calib.population import Population, Sample
from calib.rating import option_scores
from calib.tables import write_csv

SEED = 20170214
MARGIN = 0.3
"""Points by which every score stays clear of an edge, so that rounding cannot matter."""

PER_TRACK = {
    # Overall stars by track: the process track has 6 of 10 at three stars and few above;
    # the discrete track is polarised. The columns add up to 1 / 5 / 9 / 6 / 1.
    "discrete": (1, 3, 3, 4, 1),
    "process": (0, 2, 6, 2, 0),
}
DOWNGRADED = {"discrete": 3, "process": 1}

Profile = tuple[int, bool, int, int, int]
"""Overall star, downgraded, and the stars of interconnection, integration, data analytics."""


def profiles() -> list[Profile]:
    """Return the profiles that the rule allows and that are plausible for the paper's text.

    A pillar's star cannot be two or more below the overall star, as the gates stand ten points
    under the bands; a downgraded enterprise has its weakest pillar at that star's gate.
    """
    found = []
    for star, down, ic, it, da in product(range(1, 6), (False, True), *[range(1, 6)] * 3):
        low, high = min(ic, it, da), max(ic, it, da)
        if high - low > 2 or not low <= star <= high:
            continue
        if not down and low < star - 1:
            continue
        # Downgraded: the total reaches the next star although one pillar is under its gate.
        if down and not (star < 5 and low <= star and high >= star + 1):
            continue
        found.append((star, down, ic, it, da))
    return found


def choose_profiles() -> dict[str, list[Profile]]:
    """Choose how many enterprises of each track have each profile."""
    known = profiles()
    columns = [(t, p) for t in PER_TRACK for p in known]
    rows, low, high = [], [], []

    def demand(test: object, least: int, most: int | None = None) -> None:
        rows.append([float(test(t, p)) for t, p in columns])  # type: ignore[operator]
        low.append(least)
        high.append(least if most is None else most)

    for t, counts in PER_TRACK.items():
        for star, count in enumerate(counts, start=1):
            demand(lambda u, p, t=t, s=star: u == t and p[0] == s, count)
        demand(lambda u, p, t=t: u == t and p[1], DOWNGRADED[t])
    demand(lambda u, p: p[2] in (3, 4), 19)
    demand(lambda u, p: p[3] in (1, 2), 5)
    demand(lambda u, p: p[3] in (3, 4), 15)
    demand(lambda u, p: p[4] in (1, 2), 6)
    for star, count in ((3, 7), (4, 7), (5, 2)):
        demand(lambda u, p, s=star: p[4] == s, count)
    # Process: nearly all at 3-4 stars on interconnection and integration.
    demand(lambda u, p: u == "process" and p[2] in (3, 4), 9, 10)
    demand(lambda u, p: u == "process" and p[3] in (3, 4), 9, 10)
    # Discrete: polarised on integration; the leaders on data analytics are all discrete.
    demand(lambda u, p: u == "discrete" and p[3] in (1, 2), 4, 5)
    demand(lambda u, p: u == "discrete" and p[3] in (4, 5), 5, 7)
    demand(lambda u, p: u == "discrete" and p[4] == 5, 2)
    # Prefer pillars near the overall star, and variety over many enterprises of one profile.
    rng = np.random.default_rng(SEED)
    cost = [sum((s - p[0]) ** 2 for s in p[2:]) + 0.01 * rng.random() for _, p in columns]
    solution = milp(
        np.array(cost),
        constraints=LinearConstraint(np.array(rows), low, high),
        bounds=Bounds(0, 2),
        integrality=np.ones(len(columns)),
    )
    if not solution.success:
        raise RuntimeError(f"no profiles meet the published aggregates: {solution.message}")
    chosen: dict[str, list[Profile]] = {t: [] for t in PER_TRACK}
    for (t, p), count in zip(columns, np.rint(solution.x).astype(int), strict=True):
        chosen[t] += [p] * count
    return chosen


def answer(
    framework: Framework, track: Track, profile: Profile, rng: np.random.Generator
) -> np.ndarray:
    """Find option answers (L,) that have a profile, near a drawn pattern."""
    star, down, *pillars = profile
    rule, local = framework.rule, framework.published[track.code]
    edges = [rule.low - MARGIN, *rule.bands, rule.high + MARGIN]
    gates = [-1.0, *rule.gates["table"].values, 1e9]
    scale = rule.defaults.option_score
    scores = [option_scores(track.nodes[i].item, scale) for i in track.leaves]  # type: ignore[arg-type]
    steps = np.array([len(s) - 1 for s in scores])
    least = np.array([s[0] for s in scores])
    unit = (rule.high - least) / steps  # points per option, or per degree of one
    top = track.at_depth(1)
    within = track.within(local, top)
    total = local[top] @ within
    rows, low, high = [total * unit], [], []
    band = star + 1 if down else star
    low.append(edges[band - 1] + MARGIN - total @ least)
    high.append(edges[band] - MARGIN - total @ least)
    for p, s in zip(within, pillars, strict=True):
        rows.append(p * unit)
        low.append(max(edges[s - 1], gates[star - 1]) + MARGIN - p @ least)
        high.append(edges[s] - MARGIN - p @ least)
    if down:  # the weakest pillar is at or under the gate of the band
        weakest = int(np.argmin(pillars)) + 1
        most = gates[band - 1] - MARGIN - within[weakest - 1] @ least
        high[weakest] = min(high[weakest], most)
    wish = _draw(track, edges, pillars, rng)
    size = len(steps)
    # Minimise |answer - wish|: y >= x - w and y >= w - x.
    eye = np.eye(size)
    cost = np.concatenate([np.zeros(size), 1 + 0.01 * rng.random(size)])
    target = (wish - least) / unit
    constraints = [
        LinearConstraint(np.hstack([np.array(rows), np.zeros((len(rows), size))]), low, high),
        LinearConstraint(np.hstack([eye, -eye]), -np.inf, target),
        LinearConstraint(np.hstack([-eye, -eye]), -np.inf, -target),
    ]
    solution = milp(
        cost,
        constraints=constraints,
        bounds=Bounds(0, np.concatenate([steps, np.full(size, 100.0)])),
        integrality=np.concatenate([np.ones(size), np.zeros(size)]),
        options={"mip_rel_gap": 0.0, "time_limit": 60.0},
    )
    if not solution.success:
        raise RuntimeError(f"no answers have the profile {profile}: {solution.message}")
    return np.rint(solution.x[:size]).astype(int) + 1


def _draw(
    track: Track, edges: list[float], pillars: list[int], rng: np.random.Generator
) -> np.ndarray:
    """Draw leaf scores around a level in each pillar's band, alike within a capability.

    Levels lie anywhere in the band, as real enterprises do, not only in its middle.
    """
    out = np.zeros(len(track.leaves))
    top = track.at_depth(1)
    below = track.membership(top)
    for p, s in enumerate(pillars):
        level = rng.uniform(edges[s - 1], edges[s])
        for i in np.flatnonzero(track.depth == 2):
            shift = rng.normal(0, 9)
            leaves = np.flatnonzero(track.membership([int(i)])[0] & below[p])
            out[leaves] = level + shift + rng.normal(0, 14, len(leaves))
    return np.clip(out, 0, 100)


def in_half_steps() -> Framework:
    """Return the framework with every option in two degrees."""
    text = (shipped_data() / "frameworks" / "aii.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    document["rating"]["rule_options"]["option_score"] = "half-steps"
    for node in document["nodes"]:
        if "item" in node:
            node["item"] |= {"kind": "graded", "degrees": 2}
    return parse_framework(document)


def solve(framework: Framework) -> Population:
    """Solve for a sample that gives every published aggregate."""
    rng = np.random.default_rng(SEED)
    samples = {}
    for t, chosen in choose_profiles().items():
        track = framework.tracks[t]
        order = rng.permutation(len(chosen))
        values = np.array([answer(framework, track, chosen[i], rng) for i in order], dtype=float)
        ids = np.array([f"{t[0].upper()}{i:02d}" for i in range(1, len(chosen) + 1)], dtype=object)
        names = np.array([f"合成企业 {i} (synthetic)" for i in ids], dtype=object)
        samples[t] = Sample(track, ids, names, values)
    return Population(framework, samples, "answers", synthetic=True)


def main(output: Path, framework: Framework | None = None) -> None:
    """Write the sample."""
    frame = solve(framework or load_framework("aii")).frame()
    leaves = [c for c in frame.columns if "." in c]
    frame[leaves] = frame[leaves].astype("Int64")
    write_csv(frame, output)


if __name__ == "__main__":
    default = Path(__file__).with_name("trial.csv")
    given = [a for a in sys.argv[1:] if a != "--half-steps"]
    halves = in_half_steps() if "--half-steps" in sys.argv else None
    if halves and not given:
        raise SystemExit("--half-steps needs an OUTPUT: the shipped sample is on the other scale")
    main(Path(given[0]) if given else default, halves)
