"""What a published page may show of enterprises: pseudonyms, and counts that are not too small.

A pseudonym is a keyed digest (HMAC-SHA-256) of an enterprise's id and name: with the same key it
is the same in every publication, and without the key nobody can compute it from a list of names.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import InputError
from calib.population import Population, Sample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Privacy", "pseudonymise", "read_key", "suppress"]

COUNTS = ("count", "n", "same", "up", "down", "downgraded", "moved", "enterprises")
"""Columns that count enterprises."""
_TELLING = ("share", "low", "high", "lower", "upper", "se")
"""Columns beside a count that would tell it."""
_KEYS = ("set", "node", "scope", "track", "star", "from_star", "to_star", "segment", "year")


@dataclass(frozen=True, slots=True)
class Privacy:
    """What may be shown.

    Attributes
    ----------
    key : the secret of the pseudonyms; None shows enterprises by their names
    min_count : counts of enterprises from 1 to below this are suppressed, and with them all rows
        and figures about single enterprises; 1 suppresses nothing
    """

    key: bytes | None = None
    min_count: int = 1

    def __post_init__(self) -> None:
        if self.min_count < 1:
            raise InputError(f"the minimum count is {self.min_count}; expected 1 or more")

    @property
    def rows_allowed(self) -> bool:
        """Whether rows about single enterprises may be shown."""
        return self.min_count == 1

    def prepare(self, population: Population) -> Population:
        """Return the population as it may be shown; for ``run_experiment(prepare=…)``."""
        return population if self.key is None else pseudonymise(population, self.key)


def read_key(path: str | Path) -> bytes:
    """Return the secret of the pseudonyms; a new one is made where the file does not exist.

    Raises
    ------
    InputError
        When the file holds less than 16 bytes.
    """
    file = Path(path)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
    key = file.read_bytes().strip()
    if len(key) < 16:
        raise InputError(f"{file}: the key of the pseudonyms has {len(key)} bytes; expected 16 up")
    return key


def _pseudonyms(sample: Sample, key: bytes, taken: set[str]) -> list[str]:
    out = []
    for enterprise, name in zip(sample.ids, sample.names, strict=True):
        digest = hmac.new(key, f"{enterprise}\x1f{name}".encode(), hashlib.sha256).digest()
        code = base64.b32encode(digest).decode()
        size = 6
        while f"E-{code[:size]}" in taken:
            size += 1
        taken.add(f"E-{code[:size]}")
        out.append(f"E-{code[:size]}")
    return out


def pseudonymise(population: Population, key: bytes) -> Population:
    """Replace ids and names by pseudonyms, and bring the enterprises into their order.

    The order of the file would tell who is who; attributes stay, as analyses may need them.
    The digest is that of the pseudonymous contents.
    """
    taken: set[str] = set()
    samples = {}
    for t, sample in population.samples.items():
        codes = np.array(_pseudonyms(sample, key, taken), dtype=object)
        order = np.argsort(codes.astype(str), kind="stable")
        moved = sample.take(order)
        samples[t] = replace(moved, ids=codes[order], names=codes[order])
    return replace(population, samples=samples, digest="")


def suppress(frame: pd.DataFrame, min_count: int) -> pd.DataFrame:
    """Blank small counts of enterprises, and what would give them away.

    Parameters
    ----------
    frame : a tidy table; see ``COUNTS`` for the columns that count enterprises
    min_count : counts from 1 to below this become ``"<min_count"``

    Returns
    -------
    A copy. Where a single cell of a group that sums to a known total is blanked, the next
    smallest one is blanked too, among stars and among scopes, until no total gives a cell away;
    it shows ``"–"``. Shares go with their counts.
    """
    from pandas.api.types import is_numeric_dtype

    columns = [c for c in COUNTS if c in frame.columns and is_numeric_dtype(frame[c].dtype)]
    if min_count <= 1 or not columns:
        return frame
    out = frame.copy()
    for column in columns:
        counts = np.asarray(frame[column], dtype=float)
        small = (counts > 0) & (counts < min_count)
        hidden = _complement(frame, counts, small, min_count) if column == "count" else small
        shown = frame[column].astype(object).copy()
        shown[hidden] = "–"
        shown[small] = f"<{min_count}"
        out[column] = shown
        if column == "count":
            telling = [c for c in frame.columns if c in _TELLING or str(c).endswith("_share")]
            for share in telling:
                out[share] = frame[share].astype(float).where(~hidden)
    return out


def _complement(
    frame: pd.DataFrame, counts: FloatArray,
    small: BoolArray, min_count: int,
) -> BoolArray:  # fmt: skip
    """Blank further cells until no known total gives away what a group hides."""
    keys = [k for k in _KEYS if k in frame.columns]
    hidden = small.copy()
    lines: list[Sequence[int]] = []
    for across in (("star", "from_star", "to_star"), ("scope", "track")):
        by = [k for k in keys if k not in across]
        if len(by) == len(keys):
            continue
        groups = frame.groupby(by, sort=False).indices.values() if by else [range(len(frame))]
        lines += [list(g) for g in groups]
    changed = True
    while changed:
        changed = False
        for line in lines:
            rows = np.asarray(line)
            further = rows[~hidden[rows] & (counts[rows] > 0)]
            if len(further) and _given_away(counts[rows], small[rows], hidden[rows], min_count):
                hidden[further[np.argmin(counts[further])]] = True
                changed = True
    return hidden


def _given_away(counts: FloatArray, small: BoolArray, hidden: BoolArray, min_count: int) -> bool:
    """Whether the known sum of a group leaves only one value for its hidden cells.

    A small cell is known to lie from 1 to ``min_count - 1``, another hidden one at ``min_count``
    or above.
    """
    if not hidden.any():
        return False
    total = float(counts[hidden].sum())
    few, other = int((small & hidden).sum()), int((hidden & ~small).sum())
    lowest = few + min_count * other
    highest = few * (min_count - 1) if other == 0 else np.inf
    return int(hidden.sum()) == 1 or total in (lowest, highest)
