"""Weight sets: local weights on every track of a framework, with where they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, InputError, suggest
from calib.framework import Framework, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SUM_TOLERANCE", "Provenance", "WeightSet", "equal_weights", "published_weights"]

SUM_TOLERANCE = 1e-9
"""Local weights of siblings sum to 1 within this."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a weight set came from.

    Attributes
    ----------
    source : the kind of source ("published", "file", "experts" …)
    detail : what was done, in one line
    date : ISO date on which the weights were set, "" if not stated
    inputs : SHA-256 by name, of every file and weight set that went in
    """

    source: str
    detail: str = ""
    date: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class WeightSet:
    """Named local weights on every track of a framework.

    Attributes
    ----------
    local : by track, (m,) weights among siblings in the order of ``framework.tracks[t].codes``;
        non-negative, siblings sum to 1, first-level weights the same in every track
    """

    framework: Framework
    name: str
    local: Mapping[str, FloatArray]
    label: Name
    provenance: Provenance
    version: str = "1"

    def __post_init__(self) -> None:
        frozen: dict[str, FloatArray] = {}
        for track in self.framework.tracks:
            if track not in self.local:
                raise InputError(f"weight set {self.name!r} has no weights for track {track!r}")
            values = np.array(self.local[track], dtype=float)
            values.flags.writeable = False
            frozen[track] = values
        object.__setattr__(self, "local", frozen)
        check_weights(self.framework, frozen, f"weight set {self.name!r}").raise_if_any()

    @classmethod
    def build(
        cls,
        framework: Framework,
        name: str,
        local: Mapping[str, FloatArray],
        *,
        source: str,
        detail: str = "",
        label: Name | None = None,
        date: str = "",
        inputs: Mapping[str, str] | None = None,
        version: str = "1",
    ) -> WeightSet:
        """Build a weight set from arrays of local weights (m,) by track.

        Raises
        ------
        InputError
            When weights are negative or not finite, siblings do not sum to 1 within 1e-9, or
            tracks disagree on a shared first-level weight.
        """
        provenance = Provenance(source, detail, date, dict(inputs or {}))
        return cls(framework, name, local, label or Name(name, name), provenance, version)

    def leaf(self, track: str) -> FloatArray:
        """Return the global leaf weights (L,) of a track."""
        return self.framework.tracks[track].leaf_weights(self.local[track])

    def weight(self, code: str, track: str | None = None) -> float:
        """Return the local weight of a node, in the first track that has it or in ``track``."""
        for t, tree in self.framework.tracks.items():
            if code in tree.index and track in (None, t):
                return float(self.local[t][tree.index[code]])
        raise KeyError(code)

    def table(self) -> pd.DataFrame:
        """Return the spreadsheet form: one row per track and node, local and global weight."""
        import pandas as pd

        levels = [c for c, _ in self.framework.levels]
        rows = []
        for t, tree in self.framework.tracks.items():
            whole = tree.global_weights(self.local[t])
            for i, n in enumerate(tree.nodes):
                level = levels[n.depth - 1] if n.depth <= len(levels) else f"level {n.depth}"
                local = float(self.local[t][i])
                rows.append(
                    (t, level, n.parent, n.code, n.name.zh, n.name.en, local, float(whole[i]))
                )
        columns = ["track", "level", "parent", "code", "name_zh", "name_en"]
        return pd.DataFrame(rows, columns=[*columns, "local_weight", "global_weight"])

    @property
    def digest(self) -> str:
        """SHA-256 of the weights and their framework; names and provenance do not count."""
        body = {
            "framework": [self.framework.code, self.framework.version],
            "local": {
                t: dict(zip(tree.codes, self.local[t].tolist(), strict=True))
                for t, tree in self.framework.tracks.items()
            },
        }
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    def renamed(self, name: str, label: Name | None = None) -> WeightSet:
        """Return the same weights under another name."""
        return WeightSet(
            self.framework, name, self.local, label or self.label, self.provenance, self.version
        )

    def with_weights(
        self, changes: Mapping[str, float], *, name: str, track: str | None = None
    ) -> WeightSet:
        """Return a set with some local weights replaced, their siblings rescaled in proportion.

        Parameters
        ----------
        changes : new local weights by node code
        track : restrict the change to one track (not for shared first-level nodes)

        Raises
        ------
        InputError
            For an unknown code or track, a code that the track does not have, a weight outside
            0–1, given siblings that sum to more than 1, or siblings that are all 0 and so
            cannot be rescaled.
        """
        faults = Faults()
        tracks = self.framework.tracks
        if track is not None and track not in tracks:
            hint = suggest(track, tracks)
            raise InputError(f"no track {track!r} {hint}".rstrip() + f"; {' | '.join(tracks)}")
        known = self.framework.codes if track is None else tracks[track].codes
        for code, value in changes.items():
            if code not in known:
                faults.add(code, f"unknown code {suggest(code, known)}".rstrip())
            elif not 0 <= value <= 1:
                faults.add(code, "weight out of range", value=value, expected="a number 0 to 1")
            elif track is not None and code in self.framework.shared:
                faults.add(code, "first-level weights are shared by all tracks", value=track)
        faults.raise_if_any()
        local = {t: np.array(v) for t, v in self.local.items()}
        for t in self.framework.tracks:
            if track in (None, t):
                self._rescale(local[t], t, changes, faults)
        faults.raise_if_any()
        listed = ", ".join(f"{c}={v:g}" for c, v in changes.items())
        detail = f"{self.name} with {listed}; siblings rescaled in proportion"
        return WeightSet.build(
            self.framework,
            name,
            local,
            source="override",
            detail=detail,
            inputs={self.name: self.digest},
        )

    def _rescale(
        self, local: FloatArray, track: str, changes: Mapping[str, float], faults: Faults
    ) -> None:
        tree = self.framework.tracks[track]
        for family in tree.families:
            fixed = {i: changes[tree.codes[i]] for i in family.members if tree.codes[i] in changes}
            if not fixed:
                continue
            rest = [i for i in family.members if i not in fixed]
            left = 1 - sum(fixed.values())
            where = f"weights under {family.parent or 'the root'} ({track})"
            others = float(local[rest].sum())
            if abs(left) <= SUM_TOLERANCE:
                left = 0.0
            if left < 0 or (not rest and left > 0):
                faults.add(
                    where,
                    f"the given weights sum to {1 - left:.6g}",
                    expected="at most 1" if rest else "exactly 1, as all siblings are given",
                )
                continue
            if rest and others <= 0 < left:
                faults.add(where, "the other siblings weigh 0 and cannot be rescaled")
                continue
            for i, value in fixed.items():
                local[i] = value
            if rest:
                local[rest] *= left / others if others > 0 else 0.0


def check_weights(framework: Framework, local: Mapping[str, FloatArray], file: str) -> Faults:
    """Collect what is wrong with local weights: range, sibling sums, shared weights."""
    faults = Faults(file)
    shared: dict[str, tuple[str, float]] = {}
    for t, tree in framework.tracks.items():
        values = local[t]
        if values.shape != (len(tree.nodes),):
            faults.add(
                f"track {t}",
                "has the wrong number of weights",
                value=len(values),
                expected=str(len(tree.nodes)),
            )
            continue
        bad = [i for i, v in enumerate(values) if not np.isfinite(v) or v < 0]
        for i in bad:
            faults.add(
                f"{tree.codes[i]} ({t})",
                "weight is negative or no number",
                value=float(values[i]),
                expected="a number from 0 to 1",
            )
        for family in tree.families:
            total = float(values[family.members].sum())
            if not set(bad) & set(family.members.tolist()) and abs(total - 1) > SUM_TOLERANCE:
                members = ", ".join(f"{tree.codes[i]}={values[i]:.6g}" for i in family.members)
                faults.add(
                    f"under {family.parent or 'the root'} ({t})",
                    f"weights sum to {total:.10g}, {total - 1:+.3g} off 1 ({members})",
                    expected="siblings that sum to 1",
                )
        for code in framework.shared:
            if code not in tree.index:
                continue
            value = float(values[tree.index[code]])
            first, known = shared.setdefault(code, (t, value))
            if abs(known - value) > SUM_TOLERANCE:
                faults.add(
                    code,
                    "first-level weights are shared by all tracks",
                    value={first: known, t: value},
                    expected="one weight",
                )
    return faults


def published_weights(framework: Framework) -> WeightSet:
    """Return the published weights of a framework."""
    notes = []
    for (track, parent), total in framework.printed_sums.items():
        notes.append(
            f"printed weights under {parent or 'the root'} ({track}) sum to {total:g}"
            " and are divided by it"
        )
    if framework.equal_families:
        notes.append("siblings without a printed weight share equally")
    return WeightSet.build(
        framework,
        "published",
        framework.published,
        source="published",
        detail="; ".join(notes) or "as printed",
        label=Name("公布权重", "published"),
        inputs={f"framework {framework.code} {framework.version}": framework.digest},
    )


def equal_weights(
    framework: Framework, *, levels: Sequence[str] | None = None, base: WeightSet | None = None
) -> WeightSet:
    """Return equal local weights on some levels, and those of ``base`` on the others.

    Parameters
    ----------
    levels : codes of levels made equal; None for all of them
    base : the published weights if None
    """
    base = base or published_weights(framework)
    known = [c for c, _ in framework.levels]
    for level in levels or ():
        if level not in known:
            raise InputError(
                f"no level {level!r} in framework {framework.code} {suggest(level, known)}".rstrip()
                + f"; levels are {', '.join(known)}"
            )
    depths = {framework.level_depth(c) for c in (known if levels is None else levels)}
    local: dict[str, FloatArray] = {}
    for t, tree in framework.tracks.items():
        values: Any = np.array(base.local[t])
        for family in tree.families:
            if int(tree.depth[family.members[0]]) in depths or levels is None:
                values[family.members] = 1 / len(family.members)
        local[t] = values
    what = ", ".join(levels) if levels is not None else "all levels"
    return WeightSet.build(
        framework,
        "equal",
        local,
        source="equal",
        detail=f"equal among siblings: {what}; elsewhere {base.name}",
        label=Name("等权", "equal"),
        inputs={base.name: base.digest},
    )
