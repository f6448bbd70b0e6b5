"""Stars of many enterprises under many weight sets, in bounded memory and on all cores.

The pass is blocked over enterprises and weight sets; what it keeps is two tables of integer
counts, so a million enterprises under ten thousand weight sets need no more memory than the
scores and the counts themselves. Counts are sums of integers: they do not depend on block size,
number of workers, or the order of the enterprises. A total within rounding error (about 1e-13)
of a threshold could in principle fall differently in differently shaped products; the thresholds
stand 1e-9 points off every edge that scores on a grid can meet, so that no score does.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from calib._compiled import numba_available
from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Thresholds, Track
from calib.rating import _kernel_numba, _kernel_numpy
from calib.rating.collapse import Folded, fold
from calib.words import message

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = [
    "Engine",
    "StarCounts",
    "count_folded",
    "single_threaded_blas",
    "star_counts",
]

Engine = Literal["auto", "numpy", "numba"]

_Pass: TypeAlias = Callable[[Folded, FloatArray, IntArray], tuple[IntArray, IntArray]]

BLOCK = 4960
"""Enterprises in one block; 20 of the NumPy pass's row blocks."""
WORTH_COMPILING = 100_000_000
"""Pairs of enterprise and weight set above which a second or two of compiling pays."""


@dataclass(frozen=True, eq=False)
class StarCounts:
    """Counts of stars, lowest first.

    Attributes
    ----------
    per_set : (k, K) enterprises at each star, by weight set
    per_enterprise : (n, K) weight sets at each star, by enterprise; (0, K) where not kept
    """

    per_set: IntArray
    per_enterprise: IntArray

    @property
    def distribution(self) -> FloatArray:
        """Share of enterprises at each star, by weight set (k, K)."""
        return np.asarray(self.per_set / self.per_set.sum(axis=1, keepdims=True), dtype=float)

    @property
    def acceptability(self) -> FloatArray:
        """Share of weight sets at each star, by enterprise (n, K)."""
        sets = self.per_enterprise.sum(axis=1, keepdims=True)
        return np.asarray(self.per_enterprise / sets, dtype=float)


def star_counts(
    track: Track,
    X: FloatArray,
    local: FloatArray,
    thresholds: Thresholds,
    *,
    workers: int | None = None,
    block: int = BLOCK,
    engine: Engine = "auto",
) -> StarCounts:
    """Count the stars of enterprises under weight sets.

    Parameters
    ----------
    track : tree of the enterprises' track
    X : (n, L) leaf scores, complete
    local : (k, m) local weights of the sets
    thresholds : effective thresholds of the rating rule
    workers : threads; all cores of this process if None
    block : enterprises in a block
    engine : ``"numba"`` (extra ``fast``), ``"numpy"``, or whichever is there

    Raises
    ------
    InputError
        For arrays of the wrong shape, or scores that are missing.

    Notes
    -----
    Levels that do not vary between the sets are folded into the scores first, see
    :mod:`calib.rating.collapse`.
    """
    folded = fold(track, local, thresholds)
    return count_folded(folded, X, workers=workers, block=block, engine=engine)


def count_folded(
    folded: Folded,
    X: FloatArray,
    *,
    workers: int | None = None,
    block: int = BLOCK,
    engine: Engine = "auto",
) -> StarCounts:
    """Count stars under weight sets that are folded already; see :func:`star_counts`."""
    _check(folded, X)
    if block < 1:
        raise InputError(message("faults.block_must_be_at_least", block=block))
    counter = _engine(engine, folded, len(X))
    starts = range(0, len(X), block)
    steps = len(folded.thresholds.band)
    above_set = np.zeros((folded.sets, steps), dtype=np.int64)
    above_enterprise = np.zeros((len(X), steps), dtype=np.int64)

    def count(start: int) -> IntArray:
        part = X[start : start + block]
        per_set, per_enterprise = counter(folded, folded.scores(part), folded.caps(part))
        above_enterprise[start : start + block] = per_enterprise
        return per_set

    workers = _workers(workers)
    with single_threaded_blas():
        if workers == 1 or len(starts) == 1:
            for start in starts:
                above_set += count(start)
        else:
            with ThreadPoolExecutor(workers) as pool:
                for part in _bounded(pool, count, starts, 2 * workers):
                    above_set += part
    return StarCounts(_exact_stars(above_set, len(X)), _exact_stars(above_enterprise, folded.sets))


def _check(folded: Folded, X: FloatArray) -> None:
    if X.ndim != 2 or X.shape[1] != folded.base.shape[0]:
        raise InputError(
            message(
                "faults.scores_have_shape_expected_n",
                shape=str(X.shape),
                shape2=folded.base.shape[0],
            )
        )
    if np.isnan(X).any():
        rows = np.flatnonzero(np.isnan(X).any(axis=1))
        raise InputError(message("faults.scores_are_missing_in_rows", n=len(rows), rows=rows[0]))


def _engine(engine: Engine, folded: Folded, rows: int) -> _Pass:
    # With constant gates the NumPy pass leaves most enterprises out, and is the faster one;
    # with few pairs it is done before the other one is compiled.
    bounded = not any(folded.gated) and not folded.thresholds.one_star
    worth = not bounded and rows * folded.sets > WORTH_COMPILING
    if folded.shared_gate is None and engine in ("auto", "numba"):
        return _kernel_numpy.count_block  # nodes with gates of their own: one pass knows them
    if engine == "numba" or (engine == "auto" and worth and numba_available()):
        return _kernel_numba.count_block
    if engine in ("auto", "numpy"):
        return _kernel_numpy.count_block
    raise InputError(message("faults.no_engine_expected_auto_numpy", engine=repr(engine)))


def _workers(workers: int | None) -> int:
    if workers is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if workers < 1:
        raise InputError(message("faults.workers_must_be_at_least", workers=workers))
    return workers


def _bounded(
    pool: ThreadPoolExecutor, count: Callable[[int], IntArray], starts: Sequence[int], ahead: int
) -> Iterator[IntArray]:
    """Map over blocks with only ``ahead`` results waiting, each as large as one count table."""
    waiting: deque[Future[IntArray]] = deque()
    for start in starts:
        waiting.append(pool.submit(count, start))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Limit:
    """The limit in force, and how many blocks share it."""

    lock = threading.Lock()
    blocks = 0
    context: AbstractContextManager[object] | None = None


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep the BLAS from starting threads of its own, which small matrices pay for dearly.

    Notes
    -----
    The first block sets the limit and the last one lifts it, so nested and concurrent blocks cost
    nothing. Looking for the BLAS libraries takes milliseconds; it is done once, and once more
    when SciPy has brought its own.
    """
    with _Limit.lock:
        _Limit.blocks += 1
        if _Limit.blocks == 1:
            _Limit.context = _blas("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")
            _Limit.context.__enter__()
    try:
        yield
    finally:
        with _Limit.lock:
            _Limit.blocks -= 1
            if _Limit.blocks == 0 and _Limit.context is not None:
                _Limit.context.__exit__(None, None, None)
                _Limit.context = None


@cache
def _blas(with_scipy: bool) -> ThreadpoolController:
    """Return the BLAS libraries of this process; ``with_scipy`` tells two states of it apart."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _exact_stars(above: IntArray, whole: int) -> IntArray:
    """Turn counts at or above each star into counts at each star."""
    first = np.full((len(above), 1), whole, dtype=np.int64)
    last = np.zeros((len(above), 1), dtype=np.int64)
    return np.asarray(-np.diff(np.hstack([first, above, last]), axis=1), dtype=np.int64)
