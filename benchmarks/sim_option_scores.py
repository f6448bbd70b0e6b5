"""How likely the trial's published aggregates are under each scale of option scores.

The white paper's figure with the scores of options is lost. Enterprises are drawn as in
``data/trial/ensemble.py`` (pillars, capabilities and items scattered around an enterprise's level)
and answer on a scale; two links from a level to an answer are tried: the option whose score is
*nearest*, or the one of k *equal parts* of 0-100, as the paper's capability levels go by fifths.
How levels are spread decides much, so beside the uniform prior of the shipped ensemble twelve
normal ones are tried: their mean probability, and the highest. The probability that 12 + 10
enterprises give every published aggregate is estimated by sequential Monte Carlo: enterprise after
enterprise, each particle draws a class among those that its remaining counts allow, and is weighted
by their chance (unbiased). Ratios of two scales' probabilities are Bayes factors.

    python benchmarks/sim_option_scores.py [POOL] [PARTICLES]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from calib.framework import Item, Track, load_framework
from calib.rating import option_scores
from calib.rating.stars import band_index, node_scores, stars

SEED = 7
SD = {"pillar": 12.0, "capability": 9.0, "item": 14.0}
SCALES = ("even-from-0", "even-to-100", "half-steps")
LEVELS = [None, *((mean, sd) for mean in (45, 52, 59) for sd in (12, 17, 22, 27))]
"""Mean and SD of enterprises' levels; None is uniform."""
AII = load_framework("aii")
# Counts to be met: stars, downgraded or not, pillar bands (each partition sums to 22).
TARGET = np.array([1, 5, 9, 6, 1, 4, 18, 19, 3, 5, 15, 2, 6, 7, 7, 2])
# By track: process at three stars or not; and what the text says of the tracks without a number.
EXACT = {"discrete": (), "process": (6, 4)}


@dataclass
class Classes:
    """What an enterprise of each class adds to every count, and how often the class is drawn."""

    counts: np.ndarray
    soft: np.ndarray
    frequency: np.ndarray


def scores_of(item: Item, scale: str) -> np.ndarray:
    if scale == "half-steps":
        return option_scores(Item("graded", 2 * item.options, degrees=2), scale)
    return option_scores(item, scale)


def draw(
    track: Track, scale: str, link: str, spread: tuple[int, int] | None,
    rng: np.random.Generator, size: int,
) -> np.ndarray:  # fmt: skip
    """Return leaf scores (size, L) of enterprises from the prior."""
    level = rng.uniform(0, 100, size) if spread is None else rng.normal(*spread, size)
    out = np.zeros((size, len(track.leaves)))
    for top in track.at_depth(1):
        pillar = level + rng.normal(0, SD["pillar"], size)
        inside = track.membership([int(top)])[0]
        for node in np.flatnonzero(track.depth == 2):
            leaves = np.flatnonzero(track.membership([int(node)])[0] & inside)
            if len(leaves):
                capability = pillar + rng.normal(0, SD["capability"], size)
                noise = rng.normal(0, SD["item"], (size, len(leaves)))
                out[:, leaves] = capability[:, None] + noise
    for column, i in enumerate(track.leaves):
        item = track.nodes[i].item
        assert item is not None
        known = scores_of(item, scale)
        if link == "nearest":
            which = np.searchsorted((known[1:] + known[:-1]) / 2, out[:, column])
        else:
            which = np.clip(np.floor(out[:, column] / 100 * len(known)), 0, len(known) - 1)
        out[:, column] = known[which.astype(int)]
    return out


def classes(track: Track, X: np.ndarray) -> Classes:
    local, thresholds = AII.published[track.code], AII.rule.thresholds()
    nodes = node_scores(track, X, local)
    top = track.at_depth(1)
    star, band, _ = stars(nodes[:, top] @ local[top], nodes[:, top], thresholds)
    star, down = star + 1, star < band
    ic, it, da = (band_index(nodes[:, i], thresholds.band) + 1 for i in top)
    mid = (ic == 3) | (ic == 4)
    rows = [*[star == s for s in range(1, 6)], down, ~down, mid, ~mid, it <= 2,
            (it == 3) | (it == 4), it == 5, da <= 2, da == 3, da == 4, da == 5]  # fmt: skip
    if track.code == "process":
        rows += [star == 3, star != 3]
        soft = [star >= 4, ~mid, ~((it == 3) | (it == 4)), da == 5]
    else:
        soft = [it <= 2, it >= 4]
    table = np.stack([*rows, *soft], axis=1).astype(np.int16)
    kinds, counts = np.unique(table, axis=0, return_counts=True)
    return Classes(kinds[:, : len(rows)], kinds[:, len(rows) :], counts / len(X))


def log_probability(known: dict[str, Classes], particles: int, rng: np.random.Generator) -> float:
    """Estimate the log of the probability that the aggregates are met."""
    left = np.tile(TARGET, (particles, 1)).astype(np.int16)
    log = 0.0
    for track, size, most in (("process", 10, (2, 1, 1, 0)), ("discrete", 12, ())):
        own = known[track]
        extra = np.tile(np.array(EXACT[track], dtype=np.int16), (particles, 1))
        state = np.hstack([left, extra])
        held = np.zeros((particles, own.soft.shape[1]), dtype=np.int16)
        for step in range(size):
            fits = np.ones((particles, len(own.frequency)), dtype=bool)
            for j in range(state.shape[1]):
                fits &= own.counts[:, j] <= state[:, j, None]
            for j, bound in enumerate(most):
                fits &= own.soft[:, j] + held[:, j, None] <= bound
            if track == "discrete":  # enough must be left for what has lower bounds
                rest = size - step - 1
                for j, least in enumerate((4, 5)):
                    fits &= own.soft[:, j] + held[:, j, None] + rest >= least
            chance = fits * own.frequency
            weight = chance.sum(axis=1)
            if not weight.any():
                return -np.inf
            log += float(np.log(weight.mean()))
            chosen = rng.choice(particles, particles, p=weight / weight.sum())
            cumulated = np.cumsum(chance[chosen], axis=1)
            draws = rng.random(particles) * cumulated[:, -1]
            pick = (cumulated < draws[:, None]).sum(axis=1)
            state = state[chosen] - own.counts[pick]
            held = held[chosen] + own.soft[pick]
        left = state[:, : len(TARGET)]
    return log


def main() -> None:
    given = [int(a) for a in sys.argv[1:]]
    pool, particles = [*given, *(200_000, 10_000)[len(given) :]]
    print("link | scale | log10 P: uniform levels | normal levels, mean | highest (mean, SD)")
    for link in ("nearest", "equal parts"):
        for scale in SCALES:
            found = []
            for spread in LEVELS:
                rng = np.random.default_rng(SEED)
                known = {
                    t: classes(track, draw(track, scale, link, spread, rng, pool))
                    for t, track in AII.tracks.items()
                }
                found.append(log_probability(known, particles, rng) / np.log(10))
            normal = np.array(found[1:])
            mean = np.log10(np.mean(10**normal)) if np.isfinite(normal).any() else -np.inf
            best = int(normal.argmax())
            print(f"{link} | {scale} | {found[0]:.1f} | {mean:.1f} | {normal[best]:.1f} "
                  f"{LEVELS[best + 1]}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
