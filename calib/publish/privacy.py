"""What a published page may show of enterprises: pseudonyms, and counts that are not too small.

A pseudonym is a keyed digest (HMAC-SHA-256) of an enterprise's id and name: with the same key it
is the same in every publication, and without the key nobody can compute it from a list of names.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calib._atomic import atomic_file
from calib._inputs import read_input
from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.population import Population, Sample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Privacy", "pseudonymise", "read_key", "suppress"]

COUNTS = ("count", "n", "same", "up", "down", "downgraded", "moved", "enterprises")
"""Columns that count enterprises."""
_TELLING = ("share", "low", "high", "lower", "upper", "se")
"""Columns beside a count that would tell it."""
_MOVES = ("same", "up", "down")
"""Counts of a row that sum to the known number of enterprises."""
_UNCOUNTED = re.compile(
    r"stars?_(\d+|changed|changed_low|changed_high|up|down|by_gate|by_band)"
    r"|retire_(up|down)|share_now"
)
"""Columns that count enterprises one by one without a group to be suppressed in: left out."""
_LARGEST_KEY = 1_000_000
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
        if self.min_count == 2:
            raise InputError(
                "the minimum count is 2; a count under 2 that is not 0 is 1, so it would hide "
                "nothing; expected 1 (nothing is suppressed) or 3 and more"
            )

    @property
    def rows_allowed(self) -> bool:
        """Whether rows about single enterprises may be shown."""
        return self.min_count == 1

    def prepare(self, population: Population) -> Population:
        """Return the population as it may be shown; for ``run_experiment(prepare=…)``."""
        return population if self.key is None else pseudonymise(population, self.key)


def read_key(path: str | Path) -> bytes:
    """Return the secret of the pseudonyms; one is made where there is no file or an empty one.

    Raises
    ------
    InputError
        When the file holds less than 16 bytes.
    """
    file = Path(path)
    if not file.exists() or file.stat().st_size == 0:
        _write_key(file)
    key = read_input(file, most=_LARGEST_KEY).strip()
    if len(key) < 16:
        raise InputError(f"{file}: the key of the pseudonyms has {len(key)} bytes; expected 16 up")
    return key


def _write_key(file: Path) -> None:
    """Write a new secret for its owner only; one that another process has just made is kept."""
    empty = file.exists()
    if empty:
        file.chmod(0o600)
    with contextlib.suppress(FileExistsError), atomic_file(file, new=not empty) as aside:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")


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
    A copy. Where the cells that a group hides follow from its known total, the next smallest
    cell is blanked too, until no total gives one away; it shows ``"–"``, and so does a small cell
    where no other is left to blank. Groups are the stars of a set, rows and columns of
    transitions, enterprises that stay, rise and fall, and scopes. A count so near that of a set
    before that the difference is small is blanked as well. Shares go with their counts, and
    agreement beyond chance with the moves. Columns such as ``star_changed`` go altogether.
    """
    from pandas.api.types import is_numeric_dtype

    if min_count <= 1:
        return frame
    out = frame[[c for c in frame.columns if not _UNCOUNTED.fullmatch(str(c))]].copy()
    columns = [c for c in COUNTS if c in frame.columns and is_numeric_dtype(frame[c].dtype)]
    if not columns or not len(frame):
        return out
    counts = np.asarray(frame[columns], dtype=float)
    small = (counts > 0) & (counts < min_count)
    start = small | _near(frame, columns, counts, min_count)
    hidden, vague = _complement(counts, small, start, _lines(frame, columns), min_count)
    for j, column in enumerate(columns):
        shown = frame[column].astype(object).copy()
        shown[hidden[:, j]] = "–"
        shown[small[:, j] & ~vague[:, j]] = f"<{min_count}"
        out[column] = shown
    if "count" in columns:
        telling = [c for c in out.columns if c in _TELLING or str(c).endswith("_share")]
        _blank(out, telling, hidden[:, columns.index("count")])
    moves = [columns.index(c) for c in _MOVES if c in columns]
    told = np.asarray(hidden[:, moves].any(axis=1), dtype=bool)
    _blank(out, [c for c in out.columns if str(c).startswith("kappa")], told)
    return out


def _blank(out: pd.DataFrame, columns: Sequence[str], rows: BoolArray) -> None:
    for column in columns:
        out[column] = out[column].astype(float).where(~rows)


def _near(
    frame: pd.DataFrame, columns: Sequence[str], counts: FloatArray, min_count: int
) -> BoolArray:
    """Find counts that differ by few from a shown count of the same cell under a set before.

    The enterprises are the same, so the difference counts those that move.
    """
    near = np.zeros(counts.shape, dtype=bool)
    cell = [k for k in _KEYS if k in frame.columns and k not in ("set", "year")]
    if "set" not in frame.columns or not cell or "from_star" in cell:
        return near
    for j in (columns.index(c) for c in ("count", "downgraded") if c in columns):
        for rows in frame.groupby(cell, sort=False).indices.values():
            shown: list[float] = []
            for i in rows:
                value = float(counts[i, j])
                near[i, j] = any(0 < abs(value - other) < min_count for other in shown)
                if not near[i, j]:
                    shown.append(value)
    return near


def _lines(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[IntArray, bool]]:
    """Return the groups of cells, as positions in rows times columns, whose sum is known.

    With each, whether the sum stands elsewhere; that of scopes is in the group itself.
    """
    width = len(columns)
    keys = [k for k in _KEYS if k in frame.columns]
    stars = ("star", "from_star", "to_star")
    lines: list[tuple[IntArray, bool]] = []
    for j, column in enumerate(columns):
        across: list[tuple[str, ...]] = [("scope", "track")]
        # The stars of the baseline and of the set are known: rows and columns of transitions.
        across = [("from_star",), ("to_star",), stars, *across] if column == "count" else across
        for free in across:
            by = [k for k in keys if k not in free]
            if len(by) == len(keys):
                continue
            groups = frame.groupby(by, sort=False).indices.values() if by else [range(len(frame))]
            lines += [(np.asarray(g, dtype=int) * width + j, "scope" not in free) for g in groups]
    if set(_MOVES) <= set(columns):
        moves = np.array([columns.index(c) for c in _MOVES])
        lines += [(i * width + moves, True) for i in range(len(frame))]
    return lines


def _complement(
    counts: FloatArray, small: BoolArray, start: BoolArray,
    lines: Sequence[tuple[IntArray, bool]], min_count: int,
) -> tuple[BoolArray, BoolArray]:  # fmt: skip
    """Blank further cells until no known total gives away what a group hides.

    Returns the hidden cells, and those small ones that must not even be told to be small.
    """
    flat, few = counts.ravel(), small.ravel()
    hidden, vague = start.ravel().copy(), np.zeros(few.shape, dtype=bool)
    changed = True
    while changed:
        changed = False
        for line, outside in lines:
            if not _given_away(flat[line], few[line], hidden[line], min_count):
                continue
            further = line[~hidden[line] & (flat[line] > 0)]
            if len(further):
                hidden[further[np.argmin(flat[further])]] = True
                changed = True
            elif outside:
                vague[line[few[line]]] = True
    return hidden.reshape(counts.shape), vague.reshape(counts.shape)


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
