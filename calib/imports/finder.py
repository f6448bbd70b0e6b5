"""Which indicator a text means: by code, by name, by likeness; never by a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from calib.framework import Framework
from calib.imports.text import bare, fold, segments, unnumbered

__all__ = ["CERTAIN", "LIKELY", "Finder", "Found"]

CERTAIN = 0.95
"""Confidence from which no confirmation is asked for."""
LIKELY = 85.0
"""Likeness (0-100) from which a name is proposed; below it, it is only listed."""
_LISTED = 60.0
_MARGIN = 8.0
"""How much liker the best name must be than the second."""


@dataclass(frozen=True)
class Found:
    """What a text may mean.

    Attributes
    ----------
    codes : leaf code by track; empty if nothing was found or several names compete
    confidence : from 0 to 1
    reason : ``"code"``, ``"exact"``, ``"inside"``, ``"like"``, ``"several"``, ``"none"``
    name : the name or code that was recognised
    among : names that compete, the likeliest first
    tracks : tracks that the text names, or whose capabilities it names
    """

    codes: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.0
    reason: str = "none"
    name: str = ""
    among: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finder:
    """Looks indicators of a framework up by what questions say of them.

    Parameters
    ----------
    levels : depths of the nodes that are looked for; the leaves if empty
    """

    framework: Framework
    levels: tuple[int, ...] = ()

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        """Bare names of what is looked for, with the code that each has by track."""
        out: dict[str, dict[str, str]] = {}
        for t, tree in self.framework.tracks.items():
            for node in tree.nodes:
                if (node.depth in self.levels) if self.levels else not node.children:
                    for name in (node.name.zh, node.name.en):
                        out.setdefault(bare(name), {})[t] = node.code
        return out

    @cached_property
    def _other(self) -> dict[str, set[str]]:
        """Bare names of the other nodes, with the tracks that have them."""
        out: dict[str, set[str]] = {}
        for t, tree in self.framework.tracks.items():
            for node in tree.nodes:
                for name in (bare(node.name.zh), bare(node.name.en)):
                    if name not in self._names:
                        out.setdefault(name, set()).add(t)
        return out

    @cached_property
    def _codes(self) -> dict[str, dict[str, str]]:
        out: dict[str, dict[str, str]] = {}
        for codes in self._names.values():
            for t, code in codes.items():
                out.setdefault(fold(code), {})[t] = code
        return out

    @cached_property
    def _known(self) -> dict[str, Found]:
        return {}

    def find(self, text: str) -> Found:
        """Return what a header, a question or an item means."""
        if text not in self._known:
            self._known[text] = self._find(text)
        return self._known[text]

    def _find(self, text: str) -> Found:
        tracks = self._tracks_named(text)
        by_code = self._by_code(text)
        if by_code:
            return self._with_code(by_code, text, tracks)
        parts = [bare(s) for s in segments(text)]
        exact = list(dict.fromkeys(p for p in parts if p in self._names))
        if bare(unnumbered(text)) in self._names:
            exact = [bare(unnumbered(text))]
        exact = self._distinct(exact)
        if len(exact) == 1:
            return Found(self._names[exact[0]], 0.99, "exact", exact[0], tracks=tracks)
        inside, tracks = self._inside(bare(unnumbered(text)), tracks)
        inside = self._distinct(inside)
        if len(exact) > 1 or len(inside) > 1:
            among = tuple(exact or inside)
            return Found({}, 0.0, "several", among[0], among, tracks)
        if inside:
            return Found(self._names[inside[0]], 0.97, "inside", inside[0], tracks=tracks)
        return self._alike(parts, tracks)

    def _distinct(self, names: list[str]) -> list[str]:
        """Return names that mean different indicators: a Chinese and an English one may be one."""
        first: dict[tuple[tuple[str, str], ...], str] = {}
        for name in names:
            first.setdefault(tuple(sorted(self._names[name].items())), name)
        return list(first.values())

    def _with_code(self, code: str, text: str, tracks: tuple[str, ...]) -> Found:
        """Return what a code means, unless the name beside it is another's."""
        own = self._codes[code]
        named = [bare(s) for s in segments(text.casefold().replace(code, " / "))]
        others = [n for n in named if n in self._names]
        if any(not set(self._names[n].values()) & set(own.values()) for n in others):
            among = tuple(n for n, c in self._names.items() if set(c.values()) & set(own.values()))
            return Found({}, 0.0, "contradiction", code, (*others, *among), tracks)
        return Found(own, 1.0, "code", code, tracks=tracks)

    def _by_code(self, text: str) -> str:
        """Return the one code that stands in a text as a word of its own."""
        folded = fold(text)
        found = {c for c in self._codes if c in folded and _whole(c, folded)}
        return found.pop() if len(found) == 1 else ""

    def _inside(self, text: str, tracks: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
        """Return the names that stand in a text, and the tracks that its other names belong to.

        Longer names are looked for first and covered, so that a name is not found in another.
        """
        found, among = [], set(tracks or self.framework.tracks)
        for name in sorted([*self._names, *self._other], key=len, reverse=True):
            if len(name) < 2 or name not in text:
                continue
            text = text.replace(name, "\n")
            if name in self._names:
                found.append(name)
            else:
                among &= self._other[name]
        narrowed = tuple(t for t in self.framework.tracks if t in among)
        return found, narrowed if 0 < len(narrowed) < len(self.framework.tracks) else tracks

    def _tracks_named(self, text: str) -> tuple[str, ...]:
        """Return the tracks that a text names, in brackets or by their full names."""
        if len(self.framework.tracks) < 2:
            return ()
        parts = {p for s in segments(text) for p in (s, *s.split())}
        out = []
        for code, track in self.framework.tracks.items():
            known = {fold(w) for w in (track.name.zh, track.name.en, *track.aliases)}
            long = {w for w in known if len(w) > 2}
            if known & parts or any(w in fold(text) for w in long):
                out.append(code)
        return tuple(out) if len(out) == 1 else ()

    def _alike(self, parts: list[str], tracks: tuple[str, ...]) -> Found:
        """Return the name that is most like a part of a text, if it is like no other."""
        from rapidfuzz import fuzz

        best: dict[str, float] = {}
        for name in self._names:
            score = max((fuzz.ratio(p, name) for p in parts), default=0.0)
            if score >= _LISTED:
                best[name] = score
        ranked = sorted(best, key=lambda n: -best[n])
        if not ranked:
            return Found(tracks=tracks)
        first = ranked[0]
        clear = len(ranked) == 1 or best[first] - best[ranked[1]] >= _MARGIN
        among = tuple(ranked[:3])
        if best[first] >= LIKELY and clear:
            confidence = min(0.9, best[first] / 100)
            return Found(self._names[first], confidence, "like", first, among, tracks)
        return Found({}, 0.0, "several", first, among, tracks)


def _whole(code: str, text: str) -> bool:
    return re.search(rf"(?<![\w.\-]){re.escape(code)}(?![\w\-]|\.\w)", text) is not None
