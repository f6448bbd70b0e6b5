"""Synthetic populations of any size, with correlated indicators and a sample's shape."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.errors import InputError
from calib.framework import Framework, Track
from calib.population.population import Population, Sample
from calib.words import Label, message

__all__ = ["generate_population"]


def generate_population(
    framework: Framework,
    n: int | Mapping[str, int],
    *,
    like: Population | None = None,
    general: float = 0.35,
    pillar: float = 0.15,
    capability: float = 0.15,
    label: str = "",
    rng: Seed = None,
) -> Population:
    """Generate a synthetic population of option answers.

    Each enterprise has a latent level: shares ``general``, ``pillar`` and ``capability`` of the
    variance are common to all its items, to those of a pillar, and to those of a second-level
    node; the rest is the item's own. Items are cut so that their options have the shares of
    ``like`` (of its pillar, where a sample is small), or evenly.

    Parameters
    ----------
    n : number of enterprises, or numbers by track; one number is split over tracks as in
        ``like``, or evenly
    like : a population of option answers whose shape is taken
    general, pillar, capability : shares of latent variance, 0 or more, below 1 in all

    Returns
    -------
    A population that is marked as synthetic; ids are a number after the track's initial (or as
    many letters as tell the tracks apart).

    Raises
    ------
    InputError
        When the shares reach 1, a track is unknown, there is no enterprise, or ``like`` holds
        scores.
    """
    if min(general, pillar, capability) < 0 or general + pillar + capability >= 1:
        raise InputError(
            message(
                "faults.latent_shares_expected_or_more",
                general=f"{general:g}",
                pillar=f"{pillar:g}",
                capability=f"{capability:g}",
            )
        )
    if like is not None and like.kind != "answers":
        raise InputError(message("faults.a_population_can_be_generated"))
    generator = np.random.default_rng(rng)
    samples: dict[str, Sample] = {}
    sizes = _sizes(framework, n, like)
    if min(sizes.values(), default=0) < 0 or not any(sizes.values()):
        raise InputError(message("faults.a_population_of_enterprises_cannot", n=n))
    initials = _initials(list(framework.tracks))
    for t, size in sizes.items():
        track = framework.tracks[t]
        if not size:
            continue
        latent = _latent(track, size, (general, pillar, capability), generator)
        old = like.samples.get(t) if like else None
        values = _cut(track, latent, None if old is None else old.values)
        width = len(str(size))
        ids = np.array([f"{initials[t]}{i:0{width}d}" for i in range(1, size + 1)], dtype=object)
        samples[t] = Sample(track, ids, ids, values)
    called = label or Label.of(message("population.synthetic_label"))
    return Population(framework, samples, "answers", called, True)


def _initials(tracks: list[str]) -> dict[str, str]:
    """Return the shortest beginnings of track codes, of one length, that differ."""
    longest = max(len(t) for t in tracks)
    for length in range(1, longest + 1):
        short = [t[:length].upper() for t in tracks]
        # A digit at the end would run into the number.
        if len(set(short)) == len(tracks) and not any(s[-1].isdigit() for s in short):
            return dict(zip(tracks, short, strict=True))
    return {t: f"{t}-" for t in tracks}


def _sizes(
    framework: Framework, n: int | Mapping[str, int], like: Population | None
) -> dict[str, int]:
    if isinstance(n, Mapping):
        unknown = [t for t in n if t not in framework.tracks]
        if unknown:
            raise InputError(
                message(
                    "faults.no_track_tracks_are",
                    unknown=repr(unknown[0]),
                    tracks=list(framework.tracks),
                )
            )
        return dict(n)
    tracks = list(framework.tracks)
    share = np.ones(len(tracks))
    if like is not None:
        share = np.array([len(like.samples[t]) if t in like.samples else 0 for t in tracks], float)
    exact = n * share / share.sum()
    sizes = np.floor(exact).astype(int)
    order = np.argsort(-(exact - sizes), kind="stable")
    sizes[order[: n - sizes.sum()]] += 1
    return dict(zip(tracks, sizes.tolist(), strict=True))


def _latent(
    track: Track, n: int, shares: tuple[float, float, float], rng: np.random.Generator
) -> FloatArray:
    """Draw standard normal levels (n, L) that share variance up the tree."""
    general, pillar, capability = shares
    z = np.sqrt(1 - sum(shares)) * rng.standard_normal((n, len(track.leaves)))
    z += np.sqrt(general) * rng.standard_normal((n, 1))
    for depth, share in ((1, pillar), (2, capability)):
        nodes = track.at_depth(depth)
        common = rng.standard_normal((n, len(nodes)))
        z += np.sqrt(share) * (common @ track.membership(nodes).astype(float))
    return np.asarray(z, dtype=float)


def _cut(track: Track, latent: FloatArray, old: FloatArray | None) -> FloatArray:
    """Cut latent levels into the answers of each item; a number takes its share of the range."""
    from scipy.special import ndtr, ndtri

    out = np.empty(latent.shape)
    top = track.at_depth(1)
    below = track.membership(top)
    for j, leaf in enumerate(track.leaves):
        item = track.nodes[leaf].item
        if item is not None and item.span is not None:
            low, high = item.span
            out[:, j] = low + (high - low) * ndtr(latent[:, j])
            continue
        k, first = (len(item.answers), item.answers[0]) if item else (5, 1)
        pillar = below[below[:, j].argmax()]
        share = _shares(old, j, pillar, track, k, first)
        edges = ndtri(np.clip(np.cumsum(share)[:-1], 1e-12, 1 - 1e-12))
        out[:, j] = first + np.searchsorted(edges, latent[:, j])
    return out


def _shares(
    old: FloatArray | None, j: int, pillar: FloatArray | IntArray, track: Track, k: int, first: int
) -> FloatArray:
    """Return the shares of an item's options: its own counts, smoothed towards its pillar's.

    Twelve answers say little about five options, so the pillar's pooled shares weigh as much
    as five answers, and every option as much as a fifth of one.
    """
    if old is None:
        return np.full(k, 1 / k)
    pooled = np.full(k, 0.2)
    for other in np.flatnonzero(pillar):
        item = track.nodes[track.leaves[other]].item
        if item is not None and len(item.answers) == k and item.answers[0] == first:
            pooled += _counts(old[:, other], k, first)
    counts = _counts(old[:, j], k, first) + 5 * pooled / pooled.sum()
    return np.asarray(counts / counts.sum(), dtype=float)


def _counts(column: FloatArray, k: int, first: int) -> FloatArray:
    answered = column[~np.isnan(column)].astype(int)
    return np.bincount(answered - first, minlength=k).astype(float)
