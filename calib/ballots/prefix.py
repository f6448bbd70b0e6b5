"""Prefix sets: sufficient statistics of top-k ballots, and an index for fast likelihoods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from calib._types import BoolArray, FloatArray, IntArray
from calib.ballots.survey import Ballots

__all__ = [
    "PrefixCounter",
    "PrefixIndex",
    "PrefixTable",
    "prefix_index",
    "tabulate",
]

_CANCEL = 1e-5  # below this share of the total worth, subtraction loses too many digits


@dataclass(frozen=True, slots=True)
class PrefixIndex:
    """Prefix sets by size, as lists of members, with the pairs of members of each.

    What is left of the items after a small set is the whole less the set: sums over the free
    items become sums over at most K - 1 members, and products over pairs of free items sums
    over pairs of members.

    Parameters
    ----------
    J : number of items
    rows : by set size, the rows of the table
    members : by set size s, (rows, s) positions of the members
    pairs : by set size s, (rows, s (s - 1) / 2) cells ``i J + j`` of pairs of members, i < j
    """

    J: int
    rows: tuple[NDArray[np.intp], ...]
    members: tuple[NDArray[np.intp], ...]
    pairs: tuple[NDArray[np.intp], ...]

    def denominators(self, w: FloatArray, cells: int) -> FloatArray | None:
        """Return the worth of the free items of every set, (M,); None if digits would be lost."""
        total = float(w.sum())
        out = np.empty(cells)
        for rows, members in zip(self.rows, self.members, strict=True):
            out[rows] = total - w[members].sum(axis=1)
        if cells and float(out.min()) < _CANCEL * total:
            return None
        return out

    def free_sums(self, values: FloatArray) -> FloatArray:
        """Return, for every item, the sum of values over the sets that it is free in, (J,)."""
        out = np.full(self.J, float(values.sum()))
        for rows, members in zip(self.rows, self.members, strict=True):
            if members.shape[1]:
                out -= self._spread(members, values[rows], self.J)
        return out

    def free_products(self, values: FloatArray) -> FloatArray:
        """Return, for every two items, the sum over the sets that both are free in, (J, J)."""
        J = self.J
        inside = float(values.sum()) - self.free_sums(values)
        both = np.zeros(J * J)
        for rows, pairs in zip(self.rows, self.pairs, strict=True):
            if pairs.shape[1]:
                both += self._spread(pairs, values[rows], J * J)
        cross = both.reshape(J, J)
        cross = cross + cross.T + np.diag(inside)
        return np.asarray(float(values.sum()) - inside[:, None] - inside + cross, dtype=float)

    @staticmethod
    def _spread(index: NDArray[np.intp], values: FloatArray, size: int) -> FloatArray:
        weights = np.repeat(values, index.shape[1])
        return np.asarray(np.bincount(index.ravel(), weights, minlength=size), dtype=float)


def prefix_index(bits: BoolArray, stages: NDArray[np.int64]) -> PrefixIndex | None:
    """Lay out the sets given as membership bits (M, J); None if they are not small.

    Parameters
    ----------
    bits : (M, J) whether an item is in the set
    stages : (M,) size of each set
    """
    J = bits.shape[1]
    largest = int(stages.max()) if stages.size else 0
    if largest > 8 or largest > J / 2:
        return None
    rows_by, members_by, pairs_by = [], [], []
    for s in range(largest + 1):
        rows = np.flatnonzero(stages == s)
        if not rows.size:
            continue
        members = np.nonzero(bits[rows])[1].reshape(rows.size, s)
        first, second = np.triu_indices(s, 1)
        rows_by.append(rows)
        members_by.append(members)
        pairs_by.append(members[:, first] * J + members[:, second])
    return PrefixIndex(J, tuple(rows_by), tuple(members_by), tuple(pairs_by))


_CHUNK = 100_000  # ballots worked on at once: bounds the memory of a pass
_MOST_LISTED = 200_000  # sets whose members are kept as lists; beyond, blocks bound the memory
_BLOCK = 32_768  # prefix sets unpacked at once
_DIRECT_FROM = 100_000  # ballots from which the table of set transitions pays for itself
_DIRECT_CELLS = 4_000_000  # largest transition table, in entries


@dataclass(frozen=True, eq=False)
class PrefixTable:
    """The sufficient statistics of a set of top-k ballots.

    Parameters
    ----------
    J : number of items on offer
    keys : (M, W) prefix sets, bit-packed in W = ceil(J / 64) words each
    counts : (M,) total weight of the ballots that made a choice after this set
    stages : (M,) size of the set
    picks : (K, J) total weight of the ballots that chose item j at rank s
    lengths : (K + 1,) total weight of the ballots that list k items
    lengths2 : (K + 1,) the same with squared weights
    n : number of ballots

    Notes
    -----
    A choice from a single remaining item is certain; sets of J - 1 items are left out, and
    :attr:`wins` leaves out the pick that follows them.
    """

    J: int
    keys: NDArray[np.uint64]
    counts: FloatArray
    stages: IntArray
    picks: FloatArray
    lengths: FloatArray
    lengths2: FloatArray
    n: int

    @property
    def pick_counts(self) -> FloatArray:
        """Weight of the ballots that list each item, (J,)."""
        return np.asarray(self.picks.sum(axis=0), dtype=float)

    @property
    def wins(self) -> FloatArray:
        """Weight of the choices from two or more items that each item won, (J,)."""
        return np.asarray(self.picks[: self.J - 1].sum(axis=0), dtype=float)

    @property
    def total(self) -> float:
        """Total weight of the ballots."""
        return float(self.lengths.sum())

    @property
    def kish(self) -> float:
        """Kish's effective number of ballots, ``(sum w)^2 / sum w^2``."""
        return self.total**2 / float(self.lengths2.sum())

    @property
    def kish_factor(self) -> float:
        """What makes weights sum to Kish's number, and likelihood ratios comparable to chi-square.

        Respondent weights are relative: multiplied by ``sum w / sum w^2`` they claim as much
        information as the ballots hold, whatever scale they came in.
        """
        return self.total / float(self.lengths2.sum())

    @property
    def cells(self) -> int:
        """Number of distinct prefix sets."""
        return int(self.counts.size)

    def available(self, start: int = 0, stop: int | None = None) -> FloatArray:
        """Return 1 where an item is not in the set, (M, J); the rows start to stop."""
        return np.asarray(1.0 - self._bits(start, stop), dtype=float)

    def _bits(self, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
        keys = np.ascontiguousarray(self.keys[start:stop].astype("<u8"))
        return np.unpackbits(keys.view(np.uint8), axis=1, bitorder="little")[:, : self.J]

    @cached_property
    def choices(self) -> PrefixIndex | None:
        """The sets laid out for fast likelihoods, or None when they are too large for that."""
        if self.cells > _MOST_LISTED:
            return None
        return prefix_index(self._bits().astype(bool), self.stages)

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """Yield the rows and the availability matrix of one bounded block after another."""
        for start in range(0, self.cells, _BLOCK):
            stop = min(start + _BLOCK, self.cells)
            yield slice(start, stop), self.available(start, stop)

    def scaled(self, factor: float) -> PrefixTable:
        """Return the table with every ballot's weight multiplied by ``factor``."""
        return PrefixTable(
            self.J,
            self.keys,
            self.counts * factor,
            self.stages,
            self.picks * factor,
            self.lengths * factor,
            self.lengths2 * factor**2,
            self.n,
        )

    def effective(self) -> PrefixTable:
        """Return the table with weights that sum to Kish's effective number of ballots."""
        factor = self.kish_factor
        return self if abs(factor - 1.0) < 1e-12 else self.scaled(factor)


class PrefixCounter:
    """Counts prefix sets from one batch of ballots after another, in bounded memory.

    Parameters
    ----------
    J : number of items on offer
    K : largest number of choices on a ballot

    Examples
    --------
    >>> counter = PrefixCounter(J=4, K=2)
    >>> counter.add(np.array([[0, 1], [1, 0], [2, -1]]))
    >>> counter.table().cells           # the sets {}, {0} and {1}
    3
    """

    def __init__(self, J: int, K: int) -> None:
        self.J, self.K = J, K
        self._stages = min(K, J - 1)
        self._words = (J + 63) // 64
        self._keys: list[NDArray[np.uint64]] = [
            np.zeros((0, self._words), dtype=np.uint64) for _ in range(self._stages)
        ]
        self._counts: list[FloatArray] = [np.zeros(0) for _ in range(self._stages)]
        self._picks = np.zeros((K, J))
        self._lengths = np.zeros((2, K + 1))
        self._n = 0
        self._direct: _Transitions | None = None

    def add(self, picks: NDArray[np.integer], weight: FloatArray | None = None) -> None:
        """Count a batch: (n, K) positions, best first, -1 for none; and (n,) weights."""
        if self._direct is None and self._n + len(picks) >= _DIRECT_FROM:
            self._direct = _transitions(self.J, self._stages)
        for start in range(0, len(picks), _CHUNK):
            part = picks[start : start + _CHUNK]
            w = None if weight is None else weight[start : start + _CHUNK]
            self._add_chunk(np.asarray(part), w)
        self._n += len(picks)

    def _add_chunk(self, picks: NDArray[np.integer], weight: FloatArray | None) -> None:
        size = (picks >= 0).sum(axis=1)
        self._lengths[0] += np.bincount(size, weight, minlength=self.K + 1)
        w2 = None if weight is None else weight**2
        self._lengths[1] += np.bincount(size, w2, minlength=self.K + 1)
        whole = bool((size == picks.shape[1]).all())  # then no row needs to be left out
        for s in range(picks.shape[1]):
            rows = picks[:, s] if whole else picks[size > s, s]
            w = weight if weight is None or whole else weight[size > s]
            self._picks[s] += np.bincount(rows, w, minlength=self.J)
        if self._direct is not None:
            self._direct.count(picks, size, weight)
            return
        keys = np.zeros((len(picks), self._words), dtype=np.uint64)
        for s in range(min(self._stages, picks.shape[1])):
            if s > 0:
                _set_bits(keys, picks[:, s - 1])
            rows = np.flatnonzero(size > s)
            self._merge(s, keys[rows], None if weight is None else weight[rows])

    def _merge(self, s: int, keys: NDArray[np.uint64], weight: FloatArray | None) -> None:
        found, counts = _tally(keys, weight)
        if self._counts[s].size:
            found, counts = _tally(
                np.concatenate([self._keys[s], found]), np.concatenate([self._counts[s], counts])
            )
        self._keys[s], self._counts[s] = found, counts

    def table(self) -> PrefixTable:
        """Return the sufficient statistics of everything counted so far."""
        if self._direct is not None:
            for s, (keys, counts) in enumerate(self._direct.collect()):
                found, total = _tally(
                    np.concatenate([self._keys[s], keys]),
                    np.concatenate([self._counts[s], counts]),
                )
                self._keys[s], self._counts[s] = found, total
            self._direct.clear()
        stages = [np.full(len(c), s, dtype=np.int64) for s, c in enumerate(self._counts)]
        return PrefixTable(
            self.J,
            np.concatenate(self._keys),
            np.concatenate(self._counts),
            np.concatenate(stages),
            self._picks.copy(),
            self._lengths[0].copy(),
            self._lengths[1].copy(),
            self._n,
        )


def tabulate(ballots: Ballots, weight: FloatArray | None = None) -> PrefixTable:
    """Return the sufficient statistics of ballots.

    Parameters
    ----------
    ballots : the ballots
    weight : (n,) weights to use in place of the ballots' own
    """
    counter = PrefixCounter(ballots.J, ballots.K)
    counter.add(ballots.picks, ballots.weight if weight is None else weight)
    return counter.table()


def _set_bits(keys: NDArray[np.uint64], chosen: NDArray[np.integer]) -> None:
    rows = np.flatnonzero(chosen >= 0)
    j = chosen[rows].astype(np.int64)
    keys[rows, j >> 6] |= np.uint64(1) << (j & 63).astype(np.uint64)


def _tally(
    keys: NDArray[np.uint64], weight: FloatArray | None
) -> tuple[NDArray[np.uint64], FloatArray]:
    if keys.shape[1] == 1 and weight is None:
        found, count = np.unique(keys[:, 0], return_counts=True)  # sorts, and no more
        return found[:, None], count.astype(float)
    if keys.shape[1] == 1:
        found, where = np.unique(keys[:, 0], return_inverse=True)
        found = found[:, None]
    else:
        found, where = np.unique(keys, axis=0, return_inverse=True)
    counts = np.bincount(where.ravel(), weight, minlength=len(found))
    return found, np.asarray(counts, dtype=float)


class _Transitions:
    """Every prefix set with the set that each next choice leads to: one look-up per choice."""

    def __init__(self, keys: list[NDArray[np.uint64]], goto: list[NDArray[np.int32]]) -> None:
        self._keys, self._goto = keys, goto
        self._counts = [np.zeros(len(k)) for k in keys]

    def count(
        self, picks: NDArray[np.integer], size: NDArray[np.integer], weight: FloatArray | None
    ) -> None:
        state = np.zeros(len(picks), dtype=np.int32)
        for s, counts in enumerate(self._counts):
            if s > 0:
                keep = size[: len(state)] > s
                if not keep.all():
                    state, picks, size = state[keep], picks[keep], size[keep]
                    weight = None if weight is None else weight[keep]
                state = self._goto[s - 1][state, picks[:, s - 1]]
            counts += np.bincount(state, weight, minlength=len(counts))

    def collect(self) -> Iterator[tuple[NDArray[np.uint64], FloatArray]]:
        for keys, counts in zip(self._keys, self._counts, strict=True):
            seen = counts > 0
            yield keys[seen, None], counts[seen]

    def clear(self) -> None:
        self._counts = [np.zeros(len(k)) for k in self._keys]


def _transitions(J: int, stages: int) -> _Transitions | None:
    if J > 64 or sum(comb(J, s) for s in range(stages)) * J > _DIRECT_CELLS:
        return None
    bit = np.uint64(1) << np.arange(J, dtype=np.uint64)
    keys: list[NDArray[np.uint64]] = []
    for s in range(stages):
        members = np.array(list(combinations(range(J), s)), dtype=np.int64)
        members = members.reshape(comb(J, s), s)
        keys.append(np.sort(bit[members].sum(axis=1, dtype=np.uint64)))
    goto = []
    for before, after in pairwise(keys):
        nxt = np.searchsorted(after, before[:, None] | bit)
        goto.append(np.minimum(nxt, len(after) - 1).astype(np.int32))
    return _Transitions(keys, goto)
