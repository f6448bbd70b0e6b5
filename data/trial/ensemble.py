"""Draw many trial samples that agree with every published aggregate.

The published aggregates do not say what the 22 enterprises answered: ``trial.csv`` is one of very
many samples that would have given them. This script draws others, by a stated distribution:

    prior      Enterprises are independent. An enterprise has a level anywhere on the scale
               (uniform on 0-100); its pillars stand around that level (sd 12), its capabilities
               around their pillar (sd 9), its items around their capability (sd 14); each item
               takes the nearest option.
    condition  The published weights and the default options of the rule give every published
               aggregate: stars 1/5/9/6/1, four downgrades, the counts on every pillar, and what
               the text says of the tracks (process: six of ten at three stars, at most two above,
               nine or ten at 3-4 stars on interconnection and on integration; discrete: on
               integration at least four at 1-2 and five at 4-5 stars; both leaders on data
               analytics).

Nothing else enters: no preference for pillars near the overall star, and no clearance from the
edges, which ``reconstruct.py`` uses to make a sample that is easy to read.

An enterprise matters to the aggregates only through its *class*: overall star, downgraded or not,
and the bands of its pillars that the paper counts. Class frequencies under the prior come from a
large pool of drawn enterprises. The classes of 12 + 10 enterprises are then drawn from the product
of these frequencies, conditioned on the counts, by a Gibbs sampler: three enterprises at a time
are drawn again, jointly, among all triples of classes that leave the counts as they are. Answers
are those of a pool member of the class, drawn at random: exactly the prior given the class.

Run:  python data/trial/ensemble.py [SAMPLES] [OUTPUT]
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calib.framework import Framework, Track, load_framework
from calib.population import load_population
from calib.rating.stars import band_index, node_scores, stars

SEED = 20170215
POOL = 400_000
"""Enterprises drawn from the prior, by track."""
SD = {"pillar": 12.0, "capability": 9.0, "item": 14.0}
SWEEPS = 10
"""Gibbs sweeps between two samples that are kept; a sweep is as many triples as enterprises."""
SIZES = {"discrete": 12, "process": 10}

Class = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Pool:
    """Enterprises drawn from the prior: option answers, and the class of each."""

    answers: np.ndarray
    members: list[np.ndarray]
    frequency: np.ndarray
    counts: np.ndarray
    """(classes, aggregates) what an enterprise of a class adds to each count that is fixed."""
    soft: np.ndarray
    """(classes, bounds) what it adds to each count that has bounds."""


def draw_pool(framework: Framework, track: Track, rng: np.random.Generator, size: int) -> Pool:
    """Draw enterprises from the prior and sort them into classes."""
    level = rng.uniform(0, 100, size)
    scores = np.zeros((size, len(track.leaves)))
    for top in track.at_depth(1):
        pillar = level + rng.normal(0, SD["pillar"], size)
        inside = track.membership([int(top)])[0]
        for node in np.flatnonzero(track.depth == 2):
            leaves = np.flatnonzero(track.membership([int(node)])[0] & inside)
            if len(leaves):
                capability = pillar + rng.normal(0, SD["capability"], size)
                noise = rng.normal(0, SD["item"], (size, len(leaves)))
                scores[:, leaves] = capability[:, None] + noise
    steps = np.array([track.nodes[i].item.options - 1 for i in track.leaves])  # type: ignore[union-attr]
    answers = np.clip(np.rint(scores / 100 * steps), 0, steps).astype(np.int8)
    rule, local = framework.rule, framework.published[track.code]
    thresholds = rule.thresholds()
    nodes = node_scores(track, answers / steps * rule.high, local)
    top = track.at_depth(1)
    star, band, _ = stars(nodes[:, top] @ local[top], nodes[:, top], thresholds)
    pillars = {track.codes[i]: band_index(nodes[:, i], thresholds.band) + 1 for i in top}
    fixed, soft = _counts(track.code, star + 1, star < band, pillars)
    rows, which = np.unique(np.hstack([fixed, soft]), axis=0, return_inverse=True)
    which = which.ravel()
    members = [np.flatnonzero(which == c) for c in range(len(rows))]
    frequency = np.array([len(m) for m in members]) / size
    return Pool(answers, members, frequency, rows[:, : fixed.shape[1]], rows[:, fixed.shape[1] :])


def _counts(
    track: str, star: np.ndarray, down: np.ndarray, pillars: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each enterprise adds to the counts that are fixed, and to those with bounds."""
    ic, it, da = pillars["IC"], pillars["IN"], pillars["DA"]
    process = track == "process"
    fixed = [
        *[star == s for s in (1, 2, 3, 4, 5)],
        down,
        (ic == 3) | (ic == 4),
        it <= 2,
        it == 5,
        da <= 2,
        da == 3,
        da == 5,
        (star == 3) & process,
    ]
    soft = [
        (star >= 4) & process,
        (ic >= 3) & (ic <= 4) & process,
        (it >= 3) & (it <= 4) & process,
        (it <= 2) & (not process),
        (it >= 4) & (not process),
        (da == 5) & (not process),
    ]
    return np.stack(fixed, axis=1).astype(int), np.stack(soft, axis=1).astype(int)


SOFT = np.array([[0, 2], [9, 10], [9, 10], [4, 12], [5, 12], [2, 2]])
"""Bounds of the counts that the paper's text states without a number, (bounds, 2)."""


class Chain:
    """The Gibbs sampler over the classes of the 22 enterprises."""

    def __init__(self, pools: dict[str, Pool], start: dict[str, np.ndarray]) -> None:
        self.pools = pools
        self.tracks = [t for t, size in SIZES.items() for _ in range(size)]
        self.state = np.concatenate([start[t] for t in SIZES])
        self.soft = sum(
            pools[t].soft[c] for t, c in zip(self.tracks, self.state, strict=True)
        )  # the sum of bounded counts
        # Classes of each track by what they add to the fixed counts.
        self.by_counts = {
            t: _grouped([tuple(row) for row in pool.counts.tolist()]) for t, pool in pools.items()
        }

    def sweep(self, rng: np.random.Generator) -> None:
        """Draw as many triples of enterprises again as there are enterprises."""
        for _ in range(len(self.state)):
            self._triple(rng.choice(len(self.state), 3, replace=False), rng)

    def _triple(self, chosen: np.ndarray, rng: np.random.Generator) -> None:
        a, b, c = (self.pools[self.tracks[i]] for i in chosen)
        now = self.state[chosen]
        total = a.counts[now[0]] + b.counts[now[1]] + c.counts[now[2]]
        rest = self.soft - (a.soft[now[0]] + b.soft[now[1]] + c.soft[now[2]])
        need = total - a.counts[:, None, :] - b.counts[None, :, :]
        possible = np.argwhere((need >= 0).all(axis=2))
        known = self.by_counts[self.tracks[chosen[2]]]
        triples, chance = [], []
        for i, j in possible:
            for k in known.get(tuple(need[i, j].tolist()), ()):
                soft = rest + a.soft[i] + b.soft[j] + c.soft[k]
                if ((soft >= SOFT[:, 0]) & (soft <= SOFT[:, 1])).all():
                    triples.append((i, j, k))
                    chance.append(a.frequency[i] * b.frequency[j] * c.frequency[k])
        p = np.array(chance)
        new = triples[rng.choice(len(triples), p=p / p.sum())]
        self.soft = rest + a.soft[new[0]] + b.soft[new[1]] + c.soft[new[2]]
        self.state[chosen] = new


def _grouped(keys: list[tuple[int, ...]]) -> dict[tuple[int, ...], list[int]]:
    out: dict[tuple[int, ...], list[int]] = {}
    for i, key in enumerate(keys):
        out.setdefault(key, []).append(i)
    return out


def start_classes(framework: Framework, pools: dict[str, Pool]) -> dict[str, np.ndarray]:
    """Return the classes of the shipped sample, which meets the aggregates."""
    shipped = load_population("trial", framework)
    out = {}
    for t, sample in shipped.samples.items():
        track, rule = framework.tracks[t], framework.rule
        local, thresholds = framework.published[t], rule.thresholds()
        steps = np.array([track.nodes[i].item.options - 1 for i in track.leaves])  # type: ignore[union-attr]
        nodes = node_scores(track, (sample.values - 1) / steps * rule.high, local)
        top = track.at_depth(1)
        star, band, _ = stars(nodes[:, top] @ local[top], nodes[:, top], thresholds)
        pillars = {track.codes[i]: band_index(nodes[:, i], thresholds.band) + 1 for i in top}
        rows = np.hstack(_counts(t, star + 1, star < band, pillars))
        every = np.hstack([pools[t].counts, pools[t].soft])
        out[t] = np.array([int(np.flatnonzero((every == r).all(axis=1))[0]) for r in rows])
    return out


def main(samples: int, output: Path) -> None:
    """Draw the samples and write them: a line an enterprise, its answers as digits."""
    framework = load_framework("aii")
    rng = np.random.default_rng(SEED)
    pools = {t: draw_pool(framework, framework.tracks[t], rng, POOL) for t in SIZES}
    chain = Chain(pools, start_classes(framework, pools))
    lines = ["sample,track,answers"]
    for number in range(1, samples + 1):
        for _ in range(SWEEPS):
            chain.sweep(rng)
        seen: Counter[tuple[str, int]] = Counter()
        for track, which in zip(chain.tracks, chain.state, strict=True):
            member = int(rng.choice(pools[track].members[which]))
            seen[track, member] += 1
            digits = "".join(str(a + 1) for a in pools[track].answers[member])
            lines.append(f"{number},{track},{digits}")
    output.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    default = Path(__file__).with_name("ensemble.csv")
    main(count, Path(sys.argv[2]) if len(sys.argv) > 2 else default)
