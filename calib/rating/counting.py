"""Counting stars over populations of any size: on this machine's cores, or on a Dask cluster.

The work is cut into parts (blocks of rows, or files of a partitioned population). Each part gives
integer counts that are added up, so results do not depend on where a part was counted, on the
order of arrival, or on a worker that died and whose parts were counted again elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError, MissingExtraError
from calib.framework import Framework, RuleOptions, Thresholds, Track
from calib.population.partitions import Partition, check_distinct, id_marks, read_partition
from calib.population.population import Kind
from calib.rating.collapse import Folded, fold
from calib.rating.kernel import StarCounts, count_folded
from calib.rating.scoring import score_answers
from calib.words import message

__all__ = ["PopulationCounts", "count_partitions", "star_counts_on"]

ROWS = 20_000
"""Enterprises in one task on a cluster."""


@dataclass(frozen=True, eq=False)
class PopulationCounts:
    """Star counts of a partitioned population.

    Attributes
    ----------
    per_set : (k, K) enterprises at each star by weight set, by track
    enterprises : number of enterprises by track
    parts : SHA-256 of every part by its name
    """

    per_set: Mapping[str, IntArray]
    enterprises: Mapping[str, int]
    parts: Mapping[str, str]

    def whole(self) -> IntArray:
        """Return the counts over all tracks (k, K)."""
        return np.asarray(np.sum(list(self.per_set.values()), axis=0), dtype=np.int64)


def star_counts_on(
    track: Track,
    X: FloatArray,
    local: FloatArray,
    thresholds: Thresholds,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> StarCounts:
    """Count stars as :func:`calib.rating.kernel.star_counts` does, on a cluster if one is named.

    Parameters
    ----------
    scheduler : address of a Dask scheduler (extra ``distributed``); this process if None
    """
    folded = fold(track, local, thresholds)
    if scheduler is None:
        return count_folded(folded, X, workers=workers)
    blocks = [X[i : i + ROWS] for i in range(0, len(X), ROWS)]
    with _client(scheduler) as client:
        found = dict(_on_cluster(client, _count_block, folded, blocks))
    per_set = np.sum([found[i].per_set for i in range(len(blocks))], axis=0)
    return StarCounts(
        per_set, np.concatenate([found[i].per_enterprise for i in range(len(blocks))])
    )


def count_partitions(
    parts: Sequence[Partition],
    framework: Framework,
    local: Mapping[str, FloatArray],
    rule_options: RuleOptions,
    *,
    kind: Kind = "answers",
    workers: int | None = None,
    scheduler: str | None = None,
    done: Callable[[int], object] = lambda number: None,
) -> PopulationCounts:
    """Count the stars of a partitioned population under weight sets.

    Parameters
    ----------
    parts : from :func:`calib.population.partitions.find_partitions`; on a cluster every worker
        must be able to open them under the same path
    local : (k, m) local weights by track
    workers : threads on this machine
    scheduler : address of a Dask scheduler (extra ``distributed``); this machine if None
    done : called with the number of parts counted so far

    Raises
    ------
    InputError
        For faults of a part, unanswered items that the rule options do not score, an enterprise
        that stands in two parts, and a rule whose parts cannot be followed.
    """
    sizes = {len(w) for w in local.values()}
    if len(sizes) != 1:
        raise InputError(message("faults.tracks_have_different_numbers_of", sizes=sorted(sizes)))
    rule = framework.rule
    if rule.clusters is not None:  # bands of all enterprises, which are never in memory together
        clusters = message("framework.part.clusters")
        raise InputError(message("framework.not_followed", parts=[clusters]))
    folded = {
        t: fold(track, local[t], rule.effective(rule_options, t))
        for t, track in framework.tracks.items()
    }
    job = _Job(framework, folded, rule_options, kind, 1 if scheduler else workers)
    K = framework.rule.stars
    per_set = {t: np.zeros((next(iter(sizes)), K), dtype=np.int64) for t in framework.tracks}
    enterprises = dict.fromkeys(framework.tracks, 0)
    digests: dict[str, str] = {}
    marks: dict[int, IntArray] = {}

    def add(number: int, index: int, found: _PartCounts) -> None:
        for t, counts in found.per_set.items():
            per_set[t] += counts
            enterprises[t] += found.enterprises[t]
        digests[parts[index].name] = found.digest
        marks[index] = found.marks
        done(number)

    if scheduler is None:
        for index, part in enumerate(parts):
            add(index + 1, index, _count_part(job, part))
    else:
        with _client(scheduler) as client:
            arriving = _on_cluster(client, _count_part, job, list(parts))
            for number, (index, found) in enumerate(arriving):
                add(number + 1, index, found)
    check_distinct(parts, [marks[i] for i in range(len(parts))])
    return PopulationCounts(per_set, enterprises, dict(sorted(digests.items())))


@dataclass(frozen=True)
class _Job:
    framework: Framework
    folded: Mapping[str, Folded]
    rule_options: RuleOptions
    kind: Kind
    workers: int | None


@dataclass(frozen=True)
class _PartCounts:
    per_set: dict[str, IntArray]
    enterprises: dict[str, int]
    digest: str
    marks: IntArray


def _count_part(job: _Job, part: Partition) -> _PartCounts:
    population = read_partition(part, job.framework, job.kind)
    scored = score_answers(population, job.rule_options)
    per_set, enterprises = {}, {}
    for t, sample in scored.samples.items():
        X = sample.require_complete(message("rating.counting_part", part=part.name))
        per_set[t] = count_folded(job.folded[t], X, workers=job.workers).per_set
        enterprises[t] = len(X)
    return _PartCounts(per_set, enterprises, population.digest, id_marks(population))


def _count_block(folded: Folded, X: FloatArray) -> StarCounts:
    return count_folded(folded, X, workers=1)


def _same(value: Any) -> Any:
    return value


def _client(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError as exc:
        raise MissingExtraError(message("extras.scheduler"), "distributed") from exc
    try:
        return Client(scheduler, set_as_default=False, timeout="10s")
    except (OSError, TimeoutError, ValueError) as exc:
        raise InputError(
            message("faults.no_dask_scheduler_answers_at", scheduler=scheduler, exc=exc)
        ) from exc


def _on_cluster(
    client: Any, count: Callable[..., Any], shared: Any, items: Sequence[Any]
) -> Iterator[tuple[int, Any]]:
    """Yield the results of ``count(shared, item)`` as they arrive, with the item's position."""
    from distributed import as_completed

    # A task, not scattered data: when the worker that holds it dies, the scheduler makes it again.
    common = client.submit(_same, shared, pure=False)
    futures = [client.submit(count, common, item, pure=False, retries=3) for item in items]
    at = {f.key: i for i, f in enumerate(futures)}
    for future in as_completed(futures, loop=client.loop):
        # One by one, so that a result lost with its worker is computed again, not missed.
        yield at[future.key], future.result()
        future.release()
