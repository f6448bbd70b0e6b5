"""Populations larger than memory: folders of Parquet files, one part in memory at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import Faults, InputError, MissingExtraError
from calib.files.atomic import atomic_files, is_unfinished
from calib.framework import Framework
from calib.population.population import Kind, Labels, Population, Sample
from calib.words import message

__all__ = ["Partition", "find_partitions", "read_partition", "write_partitions"]


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
    parquet = _pyarrow()
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
            rows = int(parquet.read_metadata(str(p)).num_rows)
        except (OSError, ValueError) as exc:  # pyarrow's own errors are among these
            faults.add(name, message("faults.cannot_be_read_as_parquet", exc=exc))
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
        that are no option or no score (the first row of each column).
    """
    parquet = _pyarrow()
    table = parquet.read_table(part.path)
    faults = Faults(part.name)
    tracks = _tracks(table, framework, faults)
    faults.raise_if_any()
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
                    f"column {code}",
                    message("faults.is_not_numeric"),
                    expected=message("faults.option_numbers_or_scores"),
                )
                continue
            _check(values[:, j], rows, code, framework, t, kind, faults)
        ids = table.column("enterprise").to_numpy(zero_copy_only=False)[rows].astype(object)
        samples[t] = Sample(track, ids, ids, values, {})
    faults.raise_if_any()
    digest = hashlib.sha256(Path(part.path).read_bytes()).hexdigest()
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
    parquet = _pyarrow()
    import pyarrow as pa

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
                parquet.write_table(pa.table(columns), str(target), compression="zstd")
                written += len(sample.ids)
    return written


def _tracks(table: Any, framework: Framework, faults: Faults) -> Labels:
    names = table.column_names
    if "enterprise" not in names:
        faults.add(
            "columns",
            message("faults.no_column_enterprise"),
            expected=message("faults.a_column_of_enterprise_ids"),
        )
    rows = table.num_rows
    if "track" not in names:
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
            faults.add(f"row {row}, column track", message("faults.no_such_track_2"), value=word,
                       expected=" | ".join(framework.tracks))  # fmt: skip
    return np.array([known[w] or "" for w in words], dtype=object)


def _check(
    values: FloatArray, rows: IntArray, code: str, framework: Framework, track: str, kind: Kind,
    faults: Faults,
) -> None:  # fmt: skip
    tree = framework.tracks[track]
    item = tree.nodes[tree.index[code]].item
    low, high = framework.rule.low, framework.rule.high
    if kind == "answers" and item is not None and item.span is not None:
        low, high = item.span
    if kind == "answers" and item is not None and item.span is None:
        bad = (values < item.answers[0]) | (values > item.options) | (values != np.rint(values))
        expected = f"an option {item.answers[0]} to {item.options}"
    else:
        bad = (values < low) | (values > high)
        expected = f"a score from {low:g} to {high:g}"
    found = np.flatnonzero(bad & ~np.isnan(values))
    if len(found):
        faults.add(
            f"row {rows[found[0]]}, column {code}",
            message("faults.no_valid_value_rows", n=len(found)), value=float(values[found[0]]),
            expected=expected,
        )  # fmt: skip


def _pyarrow() -> Any:
    try:
        from pyarrow import parquet
    except ImportError as exc:
        raise MissingExtraError("a partitioned population", "parquet") from exc
    return parquet
