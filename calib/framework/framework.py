"""What is assessed and how it is rated: the :class:`Framework`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from calib._types import FloatArray
from calib.errors import InputError
from calib.framework.rule import RatingRule
from calib.framework.tree import Name, Node, Track
from calib.words import message

__all__ = ["Framework"]


@dataclass(frozen=True)
class Framework:
    """An assessment system: tracks with their trees, published weights, rating rule.

    Attributes
    ----------
    published : local weights in use by track, (m,) each, siblings summing to 1
    printed_sums : sums of printed sibling weights that were not 1 and were divided out,
        by (track, parent code)
    equal_families : families without printed weights, which share equally, by (track, parent)
    digest : SHA-256 of the file
    columns : roles of columns in the system's own data files, by heading: enterprise, track, name,
        or @word for an attribute
    """

    code: str
    version: str
    name: Name
    source: str
    notes: tuple[Name, ...]
    levels: tuple[tuple[str, Name], ...]
    tracks: Mapping[str, Track]
    rule: RatingRule
    published: Mapping[str, FloatArray]
    printed_sums: Mapping[tuple[str, str], float]
    equal_families: tuple[tuple[str, str], ...]
    digest: str
    path: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def same_trees(self, other: Framework) -> None:
        """Check that another framework has the same tracks and nodes, so that only rules differ.

        Raises
        ------
        InputError
            Naming the track that differs.
        """
        for code in {**self.tracks, **other.tracks}:
            own, its = self.tracks.get(code), other.tracks.get(code)
            if own is None or its is None or own.nodes != its.nodes:
                raise InputError(message("framework.other_trees", own=self.code, other=other.code,
                                         track=code))  # fmt: skip

    def track(self, word: str) -> str | None:
        """Return the code of the track meant by a code, a name or an alias."""
        folded = word.strip().casefold()
        for code, track in self.tracks.items():
            known = (code, track.name.zh, track.name.en, *track.aliases)
            if folded in (k.casefold() for k in known):
                return code
        return None

    def node(self, code: str) -> Node:
        """Return the node with a code, from the first track that has it (KeyError if none)."""
        for track in self.tracks.values():
            if code in track.index:
                return track.nodes[track.index[code]]
        raise KeyError(code)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all nodes over all tracks, each once, in the order of the trees."""
        return tuple(dict.fromkeys(c for t in self.tracks.values() for c in t.codes))

    @property
    def shared(self) -> tuple[str, ...]:
        """Codes of the first-level nodes that several tracks have: their weights are shared."""
        if len(self.tracks) < 2:
            return ()
        counts: dict[str, int] = {}
        for track in self.tracks.values():
            for node in track.nodes:
                if node.depth == 1:
                    counts[node.code] = counts.get(node.code, 0) + 1
        return tuple(c for c, count in counts.items() if count > 1)

    @cached_property
    def names(self) -> dict[str, Name]:
        """Names of nodes, tracks, levels and stars by their codes, as tables show them.

        The code of a star is ``star_0``, ``star_1`` …, as the columns that count by star are named.
        """
        out = {f"star_{k}": n for k, n in enumerate(self.rule.labels, self.rule.first)}
        out |= dict(self.levels)
        out |= {code: track.name for code, track in self.tracks.items()}
        return out | {n.code: n.name for t in self.tracks.values() for n in t.nodes}

    def __repr__(self) -> str:
        tracks = ", ".join(f"{t.code} ({len(t.leaves)} indicators)" for t in self.tracks.values())
        return (
            f"<Framework {self.code} {self.version}: {self.rule.stars} stars, "
            f"{len(self.levels)} levels, {tracks}>"
        )

    def level_depth(self, code: str) -> int:
        """Return the depth of a level (1 for the first); ValueError if there is none such."""
        return [c for c, _ in self.levels].index(code) + 1
