"""Weight sets: local weights on every track of a framework, with where they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._quantiles import tails
from calib._types import FloatArray
from calib.errors import Faults, InputError, did_you_mean
from calib.framework import Framework, Name
from calib.report import Live, Table, mark, release
from calib.weights.uncertainty import Root, Uncertainty
from calib.words import Label, Text, message, resolve_language

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SUM_TOLERANCE", "Provenance", "WeightSet", "check_level", "check_weights"]

SUM_TOLERANCE = 1e-9
"""Local weights of siblings sum to 1 within this."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a weight set came from.

    Attributes
    ----------
    source : the kind of source ("published", "file", "experts" …)
    detail : what was done, in one line, in English: what files hold
    date : ISO date on which the weights were set, "" if not stated
    inputs : SHA-256 by name, of every file and weight set that went in
    said : what was done, for readers of any language
    synthetic : whether data that nobody gave went in: enterprises, experts or ballots that were
        made up. Sets that are made from such a set carry it on, and so do the files
    """

    source: str
    detail: str = ""
    date: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    said: Text | None = None
    synthetic: bool = False

    def __repr__(self) -> str:
        text = f"<Provenance {self.source}: {self.detail}>"
        return text if len(text) < 180 else f"{text[:178]}…>"

    def get(self, lang: str) -> str:
        """Return what was done in a language, where it is known in more than one."""
        return self.detail if self.said is None else self.said.get(lang)


@dataclass(frozen=True, eq=False)
class WeightSet:
    """Named local weights on every track of a framework: the set to publish, and its draws.

    Attributes
    ----------
    local : by track, (m,) weights among siblings in the order of ``framework.tracks[t].codes``;
        non-negative, siblings sum to 1, first-level weights the same in every track
    uncertainty : how the weights would vary with other experts, ballots or enterprises; None
        means "decided, not estimated"
    """

    framework: Framework
    name: str
    local: Mapping[str, FloatArray]
    label: Name
    provenance: Provenance
    version: str = "1"
    uncertainty: Uncertainty | None = None

    def __post_init__(self) -> None:
        frozen: dict[str, FloatArray] = {}
        for track in self.framework.tracks:
            if track not in self.local:
                raise InputError(
                    message(
                        "faults.weight_set_has_no_weights", name=repr(self.name), track=repr(track)
                    )
                )
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
        detail: str | Text = "",
        label: Text | None = None,
        date: str = "",
        inputs: Mapping[str, str] | None = None,
        version: str = "1",
        uncertainty: Uncertainty | None = None,
        synthetic: bool = False,
    ) -> WeightSet:
        """Build a weight set from arrays of local weights (m,) by track.

        Raises
        ------
        InputError
            When weights are negative or not finite, siblings do not sum to 1 within 1e-9, or
            tracks disagree on a shared first-level weight.
        """
        said = None if isinstance(detail, str) else detail
        written = detail if isinstance(detail, str) else detail.get("en")
        provenance = Provenance(source, written, date, dict(inputs or {}), said, synthetic)
        shown = Name(name, name) if label is None else Name(label.get("zh"), label.get("en"))
        return cls(framework, name, local, shown, provenance, version, uncertainty)

    @property
    def roots(self) -> tuple[Root, ...]:
        """What was sampled on the way to these weights; empty for a decided set."""
        return () if self.uncertainty is None else tuple(self.uncertainty.roots.values())

    @cached_property
    def draws(self) -> Mapping[str, FloatArray] | None:
        """Local weights (k, m) by track that the same procedure gives when its roots vary.

        None for a decided set. Every row is a valid set; row ``i`` rests on replicate ``i`` of
        each root, so that the draws of sets which share a root are paired.
        """
        return None if self.uncertainty is None else self.uncertainty.draws()

    def __getitem__(self, code: str | tuple[str, str]) -> float:
        """Return a node's local weight: ``weights["DA"]``, ``weights["IC.DEV", "process"]``.

        Raises
        ------
        InputError
            For an unknown code or track, and where tracks weigh the node differently and none
            is named.
        """
        code, track = code if isinstance(code, tuple) else (code, None)
        tracks = self.framework.tracks
        if track is not None and track not in tracks:
            raise InputError(message("weights.no_track", track=track, known=list(tracks)))
        found = {
            t: float(self.local[t][tree.index[code]])
            for t, tree in tracks.items()
            if code in tree.index and track in (None, t)
        }
        if not found:
            hint = did_you_mean(str(code), self.framework.codes)
            raise InputError(message("weights.no_node", code=code, hint=hint))
        values = list(found.values())
        if max(values) - min(values) > SUM_TOLERANCE:
            listed = [f"{t} {v:.6g}" for t, v in found.items()]
            raise InputError(
                message("weights.by_track", code=code, listed=listed, track=next(iter(found)))
            )
        return values[0]

    def leaf(self, track: str) -> FloatArray:
        """Return the global leaf weights (L,) of a track."""
        return self.framework.tracks[track].leaf_weights(self.local[track])

    def weight(self, code: str, track: str | None = None) -> float:
        """Return the local weight of a node, in the first track that has it or in ``track``."""
        for t, tree in self.framework.tracks.items():
            if code in tree.index and track in (None, t):
                return float(self.local[t][tree.index[code]])
        raise KeyError(code)

    def frame(self, *, confidence: float | None = None) -> pd.DataFrame:
        """Return one row per track and node: local and global weight.

        Parameters
        ----------
        confidence : with it, ends of intervals from the draws stand beside both (quantiles,
            each weight by itself); empty for a decided set
        """
        table = self._table()
        if confidence is not None:
            self._add_intervals(table, confidence)
        return table

    def table(self, levels: Sequence[str] | None = None) -> Table:
        """Return local and global weights as a table that a notebook shows.

        Parameters
        ----------
        levels : codes of levels; all of them if None
        """
        frame = self.frame()
        if levels is not None:
            for level in levels:
                check_level(self.framework, level)
            frame = frame[frame["level"].isin(list(levels))].reset_index(drop=True)
        return Table("weights", frame, self.label, rows=len(frame), names=self.framework.names)

    def _add_intervals(self, table: pd.DataFrame, confidence: float) -> None:
        if not 0 < confidence < 1:
            raise InputError(message("weights.confidence", value=confidence))
        ends = tails(confidence)
        for kind in ("local", "global"):
            low, high = np.full(len(table), np.nan), np.full(len(table), np.nan)
            if self.draws is not None:
                drawn = [
                    v if kind == "local" else self.framework.tracks[t].global_weights(v)
                    for t, v in self.draws.items()
                ]
                low, high = np.concatenate([np.quantile(v, ends, axis=0) for v in drawn], axis=1)
            place = int(table.columns.get_loc(f"{kind}_weight")) + 1
            table.insert(place, f"{kind}_low", low)
            table.insert(place + 1, f"{kind}_high", high)

    def plot(self, *, tree: str | None = None, lang: str | None = None) -> Any:
        """Return a figure of the first-level weights, with 90 % intervals where there are draws.

        Parameters
        ----------
        tree : a track; with it, the figure is the track's tree, every node as tall as its share
            of the whole
        """
        import pandas as pd

        from calib.figures import estimates

        language = resolve_language(lang)
        if tree is not None:
            return self._tree(tree, language)
        track = next(iter(self.framework.tracks))
        table = self.frame(confidence=0.9)
        top = table[(table["track"] == track) & (table["parent"] == "")]
        rows = pd.DataFrame(
            {
                "estimate": top["local_weight"],
                "lower": top["local_low"].fillna(top["local_weight"]),
                "upper": top["local_high"].fillna(top["local_weight"]),
            }
        )
        rows.index = pd.Index(top[f"name_{language}"])
        return release(
            estimates(
                rows,
                label=message("weights.axis").get(language),
                lang=language,
                title=self.label.get(language),
            ),
            self,
        )

    def _tree(self, track: str, language: str) -> Any:
        from calib.figures import framework_tree

        code = self.framework.track(track)
        if code is None:
            raise InputError(
                message("weights.no_track", track=track, known=list(self.framework.tracks))
            )
        tree = self.framework.tracks[code]
        title = f"{tree.name.get(language)} · {self.label.get(language)}"
        names = [n.name.get(language) for n in tree.nodes]
        parent = [int(p) for p in tree.parent]
        return release(
            framework_tree(names, parent, self.local[code], lang=language, title=title), self
        )

    def __repr__(self) -> str:
        track = next(iter(self.framework.tracks.values()))
        first = track.at_depth(1)[:6]
        values = [float(self.local[track.code][i]) for i in first]
        digits = 2 if all(abs(v - round(v, 2)) < 1e-9 for v in values) else 3
        top = [f"{track.codes[i]} {v:.{digits}f}" for i, v in zip(first, values, strict=True)]
        sure = ", ".join(str(r.label) for r in self.roots)
        how = message("weights.varies", roots=sure) if sure else message("weights.decided")
        return f"<WeightSet {self.name!r}: {', '.join(top)}; {how}>"

    def _repr_html_(self) -> str:
        from html import escape

        return mark(f"<code>{escape(repr(self))}</code>")

    def _table(self) -> pd.DataFrame:
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

    @property
    def live(self) -> Live:
        """What a published page knows of the weights: it says where they were changed."""
        return Live(weights=self.digest)

    @property
    def called(self) -> Label:
        """What sentences call the set: its name, in Chinese its label."""
        return Label(self.name, self.label.get("zh"))

    def renamed(self, name: str, label: Name | None = None) -> WeightSet:
        """Return the same weights under another name."""
        return replace(self, name=name, label=label or self.label)

    def under(self, framework: Framework) -> WeightSet:
        """Return the same weights on a framework of the same trees with another rule.

        Draws are left behind: they were made with the old rule.

        Raises
        ------
        InputError
            When the trees differ.
        """
        self.framework.same_trees(framework)
        return replace(self, framework=framework, uncertainty=None)

    def with_uncertainty(self, uncertainty: Uncertainty | None) -> WeightSet:
        """Return the same weights with other draws, or with none."""
        return replace(self, uncertainty=uncertainty)

    def with_weights(
        self, changes: Mapping[str, float], *, name: str | None = None, track: str | None = None
    ) -> WeightSet:
        """Return a set with some local weights replaced; see :func:`calib.weights.override`."""
        from calib.weights.override import override

        return override(self, changes, track=track, name=name)


def check_weights(framework: Framework, local: Mapping[str, FloatArray], file: str) -> Faults:
    """Collect what is wrong with local weights: range, sibling sums, shared weights."""
    faults = Faults(file)
    shared: dict[str, tuple[str, float]] = {}
    for t, tree in framework.tracks.items():
        values = local[t]
        if values.shape != (len(tree.nodes),):
            faults.add(
                message("faults.at_track", track=t),
                message("faults.has_the_wrong_number_of"),
                value=len(values),
                expected=str(len(tree.nodes)),
            )
            continue
        bad = [i for i, v in enumerate(values) if not np.isfinite(v) or v < 0]
        for i in bad:
            faults.add(
                f"{tree.codes[i]} ({t})",
                message("faults.weight_is_negative_or_no"),
                value=float(values[i]),
                expected=message("faults.a_number_from_to"),
            )
        for family, total in zip(tree.families, tree.sibling_sums(values), strict=True):
            if not set(bad) & set(family.members.tolist()) and abs(total - 1) > SUM_TOLERANCE:
                members = ", ".join(f"{tree.codes[i]}={values[i]:.6g}" for i in family.members)
                faults.add(
                    family.place(t),
                    message(
                        "faults.weights_sum_to_off",
                        total=f"{total:.10g}",
                        off=f"{total - 1:+.3g}",
                        members=members,
                    ),
                    expected=message("faults.siblings_that_sum_to"),
                )
        for code in framework.shared:
            if code not in tree.index:
                continue
            value = float(values[tree.index[code]])
            first, known = shared.setdefault(code, (t, value))
            if abs(known - value) > SUM_TOLERANCE:
                faults.add(
                    code,
                    message("faults.first_level_weights_are_shared"),
                    value={first: known, t: value},
                    expected=message("faults.one_weight"),
                )
    return faults


def check_level(framework: Framework, level: str) -> None:
    """Raise :class:`InputError` for a level that the framework does not have."""
    known = [c for c, _ in framework.levels]
    if level not in known:
        raise InputError(
            message(
                "faults.no_level_in_framework_levels",
                level=repr(level),
                code=framework.code,
                hint=did_you_mean(level, known),
                known=known,
            )
        )
