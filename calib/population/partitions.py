"""Populations larger than memory: folders of Parquet files, one part in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calib._types import IntArray
from calib.errors import Faults, InputError, MissingExtraError
from calib.files.atomic import atomic_files, is_unfinished
from calib.files.inputs import file_digest
from calib.framework import Framework
from calib.population.population import Kind, Labels, Population, Sample
from calib.population.rows import CellRange
from calib.tables.parquet import parquet_rows, read_arrow, write_arrow
from calib.words import message

__all__ = [
    "Partition",
    "check_distinct",
    "find_partitions",
    "id_marks",
    "read_partition",
    "write_partitions",
]

_USE = "partitions"
_MOST_PAIRS = 20
"""Repeated ids that are named, or pairs of parts that are looked through for them."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One Parquet file of a population: its name in the folder, where it is, its rows."""

    name: str
    path: str
    rows: int


def find_partitions(folder: str | Path) -> tuple[Partition, ...]:
    """List the Parquet files of a population, in the order of their names.

    Raises
    ------
    InputError
        When the folder has none, or one of them is no Parquet.
    """
    root = Path(folder)
    found = (p for p in root.rglob("*.parquet") if not is_unfinished(p.relative_to(root)))
    files = sorted(found, key=lambda p: p.relative_to(root).as_posix())
    if not files:
        raise InputError(message("faults.no_parquet_files_expected_a", folder=folder))
    faults = Faults(str(folder))
    out = []
    for p in files:
        name = p.relative_to(root).as_posix()
        try:
            rows = parquet_rows(p, _USE)
        except InputError as exc:
            faults.add(name, message("faults.cannot_be_read_as_parquet", exc=exc.__cause__))
            continue
        out.append(Partition(name, str(p), rows))
    faults.raise_if_any()
    return tuple(out)


def read_partition(part: Partition, framework: Framework, kind: Kind = "answers") -> Population:
    """Read one part: columns ``enterprise``, ``track`` and one a leaf code, empty where unasked.

    Raises
    ------
    InputError
        With the faults of the file: columns that are missing, tracks that are unknown, values
        that are no option or no score (the first row of each column), ids that stand twice,
        and when a page is damaged.
    """
    table = read_arrow(part.path, _USE)
    faults = Faults(part.name)
    tracks = _tracks(table, part, framework, faults)
    faults.raise_if_any()
    every = _ids(table)
    _check_ids(every, faults)
    samples = {}
    for t, track in framework.tracks.items():
        rows = np.flatnonzero(tracks == t)
        if not len(rows):
            continue
        lacking = [c for c in track.leaf_codes if c not in table.column_names]
        if lacking:
            faults.add(
                "columns",
                message("faults.no_column_for", lacking=list(lacking)),
                expected=message("faults.one_a_leaf"),
            )
            continue
        values = np.empty((len(rows), len(track.leaves)))
        for j, code in enumerate(track.leaf_codes):
            column = table.column(code).to_numpy(zero_copy_only=False)
            try:
                values[:, j] = np.asarray(column, dtype=float)[rows]
            except (TypeError, ValueError):
                faults.add(
                    message("tables.column", column=code),
                    message("faults.is_not_numeric"),
                    expected=message("faults.option_numbers_or_scores"),
                )
                continue
            allowed = CellRange.of(track.nodes[track.leaves[j]].item, kind, framework.rule)
            bad = np.flatnonzero(allowed.outside(values[:, j]))
            if len(bad):
                faults.add(
                    message("tables.cell", n=rows[bad[0]], column=code),
                    message("faults.no_valid_value_rows", n=len(bad)),
                    value=float(values[bad[0], j]), expected=allowed.expected,
                )  # fmt: skip
        ids = every[rows]
        samples[t] = Sample(track, ids, ids, values, {})
    faults.raise_if_any()
    digest = file_digest(part.path)
    return Population(framework, samples, kind, part.name, False, digest)


def write_partitions(folder: str | Path, parts: Iterable[Population]) -> int:
    """Write populations as the parts of one partitioned population.

    The parts appear when all are written; partitions that stand in the folder are not mixed with
    them.

    Returns
    -------
    Number of enterprises written

    Raises
    ------
    InputError
        When the folder holds partitions already.
    """
    try:
        import pyarrow as pa
    except ImportError as exc:
        raise MissingExtraError(message(f"extras.{_USE}"), "parquet") from exc
    if any(not is_unfinished(p.relative_to(folder)) for p in Path(folder).rglob("*.parquet")):
        raise InputError(message("faults.holds_partitions_already_expected_a", folder=folder))
    written = 0
    with atomic_files(folder) as aside:
        for number, population in enumerate(parts):
            for t, sample in population.samples.items():
                whole = np.isnan(sample.values).any() or population.kind == "scores"
                columns: dict[str, object] = {
                    "enterprise": pa.array([str(i) for i in sample.ids]),
                    "track": pa.array([t] * len(sample.ids)),
                }
                for j, code in enumerate(sample.track.leaf_codes):
                    values = sample.values[:, j]
                    columns[code] = pa.array(values if whole else values.astype(np.int8))
                target = aside / f"track={t}" / f"part-{number:05d}.parquet"
                target.parent.mkdir(exist_ok=True)
                write_arrow(pa.table(columns), target, _USE)
                written += len(sample.ids)
    return written


def check_distinct(parts: Sequence[Partition], marks: Sequence[IntArray]) -> None:
    """Refuse an enterprise that stands in two parts.

    Parameters
    ----------
    marks : of each part, what :func:`id_marks` gives: 8 bytes an enterprise

    Raises
    ------
    InputError
        Naming enterprises and the parts that they stand in.
    """
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *marks])
    order = np.argsort(every, kind="stable")
    alike = np.flatnonzero(every[order][1:] == every[order][:-1])
    if not len(alike):
        return
    of = np.repeat(np.arange(len(marks)), [len(m) for m in marks])
    pairs = np.unique(np.stack([of[order][alike], of[order][alike + 1]], axis=1), axis=0)
    faults = Faults(str(Path(parts[0].path).parent))
    for a, b in pairs[:_MOST_PAIRS]:
        # Two ids can have one mark: the ids themselves decide.
        first = set(_ids(read_arrow(parts[a].path, _USE)).tolist())
        both = [i for i in _ids(read_arrow(parts[b].path, _USE)).tolist() if i in first]
        if both:
            faults.add(
                parts[b].name, message("faults.id_in_two_parts", n=len(both)), value=both[0],
                expected=message("faults.id_in_one_part", part=parts[a].name),
            )  # fmt: skip
    faults.raise_if_any()


def id_marks(population: Population) -> IntArray:
    """Return 64 bits for each id of a part, by which ids of different parts are compared."""
    from pandas.util import hash_array

    ids = [s.ids.astype(object) for s in population.samples.values()]
    every = np.concatenate([np.zeros(0, dtype=object), *ids])
    marks: IntArray = hash_array(every, categorize=False)
    return marks


def _ids(table: Any) -> Labels:
    ids: Labels = np.asarray(table.column("enterprise").to_pylist(), dtype=object)
    return ids


def _check_ids(ids: Labels, faults: Faults) -> None:
    if len(set(ids.tolist())) == len(ids):
        return
    first: dict[str, int] = {}
    for row, value in enumerate(ids.tolist()):
        before = first.setdefault(value, row)
        if before != row:
            faults.add(
                message("tables.cell", n=row, column="enterprise"),
                message("faults.duplicate_enterprise_id"),
                value=value, expected=message("faults.each_id_once_first_in", row=before),
            )  # fmt: skip
            if len(faults) == _MOST_PAIRS:
                return


def _tracks(table: Any, part: Partition, framework: Framework, faults: Faults) -> Labels:
    names = table.column_names
    if "enterprise" not in names:
        faults.add(
            "columns",
            message("faults.no_column_enterprise"),
            expected=message("faults.a_column_of_enterprise_ids"),
        )
    rows = table.num_rows
    if "track" not in names:
        folder = re.search(r"(?:^|/)track=([^/]+)/", part.name)
        if folder is not None and framework.track(folder[1]) is not None:
            return np.full(rows, framework.track(folder[1]), dtype=object)
        if len(framework.tracks) > 1:
            faults.add(
                "columns", message("faults.no_column_track"), expected=" | ".join(framework.tracks)
            )
        return np.full(rows, next(iter(framework.tracks)), dtype=object)
    words = np.asarray(table.column("track").to_pylist(), dtype=object)
    known = {w: framework.track(str(w)) for w in dict.fromkeys(words)}
    for word, code in known.items():
        if code is None:
            row = int(np.flatnonzero(words == word)[0])
            faults.add(message("tables.cell", n=row, column="track"),
                       message("faults.no_such_track_2"), value=word,
                       expected=" | ".join(framework.tracks))  # fmt: skip
    return np.array([known[w] or "" for w in words], dtype=object)
