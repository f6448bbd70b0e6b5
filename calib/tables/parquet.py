"""Parquet files with a checksum on every page, which is verified when they are read."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from calib.errors import InputError, MissingExtraError
from calib.words import message

__all__ = ["parquet_rows", "read_arrow", "write_arrow"]

_DIGEST = b"calib.sha256"
"""Key of the file's metadata that holds the digest of all else in it: names, kinds and values.

Checksums cover the pages; what says how to read them, such as a column's name, is covered by this.
"""


def _pyarrow(use: str) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as exc:
        raise MissingExtraError(message(f"extras.{use}"), "parquet") from exc
    return parquet


def write_arrow(table: Any, path: str | os.PathLike[str], use: str = "writing_parquet") -> None:
    """Write an Arrow table (zstd) with page checksums and the digest of its columns."""
    parquet = _pyarrow(use)
    kept = {k: v for k, v in (table.schema.metadata or {}).items() if k != _DIGEST}
    sealed = table.replace_schema_metadata({**kept, _DIGEST: _digest(table)})
    # Opened here, as the writer keeps a file open that it could not finish.
    with open(path, "wb") as file:
        parquet.write_table(sealed, file, compression="zstd", write_page_checksum=True)


def read_arrow(path: str | os.PathLike[str], use: str = "reading_parquet") -> Any:
    """Read a Parquet file as an Arrow table; checksums and digest are verified where it has them.

    Raises
    ------
    InputError
        Naming the file, when a page is damaged or it is no Parquet.
    """
    parquet = _pyarrow(use)
    try:
        table = parquet.read_table(
            os.fspath(path), page_checksum_verification=True, partitioning=None
        )
        given = (table.schema.metadata or {}).get(_DIGEST)
        damaged = given is not None and given != _digest(table)
    except Exception as exc:  # a corrupt file makes the reader raise nearly anything
        raise InputError(
            message("faults.cannot_be_read_as_parquet_2", file=os.fspath(path), exc=_said(exc))
        ) from exc
    if damaged:
        raise InputError(message("faults.parquet_digest", file=os.fspath(path)))
    return table


def parquet_rows(path: str | os.PathLike[str], use: str = "reading_parquet") -> int:
    """Return how many rows a Parquet file says that it has.

    Raises
    ------
    InputError
        When it is no Parquet.
    """
    parquet = _pyarrow(use)
    try:
        return int(parquet.read_metadata(os.fspath(path)).num_rows)
    except Exception as exc:
        raise InputError(
            message("faults.cannot_be_read_as_parquet_2", file=os.fspath(path), exc=_said(exc))
        ) from exc


def _said(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300] or type(exc).__name__


def _digest(table: Any) -> bytes:
    """Return a digest of names, kinds and values, whatever the pages and dictionaries."""
    from pyarrow import types

    whole = hashlib.sha256()
    for key, said in sorted((table.schema.metadata or {}).items()):
        if key != _DIGEST:
            whole.update(key + b"\0" + said + b"\0")
    for name in table.column_names:
        column = table.column(name)
        whole.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        if types.is_integer(column.type) or types.is_floating(column.type):
            whole.update(np.ascontiguousarray(column.to_numpy()).tobytes())
        else:
            for value in column.to_pylist():
                whole.update(f"{type(value).__name__}:{value}\0".encode("utf-8", "replace"))
    return whole.hexdigest().encode()
